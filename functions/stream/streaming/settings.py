"""Reads the function's settings from its environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from streaming.aws.signature import Credentials


class SettingsError(Exception):
    """Raised when an environment variable is missing or has a value that cannot be used."""


class Settings(NamedTuple):
    """What the environment variables of `StreamFunction` in template.yaml say. Times are in seconds."""

    port: int
    region: str
    credentials: Credentials
    bedrock_url: str
    dynamodb_url: str
    model_table: str
    record_ttl_s: float
    """How long a model's record is used before it is read again."""
    comment_interval_s: float
    """How much silence there is before a stream gets a comment that keeps connections open."""
    model_wait_s: float
    """How long a request waits for a model that is being loaded."""
    timeout_s: float
    """How long API Gateway waits for the whole response."""
    sagemaker_url: str = ""
    lambda_url: str = ""
    states_url: str = ""
    inference_machine: str = ""
    """The ARN of the step path's state machine, of which shadows are executions."""
    cors_origins: str = ""
    """The origins whose web pages may read answers, with commas between them, or `*`."""


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings from `environment`.

    Endpoints are those of the Region, unless AWS's own variables name others; so the local runner points the function
    at its emulators. https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html

    Raises:
        SettingsError: names the variable, its value and what was expected.
    """
    region = _required(environment, "AWS_REGION")
    # Lambda sets these three to the credentials of the function's role.
    credentials = Credentials(
        access_key_id=_required(environment, "AWS_ACCESS_KEY_ID"),
        secret_access_key=_required(environment, "AWS_SECRET_ACCESS_KEY"),
        session_token=environment.get("AWS_SESSION_TOKEN") or None,
    )
    return Settings(
        port=int(_number(environment, "AWS_LWA_PORT", 8080)),
        region=region,
        credentials=credentials,
        bedrock_url=_endpoint(environment, "BEDROCK_RUNTIME", f"bedrock-runtime.{region}"),
        dynamodb_url=_endpoint(environment, "DYNAMODB", f"dynamodb.{region}"),
        model_table=_required(environment, "TOLLGATE_MODEL_TABLE"),
        record_ttl_s=_number(environment, "TOLLGATE_RECORD_CACHE_S", 30),
        comment_interval_s=_number(environment, "TOLLGATE_COMMENT_INTERVAL_S", 10),
        model_wait_s=_number(environment, "TOLLGATE_MODEL_WAIT_S", 300),
        timeout_s=_number(environment, "TOLLGATE_TIMEOUT_MS", 900_000) / 1000,
        sagemaker_url=_endpoint(environment, "SAGEMAKER_RUNTIME", f"runtime.sagemaker.{region}"),
        lambda_url=_endpoint(environment, "LAMBDA", f"lambda.{region}"),
        states_url=_endpoint(environment, "SFN", f"states.{region}"),
        inference_machine=environment.get("TOLLGATE_INFERENCE_MACHINE", ""),
        cors_origins=environment.get("TOLLGATE_CORS_ORIGINS", ""),
    )


def _endpoint(environment: Mapping[str, str], service: str, host: str) -> str:
    return (
        environment.get(f"AWS_ENDPOINT_URL_{service}")
        or environment.get("AWS_ENDPOINT_URL")
        or f"https://{host}.amazonaws.com"
    )


def _required(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"the environment variable {name} must be set")
    return value


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    text = environment.get(name) or str(default)
    try:
        number = float(text)
    except ValueError:
        number = -1
    # Python reads "nan" and "inf" as numbers; this comparison is false for both.
    if not 0 <= number < float("inf"):
        raise SettingsError(f"the environment variable {name} must be a number from 0 on, not {text!r}")
    return number
