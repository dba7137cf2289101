"""OpenAI's text completions: `POST /v1/completions`.

    {"model": "apexguru", "prompt": "Review: …\nFinding:", "max_tokens": 64}

The prompt reaches the model as it is: no chat template, no system text. What clients may send stands in
api/requests/completions.py, field by field.
https://platform.openai.com/docs/api-reference/completions
"""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference import parameters
from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Choice, Completion, Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import openai
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.json_text import JsonObject, to_json
from tollgate_layer.inference.request import IncomingRequest, Prompts, Request


class OpenAICompletions(openai.OpenAIErrors):
    """The dialect of OpenAI's text completions: reads a prompt, and writes completions as text, whole or in chunks.

    `dialects.Dialect` says what each method does.
    """

    id_prefix = "cmpl-"

    def read(self, incoming: IncomingRequest) -> Request:
        return read_document(openai.read_body(incoming.body, "completions"), incoming)

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        # In the order of their prompts, in whichever order the model has begun them.
        in_order = sorted(completion.choices, key=lambda choice: choice.number)
        choices = [_choice(choice) for choice in in_order]
        usage = openai.usage_or_none(completion.usage)
        return to_json({**openai.head(spec, "text_completion"), "choices": choices, "usage": usage})

    def event_writer(self, spec: CompletionSpec) -> CompletionEvents:
        return CompletionEvents(spec)


DIALECT = OpenAICompletions()


def read_document(document: JsonObject, incoming: IncomingRequest) -> Request:
    """The request in a text completion's body, which was checked field by field; other dialects make one of theirs.

    Raises:
        RequestError: the prompt is a list of something else than prompts.
    """
    return Request(
        id=incoming.id,
        dialect=incoming.dialect,
        model=document["model"],
        parameters=parameters.asked(document),
        prompt=_prompt(document),
        max_tokens=document.get("max_tokens"),
        stop=openai.stop_sequences(document),
        user=document.get("user"),
        stream=document.get("stream", False),
        include_usage=openai.include_usage(document),
    )


class CompletionEvents:
    """The chunks of one text completion. They are of the same type as the whole."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._chunks = openai.Chunks(spec, "text_completion")

    def write(self, delta: Delta) -> bytes:
        choice = {
            "index": delta.choice_number,
            "text": delta.content or "",
            "logprobs": delta.logprobs,
            "finish_reason": delta.finish_reason,
        }
        return self._chunks.chunk([choice])

    def end(self, usage: Usage) -> bytes:
        return self._chunks.end(usage)

    def fail(self, error: ApiError, request_id: str) -> bytes:
        return self._chunks.fail(error, request_id)


_MOST_CHOICES = 128
"""Of all prompts together: as many as one prompt may have."""


def _prompt(document: JsonObject) -> str | Prompts:
    """The prompt, of which some clients always send a list; or several prompts, or token ids.

    Raises:
        RequestError: the list holds something else, or too many choices are asked for.
    """
    prompt = document["prompt"]
    if isinstance(prompt, str):
        return prompt
    if _is_token_ids(prompt):
        return Prompts(prompt, 1)
    for index, item in enumerate(prompt):
        if not isinstance(item, type(prompt[0])) or not (isinstance(item, str) or _is_token_ids(item)):
            openai.refuse_parameter(f"prompt[{index}]", "the prompts must all be texts, or all lists of token ids")
        if not item:
            openai.refuse_parameter(f"prompt[{index}]", "should have at least 1 character")
    if len(prompt) == 1:
        only = prompt[0]
        return only if isinstance(only, str) else Prompts(only, 1)
    if len(prompt) * document.get("n", 1) > _MOST_CHOICES:
        openai.refuse_parameter("prompt", f"at most {_MOST_CHOICES} choices, for all prompts together")
    return Prompts(prompt, len(prompt))


def _is_token_ids(value: Any) -> bool:
    """Whether these are the token ids of a prompt; True and False are numbers to Python alone."""
    return isinstance(value, list) and all(type(token) is int and token >= 0 for token in value)


def _choice(choice: Choice) -> JsonObject:
    return {
        "index": choice.number,
        "text": choice.content,
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason,
    }
