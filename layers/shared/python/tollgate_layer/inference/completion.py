"""The answers that clients get: `chat.completion`, `text_completion`, and their chunks.

https://platform.openai.com/docs/api-reference/chat/object and …/chat/streaming
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tollgate_layer.inference.body_formats import Usage
from tollgate_layer.inference.failures.errors import to_json
from tollgate_layer.inference.reader import ChoiceDelta
from tollgate_layer.inference.spec import CompletionSpec

DONE = "data: [DONE]\n\n"
COMMENT = ": waiting for the model\n\n"


def completion(spec: CompletionSpec, deltas: Iterable[ChoiceDelta], usage: Usage) -> dict[str, Any]:
    """The whole answer from its deltas."""
    choices: dict[int, dict[str, Any]] = {}
    for delta in deltas:
        choice = choices.setdefault(delta["index"], _empty_choice(spec, delta["index"]))
        _add(choice, delta)
    for choice in choices.values():
        message = choice.get("message", {"content": ""})
        if message["content"] is None and "tool_calls" not in message:
            message["content"] = ""
    return {**_head(spec, spec.object), "choices": list(choices.values()), "usage": _usage(usage)}


class ChunkWriter:
    """The same answer as server-sent events, delta by delta."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._head = _head(spec, "chat.completion.chunk" if spec.is_chat else spec.object)
        self._started: set[int] = set()

    def write(self, delta: ChoiceDelta) -> str:
        """The event, or events, of one delta: a choice's first is its role."""
        events = ""
        if self._spec.is_chat and delta["index"] not in self._started:
            self._started.add(delta["index"])
            events = self._chunk([{**delta, **_ROLE}])
        return events + self._chunk([delta])

    def end(self, usage: Usage) -> str:
        """The last events: usage where it was asked for, and the end mark."""
        if not self._spec.include_usage:
            return DONE
        return self._chunk([], usage=_usage(usage)) + DONE

    def _chunk(self, choices: list[ChoiceDelta], **rest: Any) -> str:
        if self._spec.include_usage:
            rest = {"usage": None} | rest
        return event({**self._head, "choices": choices, **rest})


_ROLE: dict[str, Any] = {
    "delta": {"role": "assistant", "content": ""},
    "logprobs": None,
    "finish_reason": None,
}


def event(value: dict[str, Any]) -> str:
    """One server-sent event."""
    return f"data: {to_json(value)}\n\n"


def _head(spec: CompletionSpec, kind: str) -> dict[str, Any]:
    return {
        "id": spec.id,
        "object": kind,
        "created": spec.created,
        "model": spec.model,
        "system_fingerprint": spec.system_fingerprint,
    }


def _usage(usage: Usage) -> dict[str, int] | None:
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return {**usage._asdict(), "total_tokens": usage.prompt_tokens + usage.completion_tokens}


def _empty_choice(spec: CompletionSpec, index: int) -> dict[str, Any]:
    content: dict[str, Any] = {"text": ""}
    if spec.is_chat:
        content = {"message": {"role": "assistant", "content": None, "refusal": None}}
    return {"index": index, **content, "logprobs": None, "finish_reason": None}


def _add(choice: dict[str, Any], delta: ChoiceDelta) -> None:
    if "text" in choice:
        choice["text"] += delta["text"]
    else:
        _add_to_message(choice["message"], delta["delta"])
    if delta["logprobs"]:
        choice["logprobs"] = _join_logprobs(choice["logprobs"], delta["logprobs"])
    if delta["finish_reason"]:
        choice["finish_reason"] = delta["finish_reason"]


def _add_to_message(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "reasoning_content", "refusal"):
        if delta.get(name):
            message[name] = (message.get(name) or "") + delta[name]
    for call in delta.get("tool_calls", ()):
        calls = message.setdefault("tool_calls", [])
        function = call.get("function", {})
        if call["index"] < len(calls):
            calls[call["index"]]["function"]["arguments"] += function.get("arguments") or ""
        else:
            calls.append({name: value for name, value in call.items() if name != "index"})


def _join_logprobs(first: dict[str, Any] | None, second: dict[str, Any]) -> dict[str, Any]:
    """Log-probabilities are lists by name, in chat and in text completions alike."""
    if first is None:
        return second
    return {
        name: (first.get(name) or []) + values if isinstance(values, list) else values
        for name, values in second.items()
    }
