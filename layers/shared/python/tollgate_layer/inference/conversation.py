"""What the model reads: the messages of a request, or the prompt that they become."""

from __future__ import annotations

from typing import Any, NamedTuple

from tollgate_layer.inference.completion_spec import ParserSpec
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.record import ModelRecord, Variant
from tollgate_layer.inference.request import Prompts, Request
from tollgate_layer.inference.schemas import parameters as parameter_table
from tollgate_layer.prompt_format import Defuser, PromptFormatError, defuser
from tollgate_layer.prompt_format.prompts import render_prompt
from tollgate_layer.prompt_format.template_input import joined_texts, part_text


class Conversation(NamedTuple):
    """What the model reads, and what that means for reading its answer.

    `prompt` is text that the model reads as it is, or several of them, or messages that its server formats.
    `parameters` are the request's over the record's defaults, without those that the prompt already honours. `stop`
    ends the answer: the request's sequences and the chat template's. `parser` is None where the answer's text is
    content and nothing else.
    """

    prompt: str | Prompts | list[JsonObject]
    parameters: JsonObject
    stop: tuple[str, ...]
    parser: ParserSpec | None = None

    @property
    def length(self) -> int:
        """Characters of all texts in the prompt."""
        return sum(map(len, self.texts))

    @property
    def texts(self) -> list[str]:
        """The texts in the prompt: itself, or what its messages say."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt, Prompts):
            return self.prompt.texts
        texts = []
        for message in self.prompt:
            content = message.get("content") or ""
            if isinstance(content, str):
                texts.append(content)
                continue
            for part in content:  # a part that is no text, such as an image, has no length that we know
                texts.append(part.get("text") or "")
        return texts


def defuser_of(variant: Variant) -> Defuser:
    """What makes texts harmless that are not the record's own, in the words of the variant's family.

    Raises:
        RequestError: the variant's chat template is not one.
    """
    try:
        return defuser(variant.chat_template, variant.special_tokens, allow_special_tokens=variant.allow_special_tokens)
    except PromptFormatError as error:
        raise refused_by_format(error, "messages") from None


def messages_of(request: Request, record: ModelRecord, defuser: Defuser) -> list[JsonObject]:
    """The request's messages, or the record's own prompt filled in, under the record's default system text.

    Everything that is not the record's own text is defused here, before the two are joined.

    Raises:
        RequestError: variables are missing, unknown, or not what this model takes.
    """
    try:
        if request.variables is not None:
            if record.prompt is None:
                raise invalid_parameter("variables", "this model has no prompt of its own: send messages")
            messages = render_prompt(record.prompt._asdict(), request.variables, defuser)
        elif record.prompt is not None:
            raise invalid_parameter("messages", "this model has a prompt of its own: send variables")
        else:
            assert request.messages is not None, "a chat has messages or variables"
            messages = defuser.messages(request.messages)
    except PromptFormatError as error:
        raise refused_by_format(error, "messages") from None
    # A default: whoever writes a system text of their own wants that one, and not both.
    if record.defaults.system and not _has_system(messages):
        return [{"role": "system", "content": record.defaults.system}, *messages]
    return messages


# Names by which the prompt itself is made: whoever may set them could write another model's turns.
_NOT_THE_CLIENTS = {
    *("add_generation_prompt", "continue_final_message", "messages", "template", "chat_template", "tools"),
    *("special_tokens", "now", "strftime_now", "raise_exception"),
}


def harmless_parameters(parameters: JsonObject, defuser: Defuser) -> JsonObject:
    """The parameters, with those defused that a chat template writes into the prompt.

    A server may show the name, description and schema of `response_format` to the model as well.

    Raises:
        RequestError: a template variable has a name that is not the client's to set, or a value nests too deeply.
    """
    for name in parameters.get("chat_template_kwargs", {}):
        if name in _NOT_THE_CLIENTS or name.endswith("_token"):
            raise invalid_parameter(f"chat_template_kwargs.{name}", "this name is not the client's to set")
    table = parameter_table()
    harmless = dict(parameters)
    for name, value in parameters.items():
        if "template" in table[name].honoured_by or name == "response_format":
            try:
                harmless[name] = defuser.value(value)
            except PromptFormatError as error:
                raise refused_by_format(error, name) from None
    return harmless


def _has_system(messages: list[JsonObject]) -> bool:
    """Whether the client sends a system text itself; OpenAI's newer name for the role is `developer`."""
    for message in messages:
        if message["role"] in ("system", "developer"):
            return True
    return False


