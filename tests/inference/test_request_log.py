"""What a log line may say: fields and words that we know, never what a client or a model made up."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record
from tests.stream.conftest import Log
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.request_log import RequestLog


def line_of(error):
    log = Log()
    request_log = RequestLog(log.logger)
    request_log.failed(error)
    request_log.write()
    (line,) = log.lines
    return line


@pytest.mark.parametrize(
    "param, logged",
    [
        ("temperature", "temperature"),
        ("messages[12].content[3].type", "messages.content.type"),
        ("tools[0].function.name", "tools.function.name"),
        ("prompt[0]", "prompt"),
        ("patient_has_cancer", None),
        ("metadata.ssn.one.two.three", "metadata"),
        ("chat_template_kwargs.my_password_is_hunter_token", "chat_template_kwargs"),
        ("messages[0].patient_has_cancer", "messages"),
        ("variables.name", "variables"),
        ("logit_bias.x", "logit_bias"),
        ("x." * 1_000_000, None),
        ("", None),
        (None, None),
    ],
)
def test_a_parameter_is_logged_as_far_as_it_is_a_field(param, logged):
    assert line_of(ApiError("invalid_parameter", param=param)).get("param") == logged


def test_a_failures_name_has_a_length():
    assert len(json.dumps(line_of(ApiError("internal_error", upstream="x" * 100_000)))) < 1000


def test_a_models_own_words_for_an_end_are_counted_and_not_repeated():
    log = Log()
    spec = prepared(record()).spec
    reasons = ["stop", "a secret " * 30_000, "length", None]
    choices = [
        {"index": number, "message": {"content": "x"}, "finish_reason": reason} for number, reason in enumerate(reasons)
    ]

    request_log = RequestLog(log.logger)
    request_log.completed(spec, complete(spec, {"choices": choices}).outcome)
    request_log.write()

    (line,) = log.lines
    assert line["stop_reasons"] == ["stop", "other", "length", ""]
    assert "secret" not in log.text
