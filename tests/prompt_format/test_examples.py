"""The examples in the docstrings of public names are true."""

from __future__ import annotations

import doctest
from importlib import import_module

import pytest

MODULES = (
    *("completion_parser", "families", "normalising", "probing", "prompts", "rendering", "special_tokens"),
    "token_count",
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name: str):
    module = import_module(f"tollgate_layer.prompt_format.{name}")

    failed, tried = doctest.testmod(module)

    assert (failed, tried > 0) == (0, True)
