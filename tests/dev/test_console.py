"""What the terminal of `tollgate dev` shows of a request: a line, or with --verbose a block with what the model got."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest

from tests.dev.conftest import eventually
from tollgate.dev.certificate import make_certificate
from tollgate.dev.console import Console
from tollgate.emulators.step_functions import Execution
from tollgate.emulators.step_functions.execution import StateRun
from tollgate.loopback import Server

REQUEST = ("POST", "/v1/chat/completions", 200, 0.012, None, "r-1")


def log_line(**facts):
    return json.dumps({"level": "INFO", "message": "request", "request_id": "r-1", **facts}, separators=(",", ":"))


@pytest.fixture
def said():
    return []


def test_a_request_that_went_well_is_a_line(said):
    Console(verbose=False, write=said.append).request(*REQUEST)

    assert said == ["POST /v1/chat/completions 200 12 ms"]


def test_a_key_in_a_path_is_not_shown(said):
    Console(verbose=False, write=said.append).request("POST", "/k/secret/model/m/invoke", 200, 0.001, "broken", "r-1")

    assert said == ["POST /k/…/model/m/invoke: broken", "POST /k/…/model/m/invoke 200 1 ms"]


def test_a_refusal_says_its_code_also_without_verbose(said):
    console = Console(verbose=False, write=said.append)
    console.request("POST", "/v1/chat/completions", 400, 0.012, None, "r-1")
    # The function's line comes through a pipe, after the answer.
    console.line("Preprocess", log_line(model="m", code="unsupported_parameter"))

    eventually(lambda: said == ["POST /v1/chat/completions 400 12 ms  m  unsupported_parameter"])


def test_verbose_shows_a_block_headed_by_the_id_with_the_prompt_that_the_model_got(said):
    console = Console(verbose=True, write=said.append)
    states = [StateRun("Preprocess", "Task", None, 0.0, 0.004), StateRun("InvokeModel", "Task", None, 0.004, 0.01)]
    console.execution(Execution("arn", "r-1", "machine", {"request_id": "r-1"}, 0.0, states=states))
    console.invocation("qwen", b'{"prompt": "<|im_start|>user\\nhi", "max_tokens": 5}')
    console.line("Postprocess", log_line(model="m", variant="v1", prompt_length=2, prompt_tokens=4, attempts=1))
    console.line("Postprocess", '{"_aws":{"Timestamp":1}}')
    console.request(*REQUEST)

    eventually(lambda: bool(said))
    (block,) = said
    head, states_line, *given = block.split("\n")
    assert "r-1  POST /v1/chat/completions 200 12 ms  m" in head
    assert states_line == "   Preprocess 4 ms → InvokeModel 6 ms"
    assert given == [
        '   qwen was given {"max_tokens": 5}',
        "   │ <|im_start|>user",
        "   │ hi",
        "   variant v1, prompt_tokens 4",
    ]


def test_what_a_function_prints_itself_is_shown_at_once(said):
    Console(verbose=True, write=said.append).line("Preprocess", "hello")

    assert said == ["  [Preprocess] hello"]


@pytest.mark.path
def test_a_stack_over_tls_has_a_certificate_for_this_machine(tmp_path):
    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    files = make_certificate(tmp_path)
    server = Server(app, certificate=files)
    try:
        assert server.url.startswith("https://127.0.0.1:")
        assert httpx.get(server.url, verify=ssl.create_default_context(cafile=files.certificate)).status_code == 204
        assert oct(files.key.stat().st_mode & 0o777) == "0o600"
        with pytest.raises(httpx.ConnectError):
            httpx.get(server.url)
    finally:
        server.close()
