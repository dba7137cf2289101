"""How alike two answers are."""

from __future__ import annotations

import pytest

from tollgate.releases.comparing import Pair, Said, histogram, summary


def said(text, code=""):
    return Said(code, 0.5, text, None if code else "stop", None)


def pair(first, second):
    return Pair("p", said(first), said(second))


@pytest.mark.parametrize(
    "first, second, is_same, similarity",
    [
        ("one two three four", "one two three four", True, 1.0),
        ("one two three four", "one two 3 four", False, 0.75),
        ("one two", "three four", False, 0.0),
        ("", "", True, 1.0),
        ("", "words", False, 0.0),
        ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}', True, 1.0),
        ('{"a": 1}', '{"a": 2}', False, 0.5),
        # A word that happens to be JSON is text.
        ("1.0", "1", False, 0.0),
        ('{"a": ' * 40_000, "[" * 40_000, False, 0.0),
    ],
)
def test_answers_are_compared_by_their_words_or_as_json(first, second, is_same, similarity):
    compared = pair(first, second)

    assert (compared.is_same, compared.similarity) == (is_same, similarity)


def test_a_failure_is_neither_the_same_nor_similar():
    failed = Pair("p", said("", "timeout"), said("", "timeout"))

    assert (failed.is_same, failed.similarity) == (False, None)
    assert summary([failed, pair("a", "a")]) == {
        "prompts": 2,
        "answered_by_both": 1,
        "same": 1,
        "similarity_p50": 1.0,
        "first": {
            "seconds_p50": 0.5,
            "characters_p50": 1,
            "completion_tokens_p50": None,
            "cut_by_length": 0,
            "failures": {"timeout": 1},
        },
        "second": {
            "seconds_p50": 0.5,
            "characters_p50": 1,
            "completion_tokens_p50": None,
            "cut_by_length": 0,
            "failures": {"timeout": 1},
        },
    }


def test_the_chart_has_a_bar_for_each_fifth_and_the_longest_fills_the_width():
    pairs = [pair("a", "a"), pair("a", "a"), pair("a b c d", "a b c x"), pair("a", "b")]

    assert list(histogram(pairs, width=10)) == [
        "below 0.2      1  #####",
        "0.2 to 0.4     0",
        "0.4 to 0.6     0",
        "0.6 to 0.8     1  #####",
        "from 0.8       0",
        "the same       2  ##########",
    ]
