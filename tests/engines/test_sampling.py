"""How the next token is chosen."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tests.engines.generations import generation
from tollgate.engines.sampling import Sampler, log_probabilities

# Probabilities 1/2, 1/4, 1/8, 1/8 at temperature 1.
LOGITS = np.log(np.array([0.25, 0.5, 0.125, 0.125], dtype=np.float32))


def draws(count: int = 2000, **parameters) -> Counter[int]:
    sampler = Sampler(generation(**{"temperature": 1.0, "seed": 7, **parameters}))
    return Counter(sampler.choose(LOGITS) for _ in range(count))


def test_temperature_zero_takes_the_likeliest_token():
    assert draws(temperature=0.0) == {1: 2000}


def test_temperature_one_draws_by_probability():
    counts = draws()

    assert [counts[token] / 2000 for token in range(4)] == pytest.approx([0.25, 0.5, 0.125, 0.125], abs=0.04)


def test_a_low_temperature_sharpens():
    # Probabilities go with their squares at temperature 1/2: 4/22, 16/22, 1/22, 1/22.
    counts = draws(temperature=0.5)

    assert [counts[token] / 2000 for token in range(4)] == pytest.approx([4 / 22, 16 / 22, 1 / 22, 1 / 22], abs=0.04)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.0, {1}), (0.4, {1}), (0.6, {0, 1}), (0.8, {0, 1, 2}), (1.0, {0, 1, 2, 3})]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p, kept):
    assert set(draws(top_p=top_p)) == kept


@pytest.mark.parametrize(("top_k", "kept"), [(1, {1}), (2, {0, 1}), (9, {0, 1, 2, 3}), (0, {0, 1, 2, 3})])
def test_top_k_keeps_so_many_tokens(top_k, kept):
    assert set(draws(top_k=top_k)) == kept


@pytest.mark.parametrize("seed", [0, 1, -1, 2**63, -(2**63)])
def test_the_same_seed_draws_the_same(seed):
    first = [Sampler(generation(temperature=1.0, seed=seed)) for _ in range(2)]

    assert [first[0].choose(LOGITS) for _ in range(50)] == [first[1].choose(LOGITS) for _ in range(50)]


def test_a_seed_and_its_negative_differ():
    positive, negative = (Sampler(generation(temperature=1.0, seed=seed)) for seed in (5, -5))

    assert [positive.choose(LOGITS) for _ in range(50)] != [negative.choose(LOGITS) for _ in range(50)]


def test_without_a_seed_two_invocations_differ():
    first, second = (Sampler(generation(temperature=1.0)) for _ in range(2))

    assert [first.choose(LOGITS) for _ in range(100)] != [second.choose(LOGITS) for _ in range(100)]


def test_extreme_scores_do_not_overflow():
    logits = np.array([3e38, -3e38, 0.0], dtype=np.float32)

    assert Sampler(generation(temperature=0.01, seed=1)).choose(logits) == 0
    assert log_probabilities(logits)[0] == 0.0


def test_log_probabilities_are_those_of_the_softmax():
    assert np.exp(log_probabilities(LOGITS)) == pytest.approx([0.25, 0.5, 0.125, 0.125])
