"""The contract of hooks: its schema says what is sent and taken, and nothing that a hook answers is an exception."""

from __future__ import annotations

import json
import random

import jsonschema
import pytest

from tests.conftest import ROOT
from tests.inference.conftest import MODEL_ARN
from tollgate.hooks.events import after_event, before_event
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.failures.errors import ERRORS, ApiError
from tollgate_layer.inference.hooks import hooks_of
from tollgate_layer.inference.hooks.after import after_call, response_after
from tollgate_layer.inference.hooks.before import before_call, read_after_hook
from tollgate_layer.inference.hooks.contract import HookFailedError, HookReport, checked_answer
from tollgate_layer.inference.json_text import to_json
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.record import Hook
from tollgate_layer.inference.request import IncomingRequest
from tollgate_layer.inference.request_log import RequestLog, function_logger

SCHEMA = json.loads((ROOT / "docs" / "hooks-v1.schema.json").read_text())
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:hook:live"
BODY = '{"model": "m", "messages": [{"role": "user", "content": "Hello"}]}'
INCOMING = IncomingRequest("chat.completions", "r-1", BODY)
HOOK = Hook(FUNCTION, 3, "fail")
ANSWER = {
    "choices": [
        {
            "index": 0,
            "message": {
                "content": "Hello",
                "reasoning_content": "Hm.",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2},
}
SPEC = CompletionSpec(
    dialect="chat.completions",
    id="chatcmpl-r-1",
    created=1,
    model="m",
    variant="v",
    body_format="openai_chat",
    stop=[],
    parser=None,
    stream=False,
    include_usage=False,
    prompt_length=5,
    after={"function": FUNCTION, "timeout_s": 2, "on_failure": "fail", "stream": "hold"},
    hook_state={"seen": True},
)
GOOD = {
    "before": [
        {},
        {"state": [1, 2]},
        {"request": {"messages": [{"role": "user", "content": "x"}]}, "state": "s"},
        {"response": {"body": "x"}},
        {"error": {"message": "No."}},
        {"error": {"code": "invalid_parameter", "message": "No.", "param": "apex"}},
    ],
    "after": [
        {},
        {"response": {"status": 404, "content_type": "text/plain", "body": ""}},
        {"error": {"message": "No."}},
    ],
}
BAD = [
    None,
    [],
    "x",
    7,
    {"unknown": 1},
    {"response": {}},
    {"response": {"body": 1}},
    {"response": {"body": "", "status": 99}},
    {"response": {"body": "", "status": 600}},
    {"response": {"body": "", "content_type": "text/plain\r\nx-injected: 1"}},
    {"response": {"body": "", "custom_attributes": "a\nb"}},
    {"error": {}},
    {"error": {"message": ""}},
    {"error": {"message": "No.", "code": "internal_error"}},
    {"response": {"body": ""}, "error": {"message": "No."}},
]


def log():
    return RequestLog(function_logger(), request_id="r-1", key_id="k-1")


def matches(name, document):
    schema = {**SCHEMA, "$ref": f"#/$defs/{name}"}
    return jsonschema.Draft202012Validator(schema).is_valid(document)


def completion():
    return complete(SPEC, ANSWER).completion


def test_the_events_are_what_the_schema_says():
    before = {**before_call(HOOK, INCOMING, "k-1").event, "body": BODY, "deadline_ms": 3000}
    after = {**after_call(SPEC, completion(), INCOMING, "k-1", None).event, "body": BODY, "deadline_ms": 3000}

    assert matches("before_event", before)
    assert matches("after_event", after)
    assert not matches("before_event", after)


def test_events_that_are_made_by_hand_are_what_the_schema_says():
    before = before_event(BODY, "m", "text/csv")

    assert matches("before_event", before)
    assert matches("after_event", after_event(before, "Hello"))


def test_a_field_of_a_later_version_does_not_break_a_hook_that_goes_by_the_schema():
    assert matches("before_event", {**before_event(BODY, "m", ""), "later": {"a": 1}})


@pytest.mark.parametrize("hook", ["before", "after"])
def test_what_the_schema_allows_is_taken_and_nothing_else(hook):
    for answer in GOOD[hook]:
        assert matches(f"{hook}_answer", answer), answer
        if "error" in answer:
            with pytest.raises(ApiError):
                checked_answer(hook, HookReport(answer))
        else:
            checked_answer(hook, HookReport(answer))
    for answer in BAD:
        with pytest.raises(HookFailedError):
            checked_answer(hook, HookReport(answer))
        # That there is one of several fields, the schema does not say.
        assert not matches(f"{hook}_answer", answer) or len(answer) == 2


def test_the_completion_of_the_event_is_taken_back():
    call = after_call(SPEC, completion(), INCOMING, "k-1", None)
    changed = json.loads(to_json(call.event["completion"]))
    changed["choices"][0]["message"]["content"] = "Changed"
    assert matches("after_answer", {"completion": changed})

    written = response_after(
        SPEC, complete(SPEC, ANSWER).response, completion().usage, HookReport({"completion": changed}), log()
    )

    expected = json.loads(complete(SPEC, ANSWER).response.body)
    expected["choices"][0]["message"]["content"] = "Changed"
    assert json.loads(written.body) == expected


def test_a_state_is_bounded():
    checked_answer("before", HookReport({"state": "x" * 32_000}))
    with pytest.raises(HookFailedError, match="StateTooLarge"):
        checked_answer("before", HookReport({"state": "x" * 33_000}))


def test_halves_of_surrogate_pairs_and_endless_nesting_do_no_harm():
    nested: list = []
    for _ in range(5000):
        nested = [nested]
    taken = checked_answer("after", HookReport({"response": {"body": "\ud83d!"}}))

    assert taken["response"]["body"] == "\ufffd!"
    with pytest.raises(HookFailedError):
        checked_answer("before", HookReport({"state": nested}))


@pytest.mark.parametrize("code", ["refused_by_hook", "invalid_json", "context_length_exceeded", "request_too_large"])
def test_a_refusal_has_the_status_of_its_code(code):
    with pytest.raises(ApiError) as refused:
        checked_answer("before", HookReport({"error": {"code": code, "message": "No."}}))

    assert refused.value.kind is ERRORS[code]


def mutated(dice, value):
    """A document in which something is another thing."""
    kind = dice.randrange(6)
    if kind == 0:
        return dice.choice([None, 0, -1, 2**70, 1.5, "", "x" * 3000, [], {}, True, "\ud800", [[]], {"a": {}}])
    if isinstance(value, dict) and value:
        name = dice.choice([*value])
        changed = dict(value)
        if kind == 1:
            del changed[name]
        elif kind == 2:
            changed[dice.choice(["extra", "state", "request", "completion", "error"])] = mutated(dice, value[name])
        else:
            changed[name] = mutated(dice, value[name])
        return changed
    if isinstance(value, list) and value:
        return [mutated(dice, item) for item in value * dice.choice([1, 1, 2])]
    return value


def test_whatever_a_hook_answers_is_an_answer_or_a_failure():
    dice = random.Random(1)
    event = after_call(SPEC, completion(), INCOMING, "k-1", None).event
    seeds = {
        "before": [{"request": json.loads(BODY), "state": {"a": 1}}, {"response": {"body": "x", "status": 201}}],
        "after": [{"completion": json.loads(to_json(event["completion"]))}, {"error": {"message": "No."}}],
    }
    written = complete(SPEC, ANSWER).response
    outcomes = set()
    for number in range(3000):
        hook = ("before", "after")[number % 2]
        report = HookReport(mutated(dice, dice.choice(seeds[hook])))
        try:
            if hook == "before":
                read_after_hook(HOOK, INCOMING, report, log())
            else:
                response_after(SPEC, written, completion().usage, report, log()).body.encode()
        except ApiError as error:
            outcomes.add(error.code)
        else:
            outcomes.add("fine")
    assert {"fine", "hook_failed", "invalid_parameter", "refused_by_hook"} <= outcomes


def test_a_record_without_hooks_has_none():
    record = {"model": "m", "variants": [{"name": "v", "model_id": MODEL_ARN, "body_format": "openai"}]}

    assert hooks_of(json.dumps(record), "k-1") == (None, None)
    assert hooks_of(None, "k-1") == (None, None)
    assert hooks_of("no record", "k-1") == (None, None)
