"""The decoder: embedding, layers of attention and gated feed-forward, output head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tollgate.engines.decoder.attention import KeyValueCache, attend
from tollgate.engines.decoder.config import DecoderConfig, parse_config
from tollgate.engines.decoder.rope import RotaryEmbedding, rotate
from tollgate.engines.decoder.tensors import Tensors, read_json
from tollgate.engines.errors import ModelLoadError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear projection; `weight` has the shape (outputs, inputs)."""

    weight: Array
    bias: Array | None = None

    def __call__(self, x: Array) -> Array:
        y: Array = x @ self.weight.T
        return y if self.bias is None else y + self.bias


@dataclass(frozen=True, slots=True)
class Layer:
    """One block of the decoder. Queries, keys and values come from one product, gate and up from another."""

    attention_norm: Array
    query_key_value: Linear
    attention_output: Linear
    feed_forward_norm: Array
    gate_up: Linear
    down: Linear


class Decoder:
    """A loaded model.

    It keeps no state of a conversation, so threads may share it; a cache belongs to one of them.
    """

    def __init__(self, config: DecoderConfig, embedding: Array, layers: list[Layer], norm: Array, head: Linear) -> None:
        self.config = config
        self._embedding = embedding
        self._layers = layers
        self._norm = norm
        self._head = head
        self._rope = RotaryEmbedding(config)

    def new_cache(self) -> KeyValueCache:
        return KeyValueCache(self.config)

    def forward(self, ids: Sequence[int], cache: KeyValueCache) -> Array:
        """Process tokens that follow those in the cache; returns normalised states of shape (len(ids), width)."""
        x = self._embedding[np.asarray(ids)]
        angles = self._rope.angles(cache.length, len(ids))
        for index, layer in enumerate(self._layers):
            x = x + self._attention(
                index, layer, _rms_norm(x, layer.attention_norm, self.config.epsilon), angles, cache
            )
            x = x + _feed_forward(layer, _rms_norm(x, layer.feed_forward_norm, self.config.epsilon))
        cache.length += len(ids)
        return _rms_norm(x, self._norm, self.config.epsilon)

    def logits(self, states: Array) -> Array:
        """Scores of the next token, (…, vocabulary), from states of `forward`."""
        return self._head(states)

    def _attention(
        self, index: int, layer: Layer, x: Array, angles: tuple[Array, Array], cache: KeyValueCache
    ) -> Array:
        config = self.config
        count = len(x)
        heads = layer.query_key_value(x).reshape(count, -1, config.head_width).transpose(1, 0, 2)
        queries, keys, values = np.split(heads, [config.heads, config.heads + config.key_value_heads])
        all_keys, all_values = cache.extend(index, rotate(keys, *angles), values)
        grouped = rotate(queries, *angles).reshape(config.key_value_heads, config.group, count, config.head_width)
        mixed = attend(grouped, all_keys, all_values, config.windows[index])
        return layer.attention_output(mixed.transpose(2, 0, 1, 3).reshape(count, -1))


def _rms_norm(x: Array, weight: Array, epsilon: float) -> Array:
    """RMSNorm (https://arxiv.org/abs/1910.07467)."""
    mean_square = np.mean(np.square(x), axis=-1, keepdims=True, dtype=np.float32)
    return np.asarray(x / np.sqrt(mean_square + np.float32(epsilon)) * weight, dtype=np.float32)


def _feed_forward(layer: Layer, x: Array) -> Array:
    """SwiGLU (https://arxiv.org/abs/2002.05202)."""
    gate, up = np.split(layer.gate_up(x), 2, axis=-1)
    return layer.down(gate * _sigmoid(gate) * up)


def _sigmoid(x: Array) -> Array:
    """The logistic function, computed by tanh, which does not overflow."""
    return np.float32(0.5) * (np.tanh(np.float32(0.5) * x) + np.float32(1.0))


# --- loading -----------------------------------------------------------------------------------------------------


def load_decoder(directory: Path) -> Decoder:
    """Load a decoder from config.json and safetensors files; raises ModelLoadError for what it cannot run."""
    config_json = read_json(directory, "config.json")
    config = parse_config(config_json)
    tensors = Tensors(directory)
    embedding = tensors.read("model.embed_tokens.weight", config.vocabulary, config.width)
    head = embedding if config.tied else tensors.read("lm_head.weight", config.vocabulary, config.width)
    layers = [_load_layer(tensors, config, f"model.layers.{index}.") for index in range(config.layers)]
    return Decoder(config, embedding, layers, tensors.read("model.norm.weight", config.width), Linear(head))


def _load_layer(tensors: Tensors, config: DecoderConfig, prefix: str) -> Layer:
    width, inner = config.width, config.inner
    queries = config.heads * config.head_width
    keys = config.key_value_heads * config.head_width
    attention, feed_forward = f"{prefix}self_attn.", f"{prefix}mlp."
    return Layer(
        attention_norm=tensors.read(f"{prefix}input_layernorm.weight", width),
        query_key_value=_stack(
            _linear(tensors, f"{attention}q_proj", queries, width),
            _linear(tensors, f"{attention}k_proj", keys, width),
            _linear(tensors, f"{attention}v_proj", keys, width),
        ),
        attention_output=_linear(tensors, f"{attention}o_proj", width, queries),
        feed_forward_norm=tensors.read(f"{prefix}post_attention_layernorm.weight", width),
        gate_up=_stack(
            _linear(tensors, f"{feed_forward}gate_proj", inner, width),
            _linear(tensors, f"{feed_forward}up_proj", inner, width),
        ),
        down=_linear(tensors, f"{feed_forward}down_proj", width, inner),
    )


def _linear(tensors: Tensors, name: str, outputs: int, inputs: int) -> Linear:
    """Load a projection, with its bias if the weights hold one."""
    bias = tensors.read(f"{name}.bias", outputs) if f"{name}.bias" in tensors else None
    return Linear(tensors.read(f"{name}.weight", outputs, inputs), bias)


def _stack(*parts: Linear) -> Linear:
    """Stack projections into one that computes the results of all of them."""
    biases = [part.bias for part in parts if part.bias is not None]
    if biases and len(biases) != len(parts):
        raise ModelLoadError("Some of a layer's projections have a bias and others have none.")
    return Linear(np.concatenate([part.weight for part in parts]), np.concatenate(biases) if biases else None)
