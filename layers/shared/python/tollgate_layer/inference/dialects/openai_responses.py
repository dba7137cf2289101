"""OpenAI's responses: `POST /v1/responses`, without anything that is kept between two of them.

    {"model": "apexguru", "instructions": "You review Apex.", "input": "Review this class: …"}

A response is a chat in other words: its input becomes messages, and what is asked of it the parameters of a chat, so
that the model reads the same prompt whichever of the two a client speaks. What clients may send stands in
api/requests/responses.py, field by field.
https://platform.openai.com/docs/api-reference/responses/create
"""

from __future__ import annotations

import re

from tollgate_layer.inference.completion import Completion
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import openai, openai_chat
from tollgate_layer.inference.dialects.response_events import ResponseEvents
from tollgate_layer.inference.dialects.response_input import messages_of
from tollgate_layer.inference.dialects.response_object import output_of, response_object
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, to_json
from tollgate_layer.inference.request import IncomingRequest, Request
from tollgate_layer.inference.response import Response


class OpenAIResponses(openai.OpenAIErrors):
    """The dialect of OpenAI's responses: reads their input as a chat, and writes completions as lists of items.

    `dialects.Dialect` says what each method does.
    """

    id_prefix = "resp_"

    def read(self, incoming: IncomingRequest) -> Request:
        document = openai.read_body(incoming.body, "responses")
        _refuse_what_is_not_here(document)
        tools, dropped = _tools_of(document)
        request = openai_chat.read_document(_as_chat(document, tools), incoming)
        kept = {name: document[name] for name in _REPEATED if name in document}
        if tools:
            kept["tools"] = tools
        return request._replace(ignored=dropped, kept=kept)

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        # A request has no `n`, so that there is one choice.
        choice = completion.choices[0]
        return to_json(response_object(spec, output_of(spec, choice), choice.finish_reason, completion.usage))

    def event_writer(self, spec: CompletionSpec) -> ResponseEvents:
        return ResponseEvents(spec)

    def write_error(self, error: ApiError, request_id: str) -> Response:
        return super().write_error(_in_own_words(error), request_id)


DIALECT = OpenAIResponses()

_REPEATED = (
    "instructions",
    "max_output_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning",
    "temperature",
    "text",
    "tool_choice",
    "top_logprobs",
    "top_p",
    "user",
)
"""Fields of a request that its response repeats; tools are repeated as far as the model was given them."""

_NOT_HERE = {
    "previous_response_id": "nothing is stored here: send the whole conversation as input",
    "conversation": "nothing is stored here: send the whole conversation as input",
    "prompt": "nothing is stored here: a model's own prompt stands in its record",
    "context_management": "nothing is stored here",
    "moderation": "no model here moderates others",
}


def _refuse_what_is_not_here(document: JsonObject) -> None:
    """Raises RequestError: most of it only a server knows that keeps earlier responses."""
    for name, reason in _NOT_HERE.items():
        if name in document:
            raise _unsupported(name, reason)
    if document.get("background"):
        raise _unsupported("background", "a response is answered at once, or streamed")
    if document.get("truncation") == "auto":
        raise _unsupported("truncation", "a conversation that is too long is refused, and never cut")


def _as_chat(document: JsonObject, tools: list[JsonObject]) -> JsonObject:
    """The chat that asks for the same."""
    chat: JsonObject = {"model": document["model"], "messages": messages_of(document)}
    for name, chat_name in _SAME.items():
        if name in document:
            chat[chat_name] = document[name]
    if tools:
        chat["tools"] = [_chat_tool(tool) for tool in tools]
        if "tool_choice" in document:
            chat["tool_choice"] = _chat_choice(document["tool_choice"], tools)
    if document.get("top_logprobs") or "message.output_text.logprobs" in document.get("include", ()):
        chat["logprobs"] = True
        chat["top_logprobs"] = document.get("top_logprobs", 0)
    text = document.get("text", {})
    if text.get("format"):
        chat["response_format"] = _response_format(text["format"])
    if text.get("verbosity"):
        chat["verbosity"] = text["verbosity"]
    effort = document.get("reasoning", {}).get("effort")
    if effort:
        chat["reasoning_effort"] = effort
    # A parameter that asks for nothing is left out by the chat's own table; null is the caller's to leave out.
    return chat


