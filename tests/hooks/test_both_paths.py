"""Hooks on both paths: what they may do, and what a client gets where they fail."""

from __future__ import annotations

import importlib
import json
import zipfile

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.conftest import ROOT
from tests.dev.conftest import eventually
from tests.faults.stack import Log
from tests.hooks.conftest import SECRET, events
from tollgate.dev import Local
from tollgate.dev.hooks import hook_functions, local_hooks

pytestmark = pytest.mark.path

BASES = pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
APEX = "update a;"


def text_of(answer, stream):
    if not stream:
        return answer.json()["choices"][0]["message"]["content"]
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events(answer))


@BASES
@BOTH
def test_a_body_that_only_the_hook_can_read_is_answered_by_the_model(hooked, base, stream):
    answer = hooked.ask(base, apex=APEX, stream=stream)

    assert answer.status_code == 200, answer.text
    assert text_of(answer, stream) == f"echo: {APEX}"


@BASES
@BOTH
def test_the_hook_before_may_rewrite_the_request(hooked, base, stream):
    rewritten = {"request": {"messages": [{"role": "user", "content": "rewritten"}], "model": "another"}}

    answer = hooked.ask(base, stream=stream, before={"answer": rewritten})

    assert text_of(answer, stream) == "echo: rewritten"


@BASES
def test_what_the_hook_before_makes_is_checked_as_a_clients_request(hooked, base):
    broken = {"request": {"messages": [], "temperature": 9}}

    answer = hooked.ask(base, before={"answer": broken})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameter")


@BASES
@BOTH
def test_the_hook_before_may_answer_itself(hooked, base, stream):
    before = hooked.calls()
    response = {"status": 203, "content_type": "text/csv", "body": "a,b\n1,2\n"}

    answer = hooked.ask(base, stream=stream, before={"answer": {"response": response}})

    got = (answer.status_code, answer.headers["content-type"], answer.text.rstrip("\n"))
    assert got == (203, "text/csv", "a,b\n1,2")
    assert hooked.calls() == before


@BASES
@pytest.mark.parametrize("hook", ["before", "after"])
@BOTH
def test_a_hook_may_refuse_in_its_own_words(hooked, base, hook, stream):
    refusal = {"error": {"message": "No names, please.", "param": "messages"}}

    answer = hooked.ask(base, stream=stream, **{hook: {"answer": refusal}})

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert (error["code"], error["message"], error["param"]) == ("refused_by_hook", "No names, please.", "messages")


@BASES
@BOTH
def test_the_hook_after_may_change_the_completion(hooked, base, stream):
    answer = hooked.ask(base, stream=stream, after={"upper": True})

    assert text_of(answer, stream) == f"ECHO: {SECRET.upper()}"
    if not stream:
        assert answer.json()["usage"]["completion_tokens"] > 0


@BASES
def test_the_hook_after_may_answer_in_any_shape(hooked, base):
    response = {"content_type": "text/plain", "body": "three findings"}

    answer = hooked.ask(base, after={"answer": {"response": response}})

    assert (answer.headers["content-type"], answer.text.rstrip("\n")) == ("text/plain", "three findings")


@BASES
def test_a_stream_that_is_held_back_is_the_hooks_body_alone(hooked, base):
    answer = hooked.ask(base, stream=True, after={"answer": {"response": {"body": "line 1\nline 2"}}})

    if base == "/stream/v1":
        assert answer.text == "data: line 1\ndata: line 2\n\ndata: [DONE]\n\n"
    else:  # nothing was sent before the hook answered
        assert answer.text.strip() == "line 1\nline 2"


@BASES
@pytest.mark.parametrize("stream, told", [(False, None), (True, "hold")])
def test_the_hook_after_sees_the_body_the_completion_and_what_the_hook_before_left(hooked, base, stream, told):
    answer = hooked.ask(base, stream=stream, after={"event": True})

    event = json.loads(answer.text.removeprefix("data: ").partition("\n")[0])
    assert event["version"] == 1
    assert event["hook"] == "after"
    assert event["stream"] == told
    assert event["state"] == {"seen": "hooked"}
    assert json.loads(event["body"])["messages"][0]["content"] == SECRET
    assert event["completion"]["choices"][0]["message"]["content"] == f"echo: {SECRET}"
    assert event["completion"]["usage"]["completion_tokens"] > 0
    assert event["variant"] == "v"
    assert event["request_id"] == answer.headers["x-request-id"]
    assert event["key_id"]
    assert hooked.local.key not in answer.text
    assert 0 < event["deadline_ms"] <= 3000


