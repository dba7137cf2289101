"""A client's request: as it comes in, and in the one form that all dialects are read into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from tollgate_layer.inference.json_text import JsonObject


class IncomingRequest(NamedTuple):
    """A request as it reaches Tollgate.

    `dialect` names the wire shape that its route speaks (see `dialects`), `body` is the unread text of its body.
    `given` is what the route says beside the body, in the dialects of AWS: `model`, which the path names, and the
    headers `content_type`, `target_variant`, `accept` and `custom_attributes`, empty or missing where there are none.
    """

    dialect: str
    id: str
    body: str
    given: Mapping[str, str] = {}


GIVEN_HEADERS = {
    "content_type": "Content-Type",
    "target_variant": "X-Amzn-SageMaker-Target-Variant",
    "accept": "X-Amzn-SageMaker-Accept",
    "custom_attributes": "X-Amzn-SageMaker-Custom-Attributes",
}
"""What the routes of AWS's runtimes say in headers: the name in `IncomingRequest.given` → the header."""


class Prompts(NamedTuple):
    """Several prompts, or one in token ids: what a server of OpenAI's text completions takes in place of a text."""

    value: list[Any]
    """Texts, lists of token ids, or the token ids of one prompt."""
    number: int
    """How many prompts they are; each has choices of its own."""

    @property
    def texts(self) -> list[str]:
        """Those prompts that are texts."""
        return [prompt for prompt in self.value if isinstance(prompt, str)]


class Request(NamedTuple):
    """What a client asks for, checked, whatever dialect it came in.

    Exactly one of `messages`, `variables` and `prompt` is there: a conversation, values for the prompt that the
    model's record holds, or a text to be continued as it is.

    `parameters` are for the model, under OpenAI's names; those whose value asks for nothing are left out. Two of
    them have fields of their own, since every request needs them: `max_tokens` (None where the client did not say)
    and `stop`, the sequences that end the answer.

    `variant` names the one variant that is asked for, as in `"model": "apexguru@2026-11-20"`; usually it is None, and
    the record's weights choose.

    `ignored` names what the dialect leaves out of what the client sent, and tells in the answer. `kept` is what the
    dialect itself needs again, to write the answer.
    """

    id: str
    dialect: str
    model: str
    parameters: JsonObject
    messages: list[JsonObject] | None = None
    variables: dict[str, str] | None = None
    prompt: str | Prompts | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    user: str | None = None
    variant: str | None = None
    stream: bool = False
    include_usage: bool = False
    ignored: tuple[str, ...] = ()
    kept: JsonObject | None = None

    @property
    def choices(self) -> int:
        """How many answers are asked for, over all prompts."""
        each: int = self.parameters.get("n", 1)
        return each * self.prompt.number if isinstance(self.prompt, Prompts) else each

    @property
    def text_field(self) -> str:
        """Which of the three it has: where an error about the length of the prompt points."""
        if self.prompt is not None:
            return "prompt"
        if self.variables is not None:
            return "variables"
        return "messages"
