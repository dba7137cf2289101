"""A share of the requests is asked of another variant, too: numbers remain, and no client notices."""

from __future__ import annotations

import json
import time

import pytest

from tests.conftest import ROOT
from tests.dev.conftest import eventually
from tests.faults.stack import Log
from tests.hooks.conftest import SECRET, Hooked, events
from tests.inference.conftest import prepared, record, variant
from tollgate.dev import Local

pytestmark = pytest.mark.slow

BASES = pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
BOTH = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
BUCKET = "shadows-of-tests"


@pytest.fixture(scope="module")
def shadowed():
    """A stack with models of two variants, both of which echo: every request has a shadow."""
    log = Log()
    with Local.start(ROOT / "template.yaml", models=[], console=log) as local:
        made = []
        for name in ("first", "second"):
            arn = local.bedrock.register(name=f"shadow-{name}", engine="echo")
            made.append(
                {"name": name, "model_id": arn, "body_format": "openai", "weight": 100 if name == "first" else 0}
            )
        shadow = {"variant": "second", "percent": 100}
        local.put_record({"model": "shadowed", "variants": made, "shadow": shadow})
        local.put_record({"model": "kept", "variants": made, "shadow": {**shadow, "bucket": BUCKET}})
        local.put_record({"model": "nowhere", "variants": made, "shadow": {**shadow, "bucket": "there-is-none"}})
        local.s3.create_bucket(Bucket=BUCKET)
        running = Hooked(local, log)
        yield running
        running.http.close()


@pytest.fixture(autouse=True)
def _healthy(request):
    yield
    if "shadowed" in request.fixturenames:
        bedrock = request.getfixturevalue("shadowed").local.bedrock
        bedrock.set_faults("shadow-second")
        eventually(lambda: not bedrock.model("shadow-second").traffic.in_flight, within_s=10)


def calls(shadowed):
    return [shadowed.local.bedrock.model(f"shadow-{name}").traffic.invocations for name in ("first", "second")]


def comparison(shadowed, answer, within_s=5.0):
    """The log line that compares an answer with its shadow's."""
    request_id, until = answer.headers["x-request-id"], time.monotonic() + within_s
    while time.monotonic() < until:
        for line in [*shadowed.log.lines]:
            if line.get("request_id") == request_id and line.get("key_id") == "shadow" and "status" in line:
                return line
        time.sleep(0.02)
    raise AssertionError("no shadow was compared")


@pytest.mark.path
@BASES
@BOTH
def test_the_other_variant_is_asked_once_and_compared_in_numbers(shadowed, base, stream):
    before = calls(shadowed)

    answer = shadowed.ask(base, "shadowed", stream=stream)
    line = comparison(shadowed, answer)

    assert f"echo: {SECRET}" in answer.text or stream
    assert "shadow" not in answer.text.replace("shadowed", "")
    assert [now - then for now, then in zip(calls(shadowed), before, strict=True)] == [1, 1]
    assert (line["variant"], line["shadow_of"]) == ("second", "first")
    assert (line["shadow_same"], line["shadow_similarity"]) == (True, 1.0)
    assert line["shadow_length"] == [len(f"echo: {SECRET}")] * 2
    assert line["shadow_finish_reason"] == ["stop", "stop"]
    assert line["shadow_json"] == [False, False]
    assert len(line["shadow_seconds"]) == 2
    assert SECRET not in str(shadowed.log.lines)


@pytest.mark.path
@BASES
@BOTH
def test_a_shadow_that_fails_is_nobodys_failure(shadowed, base, stream):
    shadowed.local.bedrock.set_faults("shadow-second", steps=[{"error": "ModelErrorException", "times": None}])

    answer = shadowed.ask(base, "shadowed", stream=stream)

    assert answer.status_code == 200
    assert comparison(shadowed, answer)["code"] == "model_error"
    events_of_client = events(answer) if stream else [answer.json()]
    assert not any("error" in event for event in events_of_client)


