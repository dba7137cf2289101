"""Reads artifacts of unknown origin within limits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tollgate_release.artifacts.source import ArtifactSource

MEGABYTE = 1 << 20
MAX_JSON_BYTES = 16 * MEGABYTE
MAX_TOTAL_BYTES = 128 * MEGABYTE


class ArtifactReader:
    """Reads listed files within limits and collects what is wrong (`problems`) or odd (`warnings`)."""

    def __init__(self, source: ArtifactSource) -> None:
        self._source = source
        self._unread = MAX_TOTAL_BYTES
        self.files = source.list()
        self.problems: list[str] = []
        self.warnings: list[str] = []

    def read(self, name: str, start: int, length: int) -> bytes | None:
        """Read at most `length` bytes; None, with a problem noted, when that is more than any real model needs."""
        if length > self._unread:
            self.problems.append(
                f"{name}: the files' headers hold over {MAX_TOTAL_BYTES // MEGABYTE} MiB; this is no model."
            )
            return None
        self._unread -= length
        return self._source.read(name, start, length)

    def read_json(self, name: str, *, limit: int = MAX_JSON_BYTES) -> dict[str, Any] | None:
        """Read the JSON object in a file; None when the file is absent, or unusable, with a problem noted."""
        size = self.files.get(name)
        if size is None:
            return None
        if size > limit:
            self.problems.append(f"{name} has {size:,} bytes; a real one has fewer than {limit:,}.")
            return None
        data = self.read(name, 0, size)
        if data is None:
            return None
        return self.parse_json(name, data)

    def parse_json(self, name: str, data: bytes) -> dict[str, Any] | None:
        """Parse a JSON object that is part of the file `name`; None, with a problem noted, if it is none."""
        try:
            value = json.loads(data.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            reason = f"is not valid JSON ({_short(error)})"
            if isinstance(error, RecursionError):
                reason = "is nested too deeply"
            self.problems.append(f"{name} {reason}. Write it again with save_pretrained.")
            return None
        if not isinstance(value, dict):
            self.problems.append(f"{name} must hold a JSON object, not {type(value).__name__}.")
            return None
        return value


def _no_constant(name: str) -> None:
    """Refuse NaN and the infinities, which Python reads and other loaders of the same file do not."""
    raise ValueError(f"it holds {name}, which is no number of JSON")


def shown(value: object) -> str:
    """Show a value out of a file, shortened to fit a sentence."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, a deep nest
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}…"


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]
