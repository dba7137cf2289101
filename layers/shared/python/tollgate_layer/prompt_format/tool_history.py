"""Tool calls of earlier answers, in the form that a template reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import chain, count
from typing import Any

from .conversation import to_json
from .errors import PromptFormatError
from .probing import CallShape

_SHORT_ID = re.compile(r"[A-Za-z0-9]{9}")
_OTHER = re.compile(r"[^A-Za-z0-9]")


def calls_as_the_template_takes_them(messages: list[dict[str, Any]], shape: CallShape | None) -> list[dict[str, Any]]:
    """The conversation with its calls and their results as `shape` asks.

    Raises:
        PromptFormatError: the template shows no calls (`shape` is None), or arguments are not a JSON object.
    """
    ids = _short_ids(messages) if shape is not None and shape.short_ids else {}
    adapted: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message.get("tool_calls"):
            if shape is None:
                raise PromptFormatError(
                    "this model's chat template has no tool calls.", param=f"messages[{index}].tool_calls"
                )
            adapted += _call_messages(message, index, shape, ids)
        elif message["role"] == "tool" and ids:
            adapted.append({**message, "tool_call_id": ids[str(message.get("tool_call_id"))]})
        else:
            adapted.append(message)
    return _one_call_each(adapted) if shape is not None and shape.single else adapted


def _call_messages(message: dict[str, Any], index: int, shape: CallShape, ids: dict[str, str]) -> list[dict[str, Any]]:
    calls = []
    for number, call in enumerate(message["tool_calls"]):
        if not isinstance(call.get("function"), Mapping) or "name" not in call["function"]:
            raise PromptFormatError("must have a name.", param=f"messages[{index}].tool_calls[{number}].function")
        arguments = _arguments(call, f"messages[{index}].tool_calls[{number}].function.arguments", shape)
        function = {"name": call["function"]["name"], "arguments": arguments}
        call_id = ids.get(str(call.get("id")), call.get("id"))
        calls.append({"id": call_id, "type": "function", "function": function})
    content = message["content"]
    before = [{"role": "assistant", "content": content}] if content and shape.own_message else []
    if before or (shape.null_content and not content):
        content = None if shape.null_content else ""
    return [*before, {**message, "content": content, "tool_calls": calls}]


def _arguments(call: Mapping[str, Any], param: str, shape: CallShape) -> Any:
    arguments = call["function"].get("arguments") or {}
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments)
        except ValueError:
            arguments = None
    if not isinstance(arguments, Mapping):
        raise PromptFormatError("must be a JSON object as text.", param=param)
    return to_json(arguments) if shape.text_arguments else arguments


def _short_ids(messages: list[dict[str, Any]]) -> dict[str, str]:
    """Nine letters and digits for each call id: itself where it is that, else its end, and never the same for two."""
    ids = [str(call.get("id")) for message in messages for call in message.get("tool_calls", ())]
    ids += [str(message.get("tool_call_id")) for message in messages if message["role"] == "tool"]
    short = {call_id: call_id for call_id in ids if _SHORT_ID.fullmatch(call_id)}
    for call_id in dict.fromkeys(ids):
        if call_id not in short:
            end = _OTHER.sub("", call_id)[-9:].rjust(9, "0")
            candidates = chain([end], (f"{number:09d}" for number in count()))
            short[call_id] = next(candidate for candidate in candidates if candidate not in short.values())
    return short


def _one_call_each(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parallel calls one after the other, each followed by its own result."""
    apart: list[dict[str, Any]] = []
    position = 0
    while position < len(messages):
        message = messages[position]
        position += 1
        calls = message.get("tool_calls") or ()
        if len(calls) < 2:
            apart.append(message)
            continue
        results = []
        while position < len(messages) and messages[position]["role"] == "tool":
            results.append(messages[position])
            position += 1
        apart += _in_turn(message, results)
    return apart


def _in_turn(message: dict[str, Any], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for number, call in enumerate(message["tool_calls"]):
        content = message["content"] if number == 0 else ("" if message["content"] is not None else None)
        turns.append({**message, "content": content, "tool_calls": [call]})
        turns += [result for result in results if result.get("tool_call_id") == call.get("id")]
    return turns + [result for result in results if result not in turns]
