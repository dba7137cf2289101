"""Tool calls of earlier answers, in the form that a chat template reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..capabilities import CallForm
from ..errors import PromptFormatError
from ..json_object import parse_object

_NINE_CHARACTERS = re.compile(r"[A-Za-z0-9]{9}")
_NOT_ALPHANUMERIC = re.compile(r"[^A-Za-z0-9]")


def calls_in_form(messages: list[dict[str, Any]], form: CallForm | None) -> list[dict[str, Any]]:
    """The conversation with its calls and their results as the chat template takes them.

    Args:
        messages: plain messages, as `normalise` makes them on its way.
        form: the template's; None if it shows no calls.

    Raises:
        PromptFormatError: the template shows no calls, or arguments are not a JSON object.
    """
    new_ids: dict[str, str] = {}
    if form is not None and form.nine_character_ids:
        new_ids = _nine_character_ids(messages)
    adapted: list[dict[str, Any]] = []
    for index, message in enumerate(messages):
        if message.get("tool_calls"):
            if form is None:
                raise PromptFormatError(
                    "this model's chat template has no tool calls.", param=f"messages[{index}].tool_calls"
                )
            adapted += _call_messages(message, index, form, new_ids)
        elif message["role"] == "tool" and new_ids:
            # A result names its call by the same new id.
            adapted.append({**message, "tool_call_id": new_ids[str(message.get("tool_call_id"))]})
        else:
            adapted.append(message)
    if form is not None and form.one_call_per_message:
        return _one_call_per_message(adapted)
    if form is not None and form.text_in_answer:
        return _texts_in_answers(adapted, None if form.null_content else "")
    return adapted


def _call_messages(
    message: dict[str, Any], index: int, form: CallForm, new_ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    """A message with calls as the one or two messages that the template shows in full."""
    calls = []
    for number, call in enumerate(message["tool_calls"]):
        param = f"messages[{index}].tool_calls[{number}].function"
        if not isinstance(call.get("function"), Mapping) or "name" not in call["function"]:
            raise PromptFormatError("must have a name.", param=param)
        arguments: Any = _arguments(call["function"], f"{param}.arguments")
        if form.arguments_as_text:
            arguments = json.dumps(arguments, ensure_ascii=False)
        call_id = new_ids.get(str(call.get("id")), call.get("id"))
        function = {"name": call["function"]["name"], "arguments": arguments}
        calls.append({"id": call_id, "type": "function", "function": function})
    content = message["content"]
    # Depending on the template, text beside a call stays there or goes in front, in a message of its own.
    call_message = {**message, "tool_calls": calls}
    empty = None if form.null_content else ""
    if not content:
        call_message["content"] = empty
    elif form.text_in_own_message:
        call_message["content"] = empty
        return [{"role": "assistant", "content": content}, call_message]
    return [call_message]


def _arguments(function: Mapping[str, Any], param: str) -> Mapping[str, Any]:
    """The arguments as an object. OpenAI's clients send them as JSON text."""
    arguments = function.get("arguments") or {}
    if isinstance(arguments, str):
        arguments = parse_object(arguments)
    if not isinstance(arguments, Mapping):
        raise PromptFormatError("must be a JSON object as text.", param=param)
    return arguments


def _nine_character_ids(messages: list[dict[str, Any]]) -> dict[str, str]:
    """New call ids of nine letters and digits by old ones, never the same for two.

    An id that already has that form stays; any other becomes its own end where that is free, so that logs can be
    compared, and a number where it is not.
    """
    old_ids: list[str] = []
    for message in messages:
        old_ids += [str(call.get("id")) for call in message.get("tool_calls", ())]
    old_ids += [str(message.get("tool_call_id")) for message in messages if message["role"] == "tool"]
    new_ids = {old_id: old_id for old_id in old_ids if _NINE_CHARACTERS.fullmatch(old_id)}
    taken = set(new_ids.values())
    number = 0  # counts on from id to id: starting anew would look at every number that is taken, again and again
    for old_id in old_ids:
        if old_id in new_ids:
            continue
        new_id = _NOT_ALPHANUMERIC.sub("", old_id)[-9:].rjust(9, "0")
        while new_id in taken:
            new_id = f"{number:09d}"
            number += 1
        new_ids[old_id] = new_id
        taken.add(new_id)
    return new_ids


def _one_call_per_message(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Parallel calls one after the other, each followed by its own result."""
    adapted: list[dict[str, Any]] = []
    position = 0
    while position < len(messages):
        message = messages[position]
        position += 1
        if len(message.get("tool_calls", ())) < 2:
            adapted.append(message)
            continue
        results = []
        while position < len(messages) and messages[position]["role"] == "tool":
            results.append(messages[position])
            position += 1
        adapted += _calls_with_results(message, results)
    return adapted


def _calls_with_results(message: dict[str, Any], results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    results_of: dict[str, list[dict[str, Any]]] = {}
    for result in results:
        results_of.setdefault(str(result.get("tool_call_id")), []).append(result)
    adapted: list[dict[str, Any]] = []
    content = message["content"]
    for call in message["tool_calls"]:
        adapted.append({**message, "content": content, "tool_calls": [call]})
        # Taken out, so that calls which share an id do not show its results twice.
        adapted += results_of.pop(str(call.get("id")), ())
        if content is not None:
            content = ""  # the text stands beside the first call only
    # Results of no call here are the template's to refuse; dropping them would hide the client's mistake.
    for left in results_of.values():
        adapted += left
    return adapted


def _texts_in_answers(messages: list[dict[str, Any]], empty: str | None) -> list[dict[str, Any]]:
    """The texts beside calls in front of the answer that ends their turn; where there is none yet, in a message of
    their own before the turn's first call."""
    adapted: list[dict[str, Any]] = []
    texts: list[str] = []
    first_call = 0  # the place in `adapted` of the turn's first call with a text
    for message in messages:
        if message.get("tool_calls"):
            if message["content"]:
                if not texts:
                    first_call = len(adapted)
                texts.append(message["content"])
                message = {**message, "content": empty}
        elif message["role"] == "assistant" and texts:
            message = {**message, "content": "\n\n".join([*texts, message["content"]])}
            texts = []
        elif message["role"] != "tool" and texts:
            adapted.insert(first_call, {"role": "assistant", "content": "\n\n".join(texts)})
            texts = []
        adapted.append(message)
    if texts:
        adapted.insert(first_call, {"role": "assistant", "content": "\n\n".join(texts)})
    return adapted
