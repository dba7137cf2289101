"""How many tokens a prompt has: exactly with the model's tokenizer, else a bound from below."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .errors import PromptFormatError

# Twice the longest token that the tokenizers of the imported families know.
_LONGEST_TOKEN = 256


def minimum_tokens(text: str) -> int:
    """Fewest tokens that any tokenizer of the imported families can make of a text.

    >>> minimum_tokens("one two three")
    3

    No token of theirs holds two words with white space between them, nor more than 128 characters (twice that is
    allowed for). English prose has about a third more tokens than this says, so what is refused is truly too long.
    """
    words = text.split()
    if len(words) * _LONGEST_TOKEN >= len(text):
        return len(words)  # the usual case: no need to count characters
    characters = sum(map(len, words))
    longest_tokens = -(-characters // _LONGEST_TOKEN)  # rounded up
    return max(len(words), longest_tokens)


def count_tokens(text: str, tokenizer: str) -> int:
    """Tokens of a rendered prompt under a `tokenizer.json` (a path).

    Raises:
        PromptFormatError: the `tokenizers` package is not installed, or the file is not a tokenizer.
    """
    return len(_tokenizer(tokenizer).encode(text, add_special_tokens=False).ids)


@lru_cache(maxsize=8)
def _tokenizer(path: str) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise PromptFormatError(
            f"counting with {path} needs the tokenizers package; add it to the function or leave the tokenizer out."
        ) from error
    try:
        return Tokenizer.from_file(path)
    except Exception as error:  # the package raises bare Exception
        raise PromptFormatError(f"{path} is not a tokenizer that can be read: {error}") from error
