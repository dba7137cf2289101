"""Renders the messages of a request into the model's prompt, where the model's record has its chat template."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tollgate_layer import prompt_format
from tollgate_layer.inference.conversation import Conversation, invalid_parameter, parser_spec, refused_by_format
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.record import Variant
from tollgate_layer.inference.record_check import is_templates_fault
from tollgate_layer.inference.schemas import parameters as parameter_table

_OPTIONS = ("add_generation_prompt", "continue_final_message")
# Names by which the prompt itself is made: whoever may set them could write another model's turns.
_NOT_THE_CLIENTS = {
    *_OPTIONS,
    "messages",
    "template",
    "tools",
    "special_tokens",
    "now",
    "strftime_now",
    "raise_exception",
}


def rendered_conversation(
    messages: list[JsonObject], parameters: JsonObject, stop: tuple[str, ...], variant: Variant, now: float
) -> Conversation:
    """The prompt that the variant's chat template makes of the messages; `now` is in seconds since the epoch.

    The prompt honours some parameters itself (tools, template variables …), so they go no further.

    Raises:
        RequestError: the template refuses the conversation, or cannot honour a parameter.
        ApiError: `model_misconfigured` when no such conversation can be rendered, whatever its texts.
    """
    template = variant.chat_template
    assert template is not None
    family = prompt_format.family(template, variant.special_tokens)
    syntax = _call_syntax(variant, family)
    tools = _tools_to_offer(parameters, syntax)
    prompt, tools = _render(messages, tools, template, parameters, variant, now)

    reasoning = variant.reasoning
    if reasoning is None:  # the record leaves it to the template
        reasoning = family.reasoning
    starts_in_reasoning = reasoning and prompt_format.opens_reasoning(prompt)
    parser = parser_spec(syntax, tools, reasoning=reasoning, starts_in_reasoning=starts_in_reasoning)
    prompt = _without_doubled_bos(prompt, variant, family)
    return Conversation(prompt, _not_honoured_by_template(parameters), (*stop, *family.stop), parser)


def _render(
    messages: list[JsonObject],
    tools: list[JsonObject] | None,
    template: str,
    parameters: JsonObject,
    variant: Variant,
    now: float,
) -> tuple[str, list[JsonObject] | None]:
    """The prompt, and the tools that it offers."""
    options = {}
    for name in _OPTIONS:
        if name in parameters:
            options[name] = parameters[name]
    # The client's variables come last, so that they win over the record's.
    variables = {**variant.template_variables, **_variables(parameters, template, variant)}
    try:
        messages, tools = prompt_format.normalise(messages, template=template, tools=tools)
        if not variant.allow_special_tokens:
            messages = prompt_format.neutralise(messages, template=template, special_tokens=variant.special_tokens)
        prompt = prompt_format.render(
            messages,
            template=template,
            tools=tools,
            special_tokens=variant.special_tokens,
            now=datetime.fromtimestamp(now, UTC),
            **options,
            **variables,
        )
    except prompt_format.PromptFormatError as error:
        if is_templates_fault(error, variant, messages, tools):
            raise ApiError("model_misconfigured", upstream="chat_template") from error
        raise refused_by_format(error, "messages") from None
    return prompt, tools


def _call_syntax(variant: Variant, family: prompt_format.Family) -> str | None:
    """How the model writes tool calls: as its record says, else as its family does; None where it knows none."""
    if variant.tool_calls == "none":
        return None
    return variant.tool_calls or family.tool_calls


def _tools_to_offer(parameters: JsonObject, syntax: str | None) -> list[JsonObject] | None:
    """The tools that the prompt offers, if any. A prompt can offer tools, but cannot force a call."""
    tools: list[JsonObject] | None = parameters.get("tools")
    choice = parameters.get("tool_choice", "auto")
    if not tools or choice == "none":
        return None
    if syntax is None:
        raise RequestError("unsupported_parameter", "tools: this model has no tools.", param="tools")
    if choice != "auto":
        reason = "this model cannot be made to call a tool: use auto or none"
        raise RequestError("unsupported_parameter", f"tool_choice: {reason}.", param="tool_choice")
    return tools


def _variables(parameters: JsonObject, template: str, variant: Variant) -> JsonObject:
    """The client's own template variables; their texts are no safer than its messages."""
    variables: JsonObject = dict(parameters.get("chat_template_kwargs", {}))
    for name in variables:
        if name in _NOT_THE_CLIENTS or name.endswith("_token"):
            raise invalid_parameter(f"chat_template_kwargs.{name}", "this name is not the client's to set")
    if "documents" in parameters:
        variables["documents"] = parameters["documents"]
    if variant.allow_special_tokens:
        return variables
    return {name: _neutralised(value, template, variant) for name, value in variables.items()}


def _neutralised(value: Any, template: str, variant: Variant) -> Any:
    """The value with every text in it made harmless, as a user message's text is."""
    if isinstance(value, str):
        messages = [{"role": "user", "content": value}]
        harmless = prompt_format.neutralise(messages, template=template, special_tokens=variant.special_tokens)
        return harmless[0]["content"]
    if isinstance(value, list):
        return [_neutralised(item, template, variant) for item in value]
    if isinstance(value, dict):
        return {name: _neutralised(item, template, variant) for name, item in value.items()}
    return value


def _not_honoured_by_template(parameters: JsonObject) -> JsonObject:
    table = parameter_table()
    left = {}
    for name, value in parameters.items():
        if "template" not in table[name].honoured_by:
            left[name] = value
    return left


def _without_doubled_bos(prompt: str, variant: Variant, family: prompt_format.Family) -> str:
    """The prompt without the beginning-of-sequence token where the server's tokenizer writes it, too.

    Two of them are a prompt that the model never saw in training.
    """
    bos = variant.special_tokens.get("bos_token") or family.bos_token
    if variant.server_adds_bos and bos:
        return prompt.removeprefix(bos)
    return prompt
