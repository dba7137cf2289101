"""What the functions on the step path hand to Step Functions is small enough for it, with room to spare."""

from __future__ import annotations

import importlib.util
import json

import pytest

from tests.conftest import ROOT
from tests.inference.conftest import record

# What the states' results may not come near: they would be taken, and end the execution on the way to the next state.
LIMIT_BYTES = 256 * 1024
SPARE_BYTES = 2048


def handler(function):
    path = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location(f"{function}_app", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.lambda_handler


def size(result):
    return len(json.dumps(result, ensure_ascii=False, separators=(",", ":")).encode())


@pytest.fixture(scope="module")
def preprocess():
    preprocess_handler = handler("preprocess")

    def run(content):
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": content}]}, ensure_ascii=False)
        request = {"dialect": "chat.completions", "request_id": "r-1", "key_id": "k-1", "body": body}
        return preprocess_handler({"request": request, "record": record(), "failure": None}, None)

    return run


@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_an_invocation_just_under_the_limit_is_refused_with_the_streaming_base_url(preprocess, letter):
    # GIVEN the longest prompt whose result keeps clear of the limit
    around = size(preprocess("a" * 100_000)) - 100_000  # the spec holds the prompt's length, with as many digits
    longest = (LIMIT_BYTES - SPARE_BYTES - around) // len(letter.encode())

    # THEN it is invoked, and one that is a little longer is told where larger requests go
    taken = preprocess(letter * (longest - 10))
    assert "invocation" in taken
    assert size(taken) <= LIMIT_BYTES - SPARE_BYTES
    refused = preprocess(letter * (longest + 10))["response"]
    assert refused["status"] == 413
    assert "/stream/v1" in json.loads(refused["body"])["error"]["message"]


def test_a_refused_invocation_is_counted_under_its_code(preprocess, capsys):
    preprocess("a" * LIMIT_BYTES)

    metrics = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (metrics["code"], metrics["Failures"]) == ("request_too_large", 1)
