"""What web pages of other origins may read of the streaming function's answers."""

from __future__ import annotations

import pytest

from streaming.cors import cors_headers

ORIGIN = b"https://app.example.com"
ALLOW = "access-control-allow-origin"


@pytest.mark.parametrize(
    "origins, sent, allowed, varies",
    [
        ("", ORIGIN, None, None),
        ("*", ORIGIN, "*", None),
        ("https://app.example.com", ORIGIN, "https://app.example.com", "Origin"),
        ("https://a.example,https://app.example.com", ORIGIN, "https://app.example.com", "Origin"),
        ("https://app.example.com", b"https://evil.example", None, "Origin"),
        ("https://app.example.com", b"", None, "Origin"),
    ],
)
def test_an_answer_names_an_origin_that_is_let_in(origins, sent, allowed, varies):
    told = cors_headers(origins, [(b"host", b"x"), (b"origin", sent)])

    assert (told.get(ALLOW), told.get("vary")) == (allowed, varies)
    assert ("access-control-expose-headers" in told) == bool(allowed)


def test_a_request_without_an_origin_comes_from_no_page():
    assert cors_headers("https://app.example.com", []) == {"vary": "Origin"}
