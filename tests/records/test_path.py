"""A record at fault, and a refusal by the model's service, on the real path: both base URLs, streamed or not."""

from __future__ import annotations

import json
import logging

import httpx
import pytest

from tests.conftest import ROOT
from tests.dev.conftest import eventually
from tests.faults.stack import LEAKS, Log, error_in
from tollgate.dev import Local

pytestmark = pytest.mark.path

HELLO = [{"role": "user", "content": "Hello"}]
CHATML = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


@pytest.fixture(scope="module")
def log():
    return Log()


@pytest.fixture(scope="module")
def local(log):
    with Local.start(template=ROOT / "template.yaml", parameters={"RateLimit": "1000"}, console=log) as running:
        yield running


@pytest.fixture(params=["/v1", "/v1 streamed", "/stream/v1", "/stream/v1 streamed"])
def ask(request, local):
    """Put a record, send a chat to it, and give the answer."""
    base, _, streamed = request.param.partition(" ")

    def ask(variant: dict, body: dict | None = None, *, template_at_server=True, **record) -> httpx.Response:
        name = f"m{len(local.bedrock.models())}-{abs(hash((request.param, json.dumps([variant, record]))))}"[:40]
        arn = local.bedrock.register(name=name, has_chat_template=template_at_server)
        local.put_record(
            {"model": name, "variants": [{"name": "v", "model_id": arn, "body_format": "openai"} | variant]} | record
        )
        headers = {"Authorization": f"Bearer {local.key}"}
        sent = {"model": name, "stream": bool(streamed)} | ({"messages": HELLO} if body is None else body)
        return httpx.post(f"{local.url}{base}/chat/completions", json=sent, headers=headers, timeout=30)

    return ask


@pytest.mark.parametrize(
    ("variant", "record", "body"),
    [
        ({"chat_template": "qwen-2.5"}, {}, None),
        ({"chat_template": "{% for m in messages %}{{ m }"}, {}, None),
        ({"chat_template": "{{ messages[0].content + 1 }}"}, {}, None),
        ({"chat_template": CHATML, "template_variables": {"messages": []}}, {}, None),
        ({"chat_template": CHATML, "template_variables": {"add_generation_prompt": False}}, {},
         {"messages": HELLO, "add_generation_prompt": True}),
        ({}, {"prompt": {"user": "{{ 1x }}"}}, {"variables": {}}),
        ({"weight": 0}, {}, None),
        ({"model_id": "arn:aws:bedrock:us-east-1:123456789012:import-model/abcdefghijkl"}, {}, None),
        ({"model_id": "no-such-model"}, {}, None),
        ({"model_id": "arn:aws:bedrock:eu-west-1:123456789012:imported-model/abcdefghijkl"}, {}, None),
    ],
    ids=["name", "syntax", "breaks", "messages", "generation", "prompt", "weights", "kind", "bare", "region"],
)  # fmt: skip
def test_a_record_at_fault_is_misconfigured_on_every_way(ask, log, variant, record, body):
    answer = ask(variant, body, **record)

    assert (answer.status_code, error_in(answer)["code"], error_in(answer)["param"]) == (
        502,
        "model_misconfigured",
        None,
    )
    assert error_in(answer)["message"] == "This model is not set up correctly."
    (line,) = log.failures(answer.headers["x-request-id"])
    assert (line["status"], line["level"]) == (502, "ERROR")


def test_a_record_of_a_newer_tollgate_is_served(ask, log):
    answer = ask({"shadow": "other"}, mirror={"to": "arn:aws:lambda:…"})

    assert answer.status_code == 200
    # The functions' lines come through a pipe.
    request_id = answer.headers["x-request-id"]
    expected = {"request_id": request_id, "unknown_record_fields": 2}.items()
    eventually(lambda: any(expected <= line.items() for line in log.lines))


def test_a_refusal_says_why_to_the_client_and_on_the_console(ask, caplog):
    # GIVEN a body that Tollgate passes on and the model's service refuses
    with caplog.at_level(logging.WARNING):
        answer = ask({}, template_at_server=False)

    error = error_in(answer)
    assert (answer.status_code, error["code"]) == (400, "model_rejected_request"), error
    reason = "The model has no chat template: send prompt instead of messages."
    assert error["message"] == f"The model refused the request: {reason}"
    assert not LEAKS.search(error["message"])
    (told,) = [record.message for record in caplog.records if "refuses" in record.message]
    assert told.startswith("Bedrock refuses a request to m")
    assert told.endswith(reason)
