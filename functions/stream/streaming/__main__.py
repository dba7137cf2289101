"""Serves the streaming path over HTTP, where the Lambda Web Adapter expects it: `python -m streaming`."""

from __future__ import annotations

import logging
import os
import sys
from functools import cache, partial

import uvicorn

from streaming.application import Application
from streaming.aws.backends import Backends
from streaming.aws.bedrock import BedrockModel
from streaming.aws.dynamodb import TableRecords
from streaming.aws.service import Service
from streaming.interfaces import Functions, Model, Shadows
from streaming.pipeline import StreamingPipeline
from streaming.preparation import Preparation
from streaming.record_cache import CachedRecords
from streaming.settings import Settings, SettingsError, read_settings
from tollgate_layer.inference.request_log import function_logger

# Longer than the adapter keeps its connections, so that it never sends a request over one that is being closed.
_KEEP_ALIVE_S = 75


def build(settings: Settings) -> Application:
    """Build the application and everything that it needs. Nothing is connected yet: the first request does that."""
    table = Service(settings.dynamodb_url, "dynamodb", settings.region, settings.credentials)
    runtime = Service(settings.bedrock_url, "bedrock", settings.region, settings.credentials)
    records = CachedRecords(TableRecords(table, settings.model_table), settings.record_ttl_s)
    # What few requests need is made for the first of them, and kept.
    models = Backends(BedrockModel(runtime), cache(partial(_sagemaker, settings)))
    functions = cache(partial(_functions, settings))
    shadows = cache(partial(_shadows, settings))
    return Application(
        Preparation(records, functions),
        StreamingPipeline(models, functions, shadows, settings.model_wait_s),
        function_logger(),
        timeout_s=settings.timeout_s,
        comment_interval_s=settings.comment_interval_s,
        cors_origins=settings.cors_origins,
    )


def _sagemaker(settings: Settings) -> Model:
    """The models of SageMaker endpoints; imported here, since most stacks have none."""
    from streaming.aws.sagemaker import SageMakerModel

    return SageMakerModel(Service(settings.sagemaker_url, "sagemaker", settings.region, settings.credentials))


def _functions(settings: Settings) -> Functions:
    """The team's own functions; imported here, since most models have no hooks."""
    from streaming.aws.functions import LambdaFunctions

    return LambdaFunctions(Service(settings.lambda_url, "lambda", settings.region, settings.credentials))


def _shadows(settings: Settings) -> Shadows:
    """The executions of shadows; imported here, since few models have them."""
    from streaming.aws.executions import MachineShadows

    service = Service(settings.states_url, "states", settings.region, settings.credentials)
    return MachineShadows(service, settings.inference_machine)


def main() -> None:
    """Serve until the process is told to end. Exits with a message if a setting is missing or wrong."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.exit(f"stream: {error}")
    # Each log record would look up the name of the asyncio task that wrote it, which says nothing of a request.
    # (typeshed does not know this switch.)
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]
    config = uvicorn.Config(
        build(settings),
        host="127.0.0.1",
        port=settings.port,
        # uvloop was measured and gains nothing here (decision 61); httptools is needed anyway, to read responses.
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        # The application writes one log line for each request, and uvicorn none.
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
