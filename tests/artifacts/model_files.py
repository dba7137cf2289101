"""Artifacts in memory: a whole, importable model to which each test does one thing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

LAYERS = 2
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "num_hidden_layers": LAYERS,
    "hidden_size": 4,
    "intermediate_size": 6,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "vocab_size": 10,
    "max_position_embeddings": 8192,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}
TOKENIZER_CONFIG = {"tokenizer_class": "LlamaTokenizerFast", "chat_template": "{{ messages }}"}

Tensor = tuple[str, list[int]]


def decoder(layer: dict[str, list[int]], layers: int = LAYERS) -> dict[str, Tensor]:
    """A decoder's tensors: an embedding, layers with these tensors, a norm and a head."""
    shapes = {"model.embed_tokens.weight": [10, 4]}
    for index in range(layers):
        for name, shape in layer.items():
            shapes[f"model.layers.{index}.{name}"] = shape
    shapes |= {"model.norm.weight": [4], "lm_head.weight": [10, 4]}
    return {name: ("BF16", shape) for name, shape in shapes.items()}


# As transformers 4.51.3 names and shapes them in `model.state_dict()`, written out and not computed.
_NORMS = {"input_layernorm.weight": [4], "post_attention_layernorm.weight": [4]}
_ATTENTION = {
    "self_attn.q_proj.weight": [4, 4],
    "self_attn.k_proj.weight": [2, 4],
    "self_attn.v_proj.weight": [2, 4],
    "self_attn.o_proj.weight": [4, 4],
}
_QKV_BIASES = {"self_attn.q_proj.bias": [4], "self_attn.k_proj.bias": [2], "self_attn.v_proj.bias": [2]}
_MLP = {"mlp.gate_proj.weight": [6, 4], "mlp.up_proj.weight": [6, 4], "mlp.down_proj.weight": [4, 6]}
_WIDE_HEADS = {
    "self_attn.q_proj.weight": [16, 4],
    "self_attn.k_proj.weight": [8, 4],
    "self_attn.v_proj.weight": [8, 4],
    "self_attn.o_proj.weight": [4, 16],
}
_HEAD_NORMS = {"self_attn.q_norm.weight": [8], "self_attn.k_norm.weight": [8]}
_LLAMA = _NORMS | _ATTENTION | _MLP
_MIXTRAL = {"block_sparse_moe.gate.weight": [2, 4]}
_QWEN3_MOE = {"mlp.gate.weight": [2, 4]}
for _expert in range(2):
    _MIXTRAL |= {
        f"block_sparse_moe.experts.{_expert}.w1.weight": [6, 4],
        f"block_sparse_moe.experts.{_expert}.w2.weight": [4, 6],
        f"block_sparse_moe.experts.{_expert}.w3.weight": [6, 4],
    }
    _QWEN3_MOE |= {
        f"mlp.experts.{_expert}.gate_proj.weight": [3, 4],
        f"mlp.experts.{_expert}.up_proj.weight": [3, 4],
        f"mlp.experts.{_expert}.down_proj.weight": [4, 3],
    }
_GPT_OSS = {
    **_NORMS, **_WIDE_HEADS,
    "self_attn.q_proj.bias": [16], "self_attn.k_proj.bias": [8], "self_attn.v_proj.bias": [8],
    "self_attn.o_proj.bias": [4], "self_attn.sinks": [2],
    "mlp.router.weight": [2, 4], "mlp.router.bias": [2],
    "mlp.experts.gate_up_proj": [2, 4, 12], "mlp.experts.gate_up_proj_bias": [2, 12],
    "mlp.experts.down_proj": [2, 6, 4], "mlp.experts.down_proj_bias": [2, 4],
}  # fmt: skip
_MXFP4 = {name: shape for name, shape in _GPT_OSS.items() if not name.endswith("_proj")} | {
    "mlp.experts.gate_up_proj_blocks": [2, 12, 1, 2], "mlp.experts.gate_up_proj_scales": [2, 12, 1],
    "mlp.experts.down_proj_blocks": [2, 4, 1, 3], "mlp.experts.down_proj_scales": [2, 4, 1],
}  # fmt: skip

TENSORS = decoder(_LLAMA)
PARAMETERS = 340

