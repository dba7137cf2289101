"""The bodies that imported models take and give, one class per format.

`build` makes a model's request body; `read` turns one answer, or one event of a stream, into parts.
https://docs.aws.amazon.com/bedrock/latest/userguide/invoke-imported-model.html
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tollgate_layer.inference.failures.errors import AnswerError, RequestError

JsonObject = dict[str, Any]


class Usage(NamedTuple):
    """Token counts, the model's own; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def updated(self, later: Usage) -> Usage:
        """These counts, with what a later event of the same stream says instead."""
        return Usage(
            self.prompt_tokens if later.prompt_tokens is None else later.prompt_tokens,
            self.completion_tokens if later.completion_tokens is None else later.completion_tokens,
        )


class Part(NamedTuple):
    """What one answer, or one event of a stream, adds to one choice.

    `extra` holds fields of OpenAI's message or delta that go to the client as they are; `stop_reason` is
    the model's own word, given once, with the last part of a choice.
    """

    choice: int = 0
    text: str = ""
    extra: Mapping[str, Any] = MappingProxyType({})
    logprobs: Any = None
    stop_reason: str | None = None


class Answer(NamedTuple):
    """The parts of one answer or event, and the usage as far as it says it."""

    parts: list[Part]
    usage: Usage = Usage()


class BodyFormat:
    """One format: which request parameters it honours, under which names."""

    name: str
    prompt_field = "prompt"
    parameters: dict[str, str]
    """Our parameter → the model's field."""

    def build(self, prompt: Any, parameters: JsonObject) -> JsonObject:
        """The model's request body for a prompt (text, or messages where the server formats them).

        Raises:
            RequestError: `unsupported_parameter` names what this format cannot honour.
        """
        body = {self.prompt_field: prompt}
        for name, value in parameters.items():
            field = self.parameters.get(name)
            if field is None:
                raise RequestError("unsupported_parameter", f"{name}: this model cannot honour it.", param=name)
            body[field] = value
        return body

    def read(self, answer: Any) -> Answer:
        """The parts of a whole answer or of one event of a stream.

        Raises:
            AnswerError: the answer does not have this format's shape.
        """
        try:
            parts, usage = self._read(answer)
            return Answer(parts, usage.updated(service_usage(answer)))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise AnswerError from error

    def _read(self, answer: Any) -> Answer:
        raise NotImplementedError


def _named(*names: str, **renamed: str) -> dict[str, str]:
    return {name: name for name in names} | renamed


_OPENAI = _named(
    "max_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "seed",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "logprobs",
    "response_format",
    "top_k",
    "min_p",
    "repetition_penalty",
    "structured_outputs",
)


class OpenAIChat(BodyFormat):
    """OpenAIChatCompletion: the server formats the messages.

    An event has `delta` where an answer has `message`.
    """

    name = "openai_chat"
    prompt_field = "messages"
    parameters = _OPENAI | _named(
        "top_logprobs",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "reasoning_effort",
        "chat_template_kwargs",
        "documents",
        "add_generation_prompt",
        "continue_final_message",
    )

    def _read(self, answer: Any) -> Answer:
        parts = [self._part(choice) for choice in answer["choices"]]
        return Answer(parts, _openai_usage(answer))

    def _part(self, choice: JsonObject) -> Part:
        message = choice["message"] if "message" in choice else choice["delta"]
        extra = {name: message[name] for name in ("reasoning_content", "refusal") if message.get(name)}
        if message.get("tool_calls"):
            extra["tool_calls"] = [{"index": index, **call} for index, call in enumerate(message["tool_calls"])]
        return Part(
            choice.get("index", 0),
            _text(message.get("content") or ""),
            extra,
            choice.get("logprobs"),
            choice.get("finish_reason"),
        )


class OpenAICompletion(BodyFormat):
    """OpenAICompletion: `max_tokens` beside a `prompt` is what selects it on the server."""

    name = "openai_completion"
    parameters = _OPENAI

    def _read(self, answer: Any) -> Answer:
        parts = [
            Part(
                choice.get("index", 0),
                _text(choice["text"]),
                {},
                choice.get("logprobs"),
                choice.get("finish_reason"),
            )
            for choice in answer["choices"]
        ]
        return Answer(parts, _openai_usage(answer))


class BedrockCompletion(BodyFormat):
    """BedrockCompletion, and all that older Llama and Qwen imports know."""

    name = "bedrock"
    parameters = _named("temperature", "top_p", "response_format", max_tokens="max_gen_len")

    def build(self, prompt: Any, parameters: JsonObject) -> JsonObject:
        body = super().build(prompt, parameters)
        if "response_format" in body:
            body["response_format"] = _bare_schema(body["response_format"])
        return body

    def _read(self, answer: Any) -> Answer:
        part = Part(0, _text(answer["generation"]), {}, None, answer.get("stop_reason"))
        usage = _usage(answer.get("prompt_token_count"), answer.get("generation_token_count"))
        return Answer([part], usage)


class MistralCompletion(BodyFormat):
    """What older Mistral imports know."""

    name = "mistral"
    parameters = _named("max_tokens", "temperature", "top_p", "top_k", "stop")

    def _read(self, answer: Any) -> Answer:
        parts = [
            Part(choice, _text(output["text"]), {}, None, output.get("stop_reason"))
            for choice, output in enumerate(answer["outputs"])
        ]
        return Answer(parts)


FORMATS: dict[str, BodyFormat] = {
    body_format.name: body_format
    for body_format in (OpenAIChat(), OpenAICompletion(), BedrockCompletion(), MistralCompletion())
}


def choose_format(body_format: str, *, renders_prompt: bool) -> BodyFormat:
    """The format for a variant's `body_format`: `openai` is two, by who formats the messages."""
    if body_format == "openai":
        return FORMATS["openai_completion" if renders_prompt else "openai_chat"]
    return FORMATS[body_format]


def service_usage(event: JsonObject) -> Usage:
    """The counts that Bedrock itself adds to the last event of a stream, where it does."""
    metrics = event.get("amazon-bedrock-invocationMetrics") or {}
    return _usage(metrics.get("inputTokenCount"), metrics.get("outputTokenCount"))


def _openai_usage(answer: JsonObject) -> Usage:
    usage = answer.get("usage") or {}
    return _usage(usage.get("prompt_tokens"), usage.get("completion_tokens"))


def _usage(prompt_tokens: Any, completion_tokens: Any) -> Usage:
    return Usage(*(n if isinstance(n, int) else None for n in (prompt_tokens, completion_tokens)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text must be a string")
    return value


def _bare_schema(response_format: JsonObject) -> JsonObject:
    """BedrockCompletion wants the schema itself where OpenAI has {name, schema}."""
    schema = response_format.get("json_schema")
    if not isinstance(schema, dict) or "schema" not in schema:
        return response_format
    return {**response_format, "json_schema": schema["schema"]}
