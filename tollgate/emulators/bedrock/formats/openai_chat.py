"""The format OpenAIChatCompletion: a request with `messages`, a `chat.completion` in vLLM's schema as the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.formats.fields import Fields
from tollgate.emulators.bedrock.formats.openai_completion import usage, wants_usage
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Answer, InvocationInfo

_DEFAULT_MAX_TOKENS = 4096
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class OpenAIChatFormat:
    """Unknown members are let through, as vLLM does."""

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        temperature = fields.number("temperature", 1.0, maximum=2)
        messages = fields.objects("messages")
        if not messages:
            raise invalid("Malformed input request: messages must hold at least one message.")
        for number, message in enumerate(messages):
            _check_message(number, message)
        return Generation(
            prompt=None,
            messages=messages,
            tools=fields.objects("tools"),
            max_tokens=fields.optional_integer("max_completion_tokens")
            or fields.integer("max_tokens", _DEFAULT_MAX_TOKENS),
            temperature=temperature,
            choices=fields.choices(temperature),
            top_p=fields.number("top_p", 1.0, maximum=1),
            top_k=fields.optional_integer("top_k", minimum=-1),
            stop=fields.strings("stop"),
            seed=fields.seed(),
            top_logprobs=_top_logprobs(fields),
            body=body,
        )

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> dict[str, Any]:
        return {
            **_envelope(info, "chat.completion"),
            "choices": [_choice(answer) for answer in answers],
            "usage": usage(info, answers),
            "prompt_logprobs": None,
            "kv_transfer_params": None,
        }

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        return [_chunk(info, index, {"role": "assistant", "content": ""}) for index in range(info.generation.choices)]

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        if isinstance(piece, Delta):
            return _chunk(info, answer.index, dict(piece.fields))
        return _chunk(info, answer.index, {"content": piece.text}, logprobs=_logprobs([piece]))

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        chunks = [_chunk(info, answer.index, {}, finish_reason=answer.finish_reason) for answer in answers]
        if wants_usage(info):
            chunks.append(chunks[0] | {"choices": [], "usage": usage(info, answers)})
        return chunks


def _choice(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.text,
        "refusal": None,
        "tool_calls": [],
    }
    for piece in answer.pieces:
        if isinstance(piece, Delta):
            _merge(message, piece.fields)
    if message["tool_calls"] and not message["content"]:
        message["content"] = None
    return {
        "index": answer.index,
        "message": message,
        "logprobs": _logprobs(answer.tokens),
        "finish_reason": answer.finish_reason,
        "stop_reason": None,
        "token_ids": None,
    }


def _top_logprobs(fields: Fields) -> int | None:
    if not fields.flag("logprobs"):
        return None
    return fields.integer("top_logprobs", 0, minimum=0)


def _check_message(number: int, message: dict[str, Any]) -> None:
    if message.get("role") not in _ROLES:
        raise invalid(f"Malformed input request: messages[{number}].role is not a role: {message.get('role')!r}.")
    content = message.get("content")
    if content is not None and not isinstance(content, str | list):
        raise invalid(f"Malformed input request: messages[{number}].content must be a string or a list of parts.")


def _envelope(info: InvocationInfo, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{info.id}", "object": kind, "created": info.created, "model": info.model}


def _chunk(
    info: InvocationInfo,
    index: int,
    delta: dict[str, Any],
    *,
    finish_reason: str | None = None,
    logprobs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": index,
        "delta": delta,
        "logprobs": logprobs,
        "finish_reason": finish_reason,
    }
    return {**_envelope(info, "chat.completion.chunk"), "choices": [choice]}


def _merge(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Add a streamed delta to the whole message: texts are joined, tool calls matched by their index."""
    for name, value in delta.items():
        if name == "tool_calls":
            for part in value:
                _merge_tool_call(message["tool_calls"], part)
        elif isinstance(value, str) and name != "role":
            message[name] = (message.get(name) or "") + value


def _merge_tool_call(calls: list[dict[str, Any]], part: Mapping[str, Any]) -> None:
    index = part.get("index", 0)
    if not isinstance(index, int) or not 0 <= index <= len(calls):
        raise ServiceError("ModelErrorException", f"The model sent a tool call out of order: index {index}.")
    if index == len(calls):
        calls.append({"id": "", "type": "function", "function": {"name": "", "arguments": ""}})
    call, function = calls[index], part.get("function") or {}
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""


def _logprobs(tokens: list[Token]) -> dict[str, Any] | None:
    known = [token for token in tokens if token.logprob is not None]
    if not known:
        return None
    return {"content": [_logprob(token.text, token.logprob, token.top_logprobs) for token in known]}


def _logprob(text: str, logprob: float | None, top: tuple[tuple[str, float], ...]) -> dict[str, Any]:
    return {
        **_logprob_of(text, logprob),
        "top_logprobs": [_logprob_of(name, value) for name, value in top],
    }


def _logprob_of(text: str, logprob: float | None) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
