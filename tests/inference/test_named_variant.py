"""A request that names one variant of a model, as `model@variant`, gets it whatever its weight."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.failures.errors import ApiError

OLD = variant(name="2026-11-20", weight=100)
NEW = variant(name="2026-11-23", weight=0)


@pytest.mark.parametrize("dialect, body", [("chat.completions", {}), ("completions", {"prompt": "Hi"})])
@pytest.mark.parametrize("name", ["2026-11-20", "2026-11-23"])
def test_the_named_variant_answers(dialect, body, name):
    spec = prepared(record(OLD, NEW), dialect, model=f"m@{name}", **body).spec

    assert (spec.model, spec.variant) == ("m", name)


def test_a_variant_without_a_weight_answers_nobody_else():
    for number in range(200):
        assert prepared(record(OLD, NEW), request_id=f"r-{number}").spec.variant == "2026-11-20"


def test_a_record_whose_weights_are_all_0_answers_those_who_name_a_variant():
    assert prepared(record(NEW), model="m@2026-11-23").spec.variant == "2026-11-23"
    with pytest.raises(ApiError) as caught:
        prepared(record(NEW))
    assert caught.value.code == "model_misconfigured"


@pytest.mark.parametrize(
    "name", ["m@", "m@none", "m@2026-11-20@", "m@@2026-11-20", "@2026-11-20", "@", "m @2026-11-20"]
)
def test_a_name_that_is_no_variants_is_not_found(name):
    with pytest.raises(ApiError) as caught:
        prepared(record(OLD, NEW), model=name)

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    assert repr(name) in caught.value.message


@given(st.text(min_size=1, max_size=64))
def test_any_name_that_a_variant_may_have_can_be_asked_for(name):
    assert prepared(record(OLD, variant(name=name, weight=0)), model=f"m@{name}").spec.variant == name
