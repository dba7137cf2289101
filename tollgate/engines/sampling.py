"""Chooses the next token from its scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tollgate.engines.base import Generation

    Array = NDArray[np.float64]


class Sampler:
    """Chooses tokens: greedily at temperature 0, else by temperature, then top-k, then top-p.

    The same seed gives the same choices.
    """

    def __init__(self, generation: Generation) -> None:
        self._temperature = generation.temperature
        self._top_p = generation.top_p
        self._top_k = generation.top_k or 0
        # A seed may be any integer, but numpy takes those from 0 on: n becomes 2n, and -n becomes 2n + 1.
        seed = generation.seed
        self._random = np.random.default_rng(None if seed is None else abs(seed) * 2 + (seed < 0))

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The id of the next token; `logits`: (vocabulary,)."""
        if self._temperature <= 0:
            return int(logits.argmax())
        scores = logits.astype(np.float64) / self._temperature
        order = np.argsort(-scores, kind="stable")
        if self._top_k > 0:
            order = order[: self._top_k]
        chances = _softmax(scores[order])
        # The nucleus holds the fewest tokens that reach top_p together (https://arxiv.org/abs/1904.09751).
        reached = np.cumsum(chances)
        kept = int(np.searchsorted(reached, self._top_p * reached[-1])) + 1
        reached = reached[:kept]
        drawn = np.searchsorted(reached, self._random.random() * reached[-1], side="right")
        return int(order[min(drawn, len(reached) - 1)])


def log_probabilities(logits: NDArray[np.float32]) -> Array:
    """The log-probability of every token, before temperature and any filter."""
    scores = logits.astype(np.float64)
    scores -= scores.max()
    result: Array = scores - np.log(np.exp(scores).sum())
    return result


def _softmax(scores: Array) -> Array:
    chances = np.exp(scores - scores.max())
    result: Array = chances / chances.sum()
    return result
