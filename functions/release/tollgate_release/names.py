"""The names of a release. All follow from the model and its artifacts: a second run finds what the first one made."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

# botocore, bedrock, S3Uri: no =, +, @ and no space.
_S3_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/[\w./!*'()-]*)?", re.ASCII)
_VARIANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def slug(text: str, longest: int) -> str:
    """A text as part of a name that AWS takes: letters and digits, with single hyphens between.

    >>> slug("a..b_-c", 20)
    'a-b-c'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-")[:longest].strip("-")


def digest(files: Iterable[tuple[str, int, str]]) -> str:
    """What tells one set of artifacts from another: 12 hexadecimal digits over names, sizes and ETags."""
    lines = [f"{name}\0{size}\0{etag}\n" for name, size, etag in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:12]


def imported_model_name(model: str, artifacts: str) -> str:
    """The imported model's name: of the same artifacts always the same."""
    return f"{slug(model, 48)}-{artifacts}"


def job_name(model: str, artifacts: str, attempt: int) -> str:
    """The import job's name, which is its client token as well."""
    return f"{imported_model_name(model, artifacts)}-{attempt}"


def execution_name(model: str, variant: str, attempt: int) -> str:
    """The name of a release's execution, at most 80 characters."""
    return f"{slug(model, 40)}-{slug(variant, 26)}-{attempt}"


def parse_s3_uri(uri: str) -> tuple[str, str]:
    """The bucket and the prefix of an S3 URI; the prefix ends with a slash.

    Raises:
        Problem: Bedrock's import would not take the URI; the text says why.
    """
    match = _S3_URI.fullmatch(uri)
    if match is None:
        refused = sorted(set(re.findall(r"[^\w./!*'():-]", uri, re.ASCII)))
        shown = ", ".join(repr(character) for character in refused)
        why = f"it has {shown}" if refused else "it is not s3://BUCKET/PREFIX/"
        raise Problem(f"{uri}: Custom Model Import takes no such S3 URI: {why}. Copy the artifacts.", ExitCode.USAGE)
    prefix = (match.group(2) or "/").strip("/")
    return match.group(1), f"{prefix}/" if prefix else ""


def variant_name(wanted: str | None, prefix: str, artifacts: str) -> str:
    """The new variant's name: as wanted, else the last folder of the artifacts, else their digest.

    Raises:
        Problem: the name cannot be a variant's.
    """
    folder = prefix.strip("/").rpartition("/")[2]
    name = wanted or folder or artifacts
    if _VARIANT.fullmatch(name) is None:
        raise Problem(
            f"{name!r} is no name for a variant: letters, digits, dots, hyphens and underscores, at most 63. "
            "Name it with --variant.",
            ExitCode.USAGE,
        )
    return name
