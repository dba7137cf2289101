"""JSON in and out: what Python lets through and JSON or UTF-8 cannot carry."""

from __future__ import annotations

import itertools
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate_layer.inference.dialects.openai import event
from tollgate_layer.inference.json_text import (
    MOST_LEVELS,
    is_nested_too_deeply,
    parse_json,
    parse_sound_json,
    sound,
    sound_escapes,
    to_json,
)
from tollgate_layer.inference.sound_pieces import SoundPieces

any_text = st.text(st.characters(categories=("L", "Nd", "P", "S", "Zs", "Zl", "Zp", "Cc", "Cs")))
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=6,
)


@given(any_json)
def test_whatever_is_written_is_utf_8_and_reads_back(value):
    text = to_json(value)

    assert parse_sound_json(text.encode().decode()) == parse_json(sound(json.dumps(value, ensure_ascii=False)))


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_writer_writes_what_is_no_number(number):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json({"a": [number]})


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e400", '{"a": [-1e999]}', "1" * 400 + ".0"])
def test_no_reader_takes_what_is_no_number(text):
    with pytest.raises(ValueError, match="is not a number that JSON can hold"):
        parse_json(text)


@pytest.mark.parametrize("text", ["9" * 5000, '{"a": [-' + "1" * 4301 + "]}", "9" * 100_000])
def test_a_whole_number_of_thousands_of_digits_is_refused_in_our_own_words(text):
    with pytest.raises(ValueError, match=r"^The body is not valid JSON: a whole number has more than 4300 digits$"):
        parse_json(text)


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_nesting_is_bounded_before_anything_follows_it(opening, closing):
    levels = MOST_LEVELS // len(closing)

    parse_json(opening * levels + "1" + closing * levels)
    assert not is_nested_too_deeply(opening * levels + "1" + closing * levels)
    for depth in (levels + 1, 1000, 3000, 100_000):
        text = opening * depth + "1" + closing * depth
        with pytest.raises(ValueError, match="nested too deeply"):
            parse_json(text)
        assert is_nested_too_deeply(text)


def test_brackets_in_strings_and_side_by_side_are_no_nesting():
    for text in (json.dumps("[{" * 1000 + '"' + "[{" * 1000), "[" + "[{}]," * 1000 + "[]]", '"' + '\\"[' * 1000):
        assert not is_nested_too_deeply(text)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("a\ud83d", "a\ufffd"),
        ("\ude00a", "\ufffda"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d\ud83d\ude00", "\ufffd😀"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("é😀", "é😀"),
    ],
)
def test_halves_of_surrogate_pairs_are_replaced_or_joined(text, expected):
    assert sound(text) == expected
    assert json.loads(to_json(text)) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        (r'{"q":"\ud83d"}', r'{"q":"\ufffd"}'),
        (r'"\uD83D\uDE00"', r'"\uD83D\uDE00"'),
        (r'"\ude00\ud83d"', r'"\ufffd\ufffd"'),
        (r'"\\ud83d"', r'"\\ud83d"'),
        (r'"\\\ud83d"', r'"\\\ufffd"'),
        ('no JSON \\ud8', 'no JSON \\ud8'),
    ],
)  # fmt: skip
def test_escaped_halves_are_replaced_where_json_is_inside_of_json(text, expected):
    assert sound_escapes(text) == expected


@given(any_text, st.lists(st.integers(0, 20)))
def test_a_character_is_whole_however_its_text_is_split(text, cuts):
    bounds = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    pieces = SoundPieces()

    written = [pieces.feed("content", text[a:b]) for a, b in itertools.pairwise(bounds)]

    assert "".join(written) + pieces.finish("content") == sound(text)
    for piece in written:
        piece.encode()


@given(any_text)
def test_an_event_is_one_line_to_every_reader(text):
    data, *rest = event({"a": text}).decode().splitlines()

    assert rest == [""]
    assert json.loads(data.removeprefix("data: ")) == {"a": sound(text)}
