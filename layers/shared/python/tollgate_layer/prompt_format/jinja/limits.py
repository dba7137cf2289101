"""How much a model's own chat template may do (docs/decisions/0021).

A template comes from the record's owner or from a model's files, and is run for every request. Jinja's sandbox keeps
it from reaching Python's internals; these limits keep it from running or growing without end, without threads
or signals (a function's handler may run in any thread). A render ends after `RenderLimits.seconds` plus at most one
step over values of bounded size.
"""

from __future__ import annotations

from typing import NamedTuple


class RenderLimits(NamedTuple):
    """What one render may use."""

    seconds: float = 2.0
    """Ordinary renders take a ten-thousandth of it."""
    characters: int = 16_000_000
    """Characters and items that it may make, beside `working_copies` of the conversation."""
    working_copies: int = 32
    """Templates build turns by repeated concatenation, each of which copies the content."""


DEFAULT_LIMITS = RenderLimits()

# What no single value may exceed, whatever is left of the limits above.
LONGEST_TEXT = 16_000_000
LARGEST_INTEGER_BITS = 4096
# Longest padding, widest indentation.
LARGEST_WIDTH = 100_000
# Longest text that is put in at every line, link or item, and widest indentation of JSON.
LONGEST_OPTION = 16


class LimitExceededError(Exception):
    """A template does more than its limits allow. The text completes "the chat template was stopped: …"."""
