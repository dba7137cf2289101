"""Grouped-query attention (https://arxiv.org/abs/2305.13245) over cached keys and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tollgate.engines.decoder.config import DecoderConfig

    Array = NDArray[np.float32]

_FIRST_CAPACITY = 128


class KeyValueCache:
    """Keys and values of one conversation's tokens, per layer; `length` counts the tokens of finished passes."""

    def __init__(self, config: DecoderConfig) -> None:
        shape = (config.layers, 2, config.key_value_heads, _FIRST_CAPACITY, config.head_width)
        self._store = np.empty(shape, dtype=np.float32)
        self.length = 0

    def extend(self, layer: int, keys: Array, values: Array) -> tuple[Array, Array]:
        """Append keys and values, (key_value_heads, new, head_width) each; returns all of the layer so far."""
        end = self.length + keys.shape[1]
        self._reserve(end)
        self._store[layer, 0, :, self.length : end] = keys
        self._store[layer, 1, :, self.length : end] = values
        return self._store[layer, 0, :, :end], self._store[layer, 1, :, :end]

    def _reserve(self, positions: int) -> None:
        capacity = self._store.shape[3]
        if positions <= capacity:
            return
        while capacity < positions:
            capacity *= 2
        layers, pair, heads, _, width = self._store.shape
        grown = np.empty((layers, pair, heads, capacity, width), dtype=np.float32)
        grown[:, :, :, : self.length] = self._store[:, :, :, : self.length]
        self._store = grown


def attend(queries: Array, keys: Array, values: Array, window: int | None) -> Array:
    """Mix values by softmax of scaled products.

    Args:
        queries: (key_value_heads, group, new, head_width), the last `new` of all positions.
        keys: (key_value_heads, positions, head_width); values likewise.
        window: how many positions a token sees, itself included; None: all before it.

    Returns:
        (key_value_heads, group, new, head_width).
    """
    new, positions = queries.shape[2], keys.shape[1]
    if window is not None and positions - new - window + 1 > 0:  # what no new token sees
        keys, values = keys[:, positions - new - window + 1 :], values[:, positions - new - window + 1 :]
        positions = keys.shape[1]
    scores = queries @ keys[:, None].swapaxes(-1, -2) / np.float32(np.sqrt(queries.shape[-1]))
    if new > 1:
        scores = np.where(_visible(new, positions, window), scores, np.float32(-np.inf))
    scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed: Array = (scores / scores.sum(axis=-1, keepdims=True)) @ values[:, None]
    return mixed


def _visible(new: int, positions: int, window: int | None) -> NDArray[np.bool_]:
    """A mask of shape (new, positions): the keys that each of the last `new` tokens sees."""
    at = np.arange(positions - new, positions)[:, None]
    key = np.arange(positions)[None, :]
    seen: NDArray[np.bool_] = key <= at
    return seen if window is None else seen & (key > at - window)
