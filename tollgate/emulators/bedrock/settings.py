"""What an embedded Bedrock is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Settings:
    """`profile` names how models live (profiles.py); `s3_endpoint_url` is where import jobs read artifacts.

    `engine_for` maps an imported model's name to `echo`, `numpy` or `upstream`; a model without an entry
    takes the tag `tollgate:engine` of its import, else `numpy`.
    """

    region: str = "us-east-1"
    account_id: str = "123456789012"
    profile: str = "instant"
    s3_endpoint_url: str | None = None
    engine_for: dict[str, str] = field(default_factory=dict)
    upstream_url: str | None = None
    upstream_model: str | None = None
    imported_models_quota: int = 3
