"""A completion: what a model's answer comes to, before a dialect writes it for the client.

It comes as deltas, one after the other, as the model's answer does. A stream writes each delta; an answer at once
writes the `Completion` that all of them add up to.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from tollgate_layer.inference.backends.body_format import CallPiece, Usage
from tollgate_layer.inference.json_text import JsonObject


class Delta(NamedTuple):
    """What one step of the model's answer adds to one choice; None where it adds nothing of the kind.

    `logprobs` are OpenAI's, as the model gave them. `finish_reason` is one of OpenAI's, in the last delta of a choice.
    """

    choice_number: int
    content: str | None = None
    reasoning: str | None = None
    refusal: str | None = None
    calls: tuple[CallPiece, ...] = ()
    logprobs: JsonObject | None = None
    finish_reason: str | None = None


class Call(NamedTuple):
    """A whole tool call; `arguments` is JSON text."""

    id: str | None
    name: str | None
    arguments: str


class Choice(NamedTuple):
    """One whole alternative of a completion."""

    number: int
    content: str
    reasoning: str
    refusal: str
    calls: list[Call]
    logprobs: JsonObject | None
    finish_reason: str | None


class Completion(NamedTuple):
    """All choices, in the order in which the model began them, and what they cost."""

    choices: list[Choice]
    usage: Usage


def add_up(deltas: Iterable[Delta], usage: Usage) -> Completion:
    """The completion that the deltas come to."""
    sums: dict[int, _ChoiceSum] = {}
    for delta in deltas:
        number = delta.choice_number
        if number not in sums:
            sums[number] = _ChoiceSum(number)
        sums[number].add(delta)
    choices = [choice_sum.choice() for choice_sum in sums.values()]
    return Completion(choices, usage)


class _ChoiceSum:
    """The deltas of one choice so far. Pieces are kept apart and joined once, so that long answers stay linear."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._calls: dict[int | None, list[CallPiece]] = {}
        self._logprobs: dict[str, list[Any]] = {}
        self._finish_reason: str | None = None

    def add(self, delta: Delta) -> None:
        for pieces, text in (
            (self._content, delta.content),
            (self._reasoning, delta.reasoning),
            (self._refusal, delta.refusal),
        ):
            if text:
                pieces.append(text)
        for call in delta.calls:  # several calls may grow at once, each at its own position
            self._calls.setdefault(call.position, []).append(call)
        # Log-probabilities are lists by name, for chats and text completions alike.
        for name, values in (delta.logprobs or {}).items():
            self._logprobs.setdefault(name, []).extend(values)
        if delta.finish_reason:  # only a choice's last delta has one
            self._finish_reason = delta.finish_reason

    def choice(self) -> Choice:
        return Choice(
            self._number,
            "".join(self._content),
            "".join(self._reasoning),
            "".join(self._refusal),
            [_whole_call(pieces) for pieces in self._calls.values()],
            self._logprobs or None,
            self._finish_reason,
        )


def _whole_call(pieces: list[CallPiece]) -> Call:
    """The call that its pieces add up to; the first piece names it."""
    first = pieces[0]
    return Call(first.id, first.name, "".join(piece.arguments for piece in pieces))
