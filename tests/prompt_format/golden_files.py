"""The recorded prompts: conversations, and what transformers renders of them with each template."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
NOW = datetime(2026, 1, 15, 12, 0)  # noqa: DTZ001 - templates print the local time
CONVERSATIONS: dict[str, dict[str, Any]] = json.loads((HERE / "golden" / "conversations.json").read_text())


@cache
def golden(name: str) -> dict[str, Any]:
    """`{"special_tokens", "prompts": {conversation: prompt or {"error"}}}` of one template."""
    return json.loads((HERE / "golden" / f"{name}.json").read_text())


def recorded() -> list[str]:
    """The templates that have a golden file."""
    return sorted(path.stem for path in (HERE / "golden").glob("*.json") if path.stem != "conversations")


@cache
def template(name: str) -> str:
    """A built-in's name, or the source of one of our own templates."""
    if not name.startswith("own-"):
        return name
    return (HERE / "templates" / f"{name.removeprefix('own-')}.jinja").read_text()
