"""What must hold of the time that a prompt takes, beside that of writing the same messages as JSON in the same run."""

from __future__ import annotations

import json
import timeit
from collections.abc import Callable
from typing import Any

import pytest

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS, render

TEN_MESSAGES = [
    {"role": "system", "content": "You review Apex."},
    *({"role": ("user", "assistant")[turn % 2], "content": f"turn {turn} says something " * 20} for turn in range(9)),
]
BUILT_IN_MOST = 2.5
"""Times `json.dumps`. The slowest built-in takes about 0.8, a template in Jinja about 4."""
TEMPLATE_MOST = 10
"""Times `json.dumps`; a template with reasoning and tools takes about 4."""


def times_json(call: Callable[[], Any]) -> float:
    """How often `json.dumps` could write the messages in the time that `call` takes, best of 20 in turn."""
    best_call = best_json = float("inf")
    for _ in range(20):
        best_call = min(best_call, timeit.timeit(call, number=50))
        best_json = min(best_json, timeit.timeit(lambda: json.dumps(TEN_MESSAGES), number=50))
    return best_call / best_json


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_a_built_in_renders_ten_messages_in_little_more_time_than_json_takes(name: str):
    assert times_json(lambda: render(TEN_MESSAGES, template=name)) < BUILT_IN_MOST


def test_a_cached_template_renders_ten_messages_in_a_few_times_that_of_json():
    source = template("own-reasoning")
    render(TEN_MESSAGES, template=source)  # compiles it

    assert times_json(lambda: render(TEN_MESSAGES, template=source)) < TEMPLATE_MOST
