"""DynamoDB and S3 of the local stack: moto's server on loopback, with the template's tables in it."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

import urllib3

from tollgate.dev.aws_clients import DynamoDb, s3_headers
from tollgate.dev.s3_events import watched
from tollgate.loopback import LOOPBACK
from tollgate.page_guard import guard_wsgi

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.stack import Stack

_TABLE_PROPERTIES = ("AttributeDefinitions", "BillingMode", "GlobalSecondaryIndexes", "KeySchema",
                     "LocalSecondaryIndexes", "ProvisionedThroughput")  # fmt: skip


class MotoServer:
    """moto's server in threads of this process.

    `url` is where the runner itself reaches it, `dynamodb_url` where the stack's functions, machine and API do. Both
    are the same here; a subclass may put something between the path and its table, as tests of failures do. `on_event`
    is told of objects in buckets of the template that tell EventBridge of them.
    """

    def __init__(self) -> None:
        # Imported here because moto takes longer to import than the rest of the runner.
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        # moto's own threaded server lets any web page in: it answers preflights, and every answer allows every origin.
        self._missing_buckets: set[str] = set()
        self._watched_buckets: set[str] = set()
        self.on_event: Callable[[dict[str, Any]], None] = lambda event: None
        moto = watched(DomainDispatcherApplication(create_backend_app), self._watched_buckets, self._create, self._tell)
        app = guard_wsgi(moto, self._port)
        self._server = make_server(LOOPBACK, 0, app, threaded=True, request_handler=MotoRequestHandler)
        threading.Thread(target=self._server.serve_forever, daemon=True, name="moto").start()
        self.url = f"http://{LOOPBACK}:{self._port()}"
        self.dynamodb_url = self.url
        self.dynamodb = DynamoDb(self.url)
        self._tables: list[str] = []

    def create_tables(self, stack: Stack) -> None:
        """Create the tables that the template declares."""
        for table in stack.resources("AWS::DynamoDB::Table").values():
            properties = {name: table.properties[name] for name in _TABLE_PROPERTIES if name in table.properties}
            self.dynamodb.request("CreateTable", {"TableName": table.name, **properties})
            self._tables.append(table.name)

    def create_buckets(self, stack: Stack) -> None:
        """Have the buckets that the template declares: each is made when it is first asked for.

        moto's S3 takes a third of a second to import, and most starts need none.
        """
        for bucket in stack.resources("AWS::S3::Bucket").values():
            self._missing_buckets.add(bucket.name)
            if bucket.properties.get("NotificationConfiguration", {}).get("EventBridgeConfiguration") is not None:
                self._watched_buckets.add(bucket.name)

    def _create(self, bucket: str) -> None:
        if bucket in self._missing_buckets:
            self._missing_buckets.discard(bucket)
            urllib3.request("PUT", f"{self.url}/{bucket}", headers=s3_headers())

    def _tell(self, event: dict[str, Any]) -> None:
        self.on_event(event)

    def close(self) -> None:
        """Stop the server; its tables are deleted one by one because moto keeps them for the whole process."""
        for name in self._tables:
            self.dynamodb.request("DeleteTable", {"TableName": name})
        self.dynamodb.close()
        # The server looks for its end every half second. Nobody has to wait for that.
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def _port(self) -> int:
        return int(self._server.server_address[1])
