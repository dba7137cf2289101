"""Imported models on Amazon Bedrock: the four bodies that they take and give.

https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html
"""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.backends.body_format import (
    Answer,
    BodyFormat,
    CallPiece,
    Part,
    Usage,
    text,
    text_or_none,
    usage,
)
from tollgate_layer.inference.json_text import JsonObject


class OpenAIChat(BodyFormat):
    """OpenAIChatCompletion, of imports after 2025-11-11: the model's server formats the messages."""

    name = "openai_chat"
    prompt_field = "messages"

    def _read(self, answer: Any) -> Answer:
        parts = []
        for choice in answer["choices"]:
            parts.append(self._part(choice))
        return Answer(parts, _openai_usage(answer))

    def _part(self, choice: JsonObject) -> Part:
        # An event of a stream has `delta` where a whole answer has `message`.
        message = choice["message"] if "message" in choice else choice["delta"]
        calls = []
        for position, call in enumerate(message.get("tool_calls") or ()):
            calls.append(self._call(call, position))
        return Part(
            choice.get("index", 0),
            text(message.get("content") or ""),  # null beside tool calls, and in events without text
            text_or_none(message.get("reasoning_content")),
            text_or_none(message.get("refusal")),
            tuple(calls),
            choice.get("logprobs"),
            choice.get("finish_reason"),
        )

    def _call(self, call: JsonObject, position: int) -> CallPiece:
        """One call. Whole answers do not number their calls; in streams the number says which call goes on."""
        function = call.get("function") or {}
        return CallPiece(
            call.get("index", position),
            text_or_none(call.get("id")),
            text_or_none(function.get("name")),
            text(function.get("arguments") or ""),
        )


class OpenAICompletion(BodyFormat):
    """OpenAICompletion, of the same imports: `max_tokens` beside a `prompt` is what selects it on the server."""

    name = "openai_completion"

    def _read(self, answer: Any) -> Answer:
        parts = []
        for choice in answer["choices"]:
            part = Part(
                choice.get("index", 0),
                text(choice["text"]),
                logprobs=choice.get("logprobs"),
                stop_reason=choice.get("finish_reason"),
            )
            parts.append(part)
        return Answer(parts, _openai_usage(answer))


class BedrockCompletion(BodyFormat):
    """BedrockCompletion, of older imports of Llama and Qwen."""

    name = "bedrock"

    def build(self, prompt: Any, parameters: JsonObject, stop: Any) -> JsonObject:
        body = super().build(prompt, parameters, stop)
        if "response_format" in body:
            body["response_format"] = _with_bare_schema(body["response_format"])
        return body

    def _read(self, answer: Any) -> Answer:
        part = Part(0, text(answer["generation"]), stop_reason=answer.get("stop_reason"))
        counts = usage(answer.get("prompt_token_count"), answer.get("generation_token_count"))
        return Answer([part], counts)


class MistralCompletion(BodyFormat):
    """The body of older imports of Mistral. It counts no tokens."""

    name = "mistral"

    def _read(self, answer: Any) -> Answer:
        parts = []
        for number, output in enumerate(answer["outputs"]):
            parts.append(Part(number, text(output["text"]), stop_reason=output.get("stop_reason")))
        return Answer(parts)


FORMATS: dict[str, BodyFormat] = {
    body_format.name: body_format
    for body_format in (OpenAIChat(), OpenAICompletion(), BedrockCompletion(), MistralCompletion())
}


def choose_format(body_format: str, *, takes_messages: bool) -> BodyFormat:
    """The format for a variant's `body_format` in its record.

    `openai` stands for two: a server that gets messages formats them itself, one that gets a prompt does not.
    """
    if body_format == "openai":
        return FORMATS["openai_chat" if takes_messages else "openai_completion"]
    return FORMATS[body_format]


def _openai_usage(answer: JsonObject) -> Usage:
    counts = answer.get("usage") or {}
    return usage(counts.get("prompt_tokens"), counts.get("completion_tokens"))


def _with_bare_schema(response_format: JsonObject) -> JsonObject:
    """A `response_format` as BedrockCompletion wants it: the schema itself where OpenAI has {name, schema}."""
    schema = response_format.get("json_schema")
    if not isinstance(schema, dict) or "schema" not in schema:
        return response_format
    return {**response_format, "json_schema": schema["schema"]}
