"""Text appears token by token, never half a character."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from tollgate.engines.detokenizer import Detokenizer


def byte_tokenizer() -> Tokenizer:
    """One token per byte, as the rarest characters of every byte-level tokenizer have it."""
    vocabulary = {symbol: number for number, symbol in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def word_tokenizer() -> Tokenizer:
    """Words with the space before them, which the decoder drops at the very beginning, as SentencePiece has it."""
    words = ["▁one", "▁two", "s", "<unk>"]
    tokenizer = Tokenizer(models.BPE(vocab={word: number for number, word in enumerate(words)}, merges=[]))
    tokenizer.decoder = decoders.Metaspace()
    return tokenizer


@pytest.mark.parametrize("text", ["plain", "größer", "日本語", "👩‍🚀 fliegt", "a\N{REPLACEMENT CHARACTER}b"])
def test_pieces_join_to_the_text_and_hold_whole_characters(text):
    # GIVEN a text whose characters take one to four tokens each
    tokenizer = byte_tokenizer()
    detokenizer = Detokenizer(tokenizer)

    # WHEN its tokens come one by one
    pieces = [detokenizer.add(token) for token in tokenizer.encode(text).ids]

    # THEN each character appears with its last token
    assert "".join(pieces) + detokenizer.finish() == text
    assert [piece for piece in pieces if piece] == list(text) or "\N{REPLACEMENT CHARACTER}" in text


def test_an_unfinished_character_is_marked_at_the_end():
    # GIVEN the first two of three bytes
    tokenizer = byte_tokenizer()
    detokenizer = Detokenizer(tokenizer)
    pieces = [detokenizer.add(token) for token in tokenizer.encode("日").ids[:2]]

    # WHEN the answer ends there THEN a replacement character stands for them
    assert pieces == ["", ""]
    assert detokenizer.finish() == "\N{REPLACEMENT CHARACTER}"
    assert Detokenizer(tokenizer).finish() == ""


def test_bytes_that_form_no_character_do_not_hold_up_the_rest():
    # GIVEN continuation bytes without a beginning, then text
    tokenizer = byte_tokenizer()
    continuation = tokenizer.encode("日").ids[1]
    detokenizer = Detokenizer(tokenizer)

    # WHEN many come THEN they appear as replacement characters, and the text after them whole
    pieces = [detokenizer.add(token) for token in [continuation] * 40 + tokenizer.encode("text").ids]
    assert "".join(pieces).endswith("text")
    assert pieces[20:24] != [""] * 4


def test_spaces_between_words_are_kept():
    detokenizer = Detokenizer(word_tokenizer())

    assert [detokenizer.add(token) for token in (0, 2, 1, 1)] == ["one", "s", " two", " two"]
