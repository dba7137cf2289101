"""Faults on demand: each does to an invocation what its script says, then the model is well again."""

from __future__ import annotations

import json
import threading

import pytest
from botocore.exceptions import ClientError, ResponseStreamingError
from urllib3.exceptions import ProtocolError

from tests.emulators.bedrock.conftest import drain, eventually
from tollgate.emulators.bedrock.faults import parse_script

pytestmark = pytest.mark.path

BODY = json.dumps({"prompt": "one two", "max_tokens": 50})


def invoke(runtime, arn):
    return runtime.invoke_model(modelId=arn, body=BODY)["body"].read()


def code_of(runtime, arn):
    """The error's code, or None when the invocation succeeds."""
    try:
        invoke(runtime, arn)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def test_a_script_is_taken_step_by_step_and_then_all_is_well(bedrock, runtime, control):
    arn = bedrock.register("model")
    script = {"steps": [{"error": "ModelNotReadyException", "times": 3}, {}, {"error": "ThrottlingException"}]}
    control.put("/models/model/faults", json=script).raise_for_status()
    codes = [code_of(runtime, arn) for _ in range(7)]
    assert codes == [*["ModelNotReadyException"] * 3, None, "ThrottlingException", None, None]


def test_a_step_without_times_may_last_for_ever(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"error": "ServiceUnavailableException", "times": None}])
    assert {code_of(runtime, arn) for _ in range(5)} == {"ServiceUnavailableException"}


def test_an_errors_message_and_fields_reach_the_client(bedrock, runtime):
    arn = bedrock.register("model")
    fields = {"originalStatusCode": 500, "resourceName": "worker"}
    bedrock.set_faults("model", steps=[{"error": "ModelErrorException", "message": "boom", "fields": fields}])
    with pytest.raises(ClientError, match="boom") as caught:
        invoke(runtime, arn)
    assert caught.value.response["originalStatusCode"] == 500
    assert caught.value.response["resourceName"] == "worker"


def test_invocations_above_the_allowed_concurrency_are_throttled(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", throttle_above=2, seconds_per_token=0.1)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(code_of(runtime, arn))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes, key=str) == [None, None, *["ThrottlingException"] * 3]


def test_a_raw_body_replaces_the_answer(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"raw_body": "{not json"}])
    assert invoke(runtime, arn) == b"{not json"


def test_a_truncated_body_breaks_off(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"truncate_bytes": 10}])
    with pytest.raises(ResponseStreamingError):
        invoke(runtime, arn)


def test_a_broken_connection_is_an_error_for_the_client(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"break_connection": True}])
    with pytest.raises(ResponseStreamingError):
        invoke(runtime, arn)
    assert code_of(runtime, arn) is None


@pytest.mark.parametrize("step", [{"break_connection": True, "after_tokens": 2}, {"truncate_bytes": 600}])
def test_a_stream_breaks_in_the_middle(bedrock, runtime, step):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[step])
    received, error = drain(runtime.invoke_model_with_response_stream(modelId=arn, body=BODY)["body"])
    assert isinstance(error, ProtocolError)
    assert 1 <= len(received) <= 2
    assert bedrock.model("model").traffic.streams_closed_by_client == 0


def test_a_stream_stalls_where_it_is_told_to(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"stall_seconds": 60, "after_tokens": 1}])
    events = runtime.invoke_model_with_response_stream(modelId=arn, body=BODY)["body"]
    next(iter(events))
    assert bedrock.model("model").traffic.open_streams == 1
    events.close()
    assert eventually(lambda: bedrock.model("model").traffic.open_streams == 0)


def test_chunks_of_a_stream_can_be_garbage(bedrock, runtime):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"raw_body": "garbage"}])
    events = runtime.invoke_model_with_response_stream(modelId=arn, body=BODY)["body"]
    assert {event["chunk"]["bytes"] for event in events} == {b"garbage"}


def test_one_models_faults_leave_the_others_alone(bedrock, runtime):
    sick, well = bedrock.register("sick"), bedrock.register("well")
    bedrock.set_faults("sick", steps=[{"error": "InternalServerException"}])
    assert code_of(runtime, well) is None
    assert code_of(runtime, sick) == "InternalServerException"


def test_the_control_interface_tells_traffic_and_what_arrived(bedrock, runtime, control):
    arn = bedrock.register("model")
    bedrock.set_faults("model", steps=[{"error": "ThrottlingException"}])
    code_of(runtime, arn)
    invoke(runtime, arn)
    (state,) = control.get("/models").json()["models"]
    assert state["arn"] == arn
    assert (state["invocations"], state["in_flight"]) == (2, 0)
    assert state["errors"] == {"ThrottlingException": 1}
    assert control.get("/models/model/bodies").json()["bodies"] == [json.loads(BODY)] * 2


def test_a_model_can_be_registered_over_http(bedrock, runtime, control):
    arn = control.post("/models", json={"name": "demo", "body_format": "bedrock"}).json()["model_arn"]
    assert json.loads(invoke_legacy(runtime, arn))["generation"] == "echo: hi"


def invoke_legacy(runtime, arn):
    return runtime.invoke_model(modelId=arn, body=json.dumps({"prompt": "hi"}))["body"].read()


@pytest.mark.parametrize(
    "script, reason",
    [
        ({"steps": [{"error": "NoSuchException"}]}, "NoSuchException"),
        ({"steps": [{"error": "ThrottlingException", "times": 0}]}, "times must be 1 or more"),
        ({"steps": [{"eror": "ThrottlingException"}]}, "eror"),
        ({"step": []}, "step"),
        ({"throttle_above": "many"}, "throttle_above"),
    ],
)
def test_a_wrong_script_is_refused_with_the_reason(bedrock, control, script, reason):
    bedrock.register("model")
    with pytest.raises(ValueError, match=reason):
        parse_script(script)
    answer = control.put("/models/model/faults", json=script)
    assert answer.status_code == 400
    assert reason in answer.json()["message"]


def test_faults_of_an_unknown_model_are_refused(bedrock, control):
    assert control.put("/models/nobody/faults", json={}).status_code == 404


def test_the_clock_is_set_and_moved_over_http(bedrock, control):
    before = bedrock.clock.now()
    state = control.put("/clock", json={"speed": 60, "advance": 300}).json()
    assert state["speed"] == 60
    assert state["now"] - before >= 300
    for wrong in ({"speed": 0}, {"advance": -1}, {"sped": 2}):
        assert control.put("/clock", json=wrong).status_code == 400
