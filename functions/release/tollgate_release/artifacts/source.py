"""The port to artifacts, and artifacts in a local folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class ArtifactSource(Protocol):
    """Named files under one prefix. Both methods raise OSError when the files cannot be reached."""

    def list(self) -> dict[str, int]:
        """Each file's name relative to the prefix, with `/` between folders, and its size in bytes."""
        ...

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Read `length` bytes of a listed file from `start` on, or all of the rest; fewer at the file's end."""
        ...


class LocalArtifacts:
    """Artifacts in a folder; hidden files and folders (caches, repositories) do not belong to them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def list(self) -> dict[str, int]:
        if not self.directory.is_dir():
            raise NotADirectoryError(f"{self.directory} is not a folder.")
        sizes = {}
        for path in sorted(self.directory.rglob("*")):
            name = path.relative_to(self.directory)
            hidden = any(part.startswith(".") for part in name.parts)
            if path.is_file() and not hidden:
                sizes[name.as_posix()] = path.stat().st_size
        return sizes

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with (self.directory / name).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)
