"""The tensors that a config.json calls for: names and shapes, per architecture.

They are those of transformers 4.51.3, by which imports are read (gpt-oss: of its own release), as its modelling files
define them: https://github.com/huggingface/transformers/tree/v4.51.3/src/transformers/models. All of the architectures
here are decoders of one plan; `_LAYERS` has what differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Shape = tuple[int | None, ...] | None
"""The sizes of a tensor; None where config.json does not say, in a dimension or at all."""

Tensors = Iterator[tuple[str, Shape]]

MAX_LAYERS = 1000
MAX_EXPERTS = 4096

# Buffers that older versions stored beside the weights; loaders compute them and skip what is stored.
_STORED_BUFFERS = re.compile(r"rotary_emb\.(inv_freq|cos_cached|sin_cached)$|position_ids$|masked_bias$")


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes in a config.json, under transformers' names; None where they are not given."""

    vocab_size: int | None
    hidden_size: int | None
    intermediate_size: int | None
    heads: int | None
    key_value_heads: int | None
    head_dim: int | None

    @property
    def queries(self) -> int | None:
        return _product(self.heads, self.head_dim)

    @property
    def keys(self) -> int | None:
        return _product(self.key_value_heads, self.head_dim)


@dataclass(frozen=True, slots=True)
class ExpectedTensors:
    """What the weights must hold, and what they may hold beside it."""

    required: Mapping[str, Shape]
    optional: Mapping[str, Shape]

    def knows(self, name: str) -> bool:
        """Whether a tensor belongs to the model, or is a buffer that loaders skip."""
        return name in self.required or name in self.optional or _STORED_BUFFERS.search(name) is not None


def expected_tensors(architecture: str, config: Mapping[str, Any], layers: int) -> ExpectedTensors | None:
    """The tensors of a model with so many layers; None where the architecture is not known here.

    Raises:
        ValueError: no model has such numbers; the text is a sentence.
    """
    layer = _LAYERS.get(architecture)
    if layer is None:
        return None
    if layers > MAX_LAYERS:
        raise ValueError(f"config.json says num_hidden_layers {layers}; no model has so many.")
    sizes = _sizes(architecture, config)
    table = (sizes.vocab_size, sizes.hidden_size)
    required: dict[str, Shape] = {"model.embed_tokens.weight": table, "model.norm.weight": (sizes.hidden_size,)}
    for index in range(layers):
        for name, shape in layer(config, sizes, index):
            required[f"model.layers.{index}.{name}"] = shape
    if config.get("tie_word_embeddings"):
        return ExpectedTensors(required, {"lm_head.weight": table})
    return ExpectedTensors({**required, "lm_head.weight": table}, {})


def _sizes(architecture: str, config: Mapping[str, Any]) -> Sizes:
    heads = size(config, "num_attention_heads")
    hidden = size(config, "hidden_size")
    head_dim = size(config, "head_dim")
    # Qwen3's default is a number of its own and not the share of a head; so a missing one stays unknown there.
    if head_dim is None and heads and hidden and architecture != "Qwen3ForCausalLM":
        head_dim = hidden // heads
    key_value_heads = size(config, "num_key_value_heads")
    if key_value_heads is None and architecture == "LlamaForCausalLM":
        key_value_heads = heads
    return Sizes(
        size(config, "vocab_size"), hidden, size(config, "intermediate_size"), heads, key_value_heads, head_dim
    )


def size(config: Mapping[str, Any], key: str) -> int | None:
    """A positive integer in a config.json; None for anything else."""
    value = config.get(key)
    return value if type(value) is int and value > 0 else None


# --- the parts of a layer ----------------------------------------------------------------------------------------


def _norms(sizes: Sizes) -> Tensors:
    yield "input_layernorm.weight", (sizes.hidden_size,)
    yield "post_attention_layernorm.weight", (sizes.hidden_size,)


def _attention(sizes: Sizes, *, biases: str) -> Tensors:
    """The projections; `biases` are the letters of those that have one."""
    outputs = {"q": sizes.queries, "k": sizes.keys, "v": sizes.keys, "o": sizes.hidden_size}
    for letter, rows in outputs.items():
        inputs = sizes.queries if letter == "o" else sizes.hidden_size
        yield f"self_attn.{letter}_proj.weight", (rows, inputs)
        if letter in biases:
            yield f"self_attn.{letter}_proj.bias", (rows,)


