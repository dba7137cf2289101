"""The streaming function calls hooks and starts shadows: with fakes at its ports, and over Lambda's wire."""

from __future__ import annotations

import asyncio
import json

import pytest

from streaming.aws.executions import MachineShadows
from streaming.aws.functions import LambdaFunctions
from tests.stream.conftest import ARN, HELLO, STREAM
from tests.stream.fakes import FakeFunctions, FakeModel, FakeShadows, answer, chunk
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.hooks.contract import HookCall, HookReport

FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:hook:live"
NEVER = ApiError("model_unavailable")


def records(hooks=None, **more):
    """The record of the model `m`, whose hooks are of this one function."""
    named = {name: {"function": FUNCTION, **fields} for name, fields in (hooks or {}).items()}
    variants = [{"name": name, "model_id": ARN, "body_format": "openai", "weight": weight} for name, weight in
                (("v1", 100), ("v2", 0))]  # fmt: skip
    return {"m": json.dumps({"model": "m", "variants": variants, "hooks": named or None, **more})}


def streamed(*texts):
    return FakeModel([*[chunk(text) for text in texts], chunk("", "stop")])


def test_the_hook_before_rewrites_a_body_that_only_it_can_read(ask):
    functions = FakeFunctions(answers=lambda event: {"request": {"prompt": event["body"]}, "state": 7})
    model = FakeModel([{"choices": [{"index": 0, "text": "said", "finish_reason": "stop"}]}])

    received = ask(model, {"model": "m", "apex": "x"}, records=records({"before": {}}), functions=functions)

    assert received.json["choices"][0]["message"]["content"] == "said"
    assert model.invocations[0].body["prompt"] == '{"model": "m", "apex": "x"}'
    assert functions.events[0]["deadline_ms"] == 3000


def test_the_hook_before_answers_or_refuses_without_the_model(ask):
    responds = FakeFunctions(HookReport({"response": {"status": 201, "content_type": "text/plain", "body": "cached"}}))
    refuses = FakeFunctions(HookReport({"error": {"message": "No."}}))

    cached = ask(FakeModel(), HELLO, records=records({"before": {}}), functions=responds)
    refused = ask(FakeModel(), HELLO, records=records({"before": {}}), functions=refuses)

    assert (cached.status, cached.headers["content-type"], cached.text) == (201, "text/plain", "cached")
    assert (refused.status, refused.json["error"]["code"]) == (400, "refused_by_hook")


@pytest.mark.parametrize("failure, status", [("fail", 502), ("skip", 200)])
@pytest.mark.parametrize("hook", ["before", "after"])
def test_a_hook_that_fails_fails_the_request_or_is_skipped(ask, log, hook, failure, status):
    functions = FakeFunctions(HookReport(failure="LookupError"))
    hooks = records({hook: {"on_failure": failure}})

    received = ask(FakeModel([answer("said")]), HELLO, records=hooks, functions=functions)

    assert received.status == status
    (line,) = log.lines
    assert (line["hook"], line["hook_error"], line["status"]) == (hook, "LookupError", status)


def test_an_unreadable_body_is_refused_where_no_hook_reads_it(ask):
    for found in (records(), {}, {"m": NEVER}):
        received = ask(FakeModel(), {"model": "m", "apex": "x"}, records=found)

        assert (received.status, received.json["error"]["code"]) == (400, "invalid_parameter")


def test_a_held_stream_is_what_the_hook_makes_of_it(ask):
    def upper(event):
        completion = event["completion"]
        completion["choices"][0]["message"]["content"] = completion["choices"][0]["message"]["content"].upper()
        return {"completion": completion}

    unchanged = ask(streamed("a", "b"), STREAM, records=records({"after": {}}), functions=FakeFunctions(HookReport({})))
    changed = ask(streamed("a", "b"), STREAM, records=records({"after": {}}), functions=FakeFunctions(answers=upper))
    body = FakeFunctions(HookReport({"response": {"body": "x\ny"}}))
    replaced = ask(streamed("a"), STREAM, records=records({"after": {}}), functions=body)

    assert (unchanged.content, changed.content) == ("ab", "AB")
    assert replaced.text == "data: x\ndata: y\n\ndata: [DONE]\n\n"
    assert unchanged.text.endswith("data: [DONE]\n\n")


def test_a_stream_that_is_shown_at_its_end_flows_and_can_be_refused(ask):
    refuses = FakeFunctions(HookReport({"error": {"message": "No."}}))
    changes = FakeFunctions(HookReport({"response": {"body": "x"}}))
    hooks = records({"after": {"stream": "end"}})

    refused = ask(streamed("a"), STREAM, records=hooks, functions=refuses)
    changed = ask(streamed("a"), STREAM, records=hooks, functions=changes)

    assert refused.events[1]["choices"][0]["delta"]["content"] == "a"
    assert refused.events[-1]["error"]["code"] == "refused_by_hook"
    assert changed.events[-1]["error"]["code"] == "hook_failed"


