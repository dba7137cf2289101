"""Reads a model's answer, whole or event by event, into the deltas of a completion.

The same code serves both: a whole answer is a stream of one event (docs/decisions/0004).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tollgate_layer.inference.backends.body_format import Answer, CallPiece, Part, Usage
from tollgate_layer.inference.call_order import CallOrder
from tollgate_layer.inference.completion import Delta
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.sound_pieces import SoundPieces
from tollgate_layer.inference.stop_filter import StopFilter
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
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
"""The models' own words for why an answer ended, as OpenAI's finish reasons."""

BROKEN_OFF = frozenset(
    {"error", "abort", "aborted", "cancelled", "canceled", "timeout", "network_error", "insufficient_system_resource"}
)
"""Words for an answer that the model's server broke off: there is no completion.

vLLM and SGLang write abort, newer vLLM, Mistral and routers error, TensorRT-LLM cancelled and timeout, Zhipu
network_error, DeepSeek insufficient_system_resource.
"""

OTHER = "other"
"""What the log says for every other word: it is the model's own, of any length, and could be anything."""


class Outcome(NamedTuple):
    """What the log says of an answer: counts and why it ended, no text.

    `completion_length` is in characters, over all choices. `stop_reasons` are words of `FINISH_REASONS`, `OTHER` for
    any other word of the model's, and "" where it gave none; `unknown_stop_reasons` counts both of these. An answer is
    empty if no choice has a text (blanks are none), a call or a refusal, and truncated if any choice met its length.
    """

    usage: Usage
    stop_reasons: list[str]
    unknown_stop_reasons: int
    completion_length: int
    is_empty: bool
    is_truncated: bool


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
        self._is_empty = True
        self.usage = Usage()

    def feed(self, answer: Answer) -> Iterator[Delta]:
        """The deltas that are certain with this answer or event, in order."""
        self.usage = self.usage.updated(answer.usage)
        for part in answer.parts:
            # Nobody says beforehand how many choices there will be: the first part of each makes its reader.
            choice = self._choices.get(part.choice_number)
            if choice is None:
                choice = self._choices[part.choice_number] = _ChoiceReader(self._spec, part.choice_number)
            yield from self._looked_at(choice.feed(part))

    def finish(self) -> Iterator[Delta]:
        """The last deltas of those choices for which the model gave no stop reason."""
        for choice in self._choices.values():
            if not choice.finished:
                yield from self._looked_at(choice.finish(""))

    def _looked_at(self, deltas: Iterator[Delta]) -> Iterator[Delta]:
        """Pass deltas on, and note whether the client gets anything with them."""
        for delta in deltas:
            if self._is_empty and (delta.calls or delta.refusal or (delta.content and not delta.content.isspace())):
                self._is_empty = False
            yield delta

    @property
    def finished(self) -> bool:
        """Whether there are choices, and each of them has ended."""
        for choice in self._choices.values():
            if not choice.finished:
                return False
        # An answer that has not begun has not ended either.
        return bool(self._choices)

    @property
    def has_everything(self) -> bool:
        """Whether the model can have nothing more to say but its usage: as many choices as were asked for have ended.

        `finished` does not know that: a server may begin one choice after another has ended.
        """
        return self.finished and len(self._choices) >= self._spec.choices

    def outcome(self) -> Outcome:
        """What the log says of the answer so far."""
        stop_reasons = []
        unknown_stop_reasons = 0
        completion_length = 0
        is_truncated = False
        for choice in self._choices.values():
            reason = choice.stop_reason or ""
            if reason not in FINISH_REASONS:
                unknown_stop_reasons += 1
                reason = reason and OTHER
            stop_reasons.append(reason)
            is_truncated = is_truncated or FINISH_REASONS.get(reason) == "length"
            completion_length += choice.length
        return Outcome(self.usage, stop_reasons, unknown_stop_reasons, completion_length, self._is_empty, is_truncated)


