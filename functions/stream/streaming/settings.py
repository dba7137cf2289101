"""The function's settings, from its environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streaming.aws.signature import Credentials


class SettingsError(Exception):
    """When an environment variable is missing or not what it should be."""


class Settings(NamedTuple):
    """Times are in seconds; `timeout_s` is how long API Gateway waits for the whole answer."""

    port: int
    region: str
    credentials: Credentials
    bedrock_url: str
    dynamodb_url: str
    model_table: str
    record_ttl_s: float
    comment_interval_s: float
    model_wait_s: float
    timeout_s: float


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in `environment`; endpoints are the Region's unless AWS's own variables name others.

    https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

    Raises:
        SettingsError: names the variable, its value and what was expected.
    """
    region = _text(environment, "AWS_REGION")
    return Settings(
        port=int(_number(environment, "AWS_LWA_PORT", 8080)),
        region=region,
        credentials=Credentials(
            _text(environment, "AWS_ACCESS_KEY_ID"),
            _text(environment, "AWS_SECRET_ACCESS_KEY"),
            environment.get("AWS_SESSION_TOKEN") or None,
        ),
        bedrock_url=_endpoint(environment, "BEDROCK_RUNTIME", f"bedrock-runtime.{region}"),
        dynamodb_url=_endpoint(environment, "DYNAMODB", f"dynamodb.{region}"),
        model_table=_text(environment, "TOLLGATE_MODEL_TABLE"),
        record_ttl_s=_number(environment, "TOLLGATE_RECORD_CACHE_S", 30),
        comment_interval_s=_number(environment, "TOLLGATE_COMMENT_INTERVAL_S", 10),
        model_wait_s=_number(environment, "TOLLGATE_MODEL_WAIT_S", 300),
        timeout_s=_number(environment, "TOLLGATE_TIMEOUT_MS", 900_000) / 1000,
    )


def _endpoint(environment: Mapping[str, str], service: str, host: str) -> str:
    return (
        environment.get(f"AWS_ENDPOINT_URL_{service}")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://{host}.amazonaws.com"
    )


def _text(environment: Mapping[str, str], name: str) -> str:
    if not environment.get(name):
        raise SettingsError(f"the environment variable {name} must be set")
    return environment[name]


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise SettingsError(f"the environment variable {name} must be a number from 0 on, not {text!r}")
    return number
