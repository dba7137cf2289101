"""OpenAI's chat completions: `POST /v1/chat/completions`.

    {"model": "apexguru", "messages": [{"role": "user", "content": "Review this class: …"}], "temperature": 0.2}

What clients may send stands in api/requests/chat_completions.py, field by field.
https://platform.openai.com/docs/api-reference/chat/create, …/chat/object and …/chat/streaming
"""

from __future__ import annotations

from tollgate_layer.inference import parameters
from tollgate_layer.inference.backends.body_format import CallPiece, Usage
from tollgate_layer.inference.backends.logprobs import as_chat
from tollgate_layer.inference.completion import Call, Choice, Completion, Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import openai
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import MOST_LEVELS, JsonObject, is_nested_too_deeply, sound_escapes, to_json
from tollgate_layer.inference.request import IncomingRequest, Request


class OpenAIChat(openai.OpenAIErrors):
    """The dialect of OpenAI's chat completions: reads messages, and writes completions as messages, whole or in chunks.

    `dialects.Dialect` says what each method does.
    """

    id_prefix = "chatcmpl-"

    def read(self, incoming: IncomingRequest) -> Request:
        return read_document(openai.read_body(incoming.body, "chat_completions"), incoming)

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        return to_json(document_of(spec, completion))

    def event_writer(self, spec: CompletionSpec) -> ChatEvents:
        return ChatEvents(spec)


DIALECT = OpenAIChat()


def read_document(document: JsonObject, incoming: IncomingRequest) -> Request:
    """The request in a chat's body, which was checked field by field; other dialects turn theirs into one.

    Raises:
        RequestError: fields do not go together, or hold what no model here takes.
    """
    _check_together(document)
    if "tools" in document:
        document["tools"] = [_without_cache_control(tool) for tool in document["tools"]]
    return Request(
        id=incoming.id,
        dialect=incoming.dialect,
        model=document["model"],
        parameters=parameters.asked(document),
        messages=_plain_messages(document),
        variables=document.get("variables"),
        # OpenAI renamed the parameter for chats; clients send either.
        max_tokens=document.get("max_completion_tokens", document.get("max_tokens")),
        stop=openai.stop_sequences(document),
        user=document.get("user"),
        stream=document.get("stream", False),
        include_usage=openai.include_usage(document),
    )


def document_of(spec: CompletionSpec, completion: Completion) -> JsonObject:
    """A completion as OpenAI's object, which is also the one that hooks see, whatever the client speaks."""
    choices = [_choice(choice, spec) for choice in completion.choices]
    return {
        **openai.head(spec, "chat.completion"),
        "choices": choices,
        "usage": openai.usage_or_none(completion.usage),
    }


class ChatEvents:
    """The chunks of one chat."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._chunks = openai.Chunks(spec, "chat.completion.chunk")
        self._begun: set[int] = set()
        self._spec = spec

    def write(self, delta: Delta) -> bytes:
        """The event of a delta; before a choice's first one, an event with its role."""
        events = b""
        if delta.choice_number not in self._begun:
            self._begun.add(delta.choice_number)
            role = {"role": "assistant", "content": ""}
            events = self._chunks.chunk([_chunk_choice(delta.choice_number, role, None, None)])
        logprobs = chat_logprobs(delta.logprobs, self._spec)
        choice = _chunk_choice(delta.choice_number, _message_delta(delta), logprobs, delta.finish_reason)
        return events + self._chunks.chunk([choice])

    def end(self, usage: Usage) -> bytes:
        return self._chunks.end(usage)

    def fail(self, error: ApiError, request_id: str) -> bytes:
        return self._chunks.fail(error, request_id)


def _chunk_choice(index: int, delta: JsonObject, logprobs: JsonObject | None, finish_reason: str | None) -> JsonObject:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def chat_logprobs(logprobs: JsonObject | None, spec: CompletionSpec) -> JsonObject | None:
    """Log-probabilities in a chat's shape, also where the model was given a prompt and answers in a text's."""
    if logprobs is None or "tokens" not in logprobs:
        return logprobs
    return as_chat(logprobs, spec.top_logprobs)


def _message_delta(delta: Delta) -> JsonObject:
    """The fields of a message that a delta adds to."""
    fields: JsonObject = {}
    if delta.content is not None:
        fields["content"] = delta.content
    if delta.reasoning is not None:
        fields["reasoning_content"] = delta.reasoning  # not OpenAI's: the name that reasoning models' servers use
    if delta.refusal is not None:
        fields["refusal"] = delta.refusal
    if delta.calls:
        fields["tool_calls"] = [_call_delta(call) for call in delta.calls]
    return fields


