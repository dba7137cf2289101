"""Renders the messages of a request into the model's prompt, where the model's record has its chat template."""

from __future__ import annotations

from datetime import UTC, datetime

from tollgate_layer import prompt_format
from tollgate_layer.inference.conversation import Conversation, parser_spec, refused_by_format
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.record import Variant
from tollgate_layer.inference.schemas import parameters as parameter_table
from tollgate_layer.inference.template_check import is_templates_fault, names_syntax

_OPTIONS = ("add_generation_prompt", "continue_final_message")


def rendered_conversation(
    messages: list[JsonObject], parameters: JsonObject, stop: tuple[str, ...], variant: Variant, now: float
) -> Conversation:
    """The prompt that the variant's chat template makes of the messages; `now` is in seconds since the epoch.

    The prompt honours some parameters itself (tools, template variables …), so they go no further.

    Raises:
        RequestError: the chat template refuses the conversation, or cannot honour a parameter.
        ApiError: `model_misconfigured` when no such conversation can be rendered, whatever its texts.
    """
    template = variant.chat_template
    assert template is not None
    family = prompt_format.family(template, variant.special_tokens)
    syntax = _call_syntax(variant, family)
    tools = _tools_to_offer(parameters, syntax)
    knows_calls = names_syntax(variant)
    try:
        messages, tools = prompt_format.normalise(messages, template=template, tools=tools, knows_calls=knows_calls)
        prompt = _render(messages, tools, template, parameters, variant, now)
        prompt_format.check_complete(messages, prompt, template=template)
    except prompt_format.PromptFormatError as error:
        if is_templates_fault(error, variant, messages, tools):
            raise ApiError("model_misconfigured", upstream="chat_template") from error
        raise refused_by_format(error, "messages") from None

    reasoning = variant.reasoning
    if reasoning is None:  # the record leaves it to the template
        reasoning = family.reasoning
    if prompt.rstrip().endswith("</think>"):
        reasoning = False  # the prompt has closed the block itself: the answer has none (Qwen3 without thinking)
    starts_in_reasoning = reasoning == "open" or (bool(reasoning) and prompt_format.opens_reasoning(prompt))
    parser = parser_spec(syntax, tools, reasoning=bool(reasoning), starts_in_reasoning=starts_in_reasoning)
    prompt = _without_doubled_bos(prompt, variant, family)
    return Conversation(prompt, _not_honoured_by_template(parameters), (*stop, *family.stop), parser)


def _render(
    messages: list[JsonObject],
    tools: list[JsonObject] | None,
    template: str,
    parameters: JsonObject,
    variant: Variant,
    now: float,
) -> str:
    options = {}
    for name in _OPTIONS:
        if name in parameters:
            options[name] = parameters[name]
    # The client's variables come last, so that they win over the record's.
    variables = {**variant.template_variables, **_variables(parameters)}
    return prompt_format.render(
        messages,
        template=template,
        tools=tools,
        special_tokens=variant.special_tokens,
        now=datetime.fromtimestamp(now, UTC),
        **options,
        **variables,
    )


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


def _variables(parameters: JsonObject) -> JsonObject:
    """The client's own template variables."""
    variables: JsonObject = dict(parameters.get("chat_template_kwargs", {}))
    if "documents" in parameters:
        variables["documents"] = parameters["documents"]
    return variables


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
