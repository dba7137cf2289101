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
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.json_text import JsonObject, to_json
from tollgate_layer.inference.request import IncomingRequest, Request


class OpenAICompletions(openai.OpenAIErrors):
    """The dialect of OpenAI's text completions: reads a prompt, and writes completions as text, whole or in chunks.

    `dialects.Dialect` says what each method does.
    """

    id_prefix = "cmpl-"

    def read(self, incoming: IncomingRequest) -> Request:
        document = openai.read_body(incoming.body, "completions")
        return Request(
            id=incoming.id,
            dialect=incoming.dialect,
            model=document["model"],
            parameters=parameters.asked(document),
            prompt=_prompt(document["prompt"]),
            max_tokens=document.get("max_tokens"),
            stop=openai.stop_sequences(document),
            user=document.get("user"),
            stream=document.get("stream", False),
            include_usage=openai.include_usage(document),
        )

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        choices = [_choice(choice) for choice in completion.choices]
        usage = openai.usage_or_none(completion.usage)
        return to_json({**openai.head(spec, "text_completion"), "choices": choices, "usage": usage})

    def event_writer(self, spec: CompletionSpec) -> CompletionEvents:
        return CompletionEvents(spec)


DIALECT = OpenAICompletions()


class CompletionEvents:
    """The chunks of one text completion. They are of the same type as the whole."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._chunks = openai.Chunks(spec, "text_completion")

    def write(self, delta: Delta) -> str:
        choice = {
            "index": delta.choice_number,
            "text": delta.content or "",
            "logprobs": delta.logprobs,
            "finish_reason": delta.finish_reason,
        }
        return self._chunks.chunk([choice])

    def end(self, usage: Usage) -> str:
        return self._chunks.end(usage)


def _prompt(prompt: str | list[Any]) -> str:
    """The prompt, of which some clients always send a list.

    Raises:
        RequestError: `unsupported_parameter`: there are several, or they are token ids.
    """
    if isinstance(prompt, str):
        return prompt
    if len(prompt) == 1 and isinstance(prompt[0], str):
        if not prompt[0]:
            openai.refuse_parameter("prompt[0]", "should have at least 1 character")
        only: str = prompt[0]
        return only
    reason = "one text is supported, or a list of one text"
    raise RequestError("unsupported_parameter", f"prompt: {reason}.", param="prompt")


def _choice(choice: Choice) -> JsonObject:
    return {
        "index": choice.number,
        "text": choice.content,
        "logprobs": choice.logprobs,
        "finish_reason": choice.finish_reason,
    }
