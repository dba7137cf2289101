"""No web page reaches a server of the runner: what a browser would send for one is refused everywhere."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.conftest import ROOT
from tests.dev.conftest import STACK
from tollgate.dev import Local
from tollgate.emulators.lambda_functions.runtime_api import InvocationEvent, RuntimeApi
from tollgate.page_guard import guard_wsgi, refusal

pytestmark = [pytest.mark.slow, pytest.mark.path]

SERVERS = ["api", "bedrock", "moto", "runtime API", "web function"]
PATHS = {
    "api": "/stream/state",
    "bedrock": "/_tollgate/models",
    "moto": "/moto-api/data.json",
    "runtime API": "/2018-06-01/runtime/invocation/next",
    "web function": "/stream/state",
}


@pytest.fixture(scope="module")
def runner():
    with Local.start(STACK / "template.yaml") as local:
        headers = {"Authorization": f"Bearer {local.key}"}
        assert httpx.post(f"{local.url}/run", json={"do": "nothing"}, headers=headers, timeout=60).is_success
        assert httpx.get(f"{local.url}/stream/state", headers=headers, timeout=60).is_success
        yield local


@pytest.fixture
def urls(runner):
    """Where each server answers, the functions' own among them."""
    functions = runner.functions
    (web,) = functions.web.values()
    environment = next(e for f in functions.plain.values() for e in f._idle)
    return {
        "api": runner.url,
        "bedrock": runner.bedrock_url,
        "moto": runner._data_services.url,
        "runtime API": f"http://{environment._api.address.partition('/')[0]}",
        "web function": web.url(),
    }


def _get(url, path, **headers):
    return httpx.get(url + path, headers={"Authorization": "Bearer tollgate-local", **headers}, timeout=20)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.nip.io:{port}",
        "localhost.:{port}",
        "",
    ],
)
def test_another_host_is_refused_as_dns_rebinding_would_send_it(urls, server, host):
    host = host.format(port=urlsplit(urls[server]).port)
    answer = _get(urls[server], PATHS[server], Host=host)

    assert answer.status_code in ((421, 403) if server == "runtime API" else (421,))
    assert len(json.loads(answer.text)) == 1


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://evil.example:{port}", "file://", "https://127.0.0.1:{port}"]
)
def test_another_origin_is_refused(urls, server, origin):
    origin = origin.format(port=urlsplit(urls[server]).port)
    answer = _get(urls[server], PATHS[server], Origin=origin)

    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_an_image_or_a_form_of_another_site_is_refused(urls, server, site):
    assert _get(urls[server], PATHS[server], **{"Sec-Fetch-Site": site}).status_code == 403


