"""How alike two answers are."""

from __future__ import annotations

import difflib

_MOST_WORDS = 5000
"""Words of an answer that are looked at: the time grows with the product of two lengths."""


def similarity_of(first: str, second: str) -> float:
    """The share of words that both texts have in the same order, from 0 to 1.

    It is difflib's ratio of the two lists of words: https://docs.python.org/3/library/difflib.html
    """
    if first == second:
        return 1.0
    words = (first.split()[:_MOST_WORDS], second.split()[:_MOST_WORDS])
    return difflib.SequenceMatcher(None, *words, autojunk=False).ratio()
