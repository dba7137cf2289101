"""A record and a request, to vary."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tollgate_layer.inference.pipeline.before_model import Prepared, prepare, read
from tollgate_layer.inference.request import IncomingRequest

MODEL_ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
NOW = 1_795_392_000.0


def variant(**changes: Any) -> dict[str, Any]:
    return {"name": "v1", "model_id": MODEL_ARN, "body_format": "openai"} | changes


def record(*variants: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"model": "m", "variants": list(variants) or [variant()]} | changes)


def prepared(
    record_text: str | None, dialect: str = "chat.completions", request_id: str = "r-1", **body: Any
) -> Prepared:
    """What `prepare` makes of a request for the model `m`."""
    fields: dict[str, Any] = {"model": "m"}
    if dialect == "chat.completions" and "variables" not in body:
        fields["messages"] = [{"role": "user", "content": "Hello"}]
    request = read(IncomingRequest(dialect, request_id, json.dumps(fields | body)))
    return prepare(request, record_text, NOW)


@pytest.fixture
def lambda_context() -> object:
    return object()
