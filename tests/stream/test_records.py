"""The cache of model records, and the table behind it."""

from __future__ import annotations

import asyncio
import json

import pytest

from streaming.aws.dynamodb import TableRecords
from streaming.record_cache import CachedRecords
from tests.stream.fakes import FakeRecords
from tests.stream.upstream import BytesService, http
from tollgate_layer.inference.failures.errors import ApiError


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_record_is_read_again_when_its_time_is_over(clock):
    table = FakeRecords({"m": "old"})
    records = CachedRecords(table, 30, clock)

    assert asyncio.run(records.get("m")) == "old"
    table.records["m"] = "new"
    clock.now += 29.9
    assert asyncio.run(records.get("m")) == "old"
    clock.now += 0.1
    assert asyncio.run(records.get("m")) == "new"
    assert table.reads == 2


def test_a_model_that_was_not_there_is_seen_as_soon_as_it_is(clock):
    table = FakeRecords({})
    records = CachedRecords(table, 30, clock)

    assert asyncio.run(records.get("m")) is None
    table.records["m"] = "new"
    assert asyncio.run(records.get("m")) == "new"


def test_a_model_that_is_gone_is_gone_once_its_time_is_over(clock):
    table = FakeRecords({"m": "old"})
    records = CachedRecords(table, 30, clock)
    asyncio.run(records.get("m"))

    del table.records["m"]
    clock.now += 30

    assert asyncio.run(records.get("m")) is None


def test_while_the_table_cannot_be_read_the_last_record_stays_and_the_table_is_asked_rarely(clock):
    table = FakeRecords({"m": "old"})
    records = CachedRecords(table, 30, clock)
    asyncio.run(records.get("m"))
    table.records["m"] = ApiError("model_unavailable")
    clock.now += 30

    assert [asyncio.run(records.get("m")) for _ in range(10)] == ["old"] * 10
    assert table.reads == 2
    clock.now += 5
    table.records["m"] = "new"
    assert asyncio.run(records.get("m")) == "new"


def test_without_a_record_a_failure_of_the_table_is_raised(clock):
    records = CachedRecords(FakeRecords({"m": ApiError("model_unavailable")}), 30, clock)

    with pytest.raises(ApiError):
        asyncio.run(records.get("m"))


def test_a_ttl_of_zero_reads_every_time(clock):
    table = FakeRecords({"m": "text"})
    records = CachedRecords(table, 0, clock)

    for _ in range(3):
        clock.now += 0.001
        asyncio.run(records.get("m"))

    assert table.reads == 3


ITEM = {"Item": {"model": {"S": "m"}, "record": {"S": "text"}, "revision": {"N": "1"}}}


def get(*answers: bytes) -> tuple[str | None, BytesService]:
    service = BytesService(*([answer] for answer in answers))
    return asyncio.run(TableRecords(service, "models").get("m")), service


def test_an_item_is_asked_for_by_its_key():
    text, service = get(http(json.dumps(ITEM).encode()))

    ((path, headers, body),) = service.requests
    assert text == "text"
    assert (path, headers["x-amz-target"]) == ("/", "DynamoDB_20120810.GetItem")
    assert json.loads(body) == {"TableName": "models", "Key": {"model": {"S": "m"}}}


@pytest.mark.parametrize("item", [{}, {"Item": {}}, {"Item": {"record": {"N": "1"}}}])
def test_no_item_or_one_without_a_record_is_no_model(item):
    assert get(http(json.dumps(item).encode()))[0] is None


def test_a_failure_that_may_pass_is_tried_again_once():
    busy = b'{"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}'

    text, service = get(http(busy, 400), http(json.dumps(ITEM).encode()))

    assert (text, len(service.requests)) == ("text", 2)


@pytest.mark.parametrize(
    "answer, code",
    [
        (http(b'{"__type": "x#ThrottlingException"}', 400), "model_unavailable"),
        (http(b'{"__type": "x#InternalServerError"}', 500), "model_unavailable"),
        (http(b"<html>", 503), "model_unavailable"),
        (http(b'{"__type": "x#ResourceNotFoundException"}', 400), "internal_error"),
        (http(b'{"__type": "x#AccessDeniedException"}', 400), "internal_error"),
        (http(b"no JSON"), "model_unavailable"),
        (http(b'{"Item": []}'), "model_unavailable"),
        (b"", "model_unavailable"),
    ],
)
def test_each_failure_has_its_code(answer, code):
    with pytest.raises(ApiError) as caught:
        get(answer, answer)

    assert caught.value.code == code
