"""Imported models on Amazon Bedrock: the four bodies that they take and give.

https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html
"""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.backends import logprobs
from tollgate_layer.inference.backends.body_format import (
    METRICS,
    Answer,
    BodyFormat,
    CallPiece,
    Part,
    Usage,
    call_arguments,
    choice_number,
    number_in_list,
    object_or_empty,
    objects,
    text,
    text_or_none,
    usage,
    word_or_none,
)
from tollgate_layer.inference.backends.tgi import TgiBody
from tollgate_layer.inference.json_text import JsonObject


class OpenAIChatBody(BodyFormat):
    """OpenAIChatCompletion, of imports after 2025-11-11: the model's server formats the messages."""

    name = "openai_chat"
    prompt_field = "messages"

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        parts = []
        for place, choice in enumerate(_openai_choices(answer)):
            parts.append(self._part(choice, place, whole=whole))
        return Answer(parts, _openai_usage(answer))

    def _part(self, choice: JsonObject, place: int, *, whole: bool) -> Part:
        stop_reason = word_or_none(choice.get("finish_reason"))
        # An event of a stream has `delta` where a whole answer has `message`.
        field = "message" if whole or "message" in choice else "delta"
        if field == "delta" and stop_reason is not None:
            message = choice.get("delta") or {}  # the event that ends a choice may have nothing more to say
        else:
            message = choice[field]
        if whole and not any(name in message for name in _MESSAGE_FIELDS):
            raise KeyError("content")
        # Whole answers number their calls by their order. In streams the number says which call goes on.
        calls = _calls(message, numbered_by_order=field == "message")
        part = Part(
            choice_number(choice.get("index"), place),
            text_or_none(message.get("content")) or "",  # null beside tool calls, and in events without text
            _reasoning(message),
            text_or_none(message.get("refusal")),
            calls,
            logprobs.of_chat(choice.get("logprobs")),
            stop_reason,
        )
        if not (part.text or part.reasoning or part.refusal or part.calls):
            _refuse_other_formats(choice, "message", "delta")
        return part


_MESSAGE_FIELDS = ("content", "reasoning_content", "reasoning", "refusal", "tool_calls", "function_call")
"""Where a message has what the model said. Some servers leave out what is null, but not all of them."""


def _reasoning(message: JsonObject) -> str | None:
    """A model's thoughts. vLLM renamed the field in 2025, and for some time writes both: https://docs.vllm.ai"""
    return text_or_none(message.get("reasoning_content")) or text_or_none(message.get("reasoning"))


def _calls(message: JsonObject, *, numbered_by_order: bool) -> tuple[CallPiece, ...]:
    """The calls of a message, or the pieces of calls in a delta."""
    calls = []
    for place, call in enumerate(objects(message.get("tool_calls"))):
        calls.append(_call(call, place if numbered_by_order else number_in_list(call.get("index"))))
    # The only call of a message, as OpenAI wrote it until 2023 and some servers still do; a few write both.
    only_call = message.get("function_call")
    if only_call and not calls:
        calls.append(_call({"function": only_call}, 0))
    return tuple(calls)


def _call(call: JsonObject, position: int | None) -> CallPiece:
    """One call of a whole answer, or a piece of one."""
    function = call.get("function")
    if function is None:  # a piece may say the call's id alone
        function = {}
    return CallPiece(
        position,
        word_or_none(call.get("id")),
        word_or_none(function.get("name")),
        call_arguments(function.get("arguments")),
    )


class OpenAICompletionBody(BodyFormat):
    """OpenAICompletion, of the same imports: `max_tokens` beside a `prompt` is what selects it on the server."""

    name = "openai_completion"

    def build(self, prompt: Any, parameters: JsonObject, stop: Any) -> JsonObject:
        """The body of an invocation, with log-probabilities as text completions ask for them: by a number alone."""
        if parameters.get("logprobs") is True:
            parameters = dict(parameters)
            parameters["logprobs"] = parameters.pop("top_logprobs", 0)
        return super().build(prompt, parameters, stop)

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        parts = []
        for place, choice in enumerate(_openai_choices(answer)):
            stop_reason = word_or_none(choice.get("finish_reason"))
            part = Part(
                choice_number(choice.get("index"), place),
                _text(choice, "text", stop_reason, whole=whole),
                logprobs=logprobs.of_text(choice.get("logprobs")),
                stop_reason=stop_reason,
            )
            parts.append(part)
        return Answer(parts, _openai_usage(answer))


