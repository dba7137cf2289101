"""Log-probabilities in models' answers, checked: the shapes of OpenAI's chats and of its text completions.

    chat:  {"content": [{"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": [{"token": …}, …]}, …]}
    text:  {"tokens": ["Hi"], "token_logprobs": [-0.1], "top_logprobs": [{"Hi": -0.1, …}], "text_offset": [0]}

Each function raises TypeError or ValueError where an answer has another shape.
"""

from __future__ import annotations

import sys
from typing import Any

from tollgate_layer.inference.backends.body_format import objects, text
from tollgate_layer.inference.json_text import JsonObject

UNKNOWN = -9999.0
"""The logarithm of a probability that the model did not say, or that is 0: what OpenAI and vLLM write for it."""


def of_chat(value: Any) -> JsonObject | None:
    """Log-probabilities in a chat's shape, with those fields that OpenAI has; None where there are none."""
    if value is None:
        return None
    checked: JsonObject = {}
    for name in ("content", "refusal"):
        if name in _object(value):
            checked[name] = [_token(token) for token in objects(value[name])]
    return checked or None


def of_text(value: Any) -> JsonObject | None:
    """Log-probabilities in a text completion's shape; None where there are none. All lists are of one length."""
    if value is None:
        return None
    tokens = [text(token) for token in _list(_object(value).get("tokens"))]
    logprobs = [_logprob_or_none(logprob) for logprob in _list(value.get("token_logprobs"))]
    checked: JsonObject = {"tokens": tokens, "token_logprobs": logprobs}
    if value.get("top_logprobs"):  # where nobody asked for them, servers write null or an empty list
        checked["top_logprobs"] = [_likely_tokens(likely) for likely in _list(value["top_logprobs"])]
    if value.get("text_offset"):
        checked["text_offset"] = [_whole_number(offset) for offset in _list(value["text_offset"])]
    for items in checked.values():
        if len(items) != len(tokens):
            raise ValueError("log-probabilities of one text are lists of one length")
    return checked if tokens else None


def as_chat(of_text: JsonObject, most_likely: int) -> JsonObject:
    """A text completion's log-probabilities in a chat's shape, with at most so many likely tokens at each place."""
    content = []
    all_likely = of_text.get("top_logprobs") or [None] * len(of_text["tokens"])
    for token, logprob, likely in zip(of_text["tokens"], of_text["token_logprobs"], all_likely, strict=True):
        # Servers add the chosen token to the likely ones, where it is not among them.
        by_likelihood = sorted((likely or {}).items(), key=lambda item: -item[1])[:most_likely]
        entry = _entry(token, logprob)
        entry["top_logprobs"] = [_entry(*item) for item in by_likelihood]
        content.append(entry)
    return {"content": content}


def _entry(token: str, logprob: float | None) -> JsonObject:
    # A token that is a part of a character is no text of its own, and has no bytes that could be told here.
    spelling = None if "\ufffd" in token else list(token.encode("utf-8", "replace"))
    return {"token": token, "logprob": UNKNOWN if logprob is None else logprob, "bytes": spelling}


def _token(value: JsonObject) -> JsonObject:
    """One token of a chat, with the likely ones at its place."""
    checked = _bare_token(value)
    if "top_logprobs" in value:
        checked["top_logprobs"] = [_bare_token(likely) for likely in objects(value["top_logprobs"])]
    return checked


def _bare_token(value: JsonObject) -> JsonObject:
    """A token with those fields that are there, each of the right type."""
    checked: JsonObject = {"token": text(value["token"])}
    if "logprob" in value:
        logprob = _logprob_or_none(value["logprob"])
        checked["logprob"] = UNKNOWN if logprob is None else logprob
    if "bytes" in value:
        spelling = value["bytes"]
        checked["bytes"] = None if spelling is None else [_whole_number(byte) for byte in _list(spelling)]
    return checked


def _likely_tokens(value: Any) -> JsonObject | None:
    """The log-probabilities of likely tokens at one place; a text's first token may have none."""
    if value is None:
        return None
    checked = {}
    for token, logprob in _object(value).items():
        known = _logprob_or_none(logprob)
        checked[token] = UNKNOWN if known is None else known
    return checked


def _logprob_or_none(value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("a log-probability must be a number")
    if not -sys.float_info.max <= value <= sys.float_info.max:  # so that NaN and whole numbers of any length fail, too
        raise ValueError("a log-probability must be finite")
    return value


def _whole_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("must be a whole number")
    return value


def _object(value: Any) -> JsonObject:
    if not isinstance(value, dict):
        raise TypeError("must be an object")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("must be a list")
    return value