@pytest.mark.parametrize("server", SERVERS)
def test_a_preflight_allows_nothing(urls, server):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "PUT"}
    answer = httpx.options(urls[server] + PATHS[server], headers=headers)

    assert answer.status_code in (403, 501)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("server", ["api", "bedrock", "moto", "web function"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LocalHost", "[::1]"])
def test_programs_and_pages_of_the_server_itself_are_let_in(urls, server, name):
    host = f"{name}:{urlsplit(urls[server]).port}"
    assert _get(urls[server], PATHS[server], Host=host).is_success
    assert _get(urls[server], PATHS[server], Host=host, Origin=f"http://{host}").is_success


def test_moto_sends_no_cors_headers_to_anybody(urls):
    answer = _get(urls["moto"], "/moto-api/data.json")

    assert answer.is_success
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_two_hosts_are_refused_if_one_is_foreign():
    assert refusal([("Host", "localhost:5"), ("Host", "evil:5")], 5)[0] == 421
    assert refusal([], 5)[0] == 421
    assert refusal([("Host", "localhost")], 80) is None


@pytest.mark.parametrize(
    "origins, origin, is_let_in",
    [
        ("https://a.example,https://b.example", "https://b.example", True),
        ("https://a.example", "https://b.example", False),
        ("*", "https://b.example", True),
        ("", "https://b.example", False),
    ],
)
def test_pages_of_the_origins_that_the_stack_lets_in_are_let_in(origins, origin, is_let_in):
    page = [("Host", "localhost:5"), ("Sec-Fetch-Site", "cross-site"), ("Origin", origin)]

    assert (refusal(page, 5, origins=origins) is None) == is_let_in
    assert refusal([("Host", "evil:5"), ("Origin", origin)], 5, origins=origins) is not None


def test_a_page_that_is_let_in_reads_answers_refusals_and_streams():
    """GIVEN a stack that lets an origin in, WHEN its page asks, THEN every kind of answer may be read by it."""
    origin = "https://app.example.com"
    page = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    body = {"model": "none", "messages": [{"role": "user", "content": "Hello"}]}
    with Local.start(ROOT / "template.yaml", parameters={"CorsOrigins": origin}) as local:
        key = {**page, "Authorization": f"Bearer {local.key}"}
        asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        answers = [
            (200, httpx.options(f"{local.url}/v1/chat/completions", headers={**page, **asked})),
            (200, httpx.options(f"{local.url}/stream/v1/chat/completions", headers={**page, **asked})),
            (200, httpx.get(f"{local.url}/v1/models", headers=key)),
            (404, httpx.post(f"{local.url}/v1/chat/completions", json=body, headers=key, timeout=60)),
            (404, httpx.post(f"{local.url}/stream/v1/chat/completions", json=body, headers=key, timeout=60)),
            (401, httpx.get(f"{local.url}/v1/models", headers=page)),
            (404, httpx.get(f"{local.url}/v1/nothing", headers=key)),
        ]

    assert [answer.status_code for _, answer in answers] == [status for status, _ in answers]
    assert {answer.headers.get("access-control-allow-origin") for _, answer in answers} == {origin}


def test_headers_of_cors_are_taken_out_of_answers():
    def app(environ, start_response):
        start_response("200 OK", [("Access-Control-Allow-Origin", "*"), ("X-Kept", "yes")])
        return [b""]

    answered = []
    guard_wsgi(app, lambda: 5)({"HTTP_HOST": "localhost:5"}, lambda status, headers: answered.append((status, headers)))

    assert answered == [("200 OK", [("X-Kept", "yes")])]


# --- the Runtime API ----------------------------------------------------------------------------------------------


@pytest.fixture
def runtime():
    api = RuntimeApi()
    yield api
    api.close()


def _event(request_id):
    return InvocationEvent(request_id, b'{"secret": 1}', 0, "arn")


def test_an_event_is_handed_out_at_the_secret_path_alone(runtime):
    host = runtime.address.partition("/")[0]
    runtime.send(_event("id-1"))

    for path in ("/", "/2018-06-01/runtime/invocation/next", "/guess/2018-06-01/runtime/invocation/next"):
        assert httpx.get(f"http://{host}{path}").status_code == 403
    answer = httpx.get(f"http://{runtime.address}/2018-06-01/runtime/invocation/next")

    assert answer.json() == {"secret": 1}
    assert len(runtime.address.partition("/")[2]) >= 24


def test_a_result_is_taken_once_for_a_request_id_that_was_handed_out(runtime):
    host = runtime.address.partition("/")[0]
    runtime.send(_event("id-1"))
    httpx.get(f"http://{runtime.address}/2018-06-01/runtime/invocation/next")
    assert runtime.next_report(1).kind == "ready"

    def post(address, path):
        return httpx.post(f"http://{address}/2018-06-01/runtime/{path}", content=b'"forged"').status_code

    assert post(host, "invocation/id-1/response") == 403
    assert post(runtime.address, "invocation/id-2/response") == 403
    assert post(runtime.address, "invocation/id-1/other") == 403
    assert post(runtime.address, "invocation/id-1/response") == 202
    assert post(runtime.address, "invocation/id-1/response") == 403
    assert post(host, "init/error") == 403
    assert runtime.next_report(1).kind == "response"
    with pytest.raises(TimeoutError):
        runtime.next_report(0.05)


def test_a_connection_that_breaks_prints_nothing(runtime, capfd):
    host, port = runtime.address.partition("/")[0].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.send(b"GET / HT")
    until = time.monotonic() + 2  # in all: others' connections may be kept open for longer
    for thread in threading.enumerate():
        if "process_request_thread" in thread.name:
            thread.join(max(0, until - time.monotonic()))

    assert capfd.readouterr().err == ""