def _call_delta(call: CallPiece) -> JsonObject:
    """A piece of a call: clients know by its index which call it goes on with, and by id and name that one begins."""
    fields: JsonObject = {"index": call.position}
    if call.id is not None:
        fields |= {"id": call.id, "type": "function"}
    function: JsonObject = {"arguments": call.arguments}
    if call.name is not None:
        function = {"name": call.name, "arguments": call.arguments}
    return {**fields, "function": function}


def _choice(choice: Choice, spec: CompletionSpec) -> JsonObject:
    message: JsonObject = {"role": "assistant", "content": choice.content, "refusal": choice.refusal or None}
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.calls:
        message["content"] = choice.content or None
        message["tool_calls"] = [_call(call) for call in choice.calls]
    return {
        "index": choice.number,
        "message": message,
        "logprobs": chat_logprobs(choice.logprobs, spec),
        "finish_reason": choice.finish_reason,
    }


def _call(call: Call) -> JsonObject:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _check_together(document: JsonObject) -> None:
    """What one field alone cannot say."""
    if ("messages" in document) == ("variables" in document):
        openai.refuse_parameter("messages", "send messages, or variables for a model with a prompt of its own")
    if document.get("top_logprobs") and not document.get("logprobs"):
        openai.refuse_parameter("top_logprobs", "needs logprobs: true")
    for index, message in enumerate(document.get("messages", ())):
        if not _is_ordinary(message):
            _check_message(message, f"messages[{index}]")


def _is_ordinary(message: JsonObject) -> bool:
    """Whether a message is a text of a role that just speaks, as most are: there is nothing more to look at."""
    return len(message) == 2 and isinstance(message.get("content"), str) and message["role"] != "tool"


def _check_message(message: JsonObject, path: str) -> None:
    role = message["role"]
    calls = message.get("tool_calls")
    if role == "tool" and not message.get("tool_call_id"):
        openai.refuse_parameter(f"{path}.tool_call_id", "a tool message names the call that it answers")
    if message.get("content") is None and role != "assistant":
        openai.refuse_parameter(f"{path}.content", "is missing")
    if calls and role != "assistant":
        openai.refuse_parameter(f"{path}.tool_calls", "only assistant messages have tool calls")
    for index, call in enumerate(calls or ()):
        if is_nested_too_deeply(call["function"]["arguments"]):
            reason = f"is nested too deeply: at most {MOST_LEVELS} levels"
            openai.refuse_parameter(f"{path}.tool_calls[{index}].function.arguments", reason)
    if isinstance(message.get("content"), list):
        for index, part in enumerate(message["content"]):
            _check_part(part, f"{path}.content[{index}]")


def _check_part(part: JsonObject, path: str) -> None:
    kind = part["type"]
    if kind in _UNSUPPORTED_PARTS:
        raise RequestError("unsupported_parameter", f"{path}: {kind} is not supported.", param=path)
    if part.get(kind) is None:
        openai.refuse_parameter(f"{path}.{kind}", "is missing")


_UNSUPPORTED_PARTS = ("input_audio", "file")
"""Parts that OpenAI has and no model here can read."""


def _plain_messages(document: JsonObject) -> list[JsonObject] | None:
    """The messages, without what asks for nothing and with every text sound, also one that is JSON inside of JSON."""
    messages: list[JsonObject] | None = document.get("messages")
    if messages is None:
        return None
    plain = []
    for message in messages:
        plain.append(message if _is_ordinary(message) else _plain_message(message))
    return plain


def _plain_message(message: JsonObject) -> JsonObject:
    plain = _without_cache_control(message)
    if isinstance(message.get("content"), list):
        plain["content"] = [_without_cache_control(part) for part in message["content"]]
    calls = message.get("tool_calls")
    if calls:
        plain["tool_calls"] = [_sound_call(call) for call in calls]
    elif "tool_calls" in message:
        del plain["tool_calls"]
    if message.get("content") is None and not calls:
        # An assistant's answer may have been a refusal, thoughts that found no end, or nothing at all.
        plain["content"] = message.get("refusal") or ""
    return plain


def _sound_call(call: JsonObject) -> JsonObject:
    function = call["function"]
    return {**call, "function": {**function, "arguments": sound_escapes(function["arguments"])}}


def _without_cache_control(item: JsonObject) -> JsonObject:
    """A message, part or tool without the mark by which some clients ask other services to keep a prompt."""
    plain = dict(item)
    plain.pop("cache_control", None)
    return plain
