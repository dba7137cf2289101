"""A web application that ends: which requests go to the next process, and which are never sent twice."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from tollgate.emulators.api_gateway.messages import ApiRequest
from tollgate.emulators.api_gateway.refusals import RefusalError
from tollgate.emulators.api_gateway.streaming import StreamingIntegration
from tollgate.emulators.lambda_functions import FunctionSettings, WebFunction

pytestmark = pytest.mark.path

# A process ends slowly here: for 0.3 s it accepts connections and closes them, as real ones do for a millisecond.
APPLICATION = """
import os, socket, time

listener = socket.create_server(("127.0.0.1", int(os.environ["PORT"])))

def end_slowly():
    listener.settimeout(0.05)
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        try:
            listener.accept()[0].close()
        except TimeoutError:
            pass
    os._exit(1)

while True:
    connection, _ = listener.accept()
    path = connection.recv(65536).split()[1].decode()
    if path != "/ready":
        with open(os.environ["SEEN"], "a") as seen:
            seen.write(path + chr(10))
    if path == "/dies-in-mid-answer":
        connection.sendall(b"HTTP/1.1 200 OK\\r\\ntransfer-encoding: chunked\\r\\n\\r\\n3\\r\\none\\r\\n")
        connection.close()
        end_slowly()
    elif path == "/dies-unanswered":
        connection.close()
        end_slowly()
    elif path == "/refuses":
        connection.close()
    elif path == "/ends-after-its-answer":
        listener.close()
        connection.sendall(b"HTTP/1.1 201 Created\\r\\ncontent-length: 0\\r\\nconnection: close\\r\\n\\r\\n")
        time.sleep(0.3)
        os._exit(0)
    else:
        answer = str(os.getpid()).encode()
        head = "HTTP/1.1 200 OK\\r\\ncontent-length: %d\\r\\nconnection: close\\r\\n\\r\\n" % len(answer)
        connection.sendall(head.encode() + answer)
    connection.close()
"""


class Silent:
    def line(self, function, text):
        pass

    def failure(self, function, lines):
        pass


class Application:
    """The application behind a streaming integration."""

    def __init__(self, folder):
        self._seen = folder / "seen"
        self._seen.touch()
        code = folder / "code"  # a folder of its own, since a change in it starts another process
        code.mkdir()
        (code / "app.py").write_text(APPLICATION)
        script = code / "run.sh"
        script.write_text(f"#!/bin/sh\nexec {sys.executable} app.py\n")
        script.chmod(0o755)
        variables = {"AWS_LWA_READINESS_CHECK_PATH": "/ready", "SEEN": str(self._seen)}
        self.function = WebFunction(FunctionSettings("web", "arn", "run.sh", code, variables=variables), Silent())
        self.integration = StreamingIntegration({"timeoutInMillis": 20_000}, self.function, "here")

    async def get(self, path):
        """The body of one answer, and why it broke off if it did."""
        messages = []

        async def send(message):
            messages.append(message)

        async def stay():
            await asyncio.Event().wait()

        request = ApiRequest("GET", path, "", [], b"", "127.0.0.1")
        _, problem = await self.integration.stream(request, {"requestId": "r"}, stay, send)
        return b"".join(message.get("body", b"") for message in messages), problem

    def seen(self, path):
        """How many processes were asked for a path."""
        return self._seen.read_text().split().count(path)


@asynccontextmanager
async def running(folder):
    application = Application(folder)
    try:
        yield application
    finally:
        await application.integration.close()
        application.function.close()


def test_the_request_after_an_answer_that_broke_off_waits_for_the_next_process(tmp_path):
    async def story():
        async with running(tmp_path) as application:
            # GIVEN a process that ends in the middle of an answer, and accepts connections while it does
            body, problem = await application.get("/dies-in-mid-answer")
            assert body == b"one"
            assert "broke off" in problem

            # WHEN the client, who saw the answer break off, asks again
            body, problem = await application.get("/pid")

            # THEN the next process answers, at the first attempt
            assert body.isdigit()
            assert problem is None
            assert application.seen("/pid") == 1

    asyncio.run(story())


def test_a_request_that_the_process_may_have_begun_with_is_never_sent_twice(tmp_path):
    async def story():
        async with running(tmp_path) as application:
            # WHEN a process takes a request and ends without a byte of an answer
            with pytest.raises(RefusalError) as caught:
                await application.get("/dies-unanswered")

            # THEN this request has failed, and the next is a new process's
            assert caught.value.type == "INTEGRATION_FAILURE"
            assert application.seen("/dies-unanswered") == 1
            assert (await application.get("/pid"))[0].isdigit()

    asyncio.run(story())


def test_a_request_that_nobody_took_goes_to_the_next_process(tmp_path):
    async def story():
        async with running(tmp_path) as application:
            # GIVEN a process that listens no longer and has not ended yet
            await application.get("/ends-after-its-answer")

            # THEN the next process gets the request
            assert (await application.get("/pid"))[0].isdigit()
            assert application.seen("/pid") == 1

    asyncio.run(story())


def test_many_requests_that_find_a_process_gone_start_one_other(tmp_path):
    async def story():
        async with running(tmp_path) as application:
            await application.get("/ends-after-its-answer")

            answers = await asyncio.gather(*(application.get("/pid") for _ in range(8)))

            assert len({body for body, _ in answers}) == 1
            assert application.seen("/pid") == 8

    asyncio.run(story())


def test_an_application_that_drops_one_connection_and_lives_is_not_replaced(tmp_path):
    async def story():
        async with running(tmp_path) as application:
            before, _ = await application.get("/pid")
            with pytest.raises(RefusalError):
                await application.get("/refuses")

            assert (await application.get("/pid"))[0] == before
            assert application.seen("/refuses") == 1

    asyncio.run(story())
