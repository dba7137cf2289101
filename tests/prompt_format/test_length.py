from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tollgate_layer.prompt_format import PromptFormatError
from tollgate_layer.prompt_format.token_count import count_tokens, minimum_tokens


@pytest.mark.parametrize(
    "text, tokens",
    [("", 0), ("   \n", 0), ("one", 1), ("one two\nthree", 3), ("x" * 256, 1), ("x" * 257, 2), ("x" * 1000, 4)],
)
def test_the_bound_counts_words_and_long_words_more_than_once(text: str, tokens: int):
    assert minimum_tokens(text) == tokens


def coarsest_tokenizer() -> Tokenizer:
    """Byte-level BPE that makes one token of any word with the space in front of it, as no real one does."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate(alphabet)}
    merges, word = [], "Ġ"
    for letter in "aaaaaaaaaaaaaaa":
        merges.append((word, letter))
        word += letter
        vocabulary[word] = len(vocabulary)
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


COARSEST = coarsest_tokenizer()


@given(text=st.text(st.sampled_from("a \n,é"), max_size=80) | st.text())
def test_the_bound_is_never_above_a_tokenizers_count(text: str):
    assert minimum_tokens(text) <= len(COARSEST.encode(text).ids)


def test_a_tokenizer_file_gives_the_exact_count(tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    COARSEST.save(str(path))

    assert count_tokens("a aaa b", str(path)) == 4


@pytest.mark.parametrize("content", [None, "{", json.dumps({"model": {}})])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str | None):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(PromptFormatError, match=r"tokenizer\.json is not a tokenizer that can be read"):
        count_tokens("x", str(path))
