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
    "vocab_size": 10,
    "max_position_embeddings": 8192,
    "rope_theta": 10000.0,
}
TOKENIZER_CONFIG = {"tokenizer_class": "LlamaTokenizerFast", "chat_template": "{{ messages }}"}
TENSORS = {
    "model.embed_tokens.weight": ("BF16", [10, 4]),
    "model.layers.0.input_layernorm.weight": ("BF16", [4]),
    "model.layers.1.input_layernorm.weight": ("BF16", [4]),
    "lm_head.weight": ("BF16", [10, 4]),
}
PARAMETERS = 88
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
        "tokenizer.json": b"{}",
        "model.safetensors": safetensors(),
    } | {name.replace("__", "."): content for name, content in changes.items()}
    return MemoryArtifacts({name: encode(content) for name, content in files.items() if content is not None})
