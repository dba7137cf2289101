"""The streaming path measures how long the model took for the answer: the invocation that brought it, no other."""

from __future__ import annotations

import pytest

from tests.stream.conftest import HELLO, STREAM
from tests.stream.fakes import FakeModel, answer, chunk
from tollgate_layer.inference.failures.errors import ApiError

COLD = [0.3, ApiError("model_unavailable")]


@pytest.mark.parametrize(
    "body, script",
    [(STREAM, [0.1, chunk("Hel"), 0.1, chunk("lo", "stop")]), (HELLO, [0.2, answer("Hello")])],
    ids=["stream", "at once"],
)
def test_attempts_before_the_answer_are_not_in_it(ask, log, body, script):
    ask(FakeModel(COLD, script), body)

    (line,) = log.lines
    assert line["attempts"] == 2
    assert 0.2 <= line["model_time_s"] < 0.3 <= line["duration_s"]


def test_a_failure_has_none(ask, log):
    ask(FakeModel([ApiError("model_error")]))

    (line,) = log.lines
    assert "model_time_s" not in line
