"""Records what transformers computes for tiny random models, one for each feature that the numpy engine implements.

Needs torch and transformers, which the tests do not:

    python -m venv /tmp/recording && /tmp/recording/bin/pip install torch transformers
    /tmp/recording/bin/python scripts/record_logits.py

Writes tests/engines/golden/<case>/: the artifacts, and logits.npz with `ids` and the `logits` after each of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

GOLDEN = Path(__file__).parent.parent / "tests" / "engines" / "golden"
POSITIONS = 96
SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": False,
}
# Scalings are set so that 96 positions reach far beyond the original context.
CASES: dict[str, dict[str, Any]] = {
    "llama-llama3-rope": {
        "model_type": "llama",
        "torch_dtype": "float32",
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 32,
        },
    },
    "llama-linear-rope-biases": {
        "model_type": "llama",
        "torch_dtype": "float32",
        "attention_bias": True,
        "num_key_value_heads": 1,
        "rope_scaling": {"rope_type": "linear", "factor": 4.0},
    },
    "qwen2-tied": {"model_type": "qwen2", "torch_dtype": "bfloat16", "tie_word_embeddings": True},
    "qwen2-yarn-window": {
        "model_type": "qwen2",
        "torch_dtype": "bfloat16",
        "num_hidden_layers": 3,
        "use_sliding_window": True,
        "sliding_window": 12,
        "max_window_layers": 1,
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32},
    },
    "mistral-window": {"model_type": "mistral", "torch_dtype": "float16", "head_dim": 16, "sliding_window": 16},
}
# These are written in the layout of transformers 5 (rope_parameters), the others in that of 4.
NEW_LAYOUT = ("qwen2-tied", "llama-linear-rope-biases")


def record(name: str, settings: dict[str, Any]) -> None:
    directory = GOLDEN / name
    directory.mkdir(parents=True, exist_ok=True)
    given = json.loads(json.dumps({**SIZES, **settings}))  # transformers changes what it is given
    dtype = getattr(torch, given.pop("torch_dtype"))
    config = AutoConfig.for_model(given.pop("model_type"), **given)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(len(name))
    with torch.no_grad():
        for tensor in model.parameters():  # biases and norms too, which start as zeros and ones
            noise = torch.randn(tensor.shape, generator=generator) * 0.3
            tensor.copy_((noise + (tensor == 1)).to(dtype).to(torch.float32))
        ids = torch.randint(0, config.vocab_size, (1, POSITIONS), generator=generator)
        logits = model(ids).logits[0]
    tensors = {key: value.to(dtype) for key, value in model.state_dict().items()}
    if config.tie_word_embeddings:
        del tensors["lm_head.weight"]
    save_file(tensors, directory / "model.safetensors")
    architecture = type(model).__name__
    written = config.to_dict() if name in NEW_LAYOUT else {**SIZES, **settings, "rms_norm_eps": config.rms_norm_eps}
    (directory / "config.json").write_text(json.dumps({**written, "architectures": [architecture]}, indent=2) + "\n")
    np.savez_compressed(directory / "logits.npz", ids=ids[0].numpy(), logits=logits.numpy())
    print(f"{name}: logits between {logits.min():.2f} and {logits.max():.2f}")


if __name__ == "__main__":
    for case, case_settings in CASES.items():
        record(case, case_settings)