class _ChoiceReader:
    """Reads the parts of one choice."""

    def __init__(self, spec: CompletionSpec, number: int) -> None:
        self._number = number
        self._stop = StopFilter(spec.stop)
        self._sound = SoundPieces()
        self._parser = None
        if spec.parser is not None:
            self._parser = CompletionParser(**spec.parser._asdict())
        self._calls = CallOrder()
        self._called_tools = False
        self._parallel_calls = spec.parallel_calls
        self._has_enough = False
        self.finished = False
        self.stop_reason: str | None = None
        self.length = 0

    def feed(self, part: Part) -> Iterator[Delta]:
        """The deltas that are certain with this part. Raises AnswerError: a call has no name, or the server gave up."""
        if self.finished:
            return  # before the model was done: at a stop sequence that it does not know, or at a call too many
        if part.reasoning or part.refusal:
            reasoning = self._sound.feed_or_none("reasoning", part.reasoning)
            refusal = self._sound.feed_or_none("refusal", part.refusal)
            if reasoning or refusal:
                yield Delta(self._number, reasoning=reasoning, refusal=refusal)
        text = self._sound.feed("content", part.text)
        yield from self._read_text(self._stop.feed(text), part)
        # Behind the text, where a whole answer has both: some dialects keep the order in which they came.
        calls = self._placed(part.calls)
        if calls:
            yield Delta(self._number, calls=calls)
        if self._stop.hit or self._has_enough:
            yield from self.finish("stop")
        elif part.stop_reason is not None:
            yield from self.finish(part.stop_reason)

    def _placed(self, pieces: tuple[CallPiece, ...]) -> tuple[CallPiece, ...]:
        placed = []
        for piece in pieces:
            known = self._calls.place(piece)
            if known is not None:
                placed.append(known)
        return self._wanted(placed)

    def _wanted(self, calls: Iterable[CallPiece]) -> tuple[CallPiece, ...]:
        """The pieces of those calls that the client takes: all, or the first call's."""
        if self._parallel_calls:
            return tuple(calls)
        # Pieces of two calls may alternate, so that the first one may go on behind the beginning of the second.
        return tuple(call for call in calls if call.position == 0)

    def finish(self, stop_reason: str) -> Iterator[Delta]:
        """What was held back, and the end of the choice. Raises AnswerError: as `feed`."""
        if stop_reason.lower() in BROKEN_OFF:
            raise AnswerError
        text = self._stop.feed(self._sound.finish("content")) + self._stop.finish()
        yield from self._read_text(text, Part())
        if self._parser is not None:
            for piece in self._parser.finish():
                if self._is_one_too_many(piece):
                    break
                yield self._delta(piece)
        reasoning, refusal = self._sound.finish("reasoning"), self._sound.finish("refusal")
        calls = self._wanted(self._calls.finish())
        if reasoning or refusal or calls:
            yield Delta(self._number, reasoning=reasoning or None, refusal=refusal or None, calls=calls)
        self.finished, self.stop_reason = True, stop_reason
        # A word that we do not know still ends the answer; the log counts it.
        finish_reason = FINISH_REASONS.get(stop_reason, "stop")
        if finish_reason == "stop" and self._called_tools:
            finish_reason = "tool_calls"
        yield Delta(self._number, finish_reason=finish_reason)

    def _read_text(self, text: str, part: Part) -> Iterator[Delta]:
        self.length += len(text)
        logprobs = part.logprobs
        if self._parser is None:
            if text or logprobs:
                yield Delta(self._number, content=text, logprobs=logprobs)
            return
        # Log-probabilities are of the whole part: the first delta takes them, or an empty one where all text is held.
        for piece in self._parser.feed(text):
            if self._is_one_too_many(piece):
                break
            yield self._delta(piece)._replace(logprobs=logprobs)
            logprobs = None
        if logprobs:
            yield Delta(self._number, content="", logprobs=logprobs)

    def _is_one_too_many(self, piece: Piece) -> bool:
        """Whether a piece begins a second call where the client takes one, or stands behind it.

        The answer ends there. What the model says between its first call and the second is still part of it, so that
        an answer with one call is the same with and without the wish.
        """
        if isinstance(piece, ToolCall) and piece.index > 0 and not self._parallel_calls:
            self._has_enough = True
        return self._has_enough

    def _delta(self, piece: Piece) -> Delta:
        if isinstance(piece, Content):
            return Delta(self._number, content=piece.text)
        if isinstance(piece, Reasoning):
            return Delta(self._number, reasoning=piece.text)
        if isinstance(piece, ToolArguments):
            return Delta(self._number, calls=(CallPiece(piece.index, arguments=piece.text),))
        assert isinstance(piece, ToolCall)
        self._called_tools = True
        return Delta(self._number, calls=(CallPiece(piece.index, piece.id, piece.name),))
