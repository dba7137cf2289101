"""Rotary position embeddings (https://arxiv.org/abs/2104.09864) and the ways to stretch them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tollgate.engines.errors import ModelLoadError
from tollgate_release.artifacts.reader import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tollgate.engines.decoder.config import DecoderConfig

    Array = NDArray[np.float32]


class RotaryEmbedding:
    """Rotates pairs of a head's components by angles that grow with the position."""

    def __init__(self, config: DecoderConfig) -> None:
        """Raises ModelLoadError for a kind of scaling that is not implemented."""
        kind = config.rope["rope_type"]
        if not isinstance(kind, str) or kind not in _SCALINGS:
            raise ModelLoadError(
                f"The numpy engine has no RoPE scaling {shown(kind)}, only {', '.join(sorted(_SCALINGS))}."
            )
        exponents = np.arange(0, config.head_width, 2, dtype=np.float64) / config.head_width
        plain = config.rope["rope_theta"] ** -exponents
        try:
            frequencies, self._magnitude = _SCALINGS[kind](plain, config.rope, config.max_positions)
        except KeyError as error:
            raise ModelLoadError(f"config.json: RoPE scaling {shown(kind)} lacks {error}.") from None
        except (ArithmeticError, TypeError, ValueError) as error:
            raise ModelLoadError(
                f"config.json: RoPE scaling {shown(config.rope)} cannot be computed: {error}"
            ) from error
        if not np.isfinite(frequencies).all():
            raise ModelLoadError(f"config.json: RoPE scaling {shown(config.rope)} gives no finite frequencies.")
        # Stored and multiplied by positions in single precision, as in transformers.
        self._frequencies = frequencies.astype(np.float32)

    def angles(self, start: int, count: int) -> tuple[Array, Array]:
        """Cosines and sines for positions from `start`, each of shape (count, head_width)."""
        turns = np.outer(np.arange(start, start + count, dtype=np.float32), self._frequencies)
        both = np.concatenate([turns, turns], axis=-1)
        magnitude = np.float32(self._magnitude)
        return np.cos(both) * magnitude, np.sin(both) * magnitude


def rotate(heads: Array, cosines: Array, sines: Array) -> Array:
    """Apply the angles to (…, positions, head_width); component i pairs with i + head_width / 2."""
    half = heads.shape[-1] // 2
    turned = np.concatenate([-heads[..., half:], heads[..., :half]], axis=-1)
    return np.asarray(heads * cosines + turned * sines, dtype=np.float32)


# --- scalings: (frequencies, parameters, positions) → (frequencies, magnitude of the rotated vectors) --------------

Frequencies = np.ndarray[tuple[int, ...], np.dtype[np.float64]]


def _default(plain: Frequencies, _: dict[str, Any], __: int) -> tuple[Frequencies, float]:
    return plain, 1.0


def _linear(plain: Frequencies, rope: dict[str, Any], _: int) -> tuple[Frequencies, float]:
    """Position interpolation (https://arxiv.org/abs/2306.15595): every angle grows `factor` times slower."""
    return plain / rope["factor"], 1.0


def _llama3(plain: Frequencies, rope: dict[str, Any], _: int) -> tuple[Frequencies, float]:
    """Llama 3.1: slow down what turns less than `low_freq_factor` times in the original context, blend up to high.

    https://github.com/meta-llama/llama-models/blob/main/models/llama3/model.py (apply_scaling)
    """
    turns = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    kept = np.clip((turns - low) / (high - low), 0.0, 1.0)
    return plain * (kept + (1 - kept) / rope["factor"]), 1.0


def _yarn(plain: Frequencies, rope: dict[str, Any], positions: int) -> tuple[Frequencies, float]:
    """YaRN (https://arxiv.org/abs/2309.00071, sections 3.2 and 3.4), its ramp over whole dimensions."""
    unknown = {"mscale", "mscale_all_dim"} & rope.keys()
    if unknown:
        raise ModelLoadError(f"The numpy engine has no YaRN with {', '.join(sorted(unknown))}.")
    factor = rope["factor"]
    original = rope.get("original_max_position_embeddings") or positions
    pairs = len(plain)

    def dimension(turns: float) -> float:
        """The pair that turns so many times in the original context."""
        return pairs * math.log(original / (turns * 2 * math.pi)) / math.log(rope["rope_theta"])

    low = max(math.floor(dimension(rope.get("beta_fast") or 32)), 0)
    high = min(math.ceil(dimension(rope.get("beta_slow") or 1)), 2 * pairs - 1)
    slowed = np.clip((np.arange(pairs) - low) / max(high - low, 0.001), 0.0, 1.0)
    magnitude = rope.get("attention_factor") or 0.1 * math.log(factor) + 1.0
    return plain * (1 - slowed + slowed / factor), magnitude


_SCALINGS: dict[str, Callable[[Frequencies, dict[str, Any], int], tuple[Frequencies, float]]] = {
    "default": _default,
    "linear": _linear,
    "llama3": _llama3,
    "yarn": _yarn,
}
