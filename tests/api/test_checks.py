"""The generated validators decide as the hand-written ones did: `scripts/record_checks.py` recorded those."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic_core import ValidationError

from tests.conftest import ROOT
from tollgate_layer.inference.schemas import location, parameters, validator

GOLDEN = Path(__file__).parent / "golden"

# Records were once checked as the keyword arguments of a class. The words for the same faults are others now.
SAME_FAULT = {
    "Missing required keyword only argument": "Field required",
    "Unexpected keyword argument": "Extra inputs are not permitted",
    "Arguments must be an array or an object": "Input should be an object",
}


def recorded(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def faults_of(check, document):
    """Where a document is at fault and why; None when it is accepted."""
    try:
        check(document)
    except ValidationError as error:
        return [[location(item["loc"]), item["msg"]] for item in error.errors()]
    return None


@pytest.mark.parametrize("name", ["chat_completions", "completions"])
def test_requests_are_judged_as_before_and_told_the_same_first_fault(name):
    cases = recorded(name)
    assert len(cases) > 1000
    assert sum(outcome is None for _, outcome in cases) > 100

    for document, outcome in cases:
        if is_judged_anew(document):
            continue
        faults = faults_of(validator(name).validate_python, document)

        assert faults == outcome or (faults and outcome and faults[:1] == outcome), document


# Fields of which the hand-written validators took one or two values. They are labels now, or refused as not supported.
JUDGED_ANEW = ("store", "service_tier", "echo", "best_of", "suffix")
OLD_PARTS = ("text", "image_url", "refusal")


def is_judged_anew(document):
    """Whether a document has a value that is judged in another way since, on purpose."""
    if not isinstance(document, dict):
        return False
    if any(document.get(name) is not None for name in JUDGED_ANEW):
        return True
    if not isinstance(document.get("prompt", ""), str):  # it may be a list of one text
        return True
    return any(part.get("type") not in OLD_PARTS for part in parts_of(document))


def parts_of(document):
    """The parts of its messages that are objects."""
    messages = document.get("messages")
    for message in messages if isinstance(messages, list) else []:
        content = message.get("content") if isinstance(message, dict) else None
        yield from (part for part in (content if isinstance(content, list) else []) if isinstance(part, dict))


@pytest.mark.parametrize("name, document, fault", [
    ("chat_completions", {"store": True}, None),
    ("chat_completions", {"store": "yes"}, ["store", "Input should be a valid boolean"]),
    ("chat_completions", {"service_tier": "flex"}, None),
    ("chat_completions", {"service_tier": 5}, ["service_tier", "Input should be a valid string"]),
    ("completions", {"echo": True}, None),
    ("completions", {"best_of": 2}, None),
    ("completions", {"best_of": 0}, ["best_of", "Input should be greater than or equal to 1"]),
    ("completions", {"suffix": "x"}, None),
    ("completions", {"prompt": ["x"]}, None),
    ("completions", {"prompt": []}, ["prompt", "List should have at least 1 item after validation, not 0"]),
    ("completions", {"prompt": 5}, ["prompt", "should be a text, or a list of texts or token ids"]),
])  # fmt: skip
def test_what_is_judged_anew(name, document, fault):
    least = {"model": "m", "prompt": "p"} if name == "completions" else {"model": "m"}

    assert faults_of(validator(name).validate_python, least | document) == (fault and [fault])


def has_list_for_object(document):
    """Whether a list stands where a record has an object; it was taken for the arguments by their position."""
    if isinstance(document, list):
        return True
    variants = document.get("variants") if isinstance(document, dict) else None
    inner = [document.get(name) for name in ("defaults", "limits", "prompt")] if isinstance(document, dict) else []
    inner += variants if isinstance(variants, list) else []
    return any(isinstance(item, list) for item in inner)


def same_fault(where, message):
    """How a recorded fault is told today: some fields take further values since."""
    if where.endswith(".tool_calls"):
        return message.replace("'llama3_json' or", "'llama3_json', 'qwen3_coder' or")
    if where.endswith(".body_format"):
        message = message.replace("'bedrock' or 'mistral'", "'bedrock', 'mistral' or 'tgi'")
    if where.endswith(".backend"):
        return message.replace("'bedrock'", "'bedrock' or 'sagemaker'")
    if where.endswith(".reasoning"):
        return "Input should be True, False or 'open'"
    return SAME_FAULT.get(message, message)


def told_by_shape(where, message):
    """Whether a field's fault is one of its shape: which backend a model_id is for, the record's check knows since."""
    return not (
        where.endswith(".model_id") and message in ("Field required", "String should have at least 1 character")
    )


def test_records_are_judged_as_before_and_told_every_fault():
    cases = [(document, outcome) for document, outcome in recorded("model_record") if not has_list_for_object(document)]
    assert len(cases) > 300

    for document, outcome in cases:
        told = outcome and [(where, same_fault(where, message)) for where, message in outcome]
        expected = (told and [[where, message] for where, message in told if told_by_shape(where, message)]) or None

        assert (
            faults_of(lambda record: validator("model_record").validate_json(json.dumps(record)), document) == expected
        )


def test_a_record_gets_its_defaults():
    least = {"model": "m", "variants": [{"name": "v", "model_id": "arn", "body_format": "openai"}]}

    record = validator("model_record").validate_python(least)

    assert record["defaults"] == {"max_tokens": 1024, "temperature": None, "top_p": None, "system": None}
    assert record["limits"] == {"max_tokens": None, "max_tokens_policy": "refuse"}
    assert record["ignore_parameters"] == []
    assert record["prompt"] is None
    assert record["variants"][0]["weight"] == 100
    assert record["variants"][0]["special_tokens"] == {}


def test_zero_is_not_false_and_one_is_not_true():
    assert parameters()["logprobs"].asks_for_nothing(False)
    assert not parameters()["logprobs"].asks_for_nothing(0)
    assert parameters()["n"].asks_for_nothing(1)
    assert not parameters()["n"].asks_for_nothing(True)
    assert parameters()["frequency_penalty"].asks_for_nothing(0.0)


def test_a_parameter_says_who_honours_it_and_under_which_name():
    assert parameters()["max_tokens"].honoured_by == {
        "openai_chat": "max_tokens",
        "openai_completion": "max_tokens",
        "bedrock": "max_gen_len",
        "mistral": "max_tokens",
        "tgi": "max_new_tokens",
    }
    assert parameters()["metadata"].honoured_by == {}
    assert set(parameters()["tools"].honoured_by) == {"openai_chat", "template"}


def test_what_is_generated_is_up_to_date():
    from api.__main__ import generated_files

    for path, text in generated_files().items():
        assert path.read_text() == text, f"{path.relative_to(ROOT)} is not what the models say: run make api"


def test_the_parameter_table_comes_without_pydantic():
    code = "import sys, tollgate_layer.inference.schemas as s; s.parameters(); print('pydantic_core' in sys.modules)"

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "False"