@BOTH
def test_a_stream_that_has_ended_can_only_be_refused(hooked, stream):
    changed = hooked.ask("/stream/v1", "ending", stream=True, after={"upper": True})
    refused = hooked.ask("/stream/v1", "ending", stream=True, after={"answer": {"error": {"message": "No."}}})
    skipped = hooked.ask("/stream/v1", "ending-skips", stream=True, after={"upper": True})

    assert events(changed)[-1]["error"]["code"] == "hook_failed"
    assert events(refused)[-1]["error"]["code"] == "refused_by_hook"
    assert text_of(skipped, True) == f"echo: {SECRET}"
    assert skipped.text.endswith("data: [DONE]\n\n")


@BASES
def test_a_hook_that_is_off_for_streams_sees_none(hooked, base):
    answer = hooked.ask(base, "off", stream=True, after={"raise": True})

    assert text_of(answer, True) == f"echo: {SECRET}"


@BASES
@pytest.mark.parametrize("hook", ["before", "after"])
def test_of_a_failing_hook_the_class_of_its_error_is_logged_and_no_word_of_the_client(hooked, base, hook):
    answer = hooked.ask(base, **{hook: {"raise": True}})

    assert answer.json()["error"]["code"] == "hook_failed"
    (line,) = hooked.log.failures(answer.headers["x-request-id"])
    assert (line["code"], line["hook"], line["hook_error"]) == ("hook_failed", hook, "LookupError")
    assert SECRET not in str(line)
    assert SECRET not in answer.text


@BASES
def test_a_hook_is_given_no_key_address_or_name_of_ours(hooked, base):
    told = json.loads(hooked.ask(base, before={"environment": True}).text)

    ours = [name for name in told if name.startswith(("TOLLGATE_", "AWS_ENDPOINT_", "AWS_ACCESS", "AWS_SECRET"))]
    assert ours == []
    assert "AWS_LAMBDA_FUNCTION_NAME" in told


def test_the_local_runner_reloads_a_hook_that_has_changed(tmp_path):
    # GIVEN a model whose hook stands in a file
    hook = tmp_path / "hook.py"
    hook.write_text("def before(event, context):\n    return {'response': {'body': 'old'}}\n")
    variant = {"name": "v", "model_id": None, "body_format": "openai"}
    entry = {
        "serve": {"engine": "echo", "hooks": {"before": "hook.py:before"}},
        "record": {"model": "reloaded", "variants": [variant]},
    }
    models = tmp_path / "models.json"
    models.write_text(json.dumps([entry]))
    with Local.start(ROOT / "template.yaml", root=tmp_path, models=models) as local:
        headers = {"Authorization": f"Bearer {local.key}"}
        body = {"model": "reloaded", "messages": [{"role": "user", "content": "Hi"}]}

        def said(base):
            return httpx.post(f"{local.url}{base}/chat/completions", json=body, headers=headers).text.strip()

        assert said("/v1") == "old"

        # WHEN it changes
        hook.write_text(hook.read_text().replace("old", "new one"))

        # THEN the next calls are of what it is now, on both paths
        eventually(lambda: said("/v1") == "new one")
        assert said("/stream/v1") == "new one"


def test_a_hooks_requirements_are_installed_for_it_alone(tmp_path):
    # GIVEN a hook that needs a package
    wheel = tmp_path / "only_for_the_hook-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("only_for_the_hook.py", "ANSWER = 42\n")
        about = "only_for_the_hook-1.dist-info"
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: only-for-the-hook\nVersion: 1\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    folder = tmp_path / "hook"
    folder.mkdir()
    (folder / "hook.py").write_text(
        "import only_for_the_hook\n"
        "def before(event, context):\n    return {'response': {'body': str(only_for_the_hook.ANSWER)}}\n"
    )
    (folder / "requirements.txt").write_text(f"{wheel}\n")
    hook = local_hooks("m", {"before": "hook/hook.py:before"}, tmp_path)["before"]

    # WHEN it is called
    (function,) = hook_functions([hook], tmp_path, Log()).values()
    try:
        answer = function.invoke({})
    finally:
        function.close()

    # THEN it has the package, and the tool's own process has not
    assert answer == {"response": {"body": "42"}}
    with pytest.raises(ImportError):
        importlib.import_module("only_for_the_hook")


def test_an_answer_that_fits_into_no_execution_names_the_other_base_url(hooked):
    order = {"letters": 300_000}

    on_the_step_path = hooked.ask("/v1", before=order)
    on_the_other = hooked.ask("/stream/v1", before=order)

    assert on_the_step_path.status_code == 413
    assert "/stream/v1" in on_the_step_path.json()["error"]["message"]
    assert on_the_other.text == "x" * 300_000


