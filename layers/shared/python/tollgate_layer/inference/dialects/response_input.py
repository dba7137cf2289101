"""The input of a response as the messages of a chat.

https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.dialects import openai
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.json_text import JsonObject


def messages_of(document: JsonObject) -> list[JsonObject]:
    """The messages: the instructions, and what the input's items come to.

    An assistant's turn is several items here (thoughts, text, each call) and one message in a chat.

    Raises:
        RequestError: an item lacks what its type needs, or needs what nobody stores.
    """
    messages = _Messages()
    if document.get("instructions"):
        messages.add({"role": "system", "content": document["instructions"]})
    if isinstance(document["input"], str):
        messages.add({"role": "user", "content": document["input"]})
        return messages.list
    for index, item in enumerate(document["input"]):
        _ADD[item.get("type") or "message"](messages, item, f"input[{index}]")
    if messages.thoughts:  # the model broke off in them, and the client sends what there is
        messages.add({"role": "assistant", "content": ""})
    return messages.list


class _Messages:
    """The messages so far; `thoughts` are those that the next message of the assistant comes with."""

    def __init__(self) -> None:
        self.list: list[JsonObject] = []
        self.thoughts: list[str] = []

    def add(self, message: JsonObject) -> None:
        if message["role"] == "assistant" and self.thoughts:
            message["reasoning_content"] = "".join(self.thoughts)
            self.thoughts = []
        self.list.append(message)

    def add_call(self, call: JsonObject) -> None:
        """A call belongs to the assistant's message right before it; where there is none, it begins one."""
        if self.thoughts or not self.list or self.list[-1]["role"] != "assistant":
            self.add({"role": "assistant", "content": None})
        self.list[-1].setdefault("tool_calls", []).append(call)


def _add_message(messages: _Messages, item: JsonObject, path: str) -> None:
    if item.get("role") is None:
        openai.refuse_parameter(f"{path}.role", "is missing")
    if item.get("content") is None:
        openai.refuse_parameter(f"{path}.content", "is missing")
    messages.add({"role": item["role"], "content": _content(item["content"], f"{path}.content")})


def _add_call(messages: _Messages, item: JsonObject, path: str) -> None:
    for field in ("call_id", "name", "arguments"):
        if item.get(field) is None:
            openai.refuse_parameter(f"{path}.{field}", "is missing")
    function = {"name": item["name"], "arguments": item["arguments"]}
    messages.add_call({"id": item["call_id"], "type": "function", "function": function})


def _add_call_output(messages: _Messages, item: JsonObject, path: str) -> None:
    for field in ("call_id", "output"):
        if item.get(field) is None:
            openai.refuse_parameter(f"{path}.{field}", "is missing")
    content = _content(item["output"], f"{path}.output")
    messages.add({"role": "tool", "tool_call_id": item["call_id"], "content": content})


def _add_reasoning(messages: _Messages, item: JsonObject, path: str) -> None:
    """Thoughts as the model wrote them, or else their summary. What is encrypted nobody here can read."""
    content = item.get("content")
    if isinstance(content, str):
        messages.thoughts.append(content)
        return
    for part in content or item.get("summary") or ():
        if part.get("text"):
            messages.thoughts.append(part["text"])


def _add_reference(messages: _Messages, item: JsonObject, path: str) -> None:
    reason = "nothing is stored here: send the item itself"
    raise RequestError("unsupported_parameter", f"{path}: {reason}.", param=path)


_ADD = {
    "message": _add_message,
    "function_call": _add_call,
    "function_call_output": _add_call_output,
    "reasoning": _add_reasoning,
    "item_reference": _add_reference,
}
"""The type of an item → what adds it to the messages."""


def _content(content: str | list[JsonObject], path: str) -> Any:
    """A message's content: text, or parts where there is more than one, or something else than text."""
    if isinstance(content, str):
        return content
    parts = [_part(part, f"{path}[{index}]") for index, part in enumerate(content)]
    if len(parts) == 1 and parts[0]["type"] == "text":
        return parts[0]["text"]
    return parts or ""


def _part(part: JsonObject, path: str) -> JsonObject:
    kind = part["type"]
    if kind in ("input_text", "output_text", "text", "reasoning_text", "summary_text"):
        return {"type": "text", "text": _field(part, "text", path)}
    if kind == "refusal":
        return {"type": "refusal", "refusal": _field(part, "refusal", path)}
    if kind == "input_image" and part.get("file_id") is None:
        image = {"url": _field(part, "image_url", path)}
        if part.get("detail") is not None:
            image["detail"] = part["detail"]
        return {"type": "image_url", "image_url": image}
    raise RequestError("unsupported_parameter", f"{path}: {kind} is not supported.", param=path)


def _field(part: JsonObject, name: str, path: str) -> str:
    value: str | None = part.get(name)
    if value is None:
        openai.refuse_parameter(f"{path}.{name}", "is missing")
    return value