_SAME = {
    "max_output_tokens": "max_completion_tokens",
    "parallel_tool_calls": "parallel_tool_calls",
    "stream": "stream",
    "temperature": "temperature",
    "top_p": "top_p",
    "user": "user",
}
"""Parameters of a response → the chat's names for the same."""

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def _tools_of(document: JsonObject) -> tuple[list[JsonObject], tuple[str, ...]]:
    """The functions that the model may call, and the other tools that are left out, as the answer's header names them.

    Clients send OpenAI's hosted tools without being asked (Codex does), and could not start if these were refused.
    """
    functions = []
    dropped = []
    for index, tool in enumerate(document.get("tools", ())):
        if tool["type"] != "function":
            # A client's word goes into a header only if it is one.
            kind = tool["type"] if _WORD.fullmatch(tool["type"]) else str(index)
            dropped.append(f"tools.{kind}")
        elif tool.get("name") is None:
            openai.refuse_parameter(f"tools[{index}].name", "is missing")
        else:
            functions.append(tool)
    return _allowed(document, functions), tuple(dropped)


def _allowed(document: JsonObject, functions: list[JsonObject]) -> list[JsonObject]:
    """Those functions among which the client lets the model choose, if it says so."""
    choice = document.get("tool_choice")
    if not isinstance(choice, dict) or choice["type"] != "allowed_tools":
        return functions
    names = [tool.get("name") for tool in choice.get("tools") or ()]
    return [function for function in functions if function["name"] in names]


def _chat_tool(tool: JsonObject) -> JsonObject:
    function = {}
    for name in ("name", "description", "parameters", "strict"):
        if tool.get(name) is not None:
            function[name] = tool[name]
    return {"type": "function", "function": function}


def _chat_choice(choice: str | JsonObject, tools: list[JsonObject]) -> str | JsonObject:
    """A choice in a chat's words. Raises RequestError: it is one of a tool that the model does not have."""
    if isinstance(choice, str):
        return choice
    if choice["type"] == "allowed_tools":
        return choice.get("mode") or "auto"
    if choice["type"] != "function":
        raise _unsupported("tool_choice", "only functions can be called here")
    if choice.get("name") not in [tool["name"] for tool in tools]:
        openai.refuse_parameter("tool_choice", "names none of the tools")
    return {"type": "function", "function": {"name": choice["name"]}}


def _response_format(text_format: JsonObject) -> JsonObject:
    """A chat's response_format: what a response says beside the type stands in an object of its own there."""
    if text_format["type"] != "json_schema":
        return {"type": text_format["type"]}
    if text_format.get("schema") is None:
        openai.refuse_parameter("text.format.schema", "is missing")
    schema = {}
    for name in ("name", "description", "schema", "strict"):
        if text_format.get(name) is not None:
            schema[name] = text_format[name]
    return {"type": "json_schema", "json_schema": schema}


_OWN_NAMES = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
    "reasoning_effort": "reasoning.effort",
}
"""What the chat that a response becomes calls its fields → the client's names. One message may come of several items,
so that the place of a message says nothing to the client."""
_CHAT_FIELD = re.compile(rf"^({'|'.join(_OWN_NAMES)})\b(\[[\w.\[\]]+)?")


def _in_own_words(error: ApiError) -> ApiError:
    """The error with the names that the client knows."""
    if error.param is None or not _CHAT_FIELD.match(error.param):
        return error

    def own_name(found: re.Match[str]) -> str:
        return _OWN_NAMES[found.group(1)]

    message = _CHAT_FIELD.sub(own_name, error.message)
    param = _CHAT_FIELD.sub(own_name, error.param)
    return ApiError(error.code, message, param=param, upstream=error.upstream, retry_after=error.retry_after)


def _unsupported(param: str, reason: str) -> RequestError:
    return RequestError("unsupported_parameter", f"{param}: {reason}.", param=param)
