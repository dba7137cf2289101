"""Compares the tensors of the weights with those that config.json calls for; only headers are read for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tollgate_release.artifacts.expected_tensors import COMPARED, Shape, expected_tensors, size
from tollgate_release.artifacts.reader import shown
from tollgate_release.artifacts.rules import BUFFER_DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate_release.artifacts.configuration import Configuration
    from tollgate_release.artifacts.expected_tensors import ExpectedTensors
    from tollgate_release.artifacts.reader import ArtifactReader
    from tollgate_release.artifacts.safetensors_header import TensorInfo

# Parts of names that a wrapper around the model leaves in its state dict, and who wraps so.
_WRAPPERS = {
    "_orig_mod": "torch.compile",
    "_fsdp_wrapped_module": "FSDP",
    "_checkpoint_wrapped_module": "activation checkpointing",
    "_flat_param": "FSDP",
    "module": "DataParallel or DeepSpeed",
}
# Parts of names that PEFT gives to an adapter's tensors, and to the layers that it wraps.
_ADAPTER = re.compile(
    r"(?:^|\.)(?:lora_[A-Za-z_]+|base_layer|modules_to_save|ia3_l|vera_lambda_[bd]|original_module)(?:\.|$)|^base_model\."
)
_LAYER = re.compile(r"model\.layers\.(\d{1,6})\.")
_SAME_SAVE = "Upload config.json and weights from the same save_pretrained."
# The numbers of config.json that shapes come from, to be named where a shape is wrong.
_SIZE_KEYS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "moe_intermediate_size",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
)


def check_tensors(reader: ArtifactReader, configuration: Configuration, tensors: Mapping[str, TensorInfo]) -> None:
    """Note every way in which the tensors are not those of the model that config.json describes."""
    # Names first: where they are all wrong, what is missing says nothing.
    if _check_wrapping(reader, tensors) or _check_empty(reader, tensors):
        return
    layers = _layer_count(reader, configuration, tensors)
    if layers is None:
        return
    try:
        expected = expected_tensors(configuration.architecture, configuration.text, layers)
    except ValueError as error:
        reader.problems.append(f"{error} {_SAME_SAVE}")
        return
    if expected is None:
        reader.warnings.append(
            f"The tensors were not compared with config.json: that is done for {', '.join(COMPARED)}."
        )
        return
    _check_missing(reader, expected, tensors)
    _check_foreign(reader, configuration.architecture, expected, tensors)
    _check_shapes(reader, configuration, expected, tensors)


def _check_wrapping(reader: ArtifactReader, tensors: Mapping[str, TensorInfo]) -> bool:
    """Whether names are those of a wrapper and not of the model; a problem is noted then."""
    adapted = sorted(name for name in tensors if _ADAPTER.search(name))
    if adapted:
        reader.problems.append(
            f"A LoRA adapter is not merged: {len(adapted)} tensors have PEFT's names, first {shown(adapted[0])}. "
            "Merge it into its base model (merge_and_unload) and save the result with save_pretrained."
        )
        return True
    for part, wrapper in _WRAPPERS.items():
        wrapped = sorted(name for name in tensors if _is_wrapped(name, part))
        if wrapped:
            reader.problems.append(
                f"{len(wrapped)} tensors have names of {wrapper} ({part}), first {shown(wrapped[0])}: no loader finds "
                "them. Save the model that is inside of the wrapper, with save_pretrained."
            )
            return True
    return False


def _is_wrapped(name: str, part: str) -> bool:
    if part == "module":  # an ordinary word further inside of a name
        return name.startswith("module.")
    return part in name.split(".")


def _check_empty(reader: ArtifactReader, tensors: Mapping[str, TensorInfo]) -> bool:
    empty = sorted(name for name, info in tensors.items() if info.elements == 0)
    if not empty:
        return False
    reader.problems.append(
        f"{len(empty)} of {len(tensors)} tensors are empty, first {shown(empty[0])} with the shape "
        f"{shown(list(tensors[empty[0]].shape))}: DeepSpeed ZeRO-3 keeps the weights elsewhere. Save with "
        "stage3_gather_16bit_weights_on_model_save, or make whole weights with zero_to_fp32.py."
    )
    return True


def _layer_count(reader: ArtifactReader, configuration: Configuration, tensors: Mapping[str, TensorInfo]) -> int | None:
    """The number of layers; None, with a problem noted, where config.json and the weights do not agree on it."""
    layers = {int(match[1]) for match in map(_LAYER.match, tensors) if match}
    if not layers:
        return configuration.layers or 1
    if configuration.layers and not len(layers) == max(layers) + 1 == configuration.layers:
        reader.problems.append(
            f"config.json says num_hidden_layers {shown(configuration.layers)}, the weights hold {len(layers)} layers. "
            f"{_SAME_SAVE}"
        )
        return None
    return max(layers) + 1


def _check_missing(reader: ArtifactReader, expected: ExpectedTensors, tensors: Mapping[str, TensorInfo]) -> None:
    missing = [name for name in expected.required if name not in tensors]
    if not missing:
        return
    if missing == ["lm_head.weight"]:
        reader.problems.append(
            "The weights hold no tensor lm_head.weight, and config.json does not say that the embedding takes its "
            "place. If it does, write tie_word_embeddings: true; else save the whole model again with save_pretrained."
        )
        return
    reader.problems.append(
        f"The weights lack {len(missing)} of the {len(expected.required)} tensors that config.json asks for, first "
        f"{missing[0]}. Save the whole model again with save_pretrained."
    )


def _check_foreign(
    reader: ArtifactReader, architecture: str, expected: ExpectedTensors, tensors: Mapping[str, TensorInfo]
) -> None:
    foreign = []
    for name, info in tensors.items():
        if info.dtype not in BUFFER_DTYPES and not expected.knows(name):
            foreign.append(name)
    if foreign:
        reader.problems.append(
            f"The weights hold {len(foreign)} tensors that a {architecture} with this config.json does not have, first "
            f"{shown(min(foreign))}. {_SAME_SAVE}"
        )


def _check_shapes(
    reader: ArtifactReader,
    configuration: Configuration,
    expected: ExpectedTensors,
    tensors: Mapping[str, TensorInfo],
) -> None:
    wrong = []
    for name, shape in (*expected.required.items(), *expected.optional.items()):
        if name in tensors and not _fits(tensors[name].shape, shape):
            wrong.append((name, shape))
    if not wrong:
        return
    name, shape = wrong[0]
    asked = ", ".join("?" if number is None else str(number) for number in shape or ())
    sizes = {key: size(configuration.text, key) for key in _SIZE_KEYS}
    given = ", ".join(f"{key} {number}" for key, number in sizes.items() if number is not None)
    others = f"{len(wrong)} tensors have other shapes than config.json asks for. First: " if len(wrong) > 1 else ""
    has = shown(list(tensors[name].shape))
    reader.problems.append(
        f"{others}Tensor {name} has shape {has}, config.json asks for [{asked}] ({given}). {_SAME_SAVE}"
    )


def _fits(shape: tuple[int, ...], expected: Shape) -> bool:
    if expected is None:
        return True
    if len(shape) != len(expected):
        return False
    return all(asked is None or number == asked for number, asked in zip(shape, expected, strict=True))
