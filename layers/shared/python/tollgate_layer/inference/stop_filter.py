"""Ends a text at its first stop sequence, however the text is split on its way."""

from __future__ import annotations

from collections.abc import Sequence


class StopFilter:
    """Passes text on up to the first stop sequence; holds back what may be the start of one.

    Example:
        filter_ = StopFilter(["END"])
        filter_.feed("one E")    # "one ": the E may begin the sequence
        filter_.feed("ND two")   # "": it did, and nothing comes after it
    """

    def __init__(self, stop: Sequence[str]) -> None:
        self._searches = [_Search(sequence) for sequence in stop]
        self._held = ""
        self.hit = False

    def feed(self, text: str) -> str:
        """The text so far that can no longer belong to a stop sequence."""
        if self.hit:
            return ""
        if not self._searches or not text:
            return text
        first = None
        longest_start = 0
        for search in self._searches:
            end = search.feed(text)
            if end is not None:
                start = len(self._held) + end - search.length
                first = start if first is None else min(first, start)
            longest_start = max(longest_start, search.matched)
        text = self._held + text
        if first is not None:
            self.hit, self._held = True, ""
            return text[:first]
        # The end of the text may be the beginning of a stop sequence that the next piece completes.
        keep = len(text) - longest_start
        self._held = text[keep:]
        return text[:keep]

    def finish(self) -> str:
        """What was held back, when no more text comes."""
        held, self._held = self._held, ""
        return held


class _Search:
    """Looks for one sequence in a text that comes in pieces: the algorithm of Knuth, Morris and Pratt.

    Its time is linear whatever the sequence and the text are. Comparing every end of the text with every beginning of
    the sequence is not, and both may be long: https://doi.org/10.1137/0206024
    """

    def __init__(self, sequence: str) -> None:
        self._sequence = sequence
        self._shorter: list[int] = []
        self.length = len(sequence)
        self.matched = 0
        """How many characters of the sequence the text ends with."""

    def feed(self, text: str) -> int | None:
        """Where in `text` the sequence ends for the first time; None where it does not."""
        if len(text) > self.length:
            return self._feed_much(text)
        return self._follow(text, 0)

    def _feed_much(self, text: str) -> int | None:
        """Does what `feed` does, for longer text than the sequence: all but its two ends is searched at C's speed."""
        end = self._follow(text[: self.length], 0)
        if end is not None:
            return end
        start = text.find(self._sequence)
        if start >= 0:
            return start + self.length
        # Only the end of the text can begin the sequence; what was matched before lies behind us.
        self.matched = 0
        return self._follow(text, len(text) - self.length + 1)

    def _follow(self, text: str, at: int) -> int | None:
        """Go on with the match from position `at` of `text`."""
        sequence = self._sequence
        matched = self.matched
        while at < len(text):
            if matched == 0:
                at = text.find(sequence[0], at)
                if at < 0:
                    break
            character = text[at]
            while matched and sequence[matched] != character:
                matched = self._next_shorter(matched)
            if sequence[matched] == character:
                matched += 1
            at += 1
            if matched == self.length:
                return at
        self.matched = matched
        return None

    def _next_shorter(self, matched: int) -> int:
        """The next shorter beginning of the sequence with which its first `matched` characters end.

        The table of them grows as far as it is asked for: most texts never match more than a few characters.
        """
        shorter = self._shorter
        sequence = self._sequence
        while len(shorter) < matched:
            length = shorter[-1] if shorter else 0
            position = len(shorter)
            if position:
                while length and sequence[length] != sequence[position]:
                    length = shorter[length - 1]
                if sequence[length] == sequence[position]:
                    length += 1
            shorter.append(length)
        return shorter[matched - 1]