def served_conversation(
    messages: list[JsonObject], parameters: JsonObject, stop: tuple[str, ...], variant: Variant
) -> Conversation:
    """The messages for a server that has the chat template itself, in the shapes that every template reads.

    Its answer's text is searched for tool calls only where the record says how they are written: a server that
    does this itself gives them apart from the text.
    """
    syntax = variant.tool_calls if variant.tool_calls != "none" else None
    tools = None
    if syntax is not None and parameters.get("tool_choice") != "none":
        tools = parameters.get("tools")
    parser = parser_spec(
        syntax, tools, reasoning=bool(variant.reasoning), starts_in_reasoning=variant.reasoning == "open"
    )
    served = [_as_templates_read_it(message) for message in messages]
    return Conversation(served, parameters, stop, parser)


def _as_templates_read_it(message: JsonObject) -> JsonObject:
    """A message without OpenAI's newer shapes, for which most templates print nothing.

    `developer` is the newer name of `system` (gpt-oss, which knows both, reads them alike), and a refusal is what an
    earlier answer said in place of content, or beside it.
    """
    changes: JsonObject = {}
    content = message.get("content")
    if message["role"] == "developer":
        changes["role"] = "system"
    if isinstance(content, list):
        changes["content"] = content = _text_parts(content)
    if message.get("refusal"):
        if isinstance(content, list):
            changes["content"] = [*content, {"type": "text", "text": f"\n\n{message['refusal']}"}]
        else:
            changes["content"] = joined_texts(content, message["refusal"])
    if not changes:
        return message
    return {**message, **changes}


def _text_parts(parts: list[JsonObject]) -> list[JsonObject]:
    """The parts with every text in a text part and nowhere else.

    Templates differ in what they read: some skip refusals, some print a `text` beside an image. The texts that a prompt
    shows one behind the other would then be others than those that were made harmless together.
    """
    plain = []
    for part in parts:
        text = part_text(part)
        if text is None:
            plain.append({name: value for name, value in part.items() if name not in ("text", "refusal")})
        else:
            others = {name: value for name, value in part.items() if name not in ("text", "refusal")}
            plain.append({**others, "type": "text", "text": text})
    return plain


def parser_spec(
    syntax: str | None, tools: list[JsonObject] | None, *, reasoning: bool, starts_in_reasoning: bool = False
) -> ParserSpec | None:
    """How to read the answer's text; None where there is nothing to be told apart in it."""
    if not tools and not reasoning:
        return None
    if not tools:
        return ParserSpec(None, [], reasoning, starts_in_reasoning)
    # Only what is needed: the spec travels through the execution, whose data has a limit, and schemas can be long.
    needed: list[dict[str, Any]] = []
    for tool in tools:
        function = {"name": tool["function"]["name"]}
        if syntax == "qwen3_coder":  # its values do not tell text from numbers, as JSON does
            function["parameters"] = {"properties": _types(tool["function"].get("parameters") or {})}
        needed.append({"type": "function", "function": function})
    return ParserSpec(syntax, needed, reasoning, starts_in_reasoning)


def _types(schema: JsonObject) -> JsonObject:
    """The types of a tool's parameters, without the rest of its schema."""
    types: JsonObject = {}
    properties = schema.get("properties")
    for name, value in properties.items() if isinstance(properties, dict) else ():
        if isinstance(value, dict):
            types[name] = {key: value[key] for key in ("type", "anyOf", "oneOf") if key in value}
    return types


def refused_by_format(error: PromptFormatError, param: str) -> RequestError:
    """The error for a conversation that the prompt format refuses: its reason, at the message that it names, if any."""
    if error.param:
        return RequestError("invalid_parameter", str(error), param=error.param)
    return invalid_parameter(param, str(error))


def invalid_parameter(param: str, reason: str) -> RequestError:
    """The error that says that a parameter does not go with the model."""
    return RequestError("invalid_parameter", f"{param}: {reason.rstrip('.')}.", param=param)
