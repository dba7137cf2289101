"""A client's request: as it comes in, and in the one form that all dialects are read into."""

from __future__ import annotations

from typing import NamedTuple

from tollgate_layer.inference.json_text import JsonObject


class IncomingRequest(NamedTuple):
    """A request as it reaches Tollgate.

    `dialect` names the wire shape that its route speaks (see `dialects`), `body` is the unread text of its body.
    """

    dialect: str
    id: str
    body: str


class Request(NamedTuple):
    """What a client asks for, checked, whatever dialect it came in.

    Exactly one of `messages`, `variables` and `prompt` is there: a conversation, values for the prompt that the
    model's record holds, or a text to be continued as it is.

    `parameters` are for the model, under OpenAI's names; those whose value asks for nothing are left out. Two of
    them have fields of their own, since every request needs them: `max_tokens` (None where the client did not say)
    and `stop`, the sequences that end the answer.
    """

    id: str
    dialect: str
    model: str
    parameters: JsonObject
    messages: list[JsonObject] | None = None
    variables: dict[str, str] | None = None
    prompt: str | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    user: str | None = None
    stream: bool = False
    include_usage: bool = False

    @property
    def text_field(self) -> str:
        """Which of the three it has: where an error about the length of the prompt points."""
        if self.prompt is not None:
            return "prompt"
        if self.variables is not None:
            return "variables"
        return "messages"
