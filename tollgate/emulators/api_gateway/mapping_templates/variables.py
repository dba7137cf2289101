"""The variables `$input` and `$util` of mapping templates, and the JSONPath that `$input` takes."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from tollgate.emulators.api_gateway.mapping_templates.java import java_string, to_java

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH_STEP = re.compile(r"\.([A-Za-z_][\w-]*)|\[(\d+)\]|\['([^']+)'\]|\[\"([^\"]+)\"\]")
_ESCAPES = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "'": "\\'", '"': '\\"', "\\": "\\\\", "/": "\\/"}  # fmt: skip  # noqa: E501


class InvalidBodyError(Exception):
    """Raised when a template reads a body as JSON and it is not JSON."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The request's parameters as templates see them; header names keep the client's case."""

    path: Mapping[str, str] = field(default_factory=dict)
    querystring: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        """Find a parameter: in the path, then the query string, then the headers, whose case does not matter."""
        for values in (self.path, self.querystring, self.header):
            if name in values:
                return values[name]
        for header, value in self.header.items():
            if header.lower() == name.lower():
                return value
        return None


class Input:
    """The variable `$input`; its methods have the names that templates call."""

    def __init__(self, body: str, parameters: Parameters) -> None:
        self.body = body
        self._parameters = parameters
        self._document: Any = None

    def json(self, path: str) -> str:
        """The value at a JSONPath as JSON; `""` where there is none."""
        value = select(self._parsed(), path)
        return '""' if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def path(self, path: str) -> Any:
        """The value at a JSONPath as an object."""
        return to_java(select(self._parsed(), path))

    def params(self, name: str | None = None) -> Any:
        """The parameter of a name, `""` where there is none; without a name all parameters."""
        if name is not None:
            return self._parameters.find(name) or ""
        parameters = self._parameters
        return to_java(
            {
                "path": dict(parameters.path),
                "querystring": dict(parameters.querystring),
                "header": dict(parameters.header),
            }
        )

    def _parsed(self) -> Any:
        if self._document is None:
            try:
                self._document = parse_json(self.body) if self.body.strip() else {}
            except (ValueError, RecursionError) as error:
                raise InvalidBodyError(str(error)) from error
        return self._document


class Util:
    """The variable `$util`; its methods have the names that templates call."""

    @staticmethod
    def escapeJavaScript(value: Any) -> str | None:  # noqa: N802
        """Escape as commons-lang's StringEscapeUtils.escapeJavaScript does, also ' and / and all that is not ASCII."""
        return None if value is None else "".join(map(_escape_character, java_string(value)))

    @staticmethod
    def parseJson(text: str) -> Any:  # noqa: N802
        """Parse a JSON text."""
        return to_java(parse_json(text))

    @staticmethod
    def urlEncode(text: str) -> str:  # noqa: N802
        """Encode as application/x-www-form-urlencoded."""
        return quote_plus(text)

    @staticmethod
    def urlDecode(text: str) -> str:  # noqa: N802
        """Decode what urlEncode made."""
        return unquote_plus(text)

    @staticmethod
    def base64Encode(text: str) -> str:  # noqa: N802
        """Encode a text's UTF-8 in base64."""
        return base64.b64encode(text.encode()).decode()

    @staticmethod
    def base64Decode(text: str) -> str:  # noqa: N802
        """Decode what base64Encode made."""
        return base64.b64decode(text).decode()


def parse_json(text: str) -> Any:
    """Parse JSON without Python's additions to it.

    Raises:
        ValueError: the text is no JSON; NaN and Infinity, which Python would take, are none.
    """
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _escape_character(character: str) -> str:
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    if 32 <= code < 0x7F:
        return character
    if code < 0x10000:
        return f"\\u{code:04X}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04X}\\u{0xDC00 + (code & 0x3FF):04X}"


def select(document: Any, path: str) -> Any:
    """Find the value at a JSONPath; None where there is none.

    Raises:
        NotImplementedError: the path has other steps than `$`, `.name`, `['name']` and `[0]`.
    """
    path = path if path.startswith("$") else f"$.{path}"
    position, value = 1, document
    while position < len(path):
        step = _PATH_STEP.match(path, position)
        if step is None:
            raise NotImplementedError(f"the JSONPath {path!r} is not implemented by the local runner")
        name, index, *quoted = step.groups()
        value = _step(value, name or next(filter(None, quoted), None), index)
        position = step.end()
    return value


def _step(value: Any, name: str | None, index: str | None) -> Any:
    if name is not None:
        return value.get(name) if isinstance(value, dict) else None
    position = int(index or 0)
    return value[position] if isinstance(value, list) and position < len(value) else None
