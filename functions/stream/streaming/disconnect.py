"""Stops the work on a request when its client disconnects."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from streaming.asgi import Receive


class ClientGoneError(Exception):
    """Raised when the client closes the connection before it has its whole response."""


class UntilClientLeaves:
    """Runs the body of an `async with` until the client disconnects.

    When it does, whatever the body is waiting for is cancelled, and ClientGoneError is raised. The request's own body
    must have been read before, since this takes the messages that come after it::

        async with UntilClientLeaves(receive):
            await answer_the_request()
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False

    async def __aenter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task = task
        self._watcher = asyncio.create_task(self._cancel_when_gone())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._watcher.cancel()
        if self._gone and kind is asyncio.CancelledError:
            # asyncio counts the cancellations of a task, and it is this object that asked for this one. Once it has
            # become a ClientGoneError, the task goes on (it still writes the log line): the count has to go back,
            # or whatever the task awaits next, such as a timeout or a task group, takes it for cancelled from outside.
            self._task.uncancel()
            raise ClientGoneError from error

    async def _cancel_when_gone(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                break
        self._gone = True
        # Waiting for a model may take minutes, with nothing to write that would fail: only cancelling ends it at once.
        self._task.cancel()
