"""Reading the calls behind one opening mark."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from .json_end import JsonEnd
from .syntax import CallSyntax
from .tags import TagReader, Types, typed


class WrittenCall(NamedTuple):
    """A call as the model wrote it."""

    name: str
    arguments: str
    """A JSON object as text."""


class Calls(NamedTuple):
    """The calls that were read, and where in the text they end."""

    calls: list[WrittenCall]
    end: int


class NoCalls(Enum):
    """Why a text holds no calls (yet)."""

    UNDECIDED = "it may become one with more text"
    TEXT = "it is ordinary text"


Reading = Calls | NoCalls


class CallReader:
    """Reads the calls of one mark. The text is given again whenever it has grown."""

    def __init__(self, syntax: CallSyntax, offered: Mapping[str, Types]) -> None:
        self._syntax = syntax
        self._offered = offered
        self._json_end = JsonEnd()
        self._tags = TagReader()
        self.reach = 0
        """How far the text was read."""

    def read(self, text: str, start: int, *, final: bool) -> Reading:
        """The calls that begin at `start`, or why there are none. Never UNDECIDED when the text is `final`."""
        undecided = NoCalls.TEXT if final else NoCalls.UNDECIDED
        behind_mark = start
        start = skip_space(text, start)
        self.reach = start
        if self._syntax.tag:
            return self._read_tags(text, start, undecided, final=final)
        name = ""
        if self._syntax.name_in_front and start < len(text) and text[start] not in "{[":
            found = _NAME.match(text, behind_mark)
            if found is None:
                # Behind the mark stands neither JSON nor a name with JSON behind it.
                return undecided if _MAY_BECOME_NAME.fullmatch(text, behind_mark) else NoCalls.TEXT
            name, start = found.group(1), found.end()
        if start == len(text):
            return undecided
        # With a name in front, any JSON object is a call's arguments.
        if not name and not _may_be_call(text, start):
            return NoCalls.TEXT
        end = self._json_end.find(text, start)
        self.reach = len(text) if end is None else end
        if end is None:
            return undecided
        calls = self._calls(text[start:end], name)
        if not calls:
            return NoCalls.TEXT
        return self._closed(text, end, calls, final=final)

    def _read_tags(self, text: str, start: int, undecided: NoCalls, *, final: bool) -> Reading:
        self._tags.read(text, start, final=final)
        # A tool that was not offered is known before the call is complete, and need not be held back.
        unknown = bool(self._tags.name and self._offered and self._tags.name not in self._offered)
        self.reach = self._tags.position or start
        if self._tags.failed or unknown:
            return NoCalls.TEXT
        if self._tags.end is None:
            self.reach = len(text)
            return undecided
        arguments = _json_text(typed(self._tags.values, self._offered.get(self._tags.name, {})))
        if not self._tags.name or arguments is None:
            return NoCalls.TEXT
        return self._closed(text, self._tags.end, [WrittenCall(self._tags.name, arguments)], final=final)

    def _calls(self, text: str, name: str) -> list[WrittenCall]:
        """Every call in a JSON value; none if anything in it is not a call."""
        try:
            value = json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return []
        if name:
            value = {"name": name, "arguments": value}
        calls = []
        for item in value if isinstance(value, list) else [value]:
            call = self._call(item)
            if call is None:
                return []
            calls.append(call)
        return calls

    def _call(self, value: Any) -> WrittenCall | None:
        if not isinstance(value, dict):
            return None
        if isinstance(value.get("function"), dict):  # some models repeat the shape of OpenAI's API
            value = {**value, **value["function"]}
        name = value.get("name")
        if not isinstance(name, str) or (self._offered and name not in self._offered):
            return None
        # An offered name without arguments is a call; without offered tools to compare with, it may be any object.
        arguments = _arguments_text(value, may_lack=bool(self._offered))
        if arguments is None:
            return None
        return WrittenCall(sound_text(name), arguments)

    def _closed(self, text: str, end: int, calls: list[WrittenCall], *, final: bool) -> Reading:
        """The calls if their closing mark follows; the end of the answer or another call closes them too."""
        opening, closing = self._syntax.opening, self._syntax.closing
        if not closing:
            return Calls(calls, end)
        after = skip_space(text, end)
        # No longer than the two marks: a long answer behind a call is not copied each time.
        rest = text[after : after + len(opening) + len(closing)]
        if rest.startswith(closing):
            return Calls(calls, after + len(closing))
        if rest.startswith(opening) or (self._syntax.tag and rest.startswith(self._syntax.tag)):
            return Calls(calls, after)
        if closing.startswith(rest) or opening.startswith(rest):
            # The beginning of a mark, or nothing at all.
            return Calls(calls, len(text)) if final else NoCalls.UNDECIDED
        if self._syntax.tag:
            return Calls(calls, end)  # its own end tag closes it well enough
        return NoCalls.TEXT


_SPACE = re.compile(r"\s*")
# A name in front of its arguments, as newer Mistral models write it: `f{…}`, `f[ARGS]{…}`, `f[CALL_ID]id[ARGS]{…}`.
_NAME = re.compile(r"\s*([\w.-]{1,64})(?:\[CALL_ID\]\w{1,64})?(?:\[ARGS\])?\s*(?=\{)")
# What more text may turn into that: a name, perhaps with the beginning of its marks.
_MAY_BECOME_NAME = re.compile(r"\s*[\w.-]{0,64}(?:\[[\w\[\]]{0,80})?\s*")
# The first key of the object, or of the first object of a list.
_FIRST_KEY = re.compile(r'[\[\s]*\{\s*"([^"\\]*)"')
# Anything but such an object: a list of something else, or an object without a key.
_NOT_A_CALL = re.compile(r'[\[\s]*[^\[\s{]|[\[\s]*\{\s*[^\s"]')
_CALL_KEYS = frozenset({"name", "type", "function", "arguments", "parameters", "id"})


def _may_be_call(text: str, start: int) -> bool:
    """Whether the JSON can be a call as far as it is known: ordinary JSON answers are not held back."""
    key = _FIRST_KEY.match(text, start)
    if key is not None:
        return key.group(1) in _CALL_KEYS
    return _NOT_A_CALL.match(text, start) is None


def _arguments_text(call: Mapping[str, Any], *, may_lack: bool) -> str | None:
    """The arguments as JSON text, None if they are no JSON object."""
    if "arguments" in call:
        arguments = call["arguments"]
    elif "parameters" in call:
        arguments = call["parameters"]
    elif may_lack:
        arguments = {}
    else:
        return None
    if isinstance(arguments, str):  # some models encode them twice
        try:
            arguments = json.loads(arguments, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return None
    if not isinstance(arguments, dict):
        return None
    return _json_text(arguments)


def _json_text(arguments: Mapping[str, Any]) -> str | None:
    """The arguments as JSON text that everybody can read; None where JSON has no such value (`1e400` is infinity)."""
    try:
        return sound_text(json.dumps(arguments, ensure_ascii=False, allow_nan=False))
    except (ValueError, RecursionError):
        return None


def sound_text(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair, which a model can write as a JSON escape and
    which no encoding can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _refuse_constant(name: str) -> None:
    """`json.loads` hands over NaN and Infinity here, which Python reads but JSON does not have."""
    raise ValueError(f"{name} is not JSON")


def skip_space(text: str, start: int) -> int:
    """Index of the first character from `start` on that is no white space."""
    found = _SPACE.match(text, start)
    assert found is not None  # the pattern also matches nothing
    return found.end()
