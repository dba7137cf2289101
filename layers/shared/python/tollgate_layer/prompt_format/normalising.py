"""OpenAI's request shapes to what the model's template expects, so that a request means the same for every model.

Each step is there because some public template silently drops, doubles or garbles what clients send. Which of them a
template needs is in its `Capabilities`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .capabilities import CallForm
from .errors import PromptFormatError
from .families import capabilities_of
from .template_input import Message, Tool, joined_texts, part_text

if TYPE_CHECKING:
    from .capabilities import Capabilities
    from .probing import ProbedCapabilities

    AnyCapabilities = Capabilities | ProbedCapabilities

# `developer` is OpenAI's newer name for `system`, which few templates know.
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant", "tool": "tool"}


def normalise(
    messages: Sequence[Message], *, template: str, tools: Sequence[Tool] | None = None, knows_calls: bool = False
) -> tuple[list[dict[str, Any]], list[dict[str, Any]] | None]:
    """The messages and tools to give to `render`. What is given is not changed.

    >>> normalise([{"role": "user", "content": [{"type": "text", "text": "Hi"}], "name": None}], template="chatml")
    ([{'role': 'user', 'content': 'Hi'}], None)

    Text parts are joined, `developer` becomes `system`, null fields go, arguments and ids of earlier calls take
    the form the chat template reads, system texts move to where it keeps them, and an empty list of tools becomes None.

    `knows_calls`: somebody who knows the model says that it calls tools, so its template is believed to show them even
    if probing does not find them in its prompts.

    Raises:
        PromptFormatError: no messages, an unknown role, content that is not text, tools or tool calls for a
            template without them.
    """
    if not messages:
        raise PromptFormatError("must hold at least one message.", param="messages")
    # A model's own template is asked here, by rendering probes, whatever the conversation makes necessary to know.
    capabilities = capabilities_of(template)
    plain = []
    has_calls = has_system = False
    for index, message in enumerate(messages):
        plain_message = _plain(message, index)
        has_calls = has_calls or "tool_calls" in plain_message
        has_system = has_system or plain_message["role"] == "system"
        plain.append(plain_message)
    if has_calls:
        from .tool_calls.earlier_calls import calls_in_form  # most conversations hold no calls

        form = capabilities.call_form
        if form is None and knows_calls:
            form = CallForm()
        plain = calls_in_form(plain, form)
    if has_system:
        plain = _with_system_kept(plain, capabilities)
    if not tools:
        return plain, None
    if not capabilities.offers_tools and not knows_calls:
        raise PromptFormatError("this model's chat template has no tools.", param="tools")
    return plain, _plain_tools(tools, capabilities)


def _plain(message: Message, index: int) -> dict[str, Any]:
    """The message without null fields and empty call lists, with its content as one text."""
    role = message.get("role")
    if role not in _ROLES:
        raise PromptFormatError(f"{role!r} is not one of {', '.join(_ROLES)}.", param=f"messages[{index}].role")
    plain = {name: value for name, value in message.items() if value is not None}
    plain["role"] = _ROLES[role]
    # A refusal is what an earlier answer said in place of content, or beside it. Few templates read the field.
    refusal = plain.pop("refusal", None)
    plain["content"] = joined_texts(_text(message.get("content"), f"messages[{index}].content"), refusal)
    if not plain.get("tool_calls"):
        plain.pop("tool_calls", None)
    return plain


def _text(content: Any, param: str) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise PromptFormatError("must be text or a list of text parts.", param=param)
    # Parts follow each other without a separator, as templates that read parts themselves write them.
    texts = []
    for index, part in enumerate(content):
        text = part_text(part)
        if text is None:
            kind = part.get("type") if isinstance(part, Mapping) else None
            raise PromptFormatError(f"this model reads text only, not {kind or part!r}.", param=f"{param}[{index}]")
        texts.append(text)
    return "".join(texts)


def _with_system_kept(messages: list[dict[str, Any]], capabilities: AnyCapabilities) -> list[dict[str, Any]]:
    """The messages with every system text where the template shows it."""
    messages = _with_systems_joined(messages, capabilities)
    if messages[0]["role"] != "system":
        return messages  # only later ones, which the template keeps
    if len(messages) == 1 and not capabilities.keeps_system_alone:
        return [{**messages[0], "role": "user"}]
    if not capabilities.takes_system:
        # No system role, as in Gemma, or one that is read from parts only.
        if capabilities.takes_system_as_parts:
            parts = [{"type": "text", "text": messages[0]["content"]}]
            return [{**messages[0], "content": parts}, *messages[1:]]
        return _with_system_in_user(messages, last=False)
    # Mistral v3 writes the system text into the last message, if that is a user's.
    if messages[-1]["role"] != "user" and not capabilities.keeps_system_before_answer:
        return _with_system_in_user(messages, last=True)
    return messages


def _with_systems_joined(messages: list[dict[str, Any]], capabilities: AnyCapabilities) -> list[dict[str, Any]]:
    """One first system message where the template would lose or move others."""
    systems = [index for index, message in enumerate(messages) if message["role"] == "system"]
    leading = 0
    while leading < len(systems) and systems[leading] == leading:
        leading += 1
    # `leading` system messages stand in front; the others are further down.
    if len(systems) > leading and capabilities.loses_later_system:
        joined = set(systems)
    elif leading > 1 and not capabilities.keeps_two_first_systems:
        joined = set(systems[:leading])
    else:
        return messages
    texts, others = [], []
    for index, message in enumerate(messages):
        if index in joined:
            texts.append(message["content"])
        else:
            others.append(message)
    return [{"role": "system", "content": "\n\n".join(texts)}, *others]


def _with_system_in_user(messages: list[dict[str, Any]], *, last: bool) -> list[dict[str, Any]]:
    """The system text in front of the first or last user message's, where the family's later templates put it."""
    system, *others = messages
    users = [index for index, message in enumerate(others) if message["role"] == "user"]
    if not others:
        return [{**system, "role": "user"}]
    if not users:
        # Nothing to put it into: the template refuses such a conversation, or shows what it can of it.
        return messages
    index = users[-1] if last else users[0]
    content = f"{system['content']}\n\n{others[index]['content']}"
    others[index] = {**others[index], "content": content}
    return others


def _plain_tools(tools: Sequence[Tool], capabilities: AnyCapabilities) -> list[dict[str, Any]]:
    plain = []
    for index, tool in enumerate(tools):
        function = tool.get("function")
        if not isinstance(function, Mapping) or "name" not in function:
            raise PromptFormatError("must have a name.", param=f"tools[{index}].function")
        plain.append({**tool, "function": _plain_function(function, capabilities)})
    return plain


def _plain_function(function: Mapping[str, Any], capabilities: AnyCapabilities) -> dict[str, Any]:
    """A tool's function without `strict` and nulls, which no model was trained to read."""
    plain = {}
    for name, value in function.items():
        if value is None or name == "strict":
            continue
        if isinstance(value, str) and capabilities.leaves_quotes:
            # As it stands between the quotes of a JSON string: the template adds only the quotes.
            plain[name] = json.dumps(value, ensure_ascii=False)[1:-1]
        else:
            plain[name] = value
    # Some templates add the description to a text, which fails for one that is missing.
    if "description" not in plain and capabilities.needs_descriptions:
        plain["description"] = ""
    return plain
