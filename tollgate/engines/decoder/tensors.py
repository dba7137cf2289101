"""Reads a model's files: JSON, and tensors from safetensors as float32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tollgate.engines.errors import ModelLoadError
from tollgate_release.artifacts.reader import ArtifactReader
from tollgate_release.artifacts.safetensors_header import TensorInfo, read_header
from tollgate_release.artifacts.shards import weight_files
from tollgate_release.artifacts.source import LocalArtifacts

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

_STORED = {"F32": np.float32, "F16": np.float16, "BF16": np.uint16}


def read_json(directory: Path, name: str) -> dict[str, Any]:
    """Read the object in a JSON file, empty when there is no such file; raises ModelLoadError when it is damaged."""
    reader = ArtifactReader(LocalArtifacts(directory))
    value = reader.read_json(name)
    if reader.problems:
        raise ModelLoadError(" ".join(reader.problems))
    return value or {}


class Tensors:
    """The model's tensors by name, read from disk when asked for."""

    def __init__(self, directory: Path) -> None:
        """Raises ModelLoadError when the weight files are missing or damaged."""
        reader = ArtifactReader(LocalArtifacts(directory))
        self._places: dict[str, tuple[Path, TensorInfo]] = {}
        for name in weight_files(reader):
            header = read_header(reader, name) or {}
            self._places |= {tensor: (directory / name, info) for tensor, info in header.items()}
        if reader.problems:
            raise ModelLoadError(" ".join(reader.problems))

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str, *shape: int) -> NDArray[np.float32]:
        """Read a tensor as float32; raises ModelLoadError when it is absent, quantised or of another shape."""
        if name not in self._places:
            raise ModelLoadError(f"The weights hold no tensor {name}.")
        path, info = self._places[name]
        if info.shape != shape:
            raise ModelLoadError(f"Tensor {name} has shape {list(info.shape)}, config.json asks for {list(shape)}.")
        if info.dtype not in _STORED:
            raise ModelLoadError(
                f"Tensor {name} has the type {info.dtype}; the numpy engine reads {', '.join(_STORED)}."
            )
        with path.open("rb") as file:
            header_length = int.from_bytes(file.read(8), "little")
            file.seek(8 + header_length + info.start)
            data = file.read(info.end - info.start)
        stored = np.frombuffer(data, dtype=_STORED[info.dtype])
        if info.dtype == "BF16":  # the upper half of a float32
            stored = (stored.astype(np.uint32) << 16).view(np.float32)
        return stored.astype(np.float32, copy=False).reshape(shape)
