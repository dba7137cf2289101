"""OpenAI's request shapes to what the model's template expects, so that a request means the same for every model.

Each step is there because some public template silently drops, doubles or garbles what clients send; which
of them a template needs is found by asking it (see `probing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import probing
from .conversation import Message, Tool
from .errors import PromptFormatError
from .tool_history import calls_as_the_template_takes_them

_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def normalise(
    messages: Sequence[Message],
    *,
    template: str,
    tools: Sequence[Tool] | None = None,
    tool_choice: str | Mapping[str, Any] | None = None,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """The messages and tools to give to `render`.

    Text parts are joined, `developer` becomes `system`, null fields go, arguments and ids of earlier calls take
    the form the template reads, system texts move to where it keeps them, and tools are left out
    when there are none or `tool_choice` is `none`.

    Raises:
        PromptFormatError: no messages, an unknown role, content that is not text, tools or tool calls for a
            template without them, a `tool_choice` of a function that is not offered.
    """
    if not messages:
        raise PromptFormatError("must hold at least one message.", param="messages")
    plain = [_plain(message, index) for index, message in enumerate(messages)]
    if any(message.get("tool_calls") for message in plain):
        plain = calls_as_the_template_takes_them(plain, probing.call_shape(template))
    return _with_system_kept(plain, template), _tools(tools, tool_choice, template)


def _plain(message: Message, index: int) -> dict[str, Any]:
    """Without null fields and empty call lists, content as one text."""
    role = message.get("role")
    if role not in _ROLES:
        raise PromptFormatError(f"{role!r} is not one of {', '.join(_ROLES)}.", param=f"messages[{index}].role")
    kept = {name: value for name, value in message.items() if value is not None}
    if not kept.get("tool_calls"):
        kept.pop("tool_calls", None)
    return {**kept, "role": _ROLES[role], "content": _text(message.get("content"), f"messages[{index}].content")}


def _text(content: Any, param: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise PromptFormatError("must be text or a list of text parts.", param=param)
    return "".join(_part_text(part, f"{param}[{index}]") for index, part in enumerate(content))


def _part_text(part: Any, param: str) -> str:
    """Parts follow each other without a separator, as templates that read parts themselves write them."""
    kind = part.get("type") if isinstance(part, Mapping) else None
    text = part.get(kind) if kind in ("text", "refusal") else None
    if not isinstance(text, str):
        raise PromptFormatError(f"this model reads text only, not {kind or part!r}.", param=param)
    return text


def _with_system_kept(messages: list[dict[str, Any]], template: str) -> list[dict[str, Any]]:
    systems = [index for index, message in enumerate(messages) if message["role"] == "system"]
    if not systems:
        return messages
    messages = _joined_systems(messages, systems, template)
    if messages[0]["role"] != "system":
        return messages
    if not probing.takes_system(template):
        if probing.takes_system(template, as_parts=True):
            parts = [{"type": "text", "text": messages[0]["content"]}]
            return [{**messages[0], "content": parts}, *messages[1:]]
        return _folded(messages, last=False)
    if messages[-1]["role"] != "user" and not probing.keeps_system_before_answer(template):
        return _folded(messages, last=True)
    return messages


def _joined_systems(messages: list[dict[str, Any]], systems: list[int], template: str) -> list[dict[str, Any]]:
    """One first system message where the template would lose or move others."""
    leading = sum(1 for at, index in enumerate(systems) if at == index)
    if len(systems) > leading and probing.loses_later_system(template):
        joined = systems
    elif leading > 1 and not probing.keeps_two_first_systems(template):
        joined = systems[:leading]
    else:
        return messages
    text = "\n\n".join(messages[index]["content"] for index in joined)
    rest = [message for index, message in enumerate(messages) if index not in joined]
    return [{"role": "system", "content": text}, *rest]


def _folded(messages: list[dict[str, Any]], *, last: bool) -> list[dict[str, Any]]:
    """The system text in front of the first or last user message's, where the family's later templates put it."""
    system, rest = messages[0], messages[1:]
    users = [index for index, message in enumerate(rest) if message["role"] == "user"]
    if not users:
        return messages
    index = users[-1 if last else 0]
    folded = {**rest[index], "content": f"{system['content']}\n\n{rest[index]['content']}"}
    return [*rest[:index], folded, *rest[index + 1 :]]


def _tools(
    tools: Sequence[Tool] | None, tool_choice: str | Mapping[str, Any] | None, template: str
) -> list[dict[str, Any]] | None:
    if not tools or tool_choice == "none":
        return None
    if not probing.offers_tools(template):
        raise PromptFormatError("this model's chat template has no tools.", param="tools")
    for index, tool in enumerate(tools):
        if not isinstance(tool.get("function"), Mapping) or "name" not in tool["function"]:
            raise PromptFormatError("must have a name.", param=f"tools[{index}].function")
    chosen = [dict(tool) for tool in tools]
    if isinstance(tool_choice, Mapping):
        name = tool_choice.get("function", {}).get("name")
        chosen = [tool for tool in chosen if tool["function"]["name"] == name]
        if not chosen:
            raise PromptFormatError(f"{name!r} is not one of the tools.", param="tool_choice")
    return [{**tool, "function": _function(tool["function"], template)} for tool in chosen]


def _function(function: Mapping[str, Any], template: str) -> dict[str, Any]:
    """A tool's function without `strict` and nulls, which no model was trained to read."""
    kept = {name: value for name, value in function.items() if value is not None and name != "strict"}
    if "description" not in kept and probing.needs_descriptions(template):
        kept["description"] = ""
    if probing.leaves_quotes(template):
        kept = {name: _escaped(value) if isinstance(value, str) else value for name, value in kept.items()}
    return kept


def _escaped(text: str) -> str:
    """Text as it stands between the quotes of a JSON string."""
    from .conversation import to_json

    return to_json(text)[1:-1]
