"""How much a model's own chat template may do (docs/decisions/0021 and 0126).

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

LONGEST_SOURCE = 96 * 1024
"""Characters of template source; the longest public ones have 20,000."""
MOST_NODES = 5000
"""Parts (words, operators, statements …) of a template; the largest public one has 900. Compiling takes 0.1 ms each."""

# What no single value may exceed, whatever is left of the limits above.
LONGEST_TEXT = 16_000_000
MOST_ITEMS = 1_000_000
LARGEST_INTEGER_BITS = 60
# Longest text that is put in at every line or link, or of which every character is compared; widest indentation.
LONGEST_OPTION = 64
# Old-style formatting: longest pattern, and most digits of a width.
LONGEST_PATTERN = 10_000
MOST_WIDTH_DIGITS = 3


class LimitExceededError(Exception):
    """Raised when a template does more than its limits allow. The text completes "the chat template was stopped: …"."""
