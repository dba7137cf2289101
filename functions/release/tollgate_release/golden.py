"""Golden prompts: requests whose answers are known well enough to tell a broken model from a good one.

A file of them is JSON lines: {"name", "request": {a chat request without model}, "expect": {…}}. Any of these may be
expected: `contains` (texts that are in the answer), `equals`, `json_schema`, `max_seconds`, `max_tokens_used`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tollgate_release.exit_codes import ExitCode
from tollgate_release.json_schema import SchemaError, check_schema, violation
from tollgate_release.problems import Problem

_FIELDS = {"name", "request", "expect"}
_EXPECTATIONS = {"contains", "equals", "json_schema", "max_seconds", "max_tokens_used"}


@dataclass(frozen=True, slots=True)
class GoldenPrompt:
    """One golden prompt."""

    name: str
    request: dict[str, Any]
    expect: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The prompt as a line of the file."""
        return {"name": self.name, "request": self.request, "expect": self.expect}


def parse_golden(text: str) -> list[GoldenPrompt]:
    """Read the lines of a golden file.

    Raises:
        Problem: a line is broken; the text names it.
    """
    prompts: list[GoldenPrompt] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            prompts.append(_prompt(json.loads(line), number))
        except (ValueError, SchemaError) as error:
            raise Problem(f"golden file, line {number}: {error}", ExitCode.USAGE) from error
    names = [prompt.name for prompt in prompts]
    for name in names:
        if names.count(name) > 1:
            raise Problem(f"golden file: the name {name!r} is there twice.", ExitCode.USAGE)
    return prompts


def grade(prompt: GoldenPrompt, status: int, body: str, seconds: float) -> str | None:
    """Why an answer is not as expected; None if it is. No text of the answer is in it.

    Args:
        prompt: what was asked.
        status: the answer's HTTP status.
        body: its body, a chat completion.
        seconds: how long it took.
    """
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if status != 200 or not isinstance(document, dict):
        code = document.get("error", {}).get("code") if isinstance(document, dict) else None
        return f"status {status}" + (f", {code}" if code else "")
    text = document["choices"][0]["message"].get("content") or ""
    expect = prompt.expect
    for wanted in expect.get("contains", []):
        if wanted not in text:
            return f"the answer lacks {wanted!r}"
    if "equals" in expect and text != expect["equals"]:
        return "the answer is another than expected"
    if "json_schema" in expect and (found := _schema_violation(expect["json_schema"], text)):
        return found
    if "max_seconds" in expect and seconds > expect["max_seconds"]:
        return f"{seconds:.1f} s, limit {expect['max_seconds']} s"
    if "max_tokens_used" in expect:
        return _too_many_tokens(expect["max_tokens_used"], document.get("usage"))
    return None


def _too_many_tokens(limit: int, usage: dict[str, Any] | None) -> str | None:
    used = (usage or {}).get("completion_tokens")  # some models count no tokens
    if used is None:
        return "max_tokens_used cannot be checked: the model tells no usage"
    return f"{used} tokens, limit {limit}" if used > limit else None


def _schema_violation(schema: dict[str, Any], text: str) -> str | None:
    try:
        value = json.loads(text)
    except ValueError:
        return "the answer is no JSON"
    found = violation(schema, value)
    return f"the answer does not fit its schema: {found}" if found else None


def _prompt(document: Any, number: int) -> GoldenPrompt:
    if not isinstance(document, dict):
        raise ValueError("it is no JSON object")
    _refuse_others(document, _FIELDS)
    request = document.get("request")
    if not isinstance(request, dict) or "messages" not in request:
        raise ValueError("request must be a chat request with messages")
    if "model" in request:
        raise ValueError("request must not have a model: the release names it")
    if request.get("stream"):
        raise ValueError("request must not be a stream")
    expect = document.get("expect", {})
    if not isinstance(expect, dict):
        raise ValueError("expect must be an object")
    _refuse_others(expect, _EXPECTATIONS)
    _check_expectations(expect)
    return GoldenPrompt(str(document.get("name", f"line {number}")), request, expect)


def _check_expectations(expect: dict[str, Any]) -> None:
    contains = expect.get("contains", [])
    if not isinstance(contains, list) or not all(isinstance(one, str) for one in contains):
        raise ValueError("expect.contains must be a list of texts")
    if not isinstance(expect.get("equals", ""), str):
        raise ValueError("expect.equals must be a text")
    for name in ("max_seconds", "max_tokens_used"):
        value = expect.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise ValueError(f"expect.{name} must be a number above 0")
    if "json_schema" in expect:
        check_schema(expect["json_schema"])


def _refuse_others(document: dict[str, Any], known: set[str]) -> None:
    for name in document:
        if name not in known:
            raise ValueError(f"{name!r} is no field here; these are: {', '.join(sorted(known))}")
