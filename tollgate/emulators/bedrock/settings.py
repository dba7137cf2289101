"""The settings of an embedded Bedrock."""

from __future__ import annotations

from dataclasses import dataclass, field

from tollgate.account import ACCOUNT_ID, REGION


@dataclass(frozen=True)
class Settings:
    """The account, Region and profile of an embedded Bedrock, and the places of artifacts and engines."""

    region: str = REGION
    account_id: str = ACCOUNT_ID
    profile: str = "instant"
    """How models live; profiles.py has the names."""
    s3_endpoint_url: str | None = None
    """The server that import jobs read artifacts from; None lets every import fail."""
    engine_for: dict[str, str] = field(default_factory=dict)
    """Engine (`echo`, `numpy` or `upstream`) by the imported model's name.

    A model without an entry takes the tag `tollgate:engine` of its import, else `numpy`.
    """
    upstream_url: str | None = None
    """Base URL of the OpenAI-compatible server that the engine `upstream` forwards to, such as http://127.0.0.1:11434/v1."""
    upstream_model: str | None = None
    """The model's name on that server."""
    imported_models_quota: int = 3
    """Imported models that the account may hold at once, until it is changed."""
