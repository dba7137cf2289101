"""Connections: kept, found dead, refused, left early. The server is a script of raw bytes on loopback."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import asynccontextmanager

import pytest

from streaming.aws.connections import ConnectError, ConnectionClosedError, ConnectionPool
from streaming.aws.http_client import HttpClient
from tests.stream.upstream import http

pytestmark = pytest.mark.path

CLOSE = None
"""Stands in place of an answer: the server closes the connection."""


class Cut(bytes):
    """An answer after which the server closes the connection."""


class Server:
    """Answers the requests of each connection by its script; counts connections and requests."""

    def __init__(self, *scripts):
        self._scripts = list(scripts)
        self.connections = 0
        self.requests = 0
        self.left = asyncio.Event()

    async def serve(self, reader, writer):
        self.connections += 1
        for answer in self._scripts.pop(0):
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            self.requests += 1
            if answer is CLOSE:
                break
            writer.write(answer)
            if isinstance(answer, Cut):
                break
        else:
            if await reader.read(1) == b"":
                self.left.set()
        writer.close()


@asynccontextmanager
async def serving(server):
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@asynccontextmanager
async def connected(server, **options):
    async with serving(server) as port:
        client = HttpClient(f"http://127.0.0.1:{port}", **options)
        try:
            yield client
        finally:
            while connection := client.connections.take():
                connection.drop()


async def post(client, body=b"{}"):
    async with client.post("/", {"host": client.host}, body) as response:
        return response.status, await response.read()


def test_a_connection_serves_one_request_after_another():
    server = Server([http(b"one"), http(b"two", chunk_bytes=1), http(b"")])

    async def run():
        async with connected(server) as client:
            return [await post(client) for _ in range(3)]

    assert asyncio.run(run()) == [(200, b"one"), (200, b"two"), (200, b"")]
    assert server.connections == 1


def test_requests_at_the_same_time_have_connections_of_their_own():
    server = Server(*[[http(b"ok")] for _ in range(20)])

    async def run():
        async with connected(server) as client:
            return await asyncio.gather(*(post(client) for _ in range(20)))

    assert asyncio.run(run()) == [(200, b"ok")] * 20
    assert server.connections == 20


def test_an_answer_that_says_close_is_believed():
    server = Server([http(b"one", headers="connection: close\r\n")], [http(b"two")])

    async def run():
        async with connected(server) as client:
            return [await post(client) for _ in range(2)]

    assert asyncio.run(run()) == [(200, b"one"), (200, b"two")]


def test_a_kept_connection_that_closed_meanwhile_costs_nothing():
    server = Server([http(b"one"), CLOSE], [http(b"two")])

    async def run():
        async with connected(server) as client:
            await post(client)
            return await asyncio.wait_for(post(client), 1)

    assert asyncio.run(run()) == (200, b"two")


def test_a_connection_that_was_idle_for_a_minute_is_not_used_again():
    server = Server([http(b"one"), http(b"never")], [http(b"two")])
    now = [1000.0]

    async def run():
        async with connected(server, clock=lambda: now[0]) as client:
            first = await post(client)
            now[0] += 60
            return first, await post(client)

    assert asyncio.run(run()) == ((200, b"one"), (200, b"two"))
    assert server.connections == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be told how long to wait for acknowledgements")
def test_a_peer_that_acknowledges_nothing_is_given_up_after_ten_seconds():
    server = Server([])

    async def run():
        async with serving(server) as port:
            connection = await ConnectionPool("127.0.0.1", port, tls=False).open()
            sock = connection.writer.get_extra_info("socket")
            options = (
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
            )
            connection.drop()
            return options

    assert asyncio.run(run()) == (10_000, 30, 1)


def test_a_request_that_is_closed_upon_twice_fails():
    server = Server([CLOSE], [CLOSE], [http(b"never")])

    async def run():
        async with connected(server) as client:
            await post(client)

    with pytest.raises(ConnectionClosedError):
        asyncio.run(run())
    assert server.requests == 2


@pytest.mark.parametrize("answer", [b"HTTP/1.1 200 OK\r\ncontent-le", http(b"whole")[:-1], b"SSH-2.0-x\r\n"])
def test_an_answer_that_began_is_not_asked_for_again(answer):
    server = Server([Cut(answer)], [http(b"never")])

    async def run():
        async with connected(server) as client:
            await post(client)

    with pytest.raises(ConnectionClosedError):
        asyncio.run(run())
    assert server.requests == 1


def test_leaving_an_answer_early_closes_its_connection_at_once():
    server = Server([http(b"x" * 100)[:-50]])

    async def run():
        async with connected(server) as client:
            async with client.post("/", {}, b"") as response:
                async for _ in response:
                    break
            await asyncio.wait_for(server.left.wait(), 1)

    asyncio.run(run())


def test_nobody_listening_is_a_connect_error_that_names_the_host():
    client = HttpClient("http://127.0.0.1:1")

    with pytest.raises(ConnectError, match=r"127\.0\.0\.1:1"):
        asyncio.run(post(client))


@pytest.mark.parametrize("url", ["ftp://host", "https://", "host"])
def test_a_url_that_is_no_endpoint_is_refused(url):
    with pytest.raises(ValueError, match="must be http:// or https://"):
        HttpClient(url)
