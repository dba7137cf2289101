"""From the model's parts to OpenAI's choice deltas, one by one or all at once, by the same code."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tollgate_layer.inference.body_formats import Answer, Part, Usage
from tollgate_layer.inference.spec import CompletionSpec
from tollgate_layer.prompt_format import CompletionParser, Content, Piece, Reasoning, ToolArguments, ToolCall

ChoiceDelta = dict[str, Any]
"""{"index", "delta", "logprobs", "finish_reason"}; in text completions `text` stands in place of `delta`."""

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


class StopFilter:
    """Passes text on up to the first stop sequence; holds back what may be the start of one."""

    def __init__(self, stop: list[str]) -> None:
        self._stop = stop
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """What of the text so far can no longer belong to a stop sequence."""
        if self.hit:
            return ""
        if not self._stop:
            return text
        text = self._held + text
        found = [at for at in map(text.find, self._stop) if at >= 0]
        if found:
            self.hit, self._held = True, ""
            return text[: min(found)]
        keep = len(text) - self._possible_start(text)
        self._held = text[keep:]
        return text[:keep]

    def finish(self) -> str:
        """What was held back, when no more text comes."""
        held, self._held = self._held, ""
        return held

    def _possible_start(self, text: str) -> int:
        """The length of the longest end of `text` that begins a stop sequence."""
        longest = min(len(text), max(map(len, self._stop)) - 1)
        for length in range(longest, 0, -1):
            end = text[-length:]
            if any(stop.startswith(end) for stop in self._stop):
                return length
        return 0


class _ChoiceReader:
    def __init__(self, spec: CompletionSpec, index: int) -> None:
        self._chat = spec.is_chat
        self._index = index
        self._stop = StopFilter(spec.stop)
        self._parser = CompletionParser(**spec.parser._asdict()) if spec.parser else None
        self._called_tools = False
        self.finished = False
        self.stop_reason: str | None = None
        self.length = 0

    def feed(self, part: Part) -> Iterator[ChoiceDelta]:
        if self.finished:
            return
        text = self._stop.feed(part.text)
        yield from self._deltas(text, part)
        if self._stop.hit:
            yield from self.finish("stop")
        elif part.stop_reason is not None:
            yield from self.finish(part.stop_reason)

    def finish(self, stop_reason: str) -> Iterator[ChoiceDelta]:
        """What was held back, and the end of the choice."""
        yield from self._deltas(self._stop.finish(), Part())
        if self._parser:
            yield from (self._delta(_delta_of(piece)) for piece in self._note(self._parser.finish()))
        self.finished, self.stop_reason = True, stop_reason
        reason = FINISH_REASONS.get(stop_reason, "stop")
        if reason == "stop" and self._called_tools:
            reason = "tool_calls"
        yield self._delta({}, finish_reason=reason)

    def _note(self, pieces: list[Piece]) -> list[Piece]:
        self._called_tools |= any(isinstance(piece, ToolCall) for piece in pieces)
        return pieces

    def _deltas(self, text: str, part: Part) -> Iterator[ChoiceDelta]:
        self.length += len(text)
        if part.extra:
            yield self._delta(dict(part.extra))
        pieces = self._note(self._parser.feed(text)) if self._parser else [Content(text)] if text else []
        logprobs = part.logprobs
        for piece in pieces:
            yield self._delta(_delta_of(piece), logprobs)
            logprobs = None
        if logprobs:
            yield self._delta({"content": ""}, logprobs)

    def _delta(self, delta: dict[str, Any], logprobs: Any = None, finish_reason: str | None = None) -> ChoiceDelta:
        content: dict[str, Any] = {"delta": delta} if self._chat else {"text": delta.get("content", "")}
        return {"index": self._index, **content, "logprobs": logprobs, "finish_reason": finish_reason}


class CompletionReader:
    """Reads one model's answer, whole or event by event."""

    def __init__(self, spec: CompletionSpec) -> None:
        self._spec = spec
        self._choices: dict[int, _ChoiceReader] = {}
        self.usage = Usage()

    def feed(self, answer: Answer) -> Iterator[ChoiceDelta]:
        """The deltas of one answer or event, in order."""
        self.usage = self.usage.updated(answer.usage)
        for part in answer.parts:
            choice = self._choices.get(part.choice)
            if choice is None:
                choice = self._choices[part.choice] = _ChoiceReader(self._spec, part.choice)
            yield from choice.feed(part)

    def finish(self) -> Iterator[ChoiceDelta]:
        """The rest, for choices that the model ended without a word."""
        for choice in self._choices.values():
            if not choice.finished:
                yield from choice.finish("")

    @property
    def finished(self) -> bool:
        """Whether there are choices and each of them has ended."""
        return bool(self._choices) and all(choice.finished for choice in self._choices.values())

    @property
    def stop_reasons(self) -> list[str]:
        """The model's own words for why each choice ended."""
        return [choice.stop_reason or "" for choice in self._choices.values()]

    @property
    def completion_length(self) -> int:
        """Characters of text in all choices."""
        return sum(choice.length for choice in self._choices.values())


def _delta_of(piece: Piece) -> dict[str, Any]:
    if isinstance(piece, Content):
        return {"content": piece.text}
    if isinstance(piece, Reasoning):
        return {"reasoning_content": piece.text}
    if isinstance(piece, ToolArguments):
        return {"tool_calls": [{"index": piece.index, "function": {"arguments": piece.text}}]}
    assert isinstance(piece, ToolCall)
    function = {"name": piece.name, "arguments": ""}
    return {"tool_calls": [{"index": piece.index, "id": piece.id, "type": "function", "function": function}]}
