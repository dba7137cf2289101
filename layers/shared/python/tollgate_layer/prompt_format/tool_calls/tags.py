"""Calls in tags, as Qwen3-Coder writes them.

    <tool_call>
    <function=get_weather>
    <parameter=city>
    Paris
    </parameter>
    </function>
    </tool_call>

https://docs.vllm.ai/en/latest/features/tool_calling.html#qwen3-coder-models-qwen3_coder. Values are plain text: what
their types are, only the tool's schema says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..json_object import parse_value

FUNCTION = "<function="
_FUNCTION_END = "</function>"
_PARAMETER = "<parameter="
_PARAMETER_END = "</parameter>"

_LONGEST_NAME = 256

Types = Mapping[str, Mapping[str, Any]]
"""The schemas of a tool's parameters, by name."""


class TagReader:
    """Reads one call from a text that grows, looking at each character once.

    `name` and `values` are filled as far as the text is known, which is up to `position`; `end` is the place behind
    `</function>`, once it is there. `failed` says that the text cannot become a call any more.
    """

    def __init__(self) -> None:
        self.name = ""
        self.values: dict[str, str] = {}
        self.end: int | None = None
        self.failed = False
        self.position: int | None = None
        """How far the text has been read; None before the function's tag."""
        self._key: str | None = None
        """The parameter whose value is being read, which begins at `_value_start`."""
        self._value_start = 0

    def read(self, text: str, start: int, *, final: bool) -> None:
        """Read on in `text`, in which the call begins at `start`."""
        while self.end is None and not self.failed:
            if self.position is None:
                advanced = self._open(text, start)
            elif self._key is None:
                advanced = self._next_tag(text)
            else:
                advanced = self._value(text, self._key, final=final)
            if not advanced:
                return

    def _open(self, text: str, start: int) -> bool:
        name = self._name_in_tag(text, start, FUNCTION)
        if name is None:
            return False
        self.name = name
        return True

    def _next_tag(self, text: str) -> bool:
        """The next parameter's tag, or the function's end."""
        assert self.position is not None
        position = self.position
        while position < len(text) and text[position].isspace():
            position += 1
        self.position = position
        if text.startswith(_FUNCTION_END, position):
            self.end = position + len(_FUNCTION_END)
            return True
        rest = text[position : position + len(_FUNCTION_END)]
        if _FUNCTION_END.startswith(rest):
            return False  # perhaps its beginning, or nothing yet
        name = self._name_in_tag(text, position, _PARAMETER)
        if name is None:
            return False
        self._key = name
        self._value_start = self.position
        return True

    def _name_in_tag(self, text: str, start: int, tag: str) -> str | None:
        """The name in `<tag=name>` at `start`; None while it is incomplete, or where the call has failed."""
        if not text.startswith(tag, start):
            self.failed = not tag.startswith(text[start : start + len(tag)])
            return None
        begin = start + len(tag)
        end = text.find(">", begin, begin + _LONGEST_NAME)
        if end < 0:
            self.failed = len(text) >= begin + _LONGEST_NAME
            return None
        self.position = end + 1
        return text[begin:end].strip()

    def _value(self, text: str, key: str, *, final: bool) -> bool:
        """The value up to its closing tag: the first behind which the call goes on, since values may hold tags."""
        assert self.position is not None
        closing = text.find(_PARAMETER_END, self.position)
        if closing < 0:
            if final:
                return self._unclosed_value(text, key)
            self.position = max(self.position, len(text) - len(_PARAMETER_END) + 1)
            return False
        behind = closing + len(_PARAMETER_END)
        after = behind
        while after < len(text) and text[after].isspace():
            after += 1
        rest = text[after : after + len(_PARAMETER)]
        goes_on = rest.startswith(_PARAMETER) or text.startswith(_FUNCTION_END, after)
        if not goes_on and not final and (_PARAMETER.startswith(rest) or _FUNCTION_END.startswith(rest)):
            self.position = closing
            return False
        self.position = behind
        if goes_on:
            self._keep(key, text[self._value_start : closing])
        return True

    def _unclosed_value(self, text: str, key: str) -> bool:
        """Reads the end of the answer: there, the function's end closes a value that has no closing tag of its own."""
        closing = text.find(_FUNCTION_END, self._value_start)
        if closing < 0:
            self.failed = True
            self.position = len(text)
            return False
        self._keep(key, text[self._value_start : closing])
        self.position = closing
        return True

    def _keep(self, key: str, value: str) -> None:
        # The line breaks behind and before the tags belong to the tags.
        self.values[key] = value.removeprefix("\n").removesuffix("\n")
        self._key = None


def typed(values: Mapping[str, str], types: Types) -> dict[str, Any]:
    """The values as the tool's schema types them: JSON where it asks for a number, a list …; else the text.

    >>> typed({"days": "3", "city": "3"}, {"days": {"type": "integer"}, "city": {"type": "string"}})
    {'days': 3, 'city': '3'}
    """
    return {name: _typed(text, _type_names(types.get(name, {}))) for name, text in values.items()}


def _type_names(schema: Any) -> set[str]:
    names: set[str] = set()
    if not isinstance(schema, Mapping):
        return names  # JSON schemas may also be true or false
    for alternative in (schema, *(schema.get("anyOf") or ()), *(schema.get("oneOf") or ())):
        kind = alternative.get("type") if isinstance(alternative, Mapping) else None
        for name in kind if isinstance(kind, list) else [kind]:
            if isinstance(name, str):
                names.add(name)
    return names


def _typed(text: str, types: set[str]) -> Any:
    spelled = text.strip()
    # Models that have seen much Python write None and True.
    if spelled.lower() in ("null", "none") and types and ("null" in types or "string" not in types):
        return None
    if not types or "string" in types:
        return text
    if "boolean" in types and spelled.lower() in ("true", "false"):
        return spelled.lower() == "true"
    try:
        value = parse_value(spelled)
    except ValueError:
        return text
    if isinstance(value, float) and value.is_integer() and "number" not in types:
        return int(value)
    return value
