"""Reads config.json of a decoder model, in the layouts of transformers 4 and 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tollgate.engines.errors import ModelLoadError
from tollgate_release.artifacts.reader import shown

ARCHITECTURES = ("LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM")
_ACTIVATIONS = ("silu", "swish")


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """Sizes and switches of one model."""

    architecture: str
    vocabulary: int
    width: int
    """The `hidden_size` of config.json."""
    inner: int
    """The `intermediate_size` of config.json."""
    layers: int
    heads: int
    key_value_heads: int
    head_width: int
    epsilon: float
    """Added to the mean square in RMSNorm."""
    max_positions: int
    rope: dict[str, Any]
    """Parameters of the rotary embedding; rope_theta and rope_type are always there."""
    windows: tuple[int | None, ...]
    """The number of positions that a token attends to in each layer, itself included; None means all."""
    tied: bool
    """Whether the embedding is the output head, too."""
    end_ids: frozenset[int]

    @property
    def group(self) -> int:
        """Query heads that share one key-value head."""
        return self.heads // self.key_value_heads


def parse_config(config: dict[str, Any]) -> DecoderConfig:
    """Read config.json. Raises ModelLoadError for what the engine does not implement, by name."""
    architecture = _architecture(config)
    heads = _size(config, "num_attention_heads")
    width = _size(config, "hidden_size")
    key_value_heads = _size(config, "num_key_value_heads", heads)
    if heads % key_value_heads:
        raise ModelLoadError(f"num_attention_heads {heads} is no multiple of num_key_value_heads {key_value_heads}.")
    layers = _size(config, "num_hidden_layers", most=1000)
    head_width = _size(config, "head_dim", width // heads)
    if head_width % 2:
        raise ModelLoadError(f"config.json: heads of {head_width} components cannot be rotated in pairs.")
    return DecoderConfig(
        architecture=architecture,
        vocabulary=_size(config, "vocab_size"),
        width=width,
        inner=_size(config, "intermediate_size"),
        layers=layers,
        heads=heads,
        key_value_heads=key_value_heads,
        head_width=head_width,
        epsilon=_number("rms_norm_eps", config.get("rms_norm_eps", 1e-6)),
        max_positions=_size(config, "max_position_embeddings", 2048),
        rope=_rope(config),
        windows=_windows(config, architecture, layers),
        tied=bool(config.get("tie_word_embeddings", False)),
        end_ids=end_ids(config),
    )


def end_ids(config: dict[str, Any]) -> frozenset[int]:
    """The `eos_token_id` of config.json or generation_config.json: none, one or several."""
    given = config.get("eos_token_id")
    several = given if isinstance(given, list) else [given]
    return frozenset(number for number in several if isinstance(number, int))


def _architecture(config: dict[str, Any]) -> str:
    named = config.get("architectures")
    name = named[0] if isinstance(named, list) and named else None
    if name not in ARCHITECTURES:
        raise ModelLoadError(f"The numpy engine runs {', '.join(ARCHITECTURES)}, not {shown(name)}.")
    activation = config.get("hidden_act", "silu")
    if activation not in _ACTIVATIONS:
        raise ModelLoadError(f"The numpy engine has no activation {shown(activation)}, only silu.")
    return str(name)


def _size(config: dict[str, Any], key: str, default: int | None = None, *, most: int = 1 << 31) -> int:
    value = config.get(key)
    value = default if value is None else value
    if type(value) is not int or not 1 <= value <= most:
        raise ModelLoadError(f"config.json: {key} must be an integer from 1 to {most}, not {shown(value)}.")
    return value


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        raise ModelLoadError(f"config.json: {key} must be a positive number, not {shown(value)}.")
    return float(value)


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    """Bring rope_parameters of transformers 5, or rope_theta and rope_scaling of 4, into one shape."""
    scaling = config.get("rope_parameters") or config.get("rope_scaling") or {}
    if not isinstance(scaling, dict):
        raise ModelLoadError(f"config.json: rope_scaling must be an object, not {shown(scaling)}.")
    theta = scaling.get("rope_theta", config.get("rope_theta", 10_000.0))
    kind = scaling.get("rope_type", scaling.get("type", "default"))
    return {**scaling, "rope_theta": _number("rope_theta", theta), "rope_type": kind}


def _windows(config: dict[str, Any], architecture: str, layers: int) -> tuple[int | None, ...]:
    window = config.get("sliding_window")
    if architecture == "MistralForCausalLM" and window:
        return (_size(config, "sliding_window"),) * layers
    if architecture == "Qwen2ForCausalLM" and window and config.get("use_sliding_window"):
        window = _size(config, "sliding_window")
        full = _size(config, "max_window_layers", 28)
        without = min(full, layers)
        return (None,) * without + (window,) * (layers - without)
    return (None,) * layers
