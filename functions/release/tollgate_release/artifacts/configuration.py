"""Checks config.json: which architecture the model has, and whether an import takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate_release.artifacts.reader import shown
from tollgate_release.artifacts.rules import ARCHITECTURES, GPT_OSS_END_IDS, MAX_POSITIONS, Architecture

if TYPE_CHECKING:
    from tollgate_release.artifacts.reader import ArtifactReader

# The fields that the checks use. What they made of a field of another type would be a guess.
_SIZES = (
    *("num_hidden_layers", "hidden_size", "intermediate_size", "vocab_size", "num_attention_heads"),
    *("moe_intermediate_size", "decoder_sparse_step", "num_local_experts"),
)
_SIZES_OR_NULL = ("num_key_value_heads", "head_dim", "max_position_embeddings", "n_positions", "n_ctx")
_SWITCHES = ("tie_word_embeddings", "attention_bias", "mlp_bias")
_POSITION_KEYS = ("max_position_embeddings", "n_positions", "n_ctx")


@dataclass(frozen=True, slots=True)
class Configuration:
    """The parts of config.json that an import looks at. A number that is not given is 0 or None."""

    architecture: str
    rules: Architecture
    model_type: str
    context_length: int
    layers: int | None
    text: dict[str, Any]
    """The settings of the text model, which multimodal models keep one level down."""


def check_configuration(reader: ArtifactReader) -> Configuration | None:
    """Read config.json; None, with problems noted, when it is missing or names no supported architecture."""
    if "config.json" not in reader.files:
        reader.problems.append(_no_configuration(reader))
        return None
    config = reader.read_json("config.json")
    if config is None:
        return None
    architecture = _architecture(reader, config)
    if architecture is None:
        return None
    rules = ARCHITECTURES[architecture]
    text: Any = config.get("text_config")
    if text is not None and not isinstance(text, dict):
        reader.problems.append(f"config.json: text_config must be an object, not {shown(text)}.")
    text = text if isinstance(text, dict) else config  # multimodal models keep it one level down
    _check_fields(reader, text)
    _check_quantisation(reader, config, rules)
    _warn(reader, config)
    if architecture == "GptOssForCausalLM":
        _check_gpt_oss(reader)
    return Configuration(
        architecture=architecture,
        rules=rules,
        model_type=config["model_type"] if isinstance(config.get("model_type"), str) else "",
        context_length=_context_length(reader, text),
        layers=_count(text.get("num_hidden_layers")),
        text=text,
    )


def _no_configuration(reader: ArtifactReader) -> str:
    nested = sorted(name for name in reader.files if name.endswith("/config.json"))
    if not reader.files:
        return "There are no files. Name the folder or the S3 prefix that holds config.json."
    if nested:
        return f"config.json is not here but in {nested[0].removesuffix('/config.json')}/: name that folder instead."
    return "config.json is missing. Save the model with save_pretrained, which writes it."


def _architecture(reader: ArtifactReader, config: dict[str, Any]) -> str | None:
    named = config.get("architectures")
    if not isinstance(named, list) or len(named) != 1 or not isinstance(named[0], str):
        reader.problems.append(f"config.json must name one architecture in architectures, not {shown(named)}.")
        return None
    if named[0] not in ARCHITECTURES:
        reader.problems.append(
            f"The architecture {shown(named[0])} is not supported by Custom Model Import; "
            f"these are: {', '.join(ARCHITECTURES)}."
        )
        return None
    return named[0]


def _check_fields(reader: ArtifactReader, text: dict[str, Any]) -> None:
    """Note each field whose value is of no type or range that it can have."""
    for key in (*_SIZES, *_SIZES_OR_NULL):
        value = text.get(key)
        if key not in text or (value is None and key in _SIZES_OR_NULL):
            continue
        if _count(value) is None:
            reader.problems.append(f"config.json: {key} must be a whole number from 1, not {shown(value)}.")
    for key in _SWITCHES:
        value = text.get(key)
        if value is not None and not isinstance(value, bool):
            reader.problems.append(f"config.json: {key} must be true or false, not {shown(value)}.")
    dense_layers = text.get("mlp_only_layers")
    if dense_layers is not None and not (
        isinstance(dense_layers, list) and all(type(number) is int for number in dense_layers)
    ):
        reader.problems.append(
            f"config.json: mlp_only_layers must be a list of layers' numbers, not {shown(dense_layers)}."
        )


def _check_quantisation(reader: ArtifactReader, config: dict[str, Any], rules: Architecture) -> None:
    quantisation = config.get("quantization_config")
    if not quantisation or rules.may_be_quantised:
        return
    method = quantisation.get("quant_method") if isinstance(quantisation, dict) else quantisation
    reader.problems.append(
        f"The model is quantised (quantization_config: {shown(method)}). "
        "Import the unquantised weights in BF16, FP16 or FP32: dequantise the model and save it again."
    )


def _context_length(reader: ArtifactReader, text: dict[str, Any]) -> int:
    given = next((text[key] for key in _POSITION_KEYS if text.get(key) is not None), None)
    length = _count(given)
    if length is None and given is not None:
        return 0  # told as a field of the wrong type
    if length is None:
        reader.warnings.append("config.json gives no max_position_embeddings: the context length is unknown.")
        return 0
    if length > MAX_POSITIONS:
        reader.problems.append(
            f"The context length (max_position_embeddings) is {shown(length)}, over the limit of {MAX_POSITIONS:,}. "
            "Lower max_position_embeddings in config.json."
        )
    return length


def _warn(reader: ArtifactReader, config: dict[str, Any]) -> None:
    if config.get("auto_map"):
        reader.warnings.append("config.json names custom code (auto_map); an import never runs it.")
    if "rope_parameters" in config and "rope_theta" not in config:
        reader.warnings.append(
            "config.json was written by transformers 5 (rope_parameters); the import expects the layout of 4.51.3. "
            "Write rope_theta and rope_scaling too, else an older reader falls back to the default theta of 10,000."
        )


def _check_gpt_oss(reader: ArtifactReader) -> None:
    generation = reader.read_json("generation_config.json") or {}
    ids = generation.get("eos_token_id")
    if not isinstance(ids, list) or not all(type(number) is int for number in ids) or not set(ids) >= GPT_OSS_END_IDS:
        reader.problems.append(
            f"GPT-OSS needs generation_config.json with eos_token_id {sorted(GPT_OSS_END_IDS)}, "
            f"this one gives {shown(ids)}. Take the file from the model's current repository."
        )


def _count(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else None
