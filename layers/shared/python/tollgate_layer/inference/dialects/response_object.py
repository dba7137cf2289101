"""OpenAI's response object, and the items of its output.

https://platform.openai.com/docs/api-reference/responses/object
"""

from __future__ import annotations

from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Choice
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects.openai_chat import chat_logprobs
from tollgate_layer.inference.json_text import JsonObject

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Finish reasons of an answer that is not whole → the reason that an incomplete response has."""


def status_of(finish_reason: str | None) -> str:
    """Whether an answer, or the last item of it, is whole."""
    return "incomplete" if finish_reason in _INCOMPLETE else "completed"


def response_object(
    spec: CompletionSpec,
    output: list[JsonObject],
    finish_reason: str | None,
    usage: Usage,
    *,
    status: str | None = None,
    error: JsonObject | None = None,
) -> JsonObject:
    """The response as it is with this output; `status` is there for one that has not ended, or has failed."""
    kept = spec.kept or {}
    reason = _INCOMPLETE.get(finish_reason or "")
    return {
        "id": spec.id,
        "object": "response",
        "created_at": spec.created,
        "status": status or status_of(finish_reason),
        "background": False,
        "error": error,
        "incomplete_details": {"reason": reason} if reason else None,
        "instructions": kept.get("instructions"),
        "max_output_tokens": kept.get("max_output_tokens"),
        "max_tool_calls": None,
        "metadata": kept.get("metadata", {}),
        "model": spec.model,
        "output": output,
        "parallel_tool_calls": kept.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None, **kept.get("reasoning", {})},
        "service_tier": "default",
        "store": False,
        "temperature": kept.get("temperature"),
        "text": {"format": {"type": "text"}, **kept.get("text", {})},
        "tool_choice": kept.get("tool_choice", "auto"),
        "tools": kept.get("tools", []),
        "top_logprobs": kept.get("top_logprobs", 0),
        "top_p": kept.get("top_p"),
        "truncation": "disabled",
        "usage": _usage(usage),
        "user": kept.get("user"),
    }


def output_of(spec: CompletionSpec, choice: Choice) -> list[JsonObject]:
    """The items of a whole answer: its thoughts, its text, and its calls."""
    items: list[JsonObject] = []
    if choice.reasoning:
        items.append(reasoning_item(spec, 0, choice.reasoning))
    if choice.content or choice.refusal or not choice.calls:
        parts = []
        if choice.content or not choice.refusal:
            parts.append(text_part(choice.content, text_logprobs(choice.logprobs, spec)))
        if choice.refusal:
            parts.append({"type": "refusal", "refusal": choice.refusal})
        items.append(message_item(spec, len(items), parts))
    for call in choice.calls:
        items.append(call_item(spec, len(items), call.id, call.name, call.arguments))
    items[-1]["status"] = status_of(choice.finish_reason)
    return items


def reasoning_item(spec: CompletionSpec, index: int, text: str | None) -> JsonObject:
    """The item of a model's thoughts; None where there are none yet."""
    content = [] if text is None else [{"type": "reasoning_text", "text": text}]
    return {"id": item_id(spec, "rs", index), "type": "reasoning", "summary": [], "content": content}


def message_item(spec: CompletionSpec, index: int, parts: list[JsonObject], status: str = "completed") -> JsonObject:
    """The item of an answer's text."""
    return {
        "id": item_id(spec, "msg", index),
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def call_item(
    spec: CompletionSpec,
    index: int,
    call_id: str | None,
    name: str | None,
    arguments: str,
    status: str = "completed",
) -> JsonObject:
    """The item of a call."""
    return {
        "id": item_id(spec, "fc", index),
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": name,
        "arguments": arguments,
    }


def text_part(text: str, logprobs: list[JsonObject]) -> JsonObject:
    """The part of a message that is its text."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": logprobs}


def text_logprobs(logprobs: JsonObject | None, spec: CompletionSpec) -> list[JsonObject]:
    """The log probabilities of a text's tokens, which a response has in a list and a chat in an object."""
    in_chats = chat_logprobs(logprobs, spec) or {}
    return in_chats.get("content") or []


def item_id(spec: CompletionSpec, kind: str, index: int) -> str:
    """The id of the item at a place in the output."""
    return f"{kind}_{spec.id.removeprefix('resp_')}_{index}"


def _usage(usage: Usage) -> JsonObject | None:
    """Token counts; None unless the model gave both, since half of them would be read as a sum."""
    if usage.prompt_tokens is None or usage.completion_tokens is None:
        return None
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
    }
