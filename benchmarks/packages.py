"""What each function's package holds, in MiB, as it is unpacked on Lambda."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.build import FUNCTIONS, LAYER

if TYPE_CHECKING:
    from pathlib import Path

_METADATA = (".dist-info", ".data")


class Package(NamedTuple):
    """Sizes in MiB: of all, of its bytecode, and of each top-level name, largest first."""

    name: str
    mib: float
    bytecode_mib: float
    contents: dict[str, float]


def measure(build: Path) -> list[Package]:
    """Each function's package, and the layer's, in a build."""
    directories = {name: build / logical_id for name, logical_id in {**FUNCTIONS, "layer": LAYER}.items()}
    return [_package(name, directory) for name, directory in directories.items()]


def _package(name: str, directory: Path) -> Package:
    root = directory / "python" if name == "layer" else directory
    sizes: Counter[str] = Counter()
    bytecode = 0
    for file in root.rglob("*"):
        if file.is_file():
            size = file.stat().st_size
            sizes[_content(file.relative_to(root))] += size
            bytecode += size * (file.suffix == ".pyc")
    contents = {content: size / 2**20 for content, size in sizes.most_common()}
    return Package(name, sum(contents.values()), bytecode / 2**20, contents)


def _content(file: Path) -> str:
    """The top-level package of a file; bytecode of single modules counts to them."""
    top = file.parts[0]
    if top == "__pycache__":
        return file.name.split(".")[0] + ".py"
    return "metadata" if top.endswith(_METADATA) else top
