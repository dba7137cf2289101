"""Golden prompts: what a file of them may say, and how an answer is graded without repeating it."""

from __future__ import annotations

import json
import re

import pytest

from tollgate_release.golden import GoldenPrompt, grade, parse_golden
from tollgate_release.problems import Problem

REQUEST = {"messages": [{"role": "user", "content": "Hello"}]}
SCHEMA = {
    "type": "object",
    "required": ["findings"],
    "additionalProperties": False,
    "properties": {"findings": {"type": "array", "minItems": 1, "items": {"type": "object", "properties": {
        "line": {"type": "integer", "minimum": 1}, "kind": {"enum": ["dml", "soql"]}}}}},
}  # fmt: skip


def answer(text, tokens=5):
    return json.dumps({"choices": [{"message": {"content": text}}], "usage": {"completion_tokens": tokens}})


def graded(expect, text="Finding: secret", status=200, seconds=1.0, tokens=5):
    body = answer(text, tokens) if status == 200 else json.dumps({"error": {"code": "model_error"}})
    return grade(GoldenPrompt("one", REQUEST, expect), status, body, seconds)


@pytest.mark.parametrize(
    "expect, reason",
    [
        ({}, None),
        ({"contains": ["Finding", "secret"]}, None),
        ({"contains": ["Fix"]}, "the answer lacks 'Fix'"),
        ({"equals": "Finding: secret"}, None),
        ({"equals": "Finding"}, "the answer is another than expected"),
        ({"max_seconds": 0.5}, "1.0 s, limit 0.5 s"),
        ({"max_tokens_used": 4}, "5 tokens, limit 4"),
        ({"json_schema": SCHEMA}, "the answer is no JSON"),
    ],
)
def test_an_answer_is_graded(expect, reason):
    assert graded(expect) == reason


@pytest.mark.parametrize(
    "value, place",
    [
        ({"findings": [{"line": 3, "kind": "dml"}]}, None),
        ({}, "$: lacks findings"),
        ({"findings": []}, "$.findings: has 0 items"),
        ({"findings": [{"line": 0}]}, "$.findings[0].line: is out of its bounds"),
        ({"findings": [{"line": True}]}, "$.findings[0].line: must be integer"),
        ({"findings": [{"kind": "secret"}]}, "$.findings[0].kind: is none of the enum"),
        ({"findings": [{}], "secret": 1}, "$: has a property that the schema has not"),
        (["secret"], "$: must be object"),
    ],
)
def test_an_answer_must_fit_its_schema(value, place):
    reason = graded({"json_schema": SCHEMA}, json.dumps(value))

    assert reason == (place and f"the answer does not fit its schema: {place}")
    assert "secret" not in (reason or "")


def test_a_model_that_counts_no_tokens_is_graded_by_all_else():
    body = json.dumps({"choices": [{"message": {"content": "Finding"}}], "usage": None})

    assert grade(GoldenPrompt("one", REQUEST, {"contains": ["Finding"]}), 200, body, 1.0) is None
    limited = grade(GoldenPrompt("one", REQUEST, {"max_tokens_used": 4}), 200, body, 1.0)
    assert limited == "max_tokens_used cannot be checked: the model tells no usage"


def test_an_error_is_told_by_its_code():
    assert graded({}, status=502) == "status 502, model_error"


def test_a_file_is_read_line_by_line():
    lines = [{"name": "a", "request": REQUEST}, {"request": REQUEST, "expect": {"contains": ["x"]}}]
    prompts = parse_golden("\n\n".join(map(json.dumps, lines)))

    assert [(prompt.name, prompt.expect) for prompt in prompts] == [("a", {}), ("line 3", {"contains": ["x"]})]


@pytest.mark.parametrize(
    "line, reason",
    [
        ("{no", "line 1"),
        ("[]", "it is no JSON object"),
        ({"request": {}}, "messages"),
        ({"request": {**REQUEST, "model": "m"}}, "must not have a model"),
        ({"request": {**REQUEST, "stream": True}}, "must not be a stream"),
        ({"request": REQUEST, "expected": {}}, "'expected' is no field here"),
        ({"request": REQUEST, "expect": {"include": []}}, "'include' is no field here"),
        ({"request": REQUEST, "expect": {"contains": "x"}}, "list of texts"),
        ({"request": REQUEST, "expect": {"max_seconds": 0}}, "max_seconds must be a number above 0"),
        ({"request": REQUEST, "expect": {"json_schema": {"format": "date"}}}, "the keyword 'format' is not known"),
        ({"request": REQUEST, "expect": {"json_schema": {"type": "text"}}}, "'text' is no type"),
    ],
)
def test_a_broken_line_is_named(line, reason):
    with pytest.raises(Problem, match=re.escape(reason)):
        parse_golden(line if isinstance(line, str) else json.dumps(line))


def test_a_name_is_there_once():
    with pytest.raises(Problem, match="'a' is there twice"):
        parse_golden("\n".join([json.dumps({"name": "a", "request": REQUEST})] * 2))
