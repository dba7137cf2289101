"""The prompt of a chat request that a server of open models makes with the model's own chat template.

It is deliberately no kinder than such a server. `prompt_format.normalise` would help a template that prints nothing for
the role `developer`, or loses a second system message; a model that is served gets its messages nearly as they came,
and a request must go wrong here as it does there. What is done to messages is what vLLM does (decision 0114):
https://github.com/vllm-project/vllm/blob/main/vllm/entrypoints/chat_utils.py
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from tollgate.engines.errors import InvalidPromptError
from tollgate_layer.prompt_format import PromptFormatError, render

if TYPE_CHECKING:
    from collections.abc import Mapping

# A template that loops over a message's content wants a list of parts, any other one text.
_LOOP_OVER_CONTENT = re.compile(r"\{%-?\s*for\s+\w+\s+in\s+\w+(?:\[['\"]content['\"]\]|\.content\b)")
# Names that `render` has for itself; a server's renderer has about the same, and fails on them too.
_OWN_NAMES = {"messages", "template", "tools", "special_tokens", "now", "chat_template", "tokenize"}
_FLAGS = {"add_generation_prompt", "continue_final_message"}


def served_prompt(
    template: str | None,
    special_tokens: Mapping[str, str],
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    body: Mapping[str, Any],
) -> str:
    """The prompt; `body` is the request's, of which the template's variables and flags are read.

    Raises:
        InvalidPromptError: there is no template, it refuses the messages, or the request asks for what it cannot give.
    """
    if template is None:
        raise InvalidPromptError("The model has no chat template: send prompt instead of messages.")
    in_parts = _LOOP_OVER_CONTENT.search(template) is not None
    served = [_served_message(message, number, in_parts) for number, message in enumerate(messages)]
    try:
        return render(served, template=template, tools=tools or None, special_tokens=special_tokens, **_variables(body))
    except PromptFormatError as error:
        raise InvalidPromptError(str(error)) from error


def _variables(body: Mapping[str, Any]) -> dict[str, Any]:
    """The template's variables of a request, and the flags that say how its prompt ends."""
    variables = body.get("chat_template_kwargs")
    variables = {} if variables is None else variables
    if not isinstance(variables, dict):
        raise InvalidPromptError("chat_template_kwargs must be an object.")
    taken = sorted(_OWN_NAMES & variables.keys())
    if taken:
        raise InvalidPromptError(f"chat_template_kwargs must not hold {taken[0]}.")
    variables = dict(variables)
    if body.get("documents") is not None:
        variables["documents"] = body["documents"]
    for name in _FLAGS & body.keys():
        if body[name] is not None:
            variables[name] = body[name]
    for name in _FLAGS & variables.keys():
        if not isinstance(variables[name], bool):
            raise InvalidPromptError(f"{name} must be true or false.")
    if variables.get("continue_final_message") and variables.get("add_generation_prompt", True):
        raise InvalidPromptError("continue_final_message needs add_generation_prompt to be false.")
    return variables


def _served_message(message: Mapping[str, Any], number: int, in_parts: bool) -> dict[str, Any]:
    """A message as a server hands it to a template: its texts joined, the arguments of its calls as objects."""
    served = {name: value for name, value in message.items() if value is not None}
    texts = _texts(message.get("content"), number)
    served["content"] = [{"type": "text", "text": text} for text in texts] if in_parts else "\n".join(texts)
    calls = message.get("tool_calls")
    if message.get("role") == "assistant" and isinstance(calls, list) and calls:
        served["tool_calls"] = [_served_call(call, f"messages[{number}].tool_calls") for call in calls]
    else:
        served.pop("tool_calls", None)
    return served


def _texts(content: Any, number: int) -> list[str]:
    if content is None:
        return []
    if isinstance(content, str):
        return [content]
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        text = part.get(kind) if kind in ("text", "refusal") else None
        if isinstance(part, str):
            text = part
        if not isinstance(text, str):
            raise InvalidPromptError(f"messages[{number}].content holds a part that is no text: this model reads none.")
        texts.append(text)
    return texts


def _served_call(call: Any, place: str) -> dict[str, Any]:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict):
        raise InvalidPromptError(f"{place} holds a call without a function.")
    arguments = function.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError) as error:
            raise InvalidPromptError(f"{place} holds arguments that are no JSON.") from error
    return {**call, "function": {**function, "arguments": arguments or {}}}
