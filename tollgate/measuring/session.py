"""Measures phase after phase on one target, and watches its copies meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from tollgate.costs import prices
from tollgate.measuring.copies import CopyLog, inferred
from tollgate.measuring.figures import Sample, Slo, copy_figures, figures
from tollgate.measuring.load import Load
from tollgate.measuring.warm_up import FixedWarmUp, UntilSteady, WarmUp
from tollgate.quantiles import quantile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tollgate.measuring.targets import Prompt, Target

_WATCH_S = 1.0
_TELL_S = 0.25
INFERRED = "inferred from steps in the seconds per token, one copy assumed at first"


class Phase(NamedTuple):
    """One load: so many clients, or requests at these times, in seconds from the begin."""

    name: str
    clients: int | None
    times: list[float] | None = None


class Method(NamedTuple):
    """How each phase is measured."""

    requests: int = 60
    warm_up_s: float | None = None
    """Seconds before a phase counts; None waits until the model is steady."""
    slo: Slo = Slo()
    units: int = 1
    is_imported: bool = False
    """Whether it is an imported model, so that copies that nobody tells are inferred."""


class Measured(NamedTuple):
    """A phase that is done: its figures, and its requests."""

    row: dict[str, Any]
    samples: list[Sample]


class Session:
    """All phases on one target; `say` is told how far they are, `source` is how the target knows its copies."""

    def __init__(
        self,
        target: Target,
        prompts: Iterator[Prompt],
        method: Method,
        *,
        source: str,
        say: Callable[[str], None] = lambda text: None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._prompts = prompts
        self._method = method
        self._say = say
        self._wall = wall
        self._copies = CopyLog(source)
        self._inferred = CopyLog(INFERRED)
        self._begun = wall()
        self._next_told_at = 0.0

    async def measure(self, phases: list[Phase]) -> AsyncIterator[Measured]:
        """Yield each phase when it is done."""
        await self._look()
        watcher = asyncio.create_task(self._watch())
        try:
            for phase in phases:
                yield await self._phase(phase)
        finally:
            watcher.cancel()

    async def _phase(self, phase: Phase) -> Measured:
        load = Load(self._target, self._prompts, lambda samples, seconds: self._tell(phase.name, samples, seconds))
        loop = asyncio.get_running_loop()
        started, begun = self._wall(), loop.time()
        if phase.times is not None:
            seconds = await load.open(phase.times)
        else:
            assert phase.clients is not None, "a phase has clients or times"
            warm_up = self._warm_up(phase.name, phase.clients)
            seconds = await load.closed(phase.clients, self._method.requests, warm_up)
        row = figures(load.samples, seconds, load.answers, self._method.slo, phase.clients)
        row["started"] = started
        row["warm_up_s"] = round(load.begun - begun, 3)
        row["cold_start_s"] = None if load.cold_start_s is None else round(load.cold_start_s, 3)
        await self._look(started + row["warm_up_s"] + row["seconds"])
        copies: CopyLog | None = self._copies
        if not self._copies.notes and self._method.is_imported:
            copies = self._infer([(started + at - begun, pace) for at, pace in load.paces], phase.clients or 1)
        return Measured({**row, **copy_figures(row, copies, self._method.units)}, load.samples)

    def _warm_up(self, name: str, clients: int) -> WarmUp | None:
        seconds = self._method.warm_up_s
        if seconds is None:
            say = self._say
            is_imported = self._method.is_imported
            return UntilSteady(clients, self._copies, lambda text: say(f"{name}: {text}"), is_imported=is_imported)
        return FixedWarmUp(seconds) if seconds else None

    def _infer(self, paces: list[tuple[float, float]], clients: int) -> CopyLog | None:
        """The copies of a target that does not tell them; None where its answers have no pace."""
        before = self._inferred.notes[-1].copies.serving if self._inferred.notes else 1
        notes = inferred(paces, before, clients)
        self._inferred.notes += notes
        return CopyLog(INFERRED, notes) if notes else None

    async def _watch(self) -> None:
        while self._copies.notes:  # a target that does not tell its copies at first never does
            await asyncio.sleep(_WATCH_S)
            await self._look()

    async def _look(self, at: float | None = None) -> None:
        """Note the copies, as those of now or of a phase's end."""
        count = await self._target.copies()
        if count is not None:
            self._copies.note(self._wall() if at is None else at, count)

    def _tell(self, name: str, samples: list[Sample], seconds: float) -> None:
        """Say how far a phase is: rate, P95, copies, and what the run has cost until now; a few times a second."""
        now = asyncio.get_running_loop().time()
        if now < self._next_told_at:
            return
        self._next_told_at = now + _TELL_S
        total = sorted(sample.total_s for sample in samples if not sample.code)
        if not total or seconds <= 0:
            return
        text = f"{name}: {len(samples)} requests, {len(total) / seconds * 60:,.1f} a minute"
        text += f", P95 {quantile(total, 0.95):.2f} s"
        if self._copies.notes:
            windows = self._copies.windows(self._begun, self._wall()) or 0
            usd = windows * self._method.units * prices.window_usd()
            serving = self._copies.notes[-1].copies.serving
            text += f", {serving} {'copy' if serving == 1 else 'copies'}, ${usd:.2f} so far"
        self._say(text)
