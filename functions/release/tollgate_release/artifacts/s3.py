"""Model artifacts in Amazon S3, or in whatever stands in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from pathlib import Path


class S3Artifacts:
    """The files under an `s3://bucket/prefix`; an `ArtifactSource`, so its methods raise OSError.

    `client` is a boto3 client of S3.
    """

    def __init__(self, uri: str, client: Any) -> None:
        self.uri = uri
        self._bucket, _, prefix = uri.removeprefix("s3://").partition("/")
        self._prefix = f"{prefix.rstrip('/')}/" if prefix else ""
        self._client = client

    def list(self) -> dict[str, int]:
        """Each file's name relative to the prefix, and its size in bytes."""
        try:
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
            objects = []
            for page in pages:
                objects += page.get("Contents", [])
        except (BotoCoreError, ClientError) as error:
            raise OSError(f"Amazon S3 does not list {self.uri}: {error}") from error
        names = {item["Key"].removeprefix(self._prefix): item["Size"] for item in objects}
        return {name: size for name, size in names.items() if name and not name.endswith("/")}

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """Read `length` bytes from `start` on; fewer at the file's end."""
        if length == 0:
            return b""
        wanted: dict[str, Any] = {}
        if length is not None:
            wanted["Range"] = f"bytes={start}-{start + length - 1}"
        elif start > 0:
            wanted["Range"] = f"bytes={start}-"
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, **wanted)
            return bytes(answer["Body"].read())
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvalidRange":  # it begins at the file's end
                return b""
            raise OSError(f"Amazon S3 does not give {name}: {error}") from error
        except BotoCoreError as error:
            raise OSError(f"Amazon S3 does not give {name}: {error}") from error

    def download(self, directory: Path) -> None:
        """Copy all files; names that would lead out of the directory are refused."""
        for name in self.list():
            target = (directory / name).resolve()
            if not target.is_relative_to(directory.resolve()):
                raise OSError(f"The file name {name!r} leads out of the artifacts' folder.")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.read(name))
