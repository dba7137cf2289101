"""Response streaming through the gateway: bytes as they come, and what happens when either side leaves."""

from __future__ import annotations

import itertools
import time

import httpx
import pytest

from tests.dev.conftest import eventually

pytestmark = pytest.mark.path


@pytest.mark.alone
def test_bytes_reach_the_client_as_the_application_sends_them(client):
    with client.stream("GET", "/stream/count?n=4&gap=0.2") as response:
        arrivals = [(time.monotonic(), chunk) for chunk in response.iter_raw()]

    assert [chunk for _, chunk in arrivals] == [b"0\n", b"1\n", b"2\n", b"3\n"]
    gaps = [later[0] - earlier[0] for earlier, later in itertools.pairwise(arrivals)]
    assert all(gap > 0.1 for gap in gaps)


def test_status_and_headers_are_the_application_s(client):
    response = client.get("/stream/count?n=1&gap=0")

    assert response.headers["x-web"] == "yes"
    assert response.headers["x-amzn-requestid"]
    assert len(response.headers.get_list("date")) == 1


def test_the_application_gets_the_request_as_it_was_and_who_sent_it(client):
    response = client.post("/stream/a%20b", content=b"x" * 1000)

    assert response.status_code == 201
    answer = response.json()
    assert (answer["method"], answer["path"], answer["bytes"]) == ("POST", "/stream/a%20b", 1000)
    assert answer["key_id"].endswith("-Key")


def test_keys_are_checked_before_the_application_is_asked(client):
    response = client.get("/stream/count?n=1&gap=0", headers={"Authorization": "Bearer nobody"})

    assert response.status_code == 403


def test_a_client_that_leaves_ends_the_application_s_answer(client):
    before = client.get("/stream/state").json()["gone"]
    with client.stream("GET", "/stream/count?n=1000&gap=0.05") as response:
        next(response.iter_raw())

    eventually(lambda: client.get("/stream/state").json()["gone"] == before + 1)


def test_an_application_that_dies_breaks_the_answer_and_is_started_again(client):
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/stream/die")

    assert client.get("/stream/state").status_code == 201


def test_an_application_that_does_not_answer_in_time_is_a_504(client):
    response = client.get("/stream/slow", timeout=10)

    assert (response.status_code, response.json()) == (504, {"five": "INTEGRATION_TIMEOUT"})


def test_a_body_above_lambda_s_event_limit_is_refused(client):
    assert client.post("/stream/x", content=b"x" * (6 * 1024 * 1024)).status_code == 413
