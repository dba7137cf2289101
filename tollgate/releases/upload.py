"""Uploads a folder of artifacts to S3; what an earlier upload has brought there is not sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tollgate_release.artifacts import LocalArtifacts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_MODIFIED = "tollgate-modified"


def upload(s3: Any, folder: Path, bucket: str, prefix: str, progress: Callable[[int, int], None]) -> str:
    """Copy a folder's files below a prefix, in the order of their names.

    A file of the same size and time of change is there already: so a second run goes on where the first was broken
    off, file by file.

    Args:
        s3: a boto3 client of S3, whose errors go through.
        folder: the artifacts.
        bucket: where to.
        prefix: with a slash at its end.
        progress: is told of the bytes that are there, and of all bytes.

    Returns:
        The artifacts' S3 URI.
    """
    sizes = LocalArtifacts(folder).list()
    total, done = sum(sizes.values()), 0
    for name, size in sizes.items():
        path = folder / name
        modified = str(int(path.stat().st_mtime))
        if not _is_there(s3, bucket, prefix + name, size, modified):
            sent = _Sent(done, total, progress)
            extra = {"Metadata": {_MODIFIED: modified}}
            s3.upload_file(str(path), bucket, prefix + name, ExtraArgs=extra, Callback=sent)
        done += size
        progress(done, total)
    return f"s3://{bucket}/{prefix}"


class _Sent:
    """Adds up what is sent of one file; boto3 calls it from several threads, one after another."""

    def __init__(self, before: int, total: int, progress: Callable[[int, int], None]) -> None:
        self._done = before
        self._total = total
        self._progress = progress

    def __call__(self, count: int) -> None:
        self._done += count
        self._progress(self._done, self._total)


def _is_there(s3: Any, bucket: str, key: str, size: int, modified: str) -> bool:
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound", "403"):
            return False  # without the permission to look, everything is sent
        raise
    return bool(head["ContentLength"] == size and head.get("Metadata", {}).get(_MODIFIED) == modified)
