"""The `upstream` engine, over a transport that plays an OpenAI-compatible server."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tollgate.emulators.bedrock import Bedrock
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.engines.upstream import UpstreamEngine


class Upstream(httpx.AsyncBaseTransport):
    """Answers each request with the same chunks and keeps what it was asked."""

    def __init__(self, *chunks, status=200, body=None):
        lines = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + ": ping\n\ndata: [DONE]\n\n"
        self.answer = httpx.Response(status, text=lines if body is None else body)
        self.request = {}
        self.path = ""

    async def handle_async_request(self, request):
        self.path, self.request = request.url.path, json.loads(await request.aread())
        return self.answer


def delta(finish_reason=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


def invoke(upstream, body, body_format="openai"):
    bedrock = Bedrock()
    engine = UpstreamEngine("http://upstream/v1/", "qwen", upstream)
    bedrock.register("model", engine=engine, architecture="llama", body_format=body_format)
    return asyncio.run(Invocation(bedrock.model("model"), body).whole_answer())


CHAT = {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "seed": 3}


def test_a_chat_is_passed_on_under_the_servers_name_of_the_model():
    upstream = Upstream(delta(role="assistant", content=""), delta(content="Hel"), delta("length", content="lo"))
    answer = invoke(upstream, CHAT)
    assert answer["choices"][0]["message"]["content"] == "Hello"
    assert answer["choices"][0]["finish_reason"] == "length"
    assert upstream.path == "/v1/chat/completions"
    assert upstream.request == CHAT | {
        "model": "qwen",
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_servers_token_counts_replace_the_guessed_ones():
    usage = {"prompt_tokens": 40, "completion_tokens": 7, "total_tokens": 47}
    answer = invoke(Upstream(delta(content="x"), {"choices": [], "usage": usage}), CHAT)
    assert answer["usage"] == usage


def test_tool_calls_and_reasoning_are_put_together():
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "find", "arguments": '{"a"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    upstream = Upstream(
        delta(reasoning_content="hm"), delta(tool_calls=[first]), delta("tool_calls", tool_calls=[rest])
    )
    choice = invoke(upstream, CHAT)["choices"][0]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["reasoning_content"] == "hm"
    assert choice["message"]["content"] is None
    (call,) = choice["message"]["tool_calls"]
    assert (call["id"], call["function"]) == ("call_1", {"name": "find", "arguments": '{"a": 1}'})


def test_a_bedrock_prompt_becomes_an_openai_completion():
    upstream = Upstream({"choices": [{"text": "Hello", "finish_reason": "stop"}]})
    answer = invoke(upstream, {"prompt": "Hi", "max_gen_len": 5}, body_format="bedrock")
    assert answer["generation"] == "Hello"
    assert upstream.path == "/v1/completions"
    assert (upstream.request["max_tokens"], "max_gen_len" in upstream.request) == (5, False)


@pytest.mark.parametrize(
    "upstream, code",
    [
        (Upstream(status=400, body="no such field"), "ValidationException"),
        (Upstream(status=429, body=""), "ThrottlingException"),
        (Upstream(status=500, body="boom"), "ModelErrorException"),
        (Upstream(body="data: {nonsense\n\n"), "ModelErrorException"),
        (Upstream(body='data: {"choices": [1]}\n\n'), "ModelErrorException"),
        (Upstream({"error": {"message": "out of memory"}}), "ModelErrorException"),
        (Upstream(delta(tool_calls=[{"index": 10**9}])), "ModelErrorException"),
    ],
)
def test_a_server_that_fails_is_a_modelled_exception(upstream, code):
    with pytest.raises(ServiceError) as caught:
        invoke(upstream, CHAT)
    assert caught.value.code == code


def test_a_server_that_is_not_there_is_a_model_error_that_names_its_address():
    class Nowhere(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            raise httpx.ConnectError("connection refused")

    with pytest.raises(ServiceError, match="http://upstream/v1 failed: connection refused"):
        invoke(Nowhere(), CHAT)
