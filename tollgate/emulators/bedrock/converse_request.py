"""The requests of Converse and ConverseStream as OpenAI chat bodies, which engines take.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterator


def to_chat(request: dict[str, Any]) -> dict[str, Any]:
    """A Converse request, valid by its shape, as an OpenAI chat body.

    Raises:
        ServiceError: content that imported text models do not take.
    """
    system = [{"role": "system", "content": _text(block)} for block in request.get("system", [])]
    messages: list[dict[str, Any]] = []
    for turn in request.get("messages", []):
        messages += _messages(turn)
    config = request.get("inferenceConfig") or {}
    tools = [_tool(tool) for tool in (request.get("toolConfig") or {}).get("tools", [])]
    choice = _tool_choice((request.get("toolConfig") or {}).get("toolChoice"), tools)
    wanted = {
        "messages": system + messages,
        "max_tokens": config.get("maxTokens"),
        "temperature": config.get("temperature"),
        "top_p": config.get("topP"),
        "stop": config.get("stopSequences"),
        "tools": tools or None,
        "tool_choice": choice,
    }
    body = {name: value for name, value in wanted.items() if value is not None}
    additional = request.get("additionalModelRequestFields") or {}
    if not isinstance(additional, dict):
        raise invalid("additionalModelRequestFields must be a JSON object.")
    for name in additional:
        if name in body:
            raise invalid(f"The additional field {name} conflicts with an existing field.")
    return {**additional, **body}


def _tool_choice(choice: dict[str, Any] | None, tools: list[dict[str, Any]]) -> Any:
    """Converse's `toolChoice`, whose one member says which, in OpenAI's words."""
    if choice is None or "auto" in choice:
        return None
    if "any" in choice:
        return "required"
    name = choice["tool"]["name"]
    if name not in [tool["function"]["name"] for tool in tools]:
        raise invalid(f"toolChoice names the tool {name}, which toolConfig.tools does not hold.")
    return {"type": "function", "function": {"name": name}}


def _messages(turn: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The messages of one turn. Each tool result becomes a message of its own, before the rest."""
    text, calls = "", []
    for block in turn["content"]:
        if "toolResult" in block:
            result = block["toolResult"]
            content = "".join(_result_text(part) for part in result["content"])
            yield {"role": "tool", "tool_call_id": result["toolUseId"], "content": content}
        elif "toolUse" in block:
            use = block["toolUse"]
            function = {"name": use["name"], "arguments": json.dumps(use["input"])}
            calls.append({"id": use["toolUseId"], "type": "function", "function": function})
        else:
            text += _text(block)
    if calls:
        yield {"role": turn["role"], "content": text or None, "tool_calls": calls}
    elif text:
        yield {"role": turn["role"], "content": text}


def _text(block: dict[str, Any]) -> str:
    if "text" not in block:
        raise invalid(f"The model does not take content blocks of type {next(iter(block), 'none')}.")
    return str(block["text"])


def _result_text(part: dict[str, Any]) -> str:
    return json.dumps(part["json"]) if "json" in part else _text(part)


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    if "toolSpec" not in tool:
        raise invalid(f"The model does not take tools of type {next(iter(tool), 'none')}.")
    spec = tool["toolSpec"]
    function = {"name": spec["name"], "description": spec.get("description", "")}
    return {"type": "function", "function": {**function, "parameters": spec["inputSchema"].get("json", {})}}
