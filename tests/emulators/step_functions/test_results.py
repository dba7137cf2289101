"""A service's answer is read as strictly as JSON is defined, and to a bounded depth."""

from __future__ import annotations

import pytest

from tollgate.emulators.step_functions import StateMachine, load_definition, parse_result
from tollgate.emulators.step_functions.results import MOST_LEVELS

ECHO = """{"QueryLanguage": "JSONata", "StartAt": "A", "States": {"A": {"Type": "Task", "Resource": "r",
    "Output": "{% $merge([$states.input, {'x': $states.result}]) %}", "End": true}}}"""


def nested(depth: int, opening: str = "[", closing: str = "]") -> str:
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize("text", [
    "", "x", "{", "NaN", "Infinity", '{"a": -Infinity}', "1e999", '[{"a": -1e400}]', "9" * 5000, "[1,]", "'a'",
    nested(MOST_LEVELS + 1), nested(MOST_LEVELS + 1, '{"a":', "}"), nested(20_000), nested(100_000, '{"a":', "}"),
    "[" * 100_000, "\ufeff1",
], ids=lambda text: f"{text[:9]}…{len(text)}")  # fmt: skip
def test_what_is_no_json_is_no_result(text):
    with pytest.raises(ValueError):
        parse_result(text.encode())


def test_what_is_no_utf_8_is_no_result():
    for raw in (b'"\xff"', '"x"'.encode("utf-16")):
        with pytest.raises(ValueError):
            parse_result(raw)


@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_a_result_at_the_limit_goes_through_an_execution(brackets):
    value = parse_result(nested(MOST_LEVELS, *brackets).encode())
    machine = StateMachine("arn:x:stateMachine:m", load_definition(ECHO, {}, {"r"}, "m"), {"r": lambda *_: value})

    execution = machine.start_sync({})

    assert (execution.status, execution.error, execution.cause) == ("SUCCEEDED", None, None)


def test_data_that_is_nested_beyond_pythons_depth_fails_the_execution():
    value: list = []
    for _ in range(100_000):
        value = [value]
    machine = StateMachine("arn:x:stateMachine:m", load_definition(ECHO, {}, {"r"}, "m"), {"r": lambda *_: value})

    execution = machine.start_sync({})

    assert (execution.status, execution.error) == ("FAILED", "States.Runtime")
    while value:  # taken apart from the outside, since freeing it at once would be as deep
        (value,) = value
