"""Renders the messages of a request into the model's prompt, where the model's record has its chat template."""

from __future__ import annotations

from datetime import UTC, datetime

from tollgate_layer import prompt_format
from tollgate_layer.inference.completion_spec import ParserSpec
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
    if tools and _is_forced(parameters):
        prompt, parser = _with_begun_call(prompt, parser, parameters, template, reasons=bool(reasoning))
    prompt = _without_doubled_bos(prompt, variant, family)
    return Conversation(prompt, _not_honoured_by_template(parameters, template), (*stop, *family.stop), parser)


def _is_forced(parameters: JsonObject) -> bool:
    """Whether the client leaves the model no choice but to call a tool."""
    return parameters.get("tool_choice", "auto") not in ("auto", "none")


def _with_begun_call(
    prompt: str, parser: ParserSpec | None, parameters: JsonObject, template: str, *, reasons: bool
) -> tuple[str, ParserSpec]:
    """The prompt, at its end the beginning of the call that the model must make, and how to read what follows."""
    from tollgate_layer.prompt_format.tool_calls.forcing import begun_call, without_reasoning  # few requests force one

    assert parser is not None, "tools are offered"
    assert parser.tool_calls is not None
    for name in _OPTIONS:
        if name in parameters:
            raise RequestError("unsupported_parameter", f"{name}: no call can be forced beside it.", param=name)
    choice = parameters["tool_choice"]
    begun = begun_call(parser.tool_calls, template, None if choice == "required" else choice["function"]["name"])
    prompt = without_reasoning(prompt, reasons=reasons) + begun
    return prompt, parser._replace(reasoning=False, starts_in_reasoning=False, begun=begun)


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
    variables = {**variant.template_variables, **_variables(parameters, template)}
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
    """The tools that the prompt offers, if any."""
    tools: list[JsonObject] | None = parameters.get("tools")
    choice = parameters.get("tool_choice", "auto")
    if not tools or choice == "none":
        return None
    if syntax is None:
        raise RequestError("unsupported_parameter", "tools: this model has no tools.", param="tools")
    if isinstance(choice, dict) and choice["function"]["name"] not in [tool["function"]["name"] for tool in tools]:
        raise RequestError("invalid_parameter", "tool_choice: names none of the tools.", param="tool_choice")
    return tools


_SWITCHES = ("enable_thinking", "reasoning_effort")
"""Variables by which chat templates let a model think, or think for longer."""


def _has_variable(template: str, name: str) -> bool:
    """Whether a chat template reads a variable. Of the built-in ones, Qwen3's alone has a switch."""
    return name in template or (template == "qwen3" and name == "enable_thinking")


def _variables(parameters: JsonObject, template: str) -> JsonObject:
    """The client's own template variables."""
    variables: JsonObject = dict(parameters.get("chat_template_kwargs", {}))
    effort = parameters.get("reasoning_effort")
    if effort is not None and _has_variable(template, "reasoning_effort"):
        variables.setdefault("reasoning_effort", effort)
    if effort is not None and _has_variable(template, "enable_thinking"):
        variables.setdefault("enable_thinking", effort not in ("none", "minimal"))
    if "documents" in parameters:
        variables["documents"] = parameters["documents"]
    return variables


def _not_honoured_by_template(parameters: JsonObject, template: str) -> JsonObject:
    table = parameter_table()
    left = {}
    for name, value in parameters.items():
        if "template" not in table[name].honoured_by:
            left[name] = value
    if any(_has_variable(template, switch) for switch in _SWITCHES):
        left.pop("reasoning_effort", None)
    return left


def _without_doubled_bos(prompt: str, variant: Variant, family: prompt_format.Family) -> str:
    """The prompt without the beginning-of-sequence token where the server's tokenizer writes it, too.

    Two of them are a prompt that the model never saw in training.
    """
    bos = variant.special_tokens.get("bos_token") or family.bos_token
    if variant.server_adds_bos and bos:
        return prompt.removeprefix(bos)
    return prompt
