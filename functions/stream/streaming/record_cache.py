"""Model records, kept for a short time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from streaming.ports import Records
from tollgate_layer.inference.failures.errors import ApiError

_STALE_FOR_S = 5.0
_KEPT_RECORDS = 1000


@dataclass(slots=True)
class _Entry:
    text: str
    fresh_until: float


class CachedRecords:
    """Reads a record again after `ttl_s`; while it cannot be read, the last one known stays in use.

    A model that does not exist is asked for every time, so that a release is seen at once.
    """

    def __init__(self, records: Records, ttl_s: float, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    async def get(self, name: str) -> str | None:
        """See `ports.Records`."""
        known = self._entries.get(name)
        if known is None:
            return await self._read(name)
        if self._clock() >= known.fresh_until:
            # Others go on with what is known while one reads, and for a while if that fails.
            known.fresh_until = self._clock() + _STALE_FOR_S
            try:
                return await self._read(name)
            except ApiError:
                return known.text
        return known.text

    async def _read(self, name: str) -> str | None:
        text = await self._records.get(name)
        self._entries.pop(name, None)
        if text is not None:
            if len(self._entries) >= _KEPT_RECORDS:
                del self._entries[next(iter(self._entries))]
            self._entries[name] = _Entry(text, self._clock() + self._ttl_s)
        return text
