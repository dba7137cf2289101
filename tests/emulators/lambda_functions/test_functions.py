"""Functions in processes of their own: what Lambda reports for everything that can go wrong."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.dev.conftest import STACK
from tollgate.emulators.lambda_functions import Function, FunctionError, FunctionSettings

pytestmark = pytest.mark.path


class KeptLogs:
    def __init__(self):
        self.lines, self.failures = [], []

    def line(self, function, text):
        self.lines.append(text)

    def failure(self, function, lines):
        self.failures.append(lines)


@pytest.fixture
def logs():
    return KeptLogs()


def _settings(code, **changes):
    variables = {"TABLE": "things", "AWS_ENDPOINT_URL_DYNAMODB": "http://127.0.0.1:1"}
    defaults = {
        "name": "worker",
        "arn": "arn:aws:lambda:us-east-1:123456789012:function:worker",
        "handler": "app.lambda_handler",
        "layers": (STACK / "layer",),
        "timeout_s": 1.0,
        "memory_mb": 256,
        "variables": variables,
    }
    return FunctionSettings(code=code, **{**defaults, **changes})


@pytest.fixture(params=["awslambdaric", "pure_client"])
def worker(request, logs, tmp_path):
    """The fixture's worker, under Amazon's client and under ours."""
    changes = {}
    if request.param == "pure_client":
        # A module of that name which cannot be imported hides the installed one.
        (tmp_path / "awslambdaric.py").write_text("raise ImportError('hidden')")
        changes["layers"] = (STACK / "layer", tmp_path)
    function = Function(_settings(STACK / "functions" / "worker", **changes), logs)
    yield function
    function.close()


def _error(function, **event):
    with pytest.raises(FunctionError) as caught:
        function.invoke(event)
    return caught.value.payload


def test_a_handler_sees_its_event_and_context(worker):
    assert worker.invoke({"do": "echo", "é": [1, None]}) == {"do": "echo", "é": [1, None]}
    described = worker.invoke({"do": "describe"})
    assert described["name"] == "worker"
    assert 0 < described["remaining_ms"] <= 1000
    assert described["table"] == "things"


def test_environments_are_reused_when_they_are_free(worker):
    first, second = worker.invoke({}), worker.invoke({})

    assert (first["calls"], second["calls"]) == (1, 2)
    assert worker.cold_starts == 1


def test_concurrent_invocations_get_environments_of_their_own(worker):
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(worker.invoke, [{"do": "sleep", "seconds": 0.4}] * 3))

    assert worker.cold_starts == 3


def test_an_exception_is_reported_with_its_type_and_keeps_the_environment(worker, logs):
    error = _error(worker, do="raise")

    assert error["errorType"] == "CustomError"
    assert error["errorMessage"] == "as the event says"
    assert any("lambda_handler" in line for line in error["stackTrace"])
    assert any("as the event says" in line for line in logs.failures[-1])
    worker.invoke({})
    assert worker.cold_starts == 1


def test_a_result_that_is_not_json_is_a_marshal_error(worker):
    assert _error(worker, do="unspeakable")["errorType"] == "Runtime.MarshalError"


def test_a_function_that_outlives_its_timeout_is_stopped(worker):
    started = time.monotonic()
    error = _error(worker, do="sleep", seconds=30)

    assert error["errorType"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in error["errorMessage"]
    assert time.monotonic() - started < 3
    assert worker.invoke({})["calls"] == 1


def test_a_caller_with_less_patience_than_the_function_stops_waiting(worker):
    with pytest.raises(TimeoutError):
        worker.invoke({"do": "sleep", "seconds": 0.9}, patience_s=0.1)


def test_a_process_that_ends_is_an_exit_error_with_its_last_words_logged(worker, logs):
    error = _error(worker, do="exit")

    assert error["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in error["errorMessage"]
    assert "last words" in logs.failures[-1]
    assert worker.invoke({})["calls"] == 1


@pytest.mark.skipif(not hasattr(signal, "SIGKILL") or os.uname().sysname != "Linux", reason="RLIMIT_DATA is Linux's")
def test_a_function_that_takes_too_much_memory_is_out_of_memory(worker):
    assert _error(worker, do="memory")["errorType"] == "Runtime.OutOfMemory"


def test_a_module_that_cannot_be_imported_is_reported_at_start(tmp_path, logs):
    (tmp_path / "app.py").write_text("import no_such_module")
    function = Function(_settings(tmp_path), logs)

    assert _error(function)["errorType"] == "Runtime.ImportModuleError"
    function.close()


def test_a_changed_file_is_loaded_at_the_next_invocation(tmp_path, logs):
    # GIVEN a function that has run
    code = tmp_path / "code"
    shutil.copytree(STACK / "functions" / "worker", code)
    function = Function(_settings(code), logs)
    function.invoke({})

    # WHEN its code changes
    (code / "app.py").write_text("def lambda_handler(event, context): return 'new'")
    time.sleep(0.35)

    # THEN the next invocation runs the new code
    assert function.invoke({}) == "new"
    function.close()


def test_closing_leaves_no_process(worker):
    pid = worker.invoke({})["pid"]
    worker.close()

    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_an_error_is_plain_json(worker):
    assert json.dumps(_error(worker, do="raise"))
