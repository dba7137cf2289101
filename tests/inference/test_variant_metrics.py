"""What is counted by model and variant: what tells a good variant of a model from a bad one."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tests.inference.test_function_results import handler
from tests.stream.conftest import Log
from tollgate_layer.inference.failures.errors import ERRORS, ApiError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.record import check_record
from tollgate_layer.inference.record_check import record_faults
from tollgate_layer.inference.request_log import RequestLog

SPEC = prepared(record()).spec
COUNTED_APART = {"model_not_ready": "NotReady", "model_throttled": "Throttled"}
BLAMED = {"model_error", "model_misconfigured", "model_rejected_request", "timeout"}


def by_variant(line):
    """The metrics that CloudWatch takes from a line for the model and the variant in it, as name → (value, unit)."""
    found = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        if directive["Dimensions"] == [["stack", "model", "variant"]]:
            for metric in directive["Metrics"]:
                found[metric["Name"]] = (line[metric["Name"]], metric["Unit"])
    return found


def by_service(line):
    first = line["_aws"]["CloudWatchMetrics"][0]
    return {metric["Name"]: line[metric["Name"]] for metric in first["Metrics"]}


@pytest.fixture
def written(capsys):
    """The one line of metrics of a request that ended as `end` makes it."""

    def written(end, spec=SPEC, **facts):
        log = RequestLog(Log().logger, **facts)
        if spec is not None:
            log.asked(spec)
        end(log)
        log.write()
        (line,) = capsys.readouterr().out.splitlines()
        return json.loads(line)

    return written


def answered(message, finish_reason="stop", model_time_s=1.25, **usage):
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": finish_reason}], "usage": usage}
    return lambda log: log.completed(SPEC, complete(SPEC, answer).outcome, model_time_s)


def test_an_answer_counts_its_tokens_and_the_models_time(written):
    line = written(answered({"content": "Hello"}, prompt_tokens=7, completion_tokens=3, total_tokens=10))

    assert (line["model"], line["variant"]) == ("m", SPEC.variant)
    assert by_variant(line) == {
        "Requests": (1, "Count"), "CompletionTokens": (3, "Count"), "ModelTime": (1.25, "Seconds")}  # fmt: skip


CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


@pytest.mark.parametrize(
    "message, is_empty",
    [
        ({"content": ""}, True),
        ({"content": " \n"}, True),
        ({"content": None, "reasoning_content": "Let me think."}, True),
        ({"content": " Hello"}, False),
        ({"content": None, "tool_calls": [CALL]}, False),
        ({"content": None, "refusal": "I will not."}, False),
    ],
)
def test_an_answer_is_empty_if_it_gives_the_client_nothing(written, message, is_empty):
    assert ("EmptyAnswers" in by_variant(written(answered(message)))) == is_empty


def test_one_choice_with_a_text_is_no_empty_answer(written):
    choices = [
        {"index": index, "message": {"content": text}, "finish_reason": "stop"} for index, text in enumerate(["", "x"])
    ]

    line = written(lambda log: log.completed(SPEC, complete(SPEC, {"choices": choices}).outcome))

    assert "EmptyAnswers" not in by_variant(line)


@pytest.mark.parametrize("reason, is_truncated", [("length", True), ("max_tokens", True), ("stop", False)])
def test_an_answer_is_truncated_if_it_met_its_length(written, reason, is_truncated):
    assert ("Truncated" in by_variant(written(answered({"content": "x"}, reason)))) == is_truncated


@pytest.mark.parametrize("code", ERRORS)
def test_a_variant_is_blamed_for_its_own_failures_only(written, code):
    line = written(lambda log: log.failed(ApiError(code)))

    named = set(by_variant(line)) - {"Requests"}
    assert named == ({COUNTED_APART[code]} if code in COUNTED_APART else {"Failures"} if code in BLAMED else set())
    assert by_service(line) == {"Requests": 1, "Failures": 1}


def test_an_internal_error_is_the_variants_if_a_service_reported_it(written):
    line = written(lambda log: log.failed(ApiError("internal_error", upstream="Bedrock.NewException")))

    assert by_variant(line)["Failures"] == (1, "Count")


def test_before_a_variant_is_chosen_nothing_is_counted_for_one(written):
    assert by_variant(written(lambda log: log.failed(ApiError("invalid_json")), spec=None)) == {}


def test_a_variant_whose_chat_template_is_broken_is_blamed_though_it_is_not_asked(capsys):
    # GIVEN a release whose chat template fails for every conversation
    broken = record(variant(name="v2", chat_template="{{ messages[0].content + 1 }}"))
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello"}]})
    request = {"dialect": "chat.completions", "request_id": "r-1", "key_id": "k-1", "body": body}

    handler("preprocess")({"request": request, "record": broken, "failure": None}, None)

    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["model"], line["variant"], line["code"]) == ("m", "v2", "model_misconfigured")
    assert set(by_variant(line)) == {"Requests", "Failures"}


@pytest.mark.parametrize(
    "name, dimension",
    [
        ("2026-11-23 canary", "2026-11-23 canary"),
        ("été", r"_\xe9t\xe9"),
        (":v1", "_:v1"),
        ("  ", "_  "),
        ("a\tb", "_a_b"),
        ("\ud800😀" * 32, "_" + r"\ud800\U0001f600" * 32),
    ],
)
def test_a_variants_name_becomes_a_dimension_that_cloudwatch_takes(written, name, dimension):
    line = written(lambda log: log.failed(ApiError("timeout")), spec=SPEC._replace(variant=name))

    assert line["variant"] == dimension
    assert len(dimension) <= 1024


@pytest.mark.parametrize("end", [answered({"content": "x"}), lambda log: log.failed(ApiError("timeout"))])
def test_a_request_that_only_keeps_a_model_warm_is_counted_apart(written, end):
    line = written(end, key_id="keep-warm")

    assert by_service(line) == {"KeepWarmPings": 1}
    assert set(by_variant(line)) == {"KeepWarmPings"}


@pytest.mark.parametrize(
    "end, attempts",
    [
        (lambda log: log.failed(ApiError("model_not_ready")), 1),
        (answered({"content": "x"}), 2),
        (answered({"content": "x"}, model_time_s=10.5), 1),
    ],
    ids=["not ready", "ready after another attempt", "held until it was ready"],
)
def test_a_request_that_finds_the_model_cold_says_so(written, end, attempts):
    line = written(end, key_id="keep-warm", attempts=attempts)

    assert by_service(line) == {"KeepWarmPings": 1, "ColdPings": 1}
    assert set(by_variant(line)) == {"KeepWarmPings", "ColdPings"}


def test_a_releases_golden_prompt_is_counted_nowhere(capsys):
    log = RequestLog(Log().logger, key_id="release")
    log.asked(SPEC)
    log.failed(ApiError("timeout"))
    log.write()

    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("model_ms, counted", [(840, (0.84, "Seconds")), (None, None)])
def test_postprocess_is_told_the_models_time_in_milliseconds(capsys, model_ms, counted):
    event = {"request_id": "r-1", "key_id": "k-1", "dialect": SPEC.dialect, "spec": SPEC.to_json(), "attempts": 1}
    answer = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]}

    handler("postprocess")({**event, "answer": answer, "model_ms": model_ms}, None)

    assert by_variant(json.loads(capsys.readouterr().out.splitlines()[-1])).get("ModelTime") == counted


@pytest.mark.parametrize("code", ["model_not_ready", "model_throttled", "model_error"])
def test_a_variant_that_another_one_answered_for_is_counted_as_itself(capsys, code):
    log = RequestLog(Log().logger)

    log.fell_back("m", "v1", ApiError(code))
    log.asked(SPEC._replace(variant="v2"))
    log.completed(SPEC._replace(variant="v2"), complete(SPEC, {"choices": [{"message": {"content": "x"}}]}).outcome)
    log.write()

    failed, answer = map(json.loads, capsys.readouterr().out.splitlines())
    kind = COUNTED_APART.get(code, "Failures")
    assert (failed["variant"], by_variant(failed)) == ("v1", {"Requests": (1, "Count"), kind: (1, "Count")})
    assert by_service(failed) == {"Fallbacks": 1}
    assert answer["variant"] == "v2"
    assert kind not in by_variant(answer)


@pytest.mark.parametrize("fallback", ["v1", "none"])
def test_a_fallback_is_another_variant_of_the_record(fallback):
    (fault,) = record_faults(check_record(record(variant(fallback=fallback))))

    assert fault.place == "variants[0].fallback"


def test_a_request_that_names_its_variant_has_no_fallback():
    text = record(variant(fallback="v2"), variant(name="v2", weight=0, fallback="v1"))

    assert prepared(text).spec.fallback == "v2"
    assert prepared(text, model="m@v2").spec.fallback is None
