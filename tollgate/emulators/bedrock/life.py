"""The life of model copies: model cold starts, scaling under load, a place for each invocation."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tollgate.emulators.bedrock.billing import WindowCounter
from tollgate.emulators.bedrock.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from tollgate.emulators.bedrock.profiles import Profile
    from tollgate.emulators.clock import Clock

# A waiting invocation looks this often (seconds of model time) for a free place.
_QUEUE_POLL_S = 0.1


@dataclass(slots=True)
class ModelCopy:
    """One running instance of a model, which serves from `ready_at` on."""

    ready_at: float
    in_flight: int = 0
    windows: WindowCounter = field(default_factory=WindowCounter)

    def use(self, now: float) -> None:
        """Bill for the window of `now`, and for all since the last one while an invocation was in flight."""
        self.windows.use(now, since_last=self.in_flight > 0)


class Scaling:
    """Says when a model that has copies gets one more, or needs one less; it is told at each look how busy they are."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._crowded_since: float | None = None
        self._roomy_since: float | None = None

    def change(self, now: float, count: int, busy: int) -> int:
        """1 where the model was crowded for long enough, -1 where a copy was not needed for so long, else 0."""
        profile = self._profile
        crowded = count < profile.max_copies and busy > count * profile.scale_out_above
        if not crowded:
            self._crowded_since = None
        elif self._crowded_since is None:
            self._crowded_since = now
        # Roomy: one model copy less would not be crowded.
        roomy = count > 1 and busy <= (count - 1) * profile.scale_out_above
        if not roomy:
            self._roomy_since = None
        elif self._roomy_since is None:
            self._roomy_since = now
        if self._crowded_since is not None and now - self._crowded_since >= profile.scale_out_seconds:
            self._crowded_since = None
            return 1
        if self._roomy_since is not None and now - self._roomy_since >= profile.idle_seconds:
            self._roomy_since = None
            return -1
        return 0


class Life:
    """The model copies of one model.

    Nothing runs in the background: each look at them (`copies`) first brings them up to date.
    """

    def __init__(self, profile: Profile, clock: Clock) -> None:
        self._profile = profile
        self._clock = clock
        self._copies: list[ModelCopy] = []
        self._last_used = 0.0
        self._scaling = Scaling(profile)
        self.windows_of_removed_copies = 0

    def copies(self) -> list[ModelCopy]:
        """The model copies that exist now, those that are still loading included; oldest first."""
        now = self._clock.now()
        idle_from = max([self._last_used, *(copy.ready_at for copy in self._copies)])
        if self._copies and not self._busy() and now - idle_from >= self._profile.idle_seconds:
            self._remove(self._copies)
        self._scale(now)
        return list(self._copies)

    def windows_billed(self) -> int:
        """Billed windows of all model copies, those that are gone included, up to now."""
        now = self._clock.now()
        for copy in self._copies:
            if copy.in_flight:
                copy.use(now)
        return self.windows_of_removed_copies + sum(copy.windows.count for copy in self._copies)

    def wake(self) -> None:
        """Make sure that a model copy serves; start one when there is none.

        Raises:
            ServiceError: ModelNotReadyException, while the first one is loading.
        """
        now = self._clock.now()
        copies = self.copies()
        if not copies:
            copies = [self._start_copy(now)]
        if min(copy.ready_at for copy in copies) > now:
            raise ServiceError(
                "ModelNotReadyException", "Model is not ready for inference. Wait and try your request again."
            )

    @asynccontextmanager
    async def place(self) -> AsyncGenerator[ModelCopy]:
        """Hold a place on the least busy model copy for the time of an invocation.

        Raises:
            ServiceError: the model is cold, or no place came free in time.
        """
        self.wake()
        copy = await self._free_copy()
        copy.use(self._clock.now())
        copy.in_flight += 1
        try:
            yield copy
        finally:
            self._last_used = self._clock.now()
            copy.use(self._last_used)
            copy.in_flight -= 1

    async def prefill(self, prompt_tokens: int) -> None:
        """Wait for as long as the model takes to read a prompt."""
        if self._profile.prefill_seconds_per_token:
            await self._clock.sleep(prompt_tokens * self._profile.prefill_seconds_per_token)

    async def decode(self, copy: ModelCopy) -> None:
        """Wait for as long as the model copy takes for one token, as busy as it is now."""
        profile = self._profile
        if profile.decode_seconds_per_token:
            slowdown = 1 + profile.slowdown_per_neighbour * (copy.in_flight - 1)
            await self._clock.sleep(profile.decode_seconds_per_token * slowdown)

    async def _free_copy(self) -> ModelCopy:
        deadline = self._clock.now() + self._profile.queue_seconds
        while True:
            now = self._clock.now()
            serving = [copy for copy in self.copies() if copy.ready_at <= now]
            copy = min(serving, key=lambda copy: copy.in_flight, default=None)
            if copy is not None and copy.in_flight < self._profile.concurrency_per_copy:
                return copy
            if now >= deadline:
                raise ServiceError("ThrottlingException", "Too many requests, please wait before trying again.")
            await self._clock.sleep(_QUEUE_POLL_S)

    def _scale(self, now: float) -> None:
        """Add a model copy, or remove one that is not used, where it is time."""
        if not self._copies:
            return
        change = self._scaling.change(now, len(self._copies), self._busy())
        if change > 0:
            self._start_copy(now)
        elif change < 0:
            unused = [copy for copy in self._copies if not copy.in_flight]
            self._remove(unused[-1:])

    def _start_copy(self, now: float) -> ModelCopy:
        copy = ModelCopy(ready_at=now + self._profile.cold_start_seconds)
        self._copies.append(copy)
        return copy

    def _remove(self, copies: list[ModelCopy]) -> None:
        self.windows_of_removed_copies += sum(copy.windows.count for copy in copies)
        self._copies = [copy for copy in self._copies if copy not in copies]

    def _busy(self) -> int:
        return sum(copy.in_flight for copy in self._copies)