def test_a_stream_passes_by_a_hook_that_is_off(ask):
    received = ask(streamed("a"), STREAM, records=records({"after": {"stream": "off"}}))

    assert received.content == "a"


def test_aws_streams_carry_a_hooks_body_in_a_frame_or_fail_where_frames_have_types(ask):
    response = {"response": {"body": "cached"}}
    path = "/stream/endpoints/m/invocations-response-stream"

    carried = ask(
        FakeModel(), b"a,b", path.removeprefix("/stream"), records=records({"before": {}}),
        functions=FakeFunctions(HookReport(response)),
    )  # fmt: skip
    failed = ask(
        FakeModel(), b"{}", "/model/m/converse-stream", records=records({"before": {}}),
        functions=FakeFunctions(HookReport(response)),
    )  # fmt: skip

    assert b"cached" in b"".join(carried.pieces)
    assert failed.status == 424


@pytest.mark.parametrize("body", [HELLO, STREAM])
def test_a_request_with_a_shadow_starts_one_with_its_own_answer(ask, body):
    shadows = FakeShadows()
    model = streamed("said") if body is STREAM else FakeModel([answer("said")])
    found = records({"before": {}}, shadow={"variant": "v2", "percent": 100})
    functions = FakeFunctions(HookReport({"state": 1}))

    ask(model, body, records=found, functions=functions, shadows=shadows)

    (request,) = shadows.requests
    assert (request["key_id"], request["dialect"]) == ("shadow", "chat.completions")
    assert json.loads(request["body"]) == body
    assert request["before"] == {"answer": {"state": 1}}
    assert request["shadow"]["variant"] == "v2"
    assert request["shadow"]["first"]["text"] == "said"


class Scripted:
    """An endpoint of AWS's that answers one response after the other."""

    def __init__(self, *responses):
        self._responses = list(responses)
        self.requests = []

    def post(self, path, headers, body):
        self.requests.append((path, headers, json.loads(body)))
        return _Entered(self._responses.pop(0))


class _Entered:
    def __init__(self, response):
        self._response = response

    async def __aenter__(self):
        if isinstance(self._response, Exception):
            raise self._response
        return self._response

    async def __aexit__(self, *exception):
        return None


class Response:
    """An HTTP response that is there already."""

    def __init__(self, status, body=b"", **headers):
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self._body = body

    async def read(self):
        return self._body


def called(*responses):
    endpoint = Scripted(*responses)
    hook = HookCall(FUNCTION, 3, {"hook": "before"})
    return asyncio.run(LambdaFunctions(endpoint).call(hook, "text")), endpoint.requests


def test_a_function_is_called_with_its_event_and_its_answer_is_reported():
    report, requests = called(Response(200, b'{"state": 1}'))

    assert report == HookReport(answer={"state": 1})
    ((path, headers, event),) = requests
    assert path.endswith(
        "/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Ahook%3Alive/invocations"
    )
    assert headers["x-amz-invocation-type"] == "RequestResponse"
    assert event == {"hook": "before", "body": "text", "deadline_ms": 3000}


@pytest.mark.parametrize(
    "response, name",
    [
        (
            Response(200, b'{"errorType": "KeyError", "errorMessage": "secret"}', x_amz_function_error="Unhandled"),
            "KeyError",
        ),
        (Response(200, b"[]", x_amz_function_error="Unhandled"), "Unhandled"),
        (Response(404, b"{}", x_amzn_errortype="ResourceNotFoundException"), "ResourceNotFoundException"),
        (Response(403, b"{}", x_amzn_errortype="AccessDeniedException"), "AccessDeniedException"),
    ],
)
def test_a_failure_is_reported_by_its_name_alone(response, name):
    report, requests = called(response)

    assert report == HookReport(failure=name)
    assert len(requests) == 1


def test_what_is_lambdas_own_failure_is_tried_once_more():
    throttled = Response(429, b"{}", x_amzn_errortype="TooManyRequestsException")

    report, requests = called(throttled, Response(200, b"{}"))
    again, _ = called(throttled, throttled)

    assert (report, len(requests)) == (HookReport(answer={}), 2)
    assert again.failure == "TooManyRequestsException"


def test_an_answer_that_is_no_json_is_no_answer():
    assert called(Response(200, b"oops"))[0] == HookReport(answer=None)


def test_a_shadow_is_an_execution_and_never_a_failure():
    machine = "arn:aws:states:us-east-1:123456789012:stateMachine:m"
    endpoint = Scripted(Response(200, b"{}"), TimeoutError())

    asyncio.run(MachineShadows(endpoint, machine).start({"key_id": "shadow"}))
    asyncio.run(MachineShadows(endpoint, machine).start({"key_id": "shadow"}))

    (_, headers, body), _ = endpoint.requests
    assert headers["x-amz-target"] == "AWSStepFunctions.StartExecution"
    assert body["stateMachineArn"] == machine
    assert json.loads(body["input"]) == {"key_id": "shadow"}
