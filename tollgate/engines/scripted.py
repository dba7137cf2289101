"""An engine that answers what a small file says, so that agents and clients can be tried without a model.

A script is a list of rules, as JSON. Of those that fit, the first one answers:

    [{"when": "weather", "call": {"name": "get_weather", "arguments": {"city": "Paris"}}},
     {"after_tool": true, "think": "18 degrees.", "say": "It is mild."},
     {"when": "break", "fail": "ModelErrorException", "times": 2},
     {"say": "Hello."}]

A model whose server formats messages answers in OpenAI's fields. To a prompt, thoughts and calls are written into the
text, as Qwen writes them, and a call that the prompt has begun is gone on with.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from tollgate.engines.base import Delta, FinishReason, Generation, Token
from tollgate.engines.echo import EchoEngine, message_text
from tollgate.engines.errors import BusyError, EngineError, GenerationError, InvalidPromptError
from tollgate.engines.samples import sample

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FIRST_TOOL = "first"
"""A rule's `call` that takes the first tool, or the one that the client has chosen, with arguments of its schema."""

_WORD = re.compile(r"\s*\S+|\s+")
# Where prompts list their tools, as Qwen's and Hermes' templates write them: a JSON document a line.
_TOOLS = re.compile(r"<tools>\n(.*?)\n</tools>", re.DOTALL)
_FAILURES: dict[str, EngineError] = {
    "ModelErrorException": GenerationError("The script says that the model fails."),
    "ThrottlingException": BusyError("The script says that the model is busy."),
    "ValidationException": InvalidPromptError("The script says that the request is wrong."),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """What is answered to which requests. Rules without `when` and `after_tool` fit every request."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid", "strict": True}

    when: str = ""
    """A text that the last message, or the prompt, must hold."""
    after_tool: bool | None = None
    """True: only behind a tool's result; False: only elsewhere."""
    times: int | None = None
    """For how many requests the rule is there; None for all."""
    say: str = ""
    think: str = ""
    call: dict[str, Any] | list[dict[str, Any]] | str | None = None
    """A call as {name, arguments}, several of them, or `first`. Without tools in the request the rule does not fit."""
    fail: str | None = None
    """A failure of the model: ModelErrorException, ThrottlingException or ValidationException."""

    def __post_init__(self) -> None:
        if isinstance(self.call, str) and self.call != FIRST_TOOL:
            raise ValueError(f"call must be {FIRST_TOOL!r}, an object or a list, not {self.call!r}")
        if self.fail is not None and self.fail not in _FAILURES:
            raise ValueError(f"fail must be one of {', '.join(_FAILURES)}, not {self.fail!r}")


@dataclass(slots=True)
class _Request:
    """What a script looks at: the last message, whether it is a tool's result, and the tools."""

    last: str
    is_tool_result: bool
    tools: list[dict[str, Any]] = field(default_factory=list)


class ScriptedEngine:
    """Answers by rules; a request that fits none is answered with an echo. JSON that is asked for is made up."""

    def __init__(self, rules: list[Rule]) -> None:
        self._rules = rules
        self._taken = [0] * len(rules)

    def count_tokens(self, generation: Generation) -> int:
        """Count words, as the echo does."""
        return EchoEngine().count_tokens(generation)

    async def generate(self, generation: Generation) -> AsyncIterator[Token | Delta | FinishReason]:
        """Yield what the rule says, a word at a time.

        Raises:
            EngineError: the rule says that the model fails.
        """
        request = _request_of(generation)
        schema = _schema_of(generation)
        rule = Rule(say=json.dumps(sample(schema))) if schema is not None else self._rule_for(request)
        if rule.fail is not None:
            raise _FAILURES[rule.fail]
        calls = _calls_of(rule, request, generation.body)
        if generation.messages is None:
            pieces = _as_text(rule, calls, generation.prompt or "")
        else:
            pieces = _as_fields(rule, calls)
        for number, piece in enumerate(pieces):
            if number == generation.max_tokens:
                yield "length"
                return
            yield piece
        yield "tool_calls" if calls and generation.messages is not None else "stop"

    def _rule_for(self, request: _Request) -> Rule:
        for number, rule in enumerate(self._rules):
            if rule.times is not None and self._taken[number] >= rule.times:
                continue
            is_placed = rule.after_tool is None or rule.after_tool == request.is_tool_result
            if rule.when in request.last and is_placed and (rule.call is None or request.tools):
                self._taken[number] += 1
                return rule
        return Rule(say=f"echo: {request.last}")


def read_script(path: Path) -> ScriptedEngine:
    """The engine of a script in a file.

    Raises:
        ValueError: the file cannot be read, or is no script; the message says what is wrong with which rule.
    """
    from pydantic import TypeAdapter  # only who has a script needs it

    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from error
    return ScriptedEngine(TypeAdapter(list[Rule]).validate_json(text))


def _request_of(generation: Generation) -> _Request:
    if generation.messages is None:
        prompt = generation.prompt or ""
        found = _TOOLS.search(prompt)
        tools = [json.loads(line) for line in found[1].splitlines()] if found else []
        # The last turn, and the opening of the answer's; a tool's result stands in marks of its own.
        last = "".join(prompt.rsplit("<|im_start|>", 2)[-2:])
        return _Request(last, "<tool_response>" in last, tools)
    messages = generation.messages
    last_message = messages[-1] if messages else {}
    is_tool_result = last_message.get("role") == "tool"
    return _Request(message_text(last_message), is_tool_result, list(generation.tools or []))


def _schema_of(generation: Generation) -> dict[str, Any] | None:
    """The schema of the JSON that is asked for, if any."""
    wanted = generation.body.get("response_format")
    if not isinstance(wanted, dict) or wanted.get("type") not in ("json_schema", "json_object"):
        return None
    given = wanted.get("json_schema")
    if not isinstance(given, dict):
        return {"type": "object"}
    schema: dict[str, Any] = given.get("schema", given)
    return schema


def _calls_of(rule: Rule, request: _Request, body: Any) -> list[dict[str, Any]]:
    if rule.call is None:
        return []
    if not isinstance(rule.call, str):
        return rule.call if isinstance(rule.call, list) else [rule.call]
    functions = [tool["function"] for tool in request.tools]
    choice = body.get("tool_choice")
    if isinstance(choice, dict):
        functions = [function for function in functions if function["name"] == choice["function"]["name"]]
    return [{"name": functions[0]["name"], "arguments": sample(functions[0].get("parameters") or {})}]


def _as_fields(rule: Rule, calls: list[dict[str, Any]]) -> list[Token | Delta]:
    """An answer as a server gives it that tells thoughts and calls apart itself."""
    pieces: list[Token | Delta] = []
    if rule.think:
        pieces.append(Delta({"reasoning_content": rule.think}))
    pieces += _words(rule.say)
    for index, call in enumerate(calls):
        function = {"name": call["name"], "arguments": json.dumps(call.get("arguments", {}))}
        told = {"index": index, "id": f"call_{index}_{call['name']}", "type": "function", "function": function}
        pieces.append(Delta({"tool_calls": [told]}))
    return pieces


def _as_text(rule: Rule, calls: list[dict[str, Any]], prompt: str) -> list[Token | Delta]:
    """An answer as a model writes it."""
    written = []
    for call in calls:
        document = {"name": call["name"], "arguments": call.get("arguments", {})}
        written.append(f"<tool_call>\n{json.dumps(document, ensure_ascii=False)}\n</tool_call>")
    text = "\n".join(written)
    begun = _begun(prompt, text)
    if begun:
        return _words(text[begun:])
    if rule.think and not prompt.rstrip().endswith("</think>"):
        opening = "" if prompt.rstrip().endswith("<think>") else "<think>\n"
        text = f"{opening}{rule.think}\n</think>\n\n{rule.say}{text}"
    else:
        text = rule.say + text
    return _words(text)


def _begun(prompt: str, text: str) -> int:
    """How much of the text stands at the prompt's end already, the mark of a call at least."""
    for length in range(len(text) - 1, len("<tool_call>") - 1, -1):
        if prompt.endswith(text[:length]):
            return length
    return 0


def _words(text: str) -> list[Token | Delta]:
    return [Token(word) for word in _WORD.findall(text)]
