"""Reads a model's answer, whole or event by event, into the deltas of a completion.

The same code serves both: a whole answer is a stream of one event (docs/decisions/0004).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tollgate_layer.inference.backends.body_format import Answer, CallPiece, Part, Usage
from tollgate_layer.inference.completion import Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.prompt_format import CompletionParser, Content, Piece, Reasoning, ToolArguments, ToolCall

FINISH_REASONS = {
    "stop": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "tool_calls": "tool_calls",
    "tool_call": "tool_calls",
    "content_filter": "content_filter",
}
"""The models' own words for why an answer ended, as OpenAI's finish reasons."""


class Outcome(NamedTuple):
    """What the log says of an answer: counts and the model's own words for why it ended, no text.

    `completion_length` is in characters, over all choices. `unknown_stop_reasons` counts the words that no finish
    reason of OpenAI's stands for.
    """

    usage: Usage
    stop_reasons: list[str]
    unknown_stop_reasons: int
    completion_length: int


class AnswerReader:
    """Reads one answer of a model.

    Example:
        reader = AnswerReader(spec)
        for event in events:
            for delta in reader.feed(body_format.read(event)): ...
        for delta in reader.finish(): ...
    """

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._choices: dict[int, _ChoiceReader] = {}
        self.usage = Usage()

    def feed(self, answer: Answer) -> Iterator[Delta]:
        """The deltas that are certain with this answer or event, in order."""
        self.usage = self.usage.updated(answer.usage)
        for part in answer.parts:
            # Nobody says beforehand how many choices there will be: the first part of each makes its reader.
            choice = self._choices.get(part.choice)
            if choice is None:
                choice = self._choices[part.choice] = _ChoiceReader(self._spec, part.choice)
            yield from choice.feed(part)

    def finish(self) -> Iterator[Delta]:
        """The last deltas of those choices for which the model gave no stop reason."""
        for choice in self._choices.values():
            if not choice.finished:
                yield from choice.finish("")

    @property
    def finished(self) -> bool:
        """Whether there are choices, and each of them has ended."""
        for choice in self._choices.values():
            if not choice.finished:
                return False
        # An answer that has not begun has not ended either.
        return bool(self._choices)

    def outcome(self) -> Outcome:
        """What the log says of the answer so far."""
        stop_reasons = []
        unknown_stop_reasons = 0
        completion_length = 0
        for choice in self._choices.values():
            reason = choice.stop_reason or ""
            stop_reasons.append(reason)
            if reason not in FINISH_REASONS:
                unknown_stop_reasons += 1
            completion_length += choice.length
        return Outcome(self.usage, stop_reasons, unknown_stop_reasons, completion_length)


class _ChoiceReader:
    """Reads the parts of one choice."""

    def __init__(self, spec: CompletionSpec, index: int) -> None:
        self._index = index
        self._stop = StopFilter(spec.stop)
        self._parser = None
        if spec.parser is not None:
            self._parser = CompletionParser(**spec.parser._asdict())
        self._called_tools = False
        self.finished = False
        self.stop_reason: str | None = None
        self.length = 0

    def feed(self, part: Part) -> Iterator[Delta]:
        if self.finished:
            return  # at a stop sequence that the model does not know: it goes on, and nobody wants it
        if part.reasoning or part.refusal or part.calls:
            yield Delta(self._index, reasoning=part.reasoning, refusal=part.refusal, calls=part.calls)
        yield from self._read_text(self._stop.feed(part.text), part)
        if self._stop.hit:
            yield from self.finish("stop")
        elif part.stop_reason is not None:
            yield from self.finish(part.stop_reason)

    def finish(self, stop_reason: str) -> Iterator[Delta]:
        """What was held back, and the end of the choice."""
        yield from self._read_text(self._stop.finish(), Part())
        if self._parser is not None:
            for piece in self._parser.finish():
                yield self._delta(piece)
        self.finished, self.stop_reason = True, stop_reason
        # A word that we do not know still ends the answer; the log counts it.
        finish_reason = FINISH_REASONS.get(stop_reason, "stop")
        if finish_reason == "stop" and self._called_tools:
            finish_reason = "tool_calls"
        yield Delta(self._index, finish_reason=finish_reason)

    def _read_text(self, text: str, part: Part) -> Iterator[Delta]:
        self.length += len(text)
        logprobs = part.logprobs
        if self._parser is None:
            if text or logprobs:
                yield Delta(self._index, content=text, logprobs=logprobs)
            return
        # Log-probabilities are of the whole part: the first delta takes them, or an empty one where all text is held.
        for piece in self._parser.feed(text):
            yield self._delta(piece)._replace(logprobs=logprobs)
            logprobs = None
        if logprobs:
            yield Delta(self._index, content="", logprobs=logprobs)

    def _delta(self, piece: Piece) -> Delta:
        if isinstance(piece, Content):
            return Delta(self._index, content=piece.text)
        if isinstance(piece, Reasoning):
            return Delta(self._index, reasoning=piece.text)
        if isinstance(piece, ToolArguments):
            return Delta(self._index, calls=(CallPiece(piece.index, arguments=piece.text),))
        assert isinstance(piece, ToolCall)
        self._called_tools = True
        return Delta(self._index, calls=(CallPiece(piece.index, piece.id, piece.name),))


class StopFilter:
    """Passes text on up to the first stop sequence; holds back what may be the start of one.

    Example:
        filter_ = StopFilter(["END"])
        filter_.feed("one E")    # "one ": the E may begin the sequence
        filter_.feed("ND two")   # "": it did, and nothing comes after it
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = stop
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """The text so far that can no longer belong to a stop sequence."""
        if self.hit:
            return ""
        if not self._stop:
            return text
        text = self._held + text
        end = self._first_stop(text)
        if end is not None:
            self.hit, self._held = True, ""
            return text[:end]
        # The end of the text may be the beginning of a stop sequence that the next piece completes.
        keep = len(text) - self._length_of_possible_start(text)
        self._held = text[keep:]
        return text[:keep]

    def finish(self) -> str:
        """What was held back, when no more text comes."""
        held, self._held = self._held, ""
        return held

    def _first_stop(self, text: str) -> int | None:
        first = None
        for stop in self._stop:
            at = text.find(stop)
            if at >= 0 and (first is None or at < first):
                first = at
        return first

    def _length_of_possible_start(self, text: str) -> int:
        """The length of the longest end of `text` that begins a stop sequence."""
        longest_stop = max(len(stop) for stop in self._stop)
        for length in range(min(len(text), longest_stop - 1), 0, -1):
            end = text[-length:]
            for stop in self._stop:
                if stop.startswith(end):
                    return length
        return 0
