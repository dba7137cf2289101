"""How families write tool calls, and reading one from the text behind its mark.

| syntax | text |
|---|---|
| hermes | `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, repeated |
| mistral | `[TOOL_CALLS] [{"name": …, "arguments": {…}}, …]`, or `[TOOL_CALLS]name[ARGS]{…}`, repeated |
| llama3_json | `{"name": …, "parameters": {…}}`, with or without `<\\|python_tag\\|>`, several between semicolons |

A server that leaves out special tokens drops Mistral's and Llama's marks, so both are also read without, but
only at the very beginning of an answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple


class Syntax(NamedTuple):
    """A family's way of writing calls."""

    opening: str
    closing: str = ""
    bare: bool = False
    """Calls may come without the opening mark at the beginning of the answer."""
    named: bool = False
    """The name may stand before the arguments instead of inside the JSON."""


SYNTAXES: Mapping[str, Syntax] = {
    "hermes": Syntax("<tool_call>", "</tool_call>"),
    "mistral": Syntax("[TOOL_CALLS]", bare=True, named=True),
    "llama3_json": Syntax("<|python_tag|>", bare=True),
}


class Call(NamedTuple):
    """A call as the model wrote it."""

    name: str
    arguments: str


class Calls(NamedTuple):
    """The calls that were read, and how many characters they took."""

    calls: list[Call]
    length: int


WAIT: Final = "wait"
"""More text is needed to tell."""
TEXT: Final = "text"
"""This is no call."""

Reading = Calls | str


class CallReader:
    """Reads the calls of one mark. The text behind the mark is given again whenever it has grown."""

    def __init__(self, syntax: Syntax, names: Collection[str]) -> None:
        self._syntax = syntax
        self._names = names
        self._end = JsonEnd()

    def read(self, text: str, *, final: bool) -> Reading:
        """The calls at the beginning of `text`; WAIT if it may still become some (never when `final`); or TEXT."""
        name, start = _leading_name(text) if self._syntax.named else ("", _skip_space(text, 0))
        if start is None or start == len(text):
            may_be = start is not None or _MAY_BE_NAME.fullmatch(text)
            return WAIT if may_be and not final else TEXT
        if not (name or _may_be_call(text, start)):
            return TEXT
        end = self._end.find(text, start)
        if end is None:
            return TEXT if final else WAIT
        calls = self._calls(text[start:end], name)
        if calls is None:
            return TEXT
        return self._closed(text, end, calls, final=final)

    def _calls(self, text: str, name: str) -> list[Call] | None:
        """Every call in a JSON value, or None if anything in it is not one."""
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None
        if name:
            value = {"name": name, "arguments": value}
        calls = [self._call(item) for item in (value if isinstance(value, list) else [value])]
        known = [call for call in calls if call is not None]
        return known if known and len(known) == len(calls) else None

    def _call(self, value: Any) -> Call | None:
        if not isinstance(value, dict):
            return None
        if isinstance(value.get("function"), dict):
            value = {**value, **value["function"]}
        name = value.get("name")
        offered = isinstance(name, str) and (not self._names or name in self._names)
        arguments = _arguments(value, may_lack=bool(self._names))
        if not offered or arguments is None:
            return None
        return Call(name, arguments)

    def _closed(self, text: str, end: int, calls: list[Call], *, final: bool) -> Reading:
        """The calls if their closing mark follows; the end of the answer or another call closes them too."""
        opening, closing = self._syntax.opening, self._syntax.closing
        if not closing:
            return Calls(calls, end)
        after = _skip_space(text, end)
        rest = text[after : after + len(opening) + len(closing)]
        if rest.startswith(closing):
            return Calls(calls, after + len(closing))
        if rest.startswith(opening):
            return Calls(calls, after)
        if closing.startswith(rest) or opening.startswith(rest):
            return Calls(calls, len(text)) if final else WAIT
        return TEXT


class JsonEnd:
    """Finds where the JSON object or array ends that begins a growing text, reading each character once."""

    def __init__(self) -> None:
        self._position = 0
        self._depth = 0
        self._in_string = False
        self._found: int | None = None

    def find(self, text: str, start: int) -> int | None:
        """Index behind the value that begins at `start`, or None while it is incomplete."""
        if self._found is not None:
            return self._found
        position = max(self._position, start)
        while found := (_IN_STRING if self._in_string else _OUTSIDE).search(text, position):
            position = found.end()
            mark = found.group()
            if mark == "\\":
                position += 1
            elif mark == '"':
                self._in_string = not self._in_string
            else:
                self._depth += 1 if mark in "{[" else -1
                if self._depth <= 0:
                    self._found = position
                    return position
        self._position = max(position, len(text))
        return None


_OUTSIDE = re.compile(r'["{}\[\]]')
_IN_STRING = re.compile(r'["\\]')
_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"\s*([\w.-]{1,64})(?:\[CALL_ID\]\w{1,64})?(?:\[ARGS\])?\s*(?=\{)")
_MAY_BE_NAME = re.compile(r"\s*[\w.-]{0,64}(?:\[[\w\[\]]{0,80})?\s*")
_FIRST_KEY = re.compile(r'[\[\s]*\{\s*"([^"\\]*)"')
_NOT_A_CALL = re.compile(r'[\[\s]*[^\[\s{]|[\[\s]*\{\s*[^\s"]')
_CALL_KEYS = frozenset({"name", "type", "function", "arguments", "parameters", "id"})


def _leading_name(text: str) -> tuple[str, int | None]:
    """The name in front of the arguments ("" if there is none), and where the JSON starts (None: not here yet)."""
    start = _skip_space(text, 0)
    if start == len(text) or text[start] in "{[":
        return "", start
    found = _NAME.match(text)
    return (found.group(1), found.end()) if found else ("", None)


def _may_be_call(text: str, start: int) -> bool:
    """Whether the JSON can be a call as far as it is known: ordinary JSON answers are not held back."""
    key = _FIRST_KEY.match(text, start)
    if key:
        return key.group(1) in _CALL_KEYS
    return not _NOT_A_CALL.match(text, start)


def _arguments(call: Mapping[str, Any], *, may_lack: bool) -> str | None:
    """The arguments as JSON text, None if they are no JSON object. Some models encode them twice."""
    arguments = call.get("arguments", call.get("parameters", {} if may_lack else None))
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None
    return json.dumps(arguments, ensure_ascii=False) if isinstance(arguments, dict) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _skip_space(text: str, start: int) -> int:
    found = _SPACE.match(text, start)
    return found.end() if found else start
