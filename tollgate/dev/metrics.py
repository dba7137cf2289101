"""Takes the metrics out of what functions write, on its way to the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tollgate.dev.console import Quiet
    from tollgate.emulators.cloudwatch import MetricStore


class MetricsOfOutput:
    """A sink of functions' output: lines of metrics go into the store, and all lines to the console."""

    def __init__(self, console: Quiet, store: MetricStore) -> None:
        self._console = console
        self._store = store

    def line(self, function: str, text: str) -> None:
        """Note that a function wrote a line."""
        self._store.read_line(text)
        self._console.line(function, text)

    def failure(self, function: str, lines: list[str]) -> None:
        """Note that a function failed."""
        self._console.failure(function, lines)