# One layer's tensors, and what config.json says beside CONFIG; `name` tells variants of an architecture apart.
WHOLE_MODELS = {
    "LlamaForCausalLM": (_LLAMA, {}),
    "LlamaForCausalLM with biases": (
        _LLAMA | _QKV_BIASES | {"self_attn.o_proj.bias": [4], "mlp.gate_proj.bias": [6], "mlp.up_proj.bias": [6],
                                "mlp.down_proj.bias": [4]},
        {"attention_bias": True, "mlp_bias": True},
    ),
    "LlamaForCausalLM of Llama 2": (
        _LLAMA | {"self_attn.k_proj.weight": [4, 4], "self_attn.v_proj.weight": [4, 4],
                  "self_attn.rotary_emb.inv_freq": [1]},
        {"num_key_value_heads": None},
    ),
    "MistralForCausalLM": (_LLAMA, {}),
    "MistralForCausalLM of Nemo": (_NORMS | _WIDE_HEADS | _MLP, {"head_dim": 8}),
    "MixtralForCausalLM": (_NORMS | _ATTENTION | _MIXTRAL, {"num_local_experts": 2}),
    "Qwen2ForCausalLM": (_LLAMA | _QKV_BIASES, {}),
    "Qwen3ForCausalLM": (_NORMS | _WIDE_HEADS | _HEAD_NORMS | _MLP, {"head_dim": 8}),
    "Qwen3ForCausalLM without head_dim": (_NORMS | _WIDE_HEADS | _HEAD_NORMS | _MLP, {}),
    "Qwen3MoeForCausalLM": (
        _NORMS | _WIDE_HEADS | _HEAD_NORMS | _QWEN3_MOE,
        {"head_dim": 8, "num_experts": 2, "moe_intermediate_size": 3, "decoder_sparse_step": 1, "mlp_only_layers": []},
    ),
    "Qwen3MoeForCausalLM of dense layers": (
        _NORMS | _WIDE_HEADS | _HEAD_NORMS | _MLP,
        {"head_dim": 8, "num_experts": 2, "moe_intermediate_size": 3, "decoder_sparse_step": 1,
         "mlp_only_layers": [0, 1]},
    ),
    "GptOssForCausalLM": (_GPT_OSS, {"head_dim": 8, "num_local_experts": 2}),
    "GptOssForCausalLM in MXFP4": (
        _MXFP4, {"head_dim": 8, "num_local_experts": 2, "quantization_config": {"quant_method": "mxfp4"}}
    ),
}  # fmt: skip


def whole_model(name: str, **changes: Any) -> MemoryArtifacts:
    """A whole, tiny model of WHOLE_MODELS."""
    layer, config = WHOLE_MODELS[name]
    tensors = decoder(layer)
    for tensor, (_, shape) in tensors.items():
        if tensor.endswith(("_blocks", "_scales")):
            tensors[tensor] = ("U8", shape)
    files = {
        "config__json": CONFIG | {"architectures": [name.split()[0]]} | config,
        "generation_config__json": {"eos_token_id": [200002, 199999, 200012]},
        "model__safetensors": safetensors(tensors),
    }
    return model(**(files | changes))


_BYTES = {"BF16": 2, "F16": 2, "F32": 4, "U8": 1, "I32": 4, "I64": 8, "F8_E4M3": 1}


@dataclass
class MemoryArtifacts:
    """An artifact source that counts what is read; `sizes` claims other sizes than the files have."""

    files: dict[str, bytes]
    sizes: dict[str, int] = field(default_factory=dict)
    bytes_read: int = 0

    def list(self) -> dict[str, int]:
        return {name: len(data) for name, data in self.files.items()} | self.sizes

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        end = None if length is None else start + length
        data = self.files[name][start:end]
        self.bytes_read += len(data)
        return data


def safetensors(tensors: dict[str, tuple[str, list[int]]] | None = None) -> bytes:
    """A file of zeros with a true header."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, (dtype, shape) in (TENSORS if tensors is None else tensors).items():
        size = _BYTES[dtype]
        for dimension in shape:
            size *= dimension
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    return with_header(header) + bytes(at)


def with_header(header: Any) -> bytes:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(data).to_bytes(8, "little") + data


def encode(value: Any) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value).encode()


def model(**changes: Any) -> MemoryArtifacts:
    """The model with files added, replaced or, by None, left out; `config__json` stands for config.json."""
    files = {
        "config.json": CONFIG,
        "tokenizer_config.json": TOKENIZER_CONFIG,
        "tokenizer.json": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": []}},
        "model.safetensors": safetensors(),
    } | {name.replace("__", "."): content for name, content in changes.items()}
    return MemoryArtifacts({name: encode(content) for name, content in files.items() if content is not None})