class BedrockCompletionBody(BodyFormat):
    """BedrockCompletion, of older imports of Llama and Qwen."""

    name = "bedrock"

    def build(self, prompt: Any, parameters: JsonObject, stop: Any) -> JsonObject:
        body = super().build(prompt, parameters, stop)
        if "response_format" in body:
            body["response_format"] = _with_bare_schema(body["response_format"])
        return body

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        counts = usage(answer.get("prompt_token_count"), answer.get("generation_token_count"))
        if "generation" not in answer and METRICS in answer and not whole:
            return Answer([], counts)
        stop_reason = word_or_none(answer.get("stop_reason"))
        part = Part(0, _text(answer, "generation", stop_reason, whole=whole), stop_reason=stop_reason)
        return Answer([part], counts)


class MistralCompletionBody(BodyFormat):
    """The body of older imports of Mistral. It counts no tokens."""

    name = "mistral"

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        if "outputs" not in answer and METRICS in answer and not whole:
            return Answer([])
        parts = []
        if answer["outputs"] is None:
            raise TypeError("outputs must be a list")
        for place, output in enumerate(objects(answer["outputs"])):
            stop_reason = word_or_none(output.get("stop_reason"))
            # They have no numbers of their own: their order is all there is.
            number = choice_number(None, place)
            parts.append(Part(number, _text(output, "text", stop_reason, whole=whole), stop_reason=stop_reason))
        return Answer(parts)


FORMATS: dict[str, BodyFormat] = {
    body_format.name: body_format
    for body_format in (
        OpenAIChatBody(),
        OpenAICompletionBody(),
        BedrockCompletionBody(),
        MistralCompletionBody(),
        TgiBody(),
    )
}


def choose_format(body_format: str, *, takes_messages: bool) -> BodyFormat:
    """The format for a variant's `body_format` in its record.

    `openai` stands for two: a server that gets messages formats them itself, one that gets a prompt does not.
    """
    if body_format == "openai":
        return FORMATS["openai_chat" if takes_messages else "openai_completion"]
    return FORMATS[body_format]


def _openai_choices(answer: JsonObject) -> list[JsonObject]:
    """The choices of an answer or event. A stream's last event may have usage and nothing else."""
    choices = answer.get("choices")
    if choices is None and "usage" not in answer and METRICS not in answer:
        raise KeyError("choices")
    return objects(choices)


def _openai_usage(answer: JsonObject) -> Usage:
    counts = object_or_empty(answer.get("usage"))
    return usage(counts.get("prompt_tokens"), counts.get("completion_tokens"))


_TEXT_FIELDS = ("message", "delta", "text", "generation", "outputs", "choices")
"""Where the formats have what a model said, each in one or two of them."""


def _refuse_other_formats(answer: JsonObject, *own_fields: str) -> None:
    """Raises ValueError where a choice that says nothing in its own fields does so in another format's.

    Such an answer is not of the format that the record names, and what it says would be lost.
    """
    for field in _TEXT_FIELDS:
        if field not in own_fields and answer.get(field):
            raise ValueError(f"{field} belongs to another format")


def _text(answer: JsonObject, field: str, stop_reason: str | None, *, whole: bool) -> str:
    """The text in a field. Raises KeyError, TypeError or ValueError where it is missing, and may not be."""
    if not whole and stop_reason is not None and answer.get(field) is None:
        said = ""  # the event that ends a choice may have nothing more to say
    else:
        said = text(answer[field])
    if not said:
        _refuse_other_formats(answer, field)
    return said


def _with_bare_schema(response_format: JsonObject) -> JsonObject:
    """A `response_format` as BedrockCompletion wants it: the schema itself where OpenAI has {name, schema}."""
    schema = response_format.get("json_schema")
    if not isinstance(schema, dict) or "schema" not in schema:
        return response_format
    return {**response_format, "json_schema": schema["schema"]}
