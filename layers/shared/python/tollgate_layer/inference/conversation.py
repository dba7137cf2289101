"""From a checked chat request to what the model reads: a prompt, or messages that its server formats."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from tollgate_layer import prompt_format
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.record import ModelRecord, Variant
from tollgate_layer.inference.spec import ParserSpec
from tollgate_layer.prompt_format.prompts import render_prompt

JsonObject = dict[str, Any]


class Prompt(NamedTuple):
    """What the model reads, and what that means for reading its answer.

    `value` is text or messages; `parameters` are the request's, less those that the prompt already honours.
    """

    value: str | list[JsonObject]
    parameters: JsonObject
    stop: tuple[str, ...] = ()
    parser: ParserSpec | None = None


def messages_of(request: JsonObject, record: ModelRecord) -> list[JsonObject]:
    """The request's messages, or the record's own prompt filled in, under the record's default system text.

    Raises:
        RequestError: variables are missing, unknown, or not what this model takes.
    """
    if "variables" in request:
        messages = _from_variables(request["variables"], record)
    elif record.prompt:
        raise _invalid("messages", "this model has a prompt of its own: send variables")
    else:
        messages = request["messages"]
    has_system = any(message["role"] in ("system", "developer") for message in messages)
    if record.defaults.system and not has_system:
        return [{"role": "system", "content": record.defaults.system}, *messages]
    return messages


def _from_variables(variables: dict[str, str], record: ModelRecord) -> list[JsonObject]:
    if record.prompt is None:
        raise _invalid("variables", "this model has no prompt of its own: send messages")
    try:
        return render_prompt(record.prompt._asdict(), variables)
    except prompt_format.PromptFormatError as error:
        raise _refused(error, "variables") from None


def served(messages: list[JsonObject], parameters: JsonObject, variant: Variant) -> Prompt:
    """Messages as they are: the server has the chat template. Texts are read only if the record says how."""
    syntax = None if variant.tool_calls == "none" else variant.tool_calls
    tools = parameters.get("tools") if syntax and parameters.get("tool_choice") != "none" else None
    return Prompt(messages, parameters, parser=_parser(syntax, tools, reasoning=bool(variant.reasoning)))


def rendered(
    messages: list[JsonObject], parameters: JsonObject, variant: Variant, *, template: str, now: datetime
) -> Prompt:
    """The prompt that the variant's chat template makes of the messages.

    Raises:
        RequestError: the template is not one, refuses the conversation, or cannot honour a parameter.
    """
    rest = dict(parameters)
    options = {name: rest.pop(name) for name in _TEMPLATE_OPTIONS if name in rest}
    variables = {**variant.template_variables, **_template_variables(rest, template, variant)}
    family = _family(template, variant)
    syntax = _tool_syntax(variant, family)
    tools = _tools_for_prompt(rest, syntax)
    try:
        messages, tools = prompt_format.normalise(messages, template=template, tools=tools)
        if not variant.allow_special_tokens:
            messages = prompt_format.neutralise(messages, template=template, special_tokens=variant.special_tokens)
        text = prompt_format.render(
            messages,
            template=template,
            tools=tools,
            special_tokens=variant.special_tokens,
            now=now,
            **options,
            **variables,
        )
    except prompt_format.PromptFormatError as error:
        raise _refused(error, "messages") from None
    reasoning = family.reasoning if variant.reasoning is None else variant.reasoning
    opened = reasoning and prompt_format.opens_reasoning(text)
    parser = _parser(syntax, tools, reasoning=reasoning, starts_in_reasoning=opened)
    return Prompt(_without_bos(text, variant, family), rest, family.stop, parser)


_TEMPLATE_OPTIONS = ("add_generation_prompt", "continue_final_message")
_NOT_VARIABLES = {*_TEMPLATE_OPTIONS, "messages", "template", "tools", "special_tokens", "now", "strftime_now",
                  "raise_exception"}  # fmt: skip


def _template_variables(rest: JsonObject, template: str, variant: Variant) -> JsonObject:
    """Take the client's own template variables out of `rest`; their texts are no safer than its messages."""
    variables: JsonObject = rest.pop("chat_template_kwargs", {})
    for name in variables:
        if name in _NOT_VARIABLES or name.endswith("_token"):
            raise _invalid(f"chat_template_kwargs.{name}", "this name is not the client's to set")
    if "documents" in rest:
        variables = {**variables, "documents": rest.pop("documents")}
    if variant.allow_special_tokens:
        return variables
    return {name: _neutralised(value, template, variant) for name, value in variables.items()}


def _neutralised(value: Any, template: str, variant: Variant) -> Any:
    if isinstance(value, str):
        message = [{"role": "user", "content": value}]
        return prompt_format.neutralise(message, template=template, special_tokens=variant.special_tokens)[0]["content"]
    if isinstance(value, list):
        return [_neutralised(item, template, variant) for item in value]
    if isinstance(value, dict):
        return {name: _neutralised(item, template, variant) for name, item in value.items()}
    return value


def _family(template: str, variant: Variant) -> prompt_format.Family:
    try:
        return prompt_format.family(template, variant.special_tokens)
    except prompt_format.PromptFormatError as error:
        raise _refused(error, "messages") from None


def _tool_syntax(variant: Variant, family: prompt_format.Family) -> str | None:
    if variant.tool_calls == "none":
        return None
    return variant.tool_calls or family.tool_calls


def _tools_for_prompt(rest: JsonObject, syntax: str | None) -> list[JsonObject] | None:
    """Take the tool parameters out of `rest`; a prompt can offer tools, but cannot force a call."""
    tools: list[JsonObject] | None = rest.pop("tools", None)
    choice = rest.pop("tool_choice", "auto")
    if not tools or choice == "none":
        return None
    if syntax is None:
        raise RequestError("unsupported_parameter", "tools: this model has no tools.", param="tools")
    if choice != "auto":
        reason = "this model cannot be made to call a tool: use auto or none"
        raise RequestError("unsupported_parameter", f"tool_choice: {reason}.", param="tool_choice")
    return tools


def _parser(
    syntax: str | None, tools: list[JsonObject] | None, *, reasoning: bool, starts_in_reasoning: bool = False
) -> ParserSpec | None:
    if not (tools or reasoning):
        return None
    names = [{"type": "function", "function": {"name": tool["function"]["name"]}} for tool in tools or ()]
    return ParserSpec(syntax if tools else None, names, reasoning, starts_in_reasoning)


def _without_bos(prompt: str, variant: Variant, family: prompt_format.Family) -> str:
    """The server's tokenizer may write the beginning-of-sequence token itself: it must be there once."""
    bos = variant.special_tokens.get("bos_token") or family.bos_token
    return prompt.removeprefix(bos) if variant.server_adds_bos and bos else prompt


def _refused(error: prompt_format.PromptFormatError, param: str) -> RequestError:
    """A conversation that the template refuses: the family's reason, at the message at fault."""
    if error.param:
        return RequestError("invalid_parameter", str(error), param=error.param)
    return _invalid(param, str(error))


def _invalid(param: str, reason: str) -> RequestError:
    return RequestError("invalid_parameter", f"{param}: {reason.rstrip('.')}.", param=param)