def test_sagemakers_clients_are_answered_and_refused_in_their_own_words(hooked):
    client = hooked.sagemaker()
    body = {"EndpointName": "Hooked", "ContentType": "application/json"}

    answer = client.invoke_endpoint(**body, Body=json.dumps({"apex": APEX, "after": {"event": True}}))
    event = json.loads(answer["Body"].read())
    with pytest.raises(ClientError) as refused:
        client.invoke_endpoint(
            **body, Body=json.dumps({"apex": APEX, "before": {"answer": {"error": {"message": "No."}}}})
        )
    with pytest.raises(ClientError) as failed:
        client.invoke_endpoint(**body, Body=json.dumps({"apex": APEX, "before": {"raise": True}}))

    assert (event["dialect"], event["content_type"]) == ("sagemaker.invoke", "application/json")
    assert refused.value.response["Error"]["Code"] == "ModelError"
    assert refused.value.response["OriginalStatusCode"] == 400
    assert failed.value.response["OriginalStatusCode"] == 500
    # It is not called again by the SDK, which would cost a second generation.
    assert failed.value.response["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize("hook", ["before", "after"])
def test_sagemakers_streams_carry_a_hooks_body_in_one_part(hooked, hook):
    body = {"apex": APEX, hook: {"answer": {"response": {"body": "findings: 3"}}}}

    answer = hooked.sagemaker().invoke_endpoint_with_response_stream(EndpointName="hooked", Body=json.dumps(body))

    assert [event["PayloadPart"]["Bytes"] for event in answer["Body"]] == [b"findings: 3"]


@BASES
def test_responses_and_text_completions_go_through_hooks(hooked, base):
    response = hooked.http.post(
        f"{base}/responses",
        json={
            "model": "hooked",
            "input": "hello",
            "before": {"answer": {"request": {"messages": [{"role": "user", "content": "made"}]}}},
        },
    )
    text = hooked.http.post(
        f"{base}/completions", json={"model": "hooked", "prompt": "hello", "after": {"upper": True}}
    )

    assert response.json()["output"][0]["content"][0]["text"] == "echo: made"
    assert text.json()["choices"][0]["text"] == "ECHO: HELLO"


@pytest.mark.parametrize("key_id", ["keep-warm", "release"])
def test_keep_warm_and_releases_ask_the_model_itself(hooked, key_id):
    # GIVEN an execution as they start it, with a field that only a hook would take out of the body
    machine = next(arn for arn in hooked.local.machines if "Inference" in arn)
    messages = [{"role": "user", "content": "ping"}]
    body = {"model": "hooked", "messages": messages, "after": {"raise": True}}
    given = {"dialect": "chat.completions", "request_id": "r-1", "key_id": key_id, "body": json.dumps(body)}

    # WHEN it is run
    output = hooked.local.machines[machine].start_sync(given).output

    # THEN no hook was there
    assert json.loads(output["body"])["error"]["code"] == "invalid_parameter"


CONVERSE = {"modelId": "hooked", "messages": [{"role": "user", "content": [{"text": SECRET}]}]}


@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
@pytest.mark.parametrize("hook", ["before", "after"])
def test_bedrocks_clients_are_refused_and_failed_in_their_own_words(hooked, operation, hook):
    # GIVEN orders for the hook, where Converse has room for them
    def ask(order):
        asked = {**CONVERSE, "additionalModelRequestFields": {hook: order}}
        answer = getattr(hooked.bedrock(), operation)(**asked)
        return list(answer["stream"]) if "stream" in answer else answer

    # WHEN the hook refuses or fails
    with pytest.raises(ClientError) as refused:
        ask({"answer": {"error": {"message": "No."}}})
    with pytest.raises(ClientError) as failed:
        ask({"raise": True})

    # THEN the SDK raises its classes of the client's mistakes and of the model's failures
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert failed.value.response["Error"]["Code"] == "ModelErrorException"
    assert failed.value.response["ResponseMetadata"]["RetryAttempts"] == 0


@BOTH
def test_bedrocks_invoke_carries_a_hooks_body(hooked, stream):
    order = {"answer": {"response": {"body": "findings: 3"}}}
    body = json.dumps({"prompt": "x", "after": order})

    if stream:
        answer = hooked.bedrock().invoke_model_with_response_stream(modelId="hooked", body=body)
        told = b"".join(event["chunk"]["bytes"] for event in answer["body"])
    else:
        told = hooked.bedrock().invoke_model(modelId="hooked", body=body)["body"].read()

    assert told.rstrip(b"\n") == b"findings: 3"


def test_a_typed_stream_has_no_room_for_a_hooks_body(hooked):
    order = {"before": {"answer": {"response": {"body": "findings: 3"}}}}

    with pytest.raises(ClientError) as failed:
        hooked.bedrock().converse_stream(**CONVERSE, additionalModelRequestFields=order)

    assert failed.value.response["Error"]["Code"] == "ModelErrorException"