def _head_norms(sizes: Sizes) -> Tensors:
    yield "self_attn.q_norm.weight", (sizes.head_dim,)
    yield "self_attn.k_norm.weight", (sizes.head_dim,)


def _feed_forward(prefix: str, hidden: int | None, inner: int | None, *, bias: bool = False) -> Tensors:
    for name, rows, columns in (("gate", inner, hidden), ("up", inner, hidden), ("down", hidden, inner)):
        yield f"{prefix}.{name}_proj.weight", (rows, columns)
        if bias:
            yield f"{prefix}.{name}_proj.bias", (rows,)


def _experts(config: Mapping[str, Any], key: str) -> int:
    """The number of experts. Raises ValueError where there is none, or more than any model has."""
    count = size(config, key)
    if count is None or count > MAX_EXPERTS:
        raise ValueError(f"config.json must give {key}, from 1 to {MAX_EXPERTS}.")
    return count


# --- layers of each architecture ---------------------------------------------------------------------------------


def _llama(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="qkvo" if config.get("attention_bias") else "")
    yield from _feed_forward("mlp", sizes.hidden_size, sizes.intermediate_size, bias=bool(config.get("mlp_bias")))


def _mistral(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="")
    yield from _feed_forward("mlp", sizes.hidden_size, sizes.intermediate_size)


def _mixtral(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="")
    hidden, inner = sizes.hidden_size, sizes.intermediate_size
    count = _experts(config, "num_local_experts")
    yield "block_sparse_moe.gate.weight", (count, hidden)
    for expert in range(count):
        prefix = f"block_sparse_moe.experts.{expert}"
        yield f"{prefix}.w1.weight", (inner, hidden)
        yield f"{prefix}.w2.weight", (hidden, inner)
        yield f"{prefix}.w3.weight", (inner, hidden)


def _qwen2(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="qkv")
    yield from _feed_forward("mlp", sizes.hidden_size, sizes.intermediate_size)


def _qwen3_attention(config: Mapping[str, Any], sizes: Sizes) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="qkvo" if config.get("attention_bias") else "")
    yield from _head_norms(sizes)


def _qwen3(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _qwen3_attention(config, sizes)
    yield from _feed_forward("mlp", sizes.hidden_size, sizes.intermediate_size)


def _qwen3_moe(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _qwen3_attention(config, sizes)
    dense_layers = config.get("mlp_only_layers")
    is_dense = isinstance(dense_layers, list) and index in dense_layers
    if is_dense or (index + 1) % (size(config, "decoder_sparse_step") or 1) != 0:
        yield from _feed_forward("mlp", sizes.hidden_size, sizes.intermediate_size)
        return
    count = _experts(config, "num_experts")
    yield "mlp.gate.weight", (count, sizes.hidden_size)
    for expert in range(count):
        yield from _feed_forward(f"mlp.experts.{expert}", sizes.hidden_size, size(config, "moe_intermediate_size"))


def _gpt_oss(config: Mapping[str, Any], sizes: Sizes, index: int) -> Tensors:
    yield from _norms(sizes)
    yield from _attention(sizes, biases="qkvo" if config.get("attention_bias", True) else "")
    yield "self_attn.sinks", (sizes.heads,)
    count = _experts(config, "num_local_experts")
    yield "mlp.router.weight", (count, sizes.hidden_size)
    yield "mlp.router.bias", (count,)
    for name, outputs in (("gate_up_proj", _product(2, sizes.intermediate_size)), ("down_proj", sizes.hidden_size)):
        inputs = sizes.hidden_size if name == "gate_up_proj" else sizes.intermediate_size
        yield f"mlp.experts.{name}_bias", (count, outputs)
        if config.get("quantization_config"):  # MXFP4 keeps numbers and their scales apart
            yield f"mlp.experts.{name}_blocks", None
            yield f"mlp.experts.{name}_scales", None
        else:
            yield f"mlp.experts.{name}", (count, inputs, outputs)


_LAYERS: Mapping[str, Callable[[Mapping[str, Any], Sizes, int], Tensors]] = {
    "LlamaForCausalLM": _llama,
    "MistralForCausalLM": _mistral,
    "MixtralForCausalLM": _mixtral,
    "Qwen2ForCausalLM": _qwen2,
    "Qwen3ForCausalLM": _qwen3,
    "Qwen3MoeForCausalLM": _qwen3_moe,
    "GptOssForCausalLM": _gpt_oss,
}
COMPARED = tuple(_LAYERS)
"""The architectures whose tensors are known here."""


def _product(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else left * right
