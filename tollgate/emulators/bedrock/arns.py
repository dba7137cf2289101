"""Amazon Resource Names of imported models and import jobs."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

_ARN = re.compile(
    r"arn:aws(-[^:]+)?:bedrock:(?P<region>[a-z0-9-]{1,20}):(?P<account>[0-9]{12}):(?P<kind>[a-z-]+)/(?P<id>[a-z0-9]{12})"
)
_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Arn:
    region: str
    account: str
    kind: str
    """`imported-model` or `model-import-job`."""
    id: str

    def __str__(self) -> str:
        return f"arn:aws:bedrock:{self.region}:{self.account}:{self.kind}/{self.id}"


def parse(text: str) -> Arn | None:
    """Read an ARN; None where it is not one of a Bedrock resource with a twelve-character id."""
    match = _ARN.fullmatch(text)
    return match and Arn(match["region"], match["account"], match["kind"], match["id"])


def resource_id(seed: str) -> str:
    """Twelve characters, as the service makes them; the same seed gives the same id."""
    digest = hashlib.sha256(seed.encode()).digest()
    return "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:12])
