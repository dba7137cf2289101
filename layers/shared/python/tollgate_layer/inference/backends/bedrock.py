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
from tollgate_layer.inference.json_text import JsonObject


class OpenAIChatBody(BodyFormat):
    """OpenAIChatCompletion, of imports after 2025-11-11: the model's server formats the messages."""

    name = "openai_chat"
    prompt_field = "messages"

    def _read(self, answer: Any) -> Answer:
        parts = []
        for place, choice in enumerate(_openai_choices(answer)):
            parts.append(self._part(choice, place))
        return Answer(parts, _openai_usage(answer))

    def _part(self, choice: JsonObject, place: int) -> Part:
        stop_reason = word_or_none(choice.get("finish_reason"))
        # An event of a stream has `delta` where a whole answer has `message`; a last event may have neither.
        whole = "message" in choice
        if whole:
            message = choice["message"]
        elif stop_reason is not None:
            message = choice.get("delta") or {}
        else:
            message = choice["delta"]
        calls = []
        for call_place, call in enumerate(objects(message.get("tool_calls"))):
            # Whole answers number their calls by their order. In streams the number says which call goes on.
            position = call_place if whole else number_in_list(call.get("index"))
            calls.append(_call(call, position))
        return Part(
            choice_number(choice.get("index"), place),
            text_or_none(message.get("content")) or "",  # null beside tool calls, and in events without text
            _reasoning(message),
            text_or_none(message.get("refusal")),
            tuple(calls),
            logprobs.of_chat(choice.get("logprobs")),
            stop_reason,
        )


def _reasoning(message: JsonObject) -> str | None:
    """A model's thoughts. vLLM renamed the field in 2025, and for some time writes both: https://docs.vllm.ai"""
    return text_or_none(message.get("reasoning_content")) or text_or_none(message.get("reasoning"))


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

    def _read(self, answer: Any) -> Answer:
        parts = []
        for place, choice in enumerate(_openai_choices(answer)):
            stop_reason = word_or_none(choice.get("finish_reason"))
            part = Part(
                choice_number(choice.get("index"), place),
                _text_unless_ended(choice, "text", stop_reason),
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

    def _read(self, answer: Any) -> Answer:
        counts = usage(answer.get("prompt_token_count"), answer.get("generation_token_count"))
        if "generation" not in answer and METRICS in answer:
            return Answer([], counts)
        stop_reason = word_or_none(answer.get("stop_reason"))
        part = Part(0, _text_unless_ended(answer, "generation", stop_reason), stop_reason=stop_reason)
        return Answer([part], counts)


class MistralCompletionBody(BodyFormat):
    """The body of older imports of Mistral. It counts no tokens."""

    name = "mistral"

    def _read(self, answer: Any) -> Answer:
        if "outputs" not in answer and METRICS in answer:
            return Answer([])
        parts = []
        if answer["outputs"] is None:
            raise TypeError("outputs must be a list")
        for place, output in enumerate(objects(answer["outputs"])):
            stop_reason = word_or_none(output.get("stop_reason"))
            # They have no numbers of their own: their order is all there is.
            number = choice_number(None, place)
            parts.append(Part(number, _text_unless_ended(output, "text", stop_reason), stop_reason=stop_reason))
        return Answer(parts)


FORMATS: dict[str, BodyFormat] = {
    body_format.name: body_format
    for body_format in (OpenAIChatBody(), OpenAICompletionBody(), BedrockCompletionBody(), MistralCompletionBody())
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


def _text_unless_ended(answer: JsonObject, field: str, stop_reason: str | None) -> str:
    """The text in a field. It must be there, except that the event which ends a choice may have nothing more to say."""
    if stop_reason is not None and answer.get(field) is None:
        return ""
    return text(answer[field])


def _with_bare_schema(response_format: JsonObject) -> JsonObject:
    """A `response_format` as BedrockCompletion wants it: the schema itself where OpenAI has {name, schema}."""
    schema = response_format.get("json_schema")
    if not isinstance(schema, dict) or "schema" not in schema:
        return response_format
    return {**response_format, "json_schema": schema["schema"]}
