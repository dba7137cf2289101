"""Preprocess and Postprocess around hooks and shadows, as the state machine calls them."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import MODEL_ARN
from tests.inference.test_function_results import handler
from tests.inference.test_hooks_contract import ANSWER, SPEC
from tests.stream.conftest import Log
from tollgate_layer.inference.hooks.after import ask_first, finish
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.request_log import RequestLog, function_logger
from tollgate_layer.inference.shadow import compared, first_answer, texts

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:hook:live"
BODY = '{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}'


def record(**more):
    variants = [{"name": "v1", "model_id": MODEL_ARN, "body_format": "openai"},
                {"name": "v2", "model_id": MODEL_ARN, "body_format": "openai", "weight": 0}]  # fmt: skip
    return json.dumps({"model": "m", "variants": variants, **more})


@pytest.fixture
def log():
    """The lines of both functions."""
    return Log()


@pytest.fixture
def preprocess(log):
    run = handler("preprocess")
    run.__globals__["logger"] = log.logger

    def ask(text, body=BODY, key_id="k-1", **received):
        request = {"dialect": "chat.completions", "request_id": "r-1", "key_id": key_id, "body": body, **received}
        return run({"request": request, "record": text, "failure": None}, None)

    return ask


@pytest.fixture
def postprocess(log):
    run = handler("postprocess")
    run.__globals__["logger"] = log.logger

    def end(spec, answer=ANSWER, **more):
        event = {"request_id": "r-1", "key_id": "k-1", "dialect": "chat.completions", "spec": spec, "attempts": 1}
        return run({**event, "model_ms": 1500, "answer": answer, **more}, None)

    return end


def test_preprocess_asks_the_hook_first_and_then_goes_on_with_its_answer(preprocess):
    text = record(hooks={"before": {"function": FUNCTION}, "after": {"function": FUNCTION}})

    asked = preprocess(text)["before"]
    rewritten = {"request": {"messages": [{"role": "user", "content": "made"}]}, "state": [1]}
    result = preprocess(text, before={"answer": rewritten})

    assert (asked["function"], asked["timeout_s"], asked["event"]["model"]) == (FUNCTION, 3, "m")
    assert result["invocation"]["body"]["messages"][-1]["content"] == "made"
    assert result["spec"]["hook_state"] == [1]
    assert result["spec"]["after"]["function"] == FUNCTION


def test_preprocess_ends_where_the_hook_answers_refuses_or_fails(preprocess):
    text = record(hooks={"before": {"function": FUNCTION}})

    answered = preprocess(text, before={"answer": {"response": {"body": "cached"}}})["response"]
    refused = preprocess(text, before={"answer": {"error": {"message": "No."}}})["response"]
    failed = preprocess(text, before={"failure": "Lambda.AccessDeniedException"})["response"]
    too_large = preprocess(text, before={"failure": "States.DataLimitExceeded"})["response"]

    assert (answered["status"], answered["body"]) == (200, "cached")
    assert [response["status"] for response in (refused, failed, too_large)] == [400, 502, 413]


@pytest.mark.parametrize("key_id", ["keep-warm", "release"])
def test_who_is_no_client_meets_no_hook(preprocess, key_id):
    hooks = {"before": {"function": FUNCTION}, "after": {"function": FUNCTION}}

    result = preprocess(record(hooks=hooks), key_id=key_id)

    assert result["spec"]["after"] is None


def test_postprocess_asks_the_hook_with_the_completion_and_then_ends(postprocess, log):
    spec = SPEC.to_json()

    asked = postprocess(spec)["after"]
    ended = postprocess(spec, after={**asked, "answer": {"response": {"body": "mine"}}})

    assert asked["call"]["event"]["completion"]["choices"][0]["message"]["content"] == "Hello"
    assert ended["body"] == "mine"
    (line,) = log.lines
    assert (line["status"], line["model_time_s"], line["completion_tokens"]) == (200, 1.5, 2)


def test_a_request_with_a_shadow_hands_its_answer_on_and_the_shadow_compares(preprocess, postprocess, log, capsys):
    shadow = {"variant": "v2", "percent": 100}
    spec = preprocess(record(shadow=shadow))["spec"]

    response = postprocess(spec)
    follows = response["shadow"]
    of_shadow = preprocess(record(shadow=shadow), key_id="shadow", shadow=follows)
    capsys.readouterr()
    compared_response = postprocess(of_shadow["spec"], key_id="shadow", shadow=follows)

    assert json.loads(response["body"])["choices"][0]["message"]["content"] == "Hello"
    assert follows["first"]["text"] == "Hello"
    assert (of_shadow["spec"]["variant"], of_shadow["spec"]["shadow"]) == ("v2", None)
    line, metrics = log.lines[-1], json.loads(capsys.readouterr().out)
    assert (line["shadow_same"], line["shadow_similarity"], line["shadow_of"]) == (True, 1.0, "v1")
    assert "Hello" not in str(line)
    assert (metrics["Shadows"], metrics["ShadowsSame"], "Requests" in metrics) == (1, 1, False)
    assert compared_response["status"] == 200


def test_a_shadow_goes_through_what_the_hook_before_has_answered(preprocess):
    text = record(hooks={"before": {"function": FUNCTION}}, shadow={"variant": "v2", "percent": 100})
    answer = {"request": {"messages": [{"role": "user", "content": "made"}]}}
    shadow = {"variant": "v2", "bucket": None, "first": {}}

    result = preprocess(text, key_id="shadow", before={"answer": answer}, shadow=shadow)

    assert result["invocation"]["body"]["messages"][-1]["content"] == "made"


def test_a_failed_shadow_is_counted_by_its_variant_and_as_nobodys_request(preprocess, postprocess, capsys):
    spec = preprocess(record())["spec"]
    capsys.readouterr()

    failure = {"state": "InvokeModel", "error": "Bedrock.ModelErrorException"}
    postprocess(spec, key_id="shadow", shadow={"variant": "v1"}, failure=failure)

    metrics = json.loads(capsys.readouterr().out)
    assert (metrics["Shadows"], metrics["ShadowFailures"]) == (1, 1)
    assert "Failures" not in metrics


def test_the_texts_of_a_shadow_are_an_object_of_the_bucket(postprocess):
    shadow = {"variant": "v", "bucket": "b", "first": {"variant": "v1", "text": "Hello!", "length": 6, "seconds": 1,
              "completion_tokens": 2, "finish_reason": "stop", "calls": []}}  # fmt: skip
    spec = SPEC._replace(after=None).to_json()

    kept = postprocess(spec, key_id="shadow", shadow=shadow)["texts"]

    assert (kept["bucket"], kept["key"]) == ("b", "shadows/m/r-1.json")
    assert kept["body"]["second"] == {"variant": "v", "text": "Hello"}


def test_a_hook_and_a_shadow_go_together():
    spec = SPEC._replace(shadow={"variant": "v2", "bucket": None})
    completed = complete(spec, ANSWER)
    event = {"dialect": "chat.completions", "request_id": "r-1", "key_id": "k-1", "model_ms": None}
    asked = ask_first(spec, completed, event)["after"]
    follows = first_answer(spec, completed.completion, None)
    log = RequestLog(function_logger(), request_id="r-1")

    response = finish(spec, {**asked, "shadow": follows, "answer": {}}, log)

    assert response["shadow"]["first"]["text"] == "Hello"
    assert compared(follows, completed.completion, completed.outcome, None)["shadow_same"] is True
    assert texts(follows, completed.completion, "r-1", "m", "v")["body"]["first"]["text"] == "Hello"
