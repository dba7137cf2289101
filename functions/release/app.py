"""Release: one step of a model's release, of the state machine's choice."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config

from tollgate_release.services import Services
from tollgate_release.steps import run

logger = Logger(location=None)


@cache
def client(service: str) -> Any:
    """A client of an AWS service, kept for the function's life."""
    # A request to a cold model is answered after almost half a minute. On a developer's machine the service that
    # StartSyncExecution is sent to has no name of its own.
    is_local = service == "stepfunctions" and "AWS_ENDPOINT_URL_SFN" in os.environ
    config = Config(read_timeout=310, retries={"mode": "standard"}, inject_host_prefix=not is_local)
    return boto3.client(service, config=config)  # type: ignore[call-overload]


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Run a step.

    Event: {step, input, now, execution}: the step's name, what the step before answered (or the request or event that
    began it all), the machine's time in seconds since 1970, and the execution's ARN. Result: what the step answers.
    """
    message = {**event["input"], "execution_arn": event["execution"]}
    answer = run(event["step"], message, event["now"], services(event["execution"]))
    facts = {key: value for key, value in answer.items() if key != "message"}
    logger.info("step", step=event["step"], **facts)
    return answer


def services(execution: str) -> Services:
    """The stack as the function's environment names it."""
    names = os.environ
    return Services(
        client=client,
        stack=names["TOLLGATE_STACK"],
        model_table=names["TOLLGATE_MODEL_TABLE"],
        release_table=names["TOLLGATE_RELEASE_TABLE"],
        inference_machine=names["TOLLGATE_INFERENCE_MACHINE"],
        release_machine=names["TOLLGATE_RELEASE_MACHINE"],
        import_role=names["TOLLGATE_IMPORT_ROLE"],
        schedule_group=names["TOLLGATE_SCHEDULE_GROUP"],
        scheduler_role=names["TOLLGATE_SCHEDULER_ROLE"],
        who=execution,
        record_cache_s=int(names["TOLLGATE_RECORD_CACHE_S"]),
        stream_timeout_s=int(names["TOLLGATE_STREAM_TIMEOUT_MS"]) // 1000,
    )
