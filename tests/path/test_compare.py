"""`tollgate compare` asks two variants the same, and tells how they differ."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.path]

PROMPTS = [
    {"name": "hello", "request": {"messages": [{"role": "user", "content": "Hello there"}]}},
    {"request": {"messages": [{"role": "user", "content": '{"a": 1}'}], "max_tokens": 2}},
]


@pytest.fixture(scope="module")
def compared(local):
    """A model with three variants: `same` answers as `first`, `other` is given another prompt."""
    arns = {name: local.bedrock.register(name=f"compared-{name}") for name in ("first", "same", "other")}
    variants = [{"name": name, "weight": 0, "model_id": arn, "body_format": "openai"} for name, arn in arns.items()]
    variants[0]["weight"] = 100
    variants[2]["chat_template"] = "chatml"
    local.put_record({"model": "compared", "variants": variants})
    yield "compared"
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": "compared"}})


@pytest.fixture
def prompts(tmp_path):
    file = tmp_path / "prompts.jsonl"
    file.write_text("\n".join(map(json.dumps, PROMPTS)))
    return str(file)


def test_variants_that_say_the_same_are_told_so(tollgate, compared, prompts):
    code, said, _ = tollgate("compare", compared, "first", "same", "--prompts", prompts)

    assert code == 0
    assert "2 of 2 prompts were answered by both, 2 in the same way." in said
    assert "Hello there" not in said


def test_what_differs_is_told_in_numbers_and_shown_where_that_is_wanted(tollgate, compared, prompts):
    _, said, _ = tollgate("compare", compared, "first", "other", "--prompts", prompts, "--texts")
    _, written, _ = tollgate("compare", compared, "first", "other", "--prompts", prompts, "--output", "json")

    assert "--- hello: other" in said
    assert "<|im_start|>" in said
    document = json.loads(written)
    first, second = document["prompts"]
    assert (first["name"], second["name"]) == ("hello", "line 2")
    assert (first["same"], 0 < first["similarity"] < 1) == (False, True)
    assert (second["first"]["finish_reason"], second["first"]["completion_tokens"]) == ("length", 2)
    assert document["summary"]["first"]["failures"] == {}
    assert "text" not in first["first"]


def test_a_variant_that_fails_is_told_by_its_code(tollgate, local, compared, prompts):
    local.bedrock.set_faults("compared-other", steps=[{"error": "ModelErrorException", "times": None}])

    code, said, error = tollgate("compare", compared, "first", "other", "--prompts", prompts, "--output", "json")

    local.bedrock.set_faults("compared-other")
    assert code == 5
    assert "did not answer every prompt" in error
    assert json.loads(said)["summary"]["second"]["failures"] == {"model_error": 2}


def test_a_cold_variant_is_asked_again_until_it_answers(tollgate, local, compared, prompts):
    local.bedrock.set_faults("compared-other", steps=[{"error": "ServiceUnavailableException", "times": 4}])

    code, _, _ = tollgate("compare", compared, "first", "other", "--prompts", prompts, "--clients", "1")

    assert code == 0


@pytest.mark.parametrize(
    "arguments, text, told",
    [
        (("compared", "first", "nobody"), None, "compared has no variant 'nobody'; it has first, same, other."),
        (("nobody", "first", "same"), None, "There is no model 'nobody'."),
        (("compared", "first", "same"), "\n", "has no prompt."),
        (("compared", "first", "same"), "{", "golden file, line 1:"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_asked(
    tollgate, compared, tmp_path, prompts, arguments, text, told
):
    if text is not None:
        (tmp_path / "prompts.jsonl").write_text(text)

    code, _, error = tollgate("compare", *arguments, "--prompts", prompts)

    assert code == 2
    assert told in error
