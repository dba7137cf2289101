"""What can go wrong beside the model: the model table, and the functions themselves."""

from __future__ import annotations

import json

from tests.faults.case import OK, STEP_PATH, Answer, Case, everywhere

UNAVAILABLE = Answer(503, "model_unavailable", 5, calls=0)
MISCONFIGURED = Answer(502, "model_misconfigured", calls=0)
INTERNAL = Answer(500, "internal_error", calls=0)

TABLE = [
    Case("The model table", "throttled once", everywhere(OK), model="table-throttled-once"),
    Case("The model table", "throttled for good", everywhere(UNAVAILABLE), model="table-throttled"),
    Case("The model table", "fails inside", everywhere(UNAVAILABLE), model="table-busy"),
    Case("The model table", "too slow", everywhere(UNAVAILABLE), model="table-slow"),
    Case("The model table", "down", everywhere(UNAVAILABLE), model="table-down"),
    Case("The model table", "access denied", everywhere(INTERNAL), model="table-denied"),
]

VARIANT = {"name": "v", "model_id": "m", "body_format": "openai"}

RECORD = [
    Case("A corrupt model record", what, everywhere(MISCONFIGURED), record=record)
    for what, record in (
        ("not JSON", "no JSON"),
        ("empty", ""),
        ("a list", "[]"),
        ("without variants", json.dumps({"model": "case", "variants": []})),
        ("an unknown body format", json.dumps({"model": "case", "variants": [VARIANT | {"body_format": "smoke"}]})),
        ("weights that add up to nothing", json.dumps({"model": "case", "variants": [VARIANT | {"weight": 0}]})),
        ("a model that Bedrock cannot know", json.dumps({"model": "case", "variants": [VARIANT | {"model_id": ""}]})),
    )
]

HOOK_FAILED = Answer(502, "hook_failed")
SKIP = {"before": {"on_failure": "skip"}, "after": {"on_failure": "skip"}}


def _hook_cases(hook: str, group: str, calls: int) -> list[Case]:
    """What a hook may do wrong; `calls` is how often the model is asked then."""
    cases = []
    failures = {
        "raises": {"raise": True},
        "dies": {"exit": True},
        "takes too long": {"sleep_s": 4},
        "answers what is not in its contract": {"answer": {"reply": 1}},
    }
    for what, order in failures.items():
        request = {"metadata": {"orders": json.dumps({hook: order})}}
        failed = everywhere(HOOK_FAILED._replace(calls=calls))
        cases.append(Case(group, what, failed, request=request, hooks={}))
        cases.append(Case(group, f"{what}, and may be skipped", everywhere(OK), request=request, hooks=SKIP))
    refusal = {"metadata": {"orders": json.dumps({hook: {"answer": {"error": {"message": "No."}}}})}}
    refused = everywhere(Answer(400, "refused_by_hook", calls=calls))
    cases.append(Case(group, "refuses", refused, request=refusal, hooks={}))
    missing = {hook: {"function": "arn:aws:lambda:us-east-1:123456789012:function:nobody"}}
    gone = everywhere(HOOK_FAILED._replace(calls=calls))
    cases.append(Case(group, "is not there", gone, request={"metadata": {"orders": "{}"}}, hooks=missing))
    return cases


HOOK_CASES = [
    *_hook_cases("before", "A hook before the model", 0),
    *_hook_cases("after", "A hook after the model", 1),
]

TABLE_CASES = [*TABLE, *RECORD, *HOOK_CASES]


def _on_the_step_path(answer: Answer) -> dict:
    return dict.fromkeys(STEP_PATH, answer)


FUNCTION_CASES = [
    Case("Preprocess", "raises", _on_the_step_path(INTERNAL), model="preprocess-raises"),
    Case("Preprocess", "takes too long", _on_the_step_path(Answer(504, "timeout", calls=0)), model="preprocess-hangs"),
    Case("Preprocess", "dies", _on_the_step_path(INTERNAL), model="preprocess-dies"),
    Case("Preprocess", "runs out of memory", _on_the_step_path(INTERNAL), model="preprocess-grows"),
] + [
    Case("Postprocess", what, _on_the_step_path(Answer(500, "internal_error")), model=model, unlogged=STEP_PATH)
    for what, model in (
        ("raises", "postprocess-raises"),
        ("takes too long", "postprocess-hangs"),
        ("dies", "postprocess-dies"),
        ("runs out of memory", "postprocess-grows"),
    )
]
