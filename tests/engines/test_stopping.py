"""Stop sequences end an answer wherever tokens are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tollgate.engines.base import Token
from tollgate.engines.stopping import StopSequences


def run(pieces: list[str], stop: tuple[str, ...]) -> tuple[list[str], bool]:
    """The texts shown, and whether a stop sequence was reached."""
    stops = StopSequences(stop)
    shown: list[Token] = []
    for piece in pieces:
        shown += stops.add(Token(piece))
        if stops.reached:
            return [token.text for token in shown], True
    return [token.text for token in [*shown, *stops.finish()]], False


def test_text_before_the_stop_sequence_is_shown():
    assert run(["one", " two", " three"], (" two",)) == (["one", ""], True)


def test_a_stop_sequence_inside_a_token_cuts_it():
    assert run(["one END two"], ("END",)) == (["one "], True)


def test_a_stop_sequence_over_several_tokens_is_found():
    assert run(["on", "e E", "N", "D two"], ("END",)) == (["on", "e ", "", ""], True)


def test_the_first_of_several_stop_sequences_counts():
    assert run(["a b c"], ("c", "b")) == (["a "], True)


def test_a_false_beginning_is_shown_after_all():
    assert run(["E", "N", "N"], ("END",)) == (["E", "N", "N"], False)


def test_nothing_is_held_without_stop_sequences():
    assert StopSequences(()).add(Token("E")) == [Token("E")]


def test_only_the_tokens_that_may_begin_a_stop_sequence_are_held():
    # GIVEN a stop sequence of which the text so far holds the beginning at its end
    stops = StopSequences(("\n\nUser:",))

    # WHEN such a text comes THEN what precedes it is shown at once
    assert [token.text for token in stops.add(Token("done"))] == ["done"]
    assert stops.add(Token("\n")) == []
    assert [token.text for token in stops.add(Token("next"))] == ["\n", "next"]


def test_tokens_without_text_wait_for_the_one_that_completes_their_character():
    stops = StopSequences(())

    assert stops.add(Token("a")) == [Token("a")]
    assert stops.add(Token("", token_id=1)) == []
    assert stops.add(Token("é", token_id=2)) == [Token("", token_id=1), Token("é", token_id=2)]


def test_an_empty_stop_sequence_never_matches():
    assert run(["a", "b"], ("",)) == (["a", "b"], False)


@given(st.lists(st.text("abc", max_size=4)), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3))
def test_the_cut_of_the_tokens_never_matters(pieces, stop):
    # GIVEN any text in any pieces
    text = "".join(pieces)
    ends = [at for at in (text.find(word) for word in stop) if at >= 0]

    # WHEN it is stopped
    shown, reached = run(pieces, tuple(stop))

    # THEN it never shows more than the text before the first stop sequence to be completed
    assert reached == bool(ends)
    if not reached:
        assert "".join(shown) == text
    else:
        assert text.startswith("".join(shown))
        assert len("".join(shown)) >= min(ends)
        assert not any(word in "".join(shown) for word in stop)


@pytest.mark.parametrize(("stop", "count"), [(("aab",), 6), (("ab", "b"), 5)])
def test_every_token_up_to_the_stop_is_shown_once(stop, count):
    shown, _ = run(["a", "a", "c", "a", "b", "a"], stop)

    assert len(shown) == count
