"""Checks the weights: safetensors, whole, not quantised, and those that config.json describes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tollgate_release.artifacts.reader import shown
from tollgate_release.artifacts.rules import (
    BUFFER_DTYPES,
    GIGABYTE,
    MAX_MULTIMODAL_BYTES,
    MAX_TEXT_BYTES,
    WEIGHT_DTYPES,
)
from tollgate_release.artifacts.safetensors_header import TensorInfo, read_header
from tollgate_release.artifacts.shards import weight_files
from tollgate_release.artifacts.tensor_names import check_tensors

if TYPE_CHECKING:
    from tollgate_release.artifacts.configuration import Configuration
    from tollgate_release.artifacts.reader import ArtifactReader


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights as their headers describe them; `dtype` is the type of most parameters."""

    parameters: int = 0
    dtype: str = ""
    size_bytes: int = 0
    tensors: dict[str, TensorInfo] = field(default_factory=dict)


def check_weights(reader: ArtifactReader, configuration: Configuration | None) -> Weights:
    """Count what the headers describe; problems are noted with the reader."""
    files = weight_files(reader)
    tensors: dict[str, TensorInfo] = {}
    for name, expected in files.items():
        header = read_header(reader, name)
        if header is None:
            continue
        missing = sorted(expected - header.keys())
        if missing:
            reader.problems.append(
                f"{name} lacks {len(missing)} of the tensors that the index puts there, first {shown(missing[0])}. "
                "The index belongs to other files: upload both from one save_pretrained."
            )
        tensors |= header
    weights = _count(tensors, sum(reader.files[name] for name in files))
    may_be_quantised = configuration is not None and configuration.rules.may_be_quantised
    if not may_be_quantised:
        _check_dtypes(reader, tensors)
    if configuration is not None:
        _check_size(reader, weights.size_bytes, multimodal=configuration.rules.multimodal)
        if not reader.problems:  # an incomplete set of tensors proves nothing
            check_tensors(reader, configuration, tensors)
    return weights


def _count(tensors: dict[str, TensorInfo], size_bytes: int) -> Weights:
    by_dtype: dict[str, int] = {}
    for info in tensors.values():
        if info.dtype not in BUFFER_DTYPES:
            by_dtype[info.dtype] = by_dtype.get(info.dtype, 0) + info.elements
    dtype = max(by_dtype, key=lambda name: by_dtype[name], default="")
    return Weights(sum(by_dtype.values()), dtype, size_bytes, tensors)


def _check_dtypes(reader: ArtifactReader, tensors: dict[str, TensorInfo]) -> None:
    odd = {info.dtype: name for name, info in tensors.items() if info.dtype not in (*WEIGHT_DTYPES, *BUFFER_DTYPES)}
    for dtype, name in sorted(odd.items()):
        reader.problems.append(
            f"Tensor {shown(name)} has the type {dtype}; weights must be BF16, F16 or F32. "
            "Dequantise or convert the model and save it again."
        )


def _check_size(reader: ArtifactReader, size: int, *, multimodal: bool) -> None:
    limit = MAX_MULTIMODAL_BYTES if multimodal else MAX_TEXT_BYTES
    if size >= limit:
        kind = "multimodal" if multimodal else "text"
        reader.problems.append(
            f"The weights have {size / GIGABYTE:,.1f} GB; a {kind} model must have less than {limit // GIGABYTE} GB. "
            "Save them in BF16, or import a smaller model."
        )
