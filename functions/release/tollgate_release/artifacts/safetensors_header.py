"""Reads the header of a safetensors file: names, types, shapes and places of its tensors.

Format: https://huggingface.co/docs/safetensors/index#format (8 bytes little-endian header length, the header as JSON,
then the tensors, without holes).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from tollgate_release.artifacts.reader import MEGABYTE, shown

if TYPE_CHECKING:
    from tollgate_release.artifacts.reader import ArtifactReader

MAX_HEADER_BYTES = 16 * MEGABYTE
_LENGTH_BYTES = 8
_AGAIN = "Save the file again, or upload it again."
_NO_FORMAT = (
    "The safetensors metadata do not say a format: some versions of transformers refuse such files. "
    "Save with save_pretrained, or with save_file(…, metadata={'format': 'pt'})."
)
_MAX_DIMENSIONS = 8
_MAX_DIMENSION = 1 << 40

BITS = {
    "BOOL": 8, "U8": 8, "I8": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
    "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "I64": 64, "U64": 64, "F64": 64,
    "C64": 64,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of a file; its data lie from `start` to `end`, in bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        return math.prod(self.shape)


def read_header(reader: ArtifactReader, name: str) -> dict[str, TensorInfo] | None:
    """Read the tensors of one file; None, with a problem noted, when the file is damaged or no safetensors file."""
    size = reader.files[name]
    length = _header_length(reader, name, size)
    if length is None:
        return None
    data = reader.read(name, _LENGTH_BYTES, length)
    if data is None:
        return None
    header = reader.parse_json(name, data)
    if header is None:
        return None
    _check_format(reader, header.pop("__metadata__", None))
    tensors: dict[str, TensorInfo] = {}
    for tensor, entry in header.items():
        info = _tensor_info(entry)
        if info is None:
            reader.problems.append(f"{name}: tensor {shown(tensor)} has an invalid entry {shown(entry)}. {_AGAIN}")
            return None
        tensors[tensor] = info
    if not _fills(reader, name, tensors, size - _LENGTH_BYTES - length):
        return None
    return tensors


def _check_format(reader: ArtifactReader, metadata: Any) -> None:
    """Warn, once for all files, where the metadata do not say which framework saved the tensors."""
    if (isinstance(metadata, dict) and metadata.get("format")) or _NO_FORMAT in reader.warnings:
        return
    reader.warnings.append(_NO_FORMAT)


def _header_length(reader: ArtifactReader, name: str, size: int) -> int | None:
    data = reader.read(name, 0, _LENGTH_BYTES)
    if data is None:
        return None
    length = int.from_bytes(data, "little")
    if len(data) < _LENGTH_BYTES:
        reason = f"has only {len(data)} bytes"
    elif length > MAX_HEADER_BYTES:
        reason = f"announces a header of {length:,} bytes, over the limit of {MAX_HEADER_BYTES:,}"
    elif _LENGTH_BYTES + length > size:
        reason = f"ends inside its header ({size:,} bytes of at least {_LENGTH_BYTES + length:,})"
    else:
        return length
    reader.problems.append(f"{name} {reason}: it is truncated or not a safetensors file. {_AGAIN}")
    return None


def _tensor_info(entry: Any) -> TensorInfo | None:
    """The entry, if dtype, shape and data_offsets agree with each other."""
    if not isinstance(entry, dict):
        return None
    dtype, shape, offsets = entry.get("dtype"), entry.get("shape"), entry.get("data_offsets")
    if not isinstance(dtype, str) or dtype not in BITS:
        return None
    if not _are_sizes(shape, most=_MAX_DIMENSIONS) or not _are_sizes(offsets, most=2) or len(offsets) != 2:
        return None
    info = TensorInfo(dtype, tuple(shape), *offsets)
    if (info.end - info.start) * 8 != info.elements * BITS[dtype]:
        return None
    return info


def _are_sizes(value: Any, *, most: int) -> TypeGuard[list[int]]:
    return (
        isinstance(value, list)
        and len(value) <= most
        and all(type(number) is int and 0 <= number <= _MAX_DIMENSION for number in value)
    )


def _fills(reader: ArtifactReader, name: str, tensors: dict[str, TensorInfo], room: int) -> bool:
    """Whether the tensors follow each other without holes and fill the `room` after the header."""
    at = 0
    for info in sorted(tensors.values(), key=lambda info: (info.start, info.end)):
        if info.start != at:
            reader.problems.append(f"{name}: its tensors overlap or leave a hole at byte {at:,}. {_AGAIN}")
            return False
        at = info.end
    if at != room:
        reader.problems.append(
            f"{name} holds {room:,} bytes of tensors, its header describes {at:,}: it is truncated or damaged. {_AGAIN}"
        )
        return False
    return True
