"""Generations for tests: greedy, short, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from tollgate.engines.base import Generation


def generation(**changes) -> Generation:
    given: dict[str, Any] = {
        "prompt": None,
        "messages": None,
        "tools": None,
        "max_tokens": 16,
        "temperature": 0.0,
        "top_p": 1.0,
        "top_k": None,
        "stop": (),
        "seed": None,
        "top_logprobs": None,
        "body": {},
    }
    return Generation(**(given | changes))