@pytest.mark.path
@BASES
def test_a_shadow_that_hangs_holds_nobody_up(shadowed, base):
    comparison(shadowed, shadowed.ask(base, "shadowed"))  # everything runs
    shadowed.local.bedrock.set_faults("shadow-second", steps=[{"delay_seconds": 3, "times": None}])
    started = time.monotonic()

    answer = shadowed.ask(base, "shadowed")

    took_s = time.monotonic() - started
    assert answer.status_code == 200
    comparison(shadowed, answer, within_s=15)
    assert took_s < 2


@pytest.mark.path
def test_who_names_a_variant_has_no_shadow(shadowed):
    before = calls(shadowed)

    shadowed.ask("/v1", "shadowed@first")
    shadowed.ask("/stream/v1", "shadowed@second")

    time.sleep(0.3)
    assert [now - then for now, then in zip(calls(shadowed), before, strict=True)] == [1, 1]


@pytest.mark.path
@BASES
def test_texts_are_kept_where_the_record_names_a_bucket(shadowed, base):
    answer = shadowed.ask(base, "kept")
    key = f"shadows/kept/{answer.headers['x-request-id']}.json"
    comparison(shadowed, answer)

    eventually(lambda: "Contents" in shadowed.local.s3.list_objects_v2(Bucket=BUCKET, Prefix=key))
    kept = json.loads(shadowed.local.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    assert kept["first"] == {"variant": "first", "text": f"echo: {SECRET}"}
    assert kept["second"] == {"variant": "second", "text": f"echo: {SECRET}"}


@pytest.mark.path
@BASES
def test_a_bucket_that_is_not_there_fails_no_request(shadowed, base):
    answer = shadowed.ask(base, "nowhere")

    assert answer.status_code == 200
    assert comparison(shadowed, answer)["shadow_same"] is True


@pytest.mark.path
def test_shadows_are_counted_apart_from_clients_requests(shadowed):
    answer = shadowed.ask("/v1", "shadowed")
    comparison(shadowed, answer)

    def shadows():
        return [line for line in shadowed.log.lines if "Shadows" in line and line["model"] == "shadowed"]

    eventually(shadows)
    for line in shadows():
        assert "Requests" not in line
        assert line["Shadows"] == 1


@pytest.mark.path
@BASES
def test_a_hook_before_the_model_is_not_called_again_for_the_shadow(base, tmp_path):
    # GIVEN a model with a shadow, whose hook notes each call
    (tmp_path / "hook.py").write_text(
        "import json\n"
        "def before(event, context):\n"
        "    with open('calls.txt', 'a') as file:\n"
        "        file.write('x')\n"
        "    return {'request': {'messages': [{'role': 'user', 'content': json.loads(event['body'])['apex']}]}}\n"
    )
    log = Log()
    variants = [{"name": "first", "model_id": None, "body_format": "openai"}]
    entry = {
        "serve": {"engine": "echo", "hooks": {"before": "hook.py:before"}},
        "record": {
            "model": "m",
            "variants": [*variants, {**variants[0], "name": "second", "weight": 0}],
            "shadow": {"variant": "second", "percent": 100},
        },
    }
    with Local.start(ROOT / "template.yaml", root=tmp_path, models=[entry], console=log) as local:
        running = Hooked(local, log)

        # WHEN it is asked
        answer = running.ask(base, "m", apex="update a;")
        line = comparison(running, answer)
        running.http.close()

    # THEN the shadow was asked what the hook had made of the request
    assert line["shadow_same"] is True
    assert (tmp_path / "calls.txt").read_text() == "x"


@pytest.mark.parametrize("percent", [1, 30, 100])
def test_so_many_of_a_hundred_requests_have_a_shadow(percent):
    shadow = {"variant": "second", "percent": percent}
    text = record(variant(name="first"), variant(name="second", weight=0), shadow=shadow)

    chosen = [prepared(text, request_id=f"r-{number}").spec.shadow is not None for number in range(2000)]

    assert sum(chosen) / 20 == pytest.approx(percent, abs=max(2, percent * 0.1))
