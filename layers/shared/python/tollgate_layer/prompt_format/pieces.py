"""What a completion's text turns out to be: content, reasoning, and tool calls.

Plain classes rather than dataclasses, because importing `dataclasses` (and with it `inspect`) would lengthen every
function cold start by several milliseconds.
"""

from __future__ import annotations


class Piece:
    """Base class: equality, hash and repr from `__slots__`."""

    __slots__: tuple[str, ...] = ()

    def _fields(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Piece) and self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash((type(self), self._fields()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in zip(self.__slots__, self._fields(), strict=True))
        return f"{type(self).__name__}({fields})"


class Content(Piece):
    """Text of the answer."""

    __slots__ = ("text",)
    __match_args__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class Reasoning(Piece):
    """Text of a `<think>` block."""

    __slots__ = ("text",)
    __match_args__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


class ToolCall(Piece):
    """A call begins: the `index`-th of this completion, from 0."""

    __slots__ = ("id", "index", "name")
    __match_args__ = ("index", "id", "name")

    def __init__(self, index: int, id: str, name: str) -> None:  # noqa: A002 - OpenAI's name for it
        self.index = index
        self.id = id
        self.name = name


class ToolArguments(Piece):
    """JSON text of the arguments of call `index`."""

    __slots__ = ("index", "text")
    __match_args__ = ("index", "text")

    def __init__(self, index: int, text: str) -> None:
        self.index = index
        self.text = text
