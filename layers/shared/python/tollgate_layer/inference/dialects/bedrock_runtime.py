"""Bedrock's runtime: `POST /model/{model}/converse`, `…/invoke`, and both with streams.

    {"messages": [{"role": "user", "content": [{"text": "Review this class: …"}]}]}

Converse has a shape of its own. A body of InvokeModel is one of those that imported models take, and the answer comes
in the shape of the question, whichever body format the model has behind us.
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and …_InvokeModel.html
"""

from __future__ import annotations

from tollgate_layer.inference.completion import Completion
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter, aws, openai
from tollgate_layer.inference.dialects.bedrock_events import (
    STOP_REASONS,
    ConverseEvents,
    InvokeEvents,
    bedrock_error,
    chunk_frame,
    latency_ms,
    now_ms,
    usage_of,
)
from tollgate_layer.inference.dialects.converse_request import as_chat
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, parse_json, to_json
from tollgate_layer.inference.request import IncomingRequest, Request


class _BedrockErrors(aws.AwsDialect):
    """Writes failures as Bedrock does."""

    def aws_error(self, error: ApiError) -> aws.AwsError:
        return bedrock_error(error)


class Converse(_BedrockErrors):
    """The dialect of Converse and ConverseStream. `dialects.Dialect` says what each method does."""

    def read(self, incoming: IncomingRequest) -> Request:
        document = openai.checked(openai.parse_body(incoming.body), "converse")
        request = aws.read_chat(as_chat(document), incoming, streams=self.streams)
        return request._replace(kept={"began_ms": now_ms()})

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        choice = completion.choices[0]
        content: list[JsonObject] = []
        if choice.reasoning:
            content.append({"reasoningContent": {"reasoningText": {"text": choice.reasoning}}})
        text = choice.content or choice.refusal
        if text:
            content.append({"text": text})
        for call in choice.calls:
            use = {"toolUseId": call.id, "name": call.name, "input": _arguments(call.arguments)}
            content.append({"toolUse": use})
        answer = {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": STOP_REASONS.get(choice.finish_reason or "", "end_turn"),
            "usage": usage_of(completion.usage),
            "metrics": {"latencyMs": latency_ms(spec)},
        }
        return to_json(answer)

    def event_writer(self, spec: CompletionSpec) -> EventWriter:
        return ConverseEvents(spec)


class Invoke(_BedrockErrors):
    """The dialect of InvokeModel and InvokeModelWithResponseStream."""

    def read(self, incoming: IncomingRequest) -> Request:
        document = openai.parse_body(incoming.body)
        if "messages" in document:
            shape, request = "chat", aws.read_chat(document, incoming, streams=self.streams)
        elif "prompt" not in document:
            raise RequestError("invalid_parameter", "The body must have messages or prompt.", param="prompt")
        elif "max_gen_len" in document:
            shape = "bedrock"
            renamed = {**document, "max_tokens": document["max_gen_len"]}
            del renamed["max_gen_len"]
            request = aws.read_completion(renamed, incoming, streams=self.streams)
        else:
            shape, request = "completion", aws.read_completion(document, incoming, streams=self.streams)
        return request._replace(kept={"shape": shape, "began_ms": now_ms()}, include_usage=True)

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        openais = aws.in_openais_shape(spec)
        if openais is not None:
            dialect, spec = openais
            return dialect.write(spec, completion)
        choice = completion.choices[0]
        answer = {
            "generation": choice.content,
            "prompt_token_count": completion.usage.prompt_tokens,
            "generation_token_count": completion.usage.completion_tokens,
            "stop_reason": choice.finish_reason,
        }
        return to_json(answer)

    def event_writer(self, spec: CompletionSpec) -> EventWriter:
        return InvokeEvents(spec)

    def whole_event(self, body: str) -> bytes:
        return chunk_frame(body.encode())


CONVERSE, CONVERSE_STREAM = Converse(), Converse(streams=True)
INVOKE, INVOKE_STREAM = Invoke(), Invoke(streams=True)


def _arguments(text: str) -> JsonObject:
    """A call's arguments as Converse has them: an object. A model may write something else, which stays as it is."""
    try:
        value = parse_json(text)
    except ValueError:
        return {"text": text}
    return value if isinstance(value, dict) else {"value": value}
