"""How weights move: they sum to 100, and no user leaves the canary while it grows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.releases.conftest import record, variant
from tollgate_layer.inference.record import check_record
from tollgate_release.problems import Problem
from tollgate_release.weights import weights, with_all, with_canary, with_candidate, without_variant

STABLE = record(variant("v0", 0, "c"), variant("v1", 100))
CANDIDATE = with_candidate(STABLE, variant("v2", 100, "b"))


def test_a_candidate_stands_at_the_end_and_gets_nothing():
    assert list(weights(CANDIDATE).items()) == [("v0", 0), ("v1", 100), ("v2", 0)]
    assert weights(with_candidate(CANDIDATE, variant("v2", 5, "d"))) == weights(CANDIDATE)


@given(st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_weights_sum_to_100_and_keep_their_order(steps):
    moved = CANDIDATE
    for percent in steps:
        moved = with_canary(moved, "v2", percent) if weights(moved)["v2"] < 100 else moved
        assert sum(weights(moved).values()) == 100
        assert list(weights(moved)) == ["v0", "v1", "v2"]


def test_the_canary_of_a_first_release_gets_everything():
    assert weights(with_canary(with_candidate(record(), variant("v1", 0)), "v1", 5)) == {"v1": 100}


def test_a_record_with_two_stable_variants_has_no_canary():
    two = record(variant("a", 50), variant("b", 50, "b"), variant("c", 0, "c"))
    with pytest.raises(Problem, match="two variants with a weight: a, b"):
        with_canary(two, "c", 5)


def test_a_variant_that_gets_requests_stays():
    with pytest.raises(Problem, match="apexguru@v1 gets requests"):
        without_variant(STABLE, "v1")
    assert weights(without_variant(STABLE, "v0")) == {"v1": 100}


def canary_users(document, users):
    parsed = check_record(json.dumps(document))
    return {user for user in users if parsed.choose_variant(user).name == "v2"}


def test_no_user_leaves_the_canary_while_it_grows_and_all_come_back():
    users = [f"user-{number}" for number in range(20_000)]
    reached: set[str] = set()
    for percent in (5, 25, 50, 100):
        now = canary_users(with_canary(CANDIDATE, "v2", percent), users)
        assert reached <= now
        assert len(now) == pytest.approx(200 * percent, abs=300)
        reached = now
    assert canary_users(with_all(CANDIDATE, "v1"), users) == set()
