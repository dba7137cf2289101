"""A request of Converse as the chat that asks for the same.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.json_text import JsonObject, to_json

_NOT_HERE = ("guardrailConfig", "promptVariables", "outputConfig")


def as_chat(document: JsonObject) -> JsonObject:
    """The body of a chat, without its model.

    Raises:
        RequestError: the request has content or tools that no model here takes.
    """
    for name in _NOT_HERE:
        if document.get(name) is not None:
            _refuse(name)
    messages: list[JsonObject] = []
    for index, block in enumerate(document.get("system") or ()):
        if block.get("cachePoint") is None:
            messages.append({"role": "system", "content": _text(block, f"system[{index}]")})
    for index, message in enumerate(document["messages"]):
        messages += _messages(message, f"messages[{index}].content")
    chat: JsonObject = {**_additional(document), "messages": messages}
    config = document.get("inferenceConfig") or {}
    for name, chat_name in _CONFIG.items():
        if config.get(name) is not None:
            chat[chat_name] = config[name]
    tool_config = document.get("toolConfig")
    if tool_config:
        chat["tools"] = _tools(tool_config["tools"])
        choice = _tool_choice(tool_config.get("toolChoice") or {})
        if choice is not None:
            chat["tool_choice"] = choice
    return chat


_CONFIG = {"maxTokens": "max_tokens", "temperature": "temperature", "topP": "top_p", "stopSequences": "stop"}


def _additional(document: JsonObject) -> JsonObject:
    """Parameters beside Converse's own; none of them may say again what Converse says."""
    fields: JsonObject = document.get("additionalModelRequestFields") or {}
    for name in ("messages", "tools", "tool_choice", "stream", "model", "variables", *_CONFIG.values()):
        if name in fields:
            _refuse(f"additionalModelRequestFields.{name}")
    return fields


def _messages(message: JsonObject, path: str) -> list[JsonObject]:
    """A message's content as a chat has it: the results of tools are messages of their own, before the rest."""
    results: list[JsonObject] = []
    parts: list[JsonObject] = []
    calls: list[JsonObject] = []
    thoughts: list[str] = []
    for index, block in enumerate(message["content"]):
        place = f"{path}[{index}]"
        if block.get("toolResult") is not None:
            result = block["toolResult"]
            results.append({"role": "tool", "tool_call_id": result["toolUseId"], "content": _result(result)})
        elif block.get("toolUse") is not None:
            use = block["toolUse"]
            function = {"name": use["name"], "arguments": to_json(use["input"])}
            calls.append({"id": use["toolUseId"], "type": "function", "function": function})
        elif block.get("reasoningContent") is not None:
            thoughts.append((block["reasoningContent"].get("reasoningText") or {}).get("text", ""))
        elif block.get("image") is not None:
            parts.append(_image(block["image"], place))
        elif block.get("cachePoint") is None:
            parts.append({"type": "text", "text": _text(block, place)})
    if results and not parts and not calls:
        return results
    whole: JsonObject = {"role": message["role"], "content": _content(parts)}
    if calls:
        whole["tool_calls"] = calls
        whole["content"] = whole["content"] or None
    if any(thoughts):
        whole["reasoning_content"] = "".join(thoughts)
    return [*results, whole]


def _content(parts: list[JsonObject]) -> Any:
    if all(part["type"] == "text" for part in parts):
        # Converse cuts a text into blocks where it likes; they are one text.
        return "".join(part["text"] for part in parts)
    return parts


def _text(block: JsonObject, path: str) -> str:
    text: str | None = block.get("text")
    if text is None:
        kinds = [name for name, value in block.items() if value is not None]
        _refuse(f"{path}.{kinds[0]}" if kinds else path)
    return text


def _result(result: JsonObject) -> str:
    texts = []
    for part in result["content"]:
        texts.append(part["text"] if part.get("text") is not None else to_json(part.get("json")))
    return "".join(texts)


def _image(image: JsonObject, path: str) -> JsonObject:
    data = image["source"].get("bytes")
    if data is None:
        _refuse(f"{path}.image.source")
    return {"type": "image_url", "image_url": {"url": f"data:image/{image['format']};base64,{data}"}}


def _tools(tools: list[JsonObject]) -> list[JsonObject]:
    chat_tools = []
    for index, tool in enumerate(tools):
        if tool.get("cachePoint") is not None:
            continue
        spec = tool.get("toolSpec")
        if spec is None:
            _refuse(f"toolConfig.tools[{index}]")
        # In the order in which chats have these fields: templates print tools as they are.
        function = {"name": spec["name"]}
        if spec.get("description") is not None:
            function["description"] = spec["description"]
        function["parameters"] = spec["inputSchema"].get("json") or {}
        chat_tools.append({"type": "function", "function": function})
    return chat_tools


def _tool_choice(choice: JsonObject) -> str | JsonObject | None:
    if choice.get("tool") is not None:
        return {"type": "function", "function": {"name": choice["tool"]["name"]}}
    return "required" if choice.get("any") is not None else None


def _refuse(param: str) -> NoReturn:
    raise RequestError("unsupported_parameter", f"{param}: is not supported.", param=param)
