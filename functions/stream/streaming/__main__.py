"""Serves the application where the Lambda Web Adapter expects it."""

from __future__ import annotations

import logging
import os
import sys

import uvicorn

from streaming.application import Application
from streaming.aws.bedrock import BedrockModel
from streaming.aws.dynamodb import TableRecords
from streaming.aws.service import Service
from streaming.path import StreamingPath
from streaming.record_cache import CachedRecords
from streaming.settings import Settings, SettingsError, read_settings
from tollgate_layer.inference.observability import function_logger

# Longer than the adapter keeps its connections, so that it never meets one that is being closed.
_KEEP_ALIVE_S = 75


def build(settings: Settings) -> Application:
    """The application with everything that it needs."""
    region, credentials = settings.region, settings.credentials
    table = Service(settings.dynamodb_url, "dynamodb", region, credentials)
    runtime = Service(settings.bedrock_url, "bedrock", region, credentials)
    records = CachedRecords(TableRecords(table, settings.model_table), settings.record_ttl_s)
    return Application(
        StreamingPath(records, BedrockModel(runtime), settings.model_wait_s),
        function_logger(),
        timeout_s=settings.timeout_s,
        comment_interval_s=settings.comment_interval_s,
    )


def main() -> None:
    """Serve until the process is told to end."""
    try:
        settings = read_settings(os.environ)
    except SettingsError as error:
        sys.exit(f"stream: {error}")
    # A task's name says nothing of a request. (typeshed does not know this switch.)
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]
    config = uvicorn.Config(
        build(settings),
        host="127.0.0.1",
        port=settings.port,
        loop="asyncio",
        http="httptools",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
    )
    uvicorn.Server(config).run()


if __name__ == "__main__":
    main()
