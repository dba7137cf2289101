"""An in-memory cache of model records (decision 63)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from streaming.interfaces import Records
from tollgate_layer.inference.failures.errors import ApiError

_RETRY_AFTER_S = 5.0
_MAX_ENTRIES = 1000


@dataclass(slots=True)
class _Entry:
    text: str
    fresh_until: float


class CachedRecords:
    """Keeps each record for `ttl_s`; while the table cannot be read, the last record read stays in use.

    A model that does not exist is not cached, so that a release is seen at once. `clock` is wall-clock time in
    seconds: Lambda freezes the process between invocations, and a monotonic clock may stand still meanwhile.
    """

    def __init__(self, records: Records, ttl_s: float, clock: Callable[[], float] = time.time) -> None:
        self._records = records
        self._ttl_s = ttl_s
        self._clock = clock
        self._entries: dict[str, _Entry] = {}

    async def get(self, name: str) -> str | None:
        """See `interfaces.Records`."""
        entry = self._entries.get(name)
        if entry is None:
            return await self._read(name)
        if self._clock() < entry.fresh_until:
            return entry.text
        # The entry counts as fresh again before it is read again. So one request reads while the others go on with
        # what is known, and if the read fails, the table is left alone for a while.
        entry.fresh_until = self._clock() + _RETRY_AFTER_S
        try:
            return await self._read(name)
        except ApiError:
            return entry.text

    async def _read(self, name: str) -> str | None:
        text = await self._records.get(name)
        # The old entry goes, also when there is a new one: a dict keeps the order of insertion, and so its first
        # entry is always the one that was read longest ago.
        self._entries.pop(name, None)
        if text is None:
            return None
        if len(self._entries) >= _MAX_ENTRIES:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
        self._entries[name] = _Entry(text, self._clock() + self._ttl_s)
        return text
