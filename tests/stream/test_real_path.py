"""The streaming path as `make dev` runs it: gateway, function process, embedded Bedrock; and the clients people use."""

from __future__ import annotations

import asyncio
import itertools
import json
import statistics
import time

import httpx
import openai
import pytest
from langchain_openai import ChatOpenAI

from tests.conftest import ROOT
from tollgate.dev import Local

pytestmark = pytest.mark.path

MODELS = {"qwen": "qwen2", "llama": "llama", "mistral": "mistral"}
"""Their names and architectures."""
HELLO = [{"role": "user", "content": "one two three four"}]
GAP_S = 0.06
PARAMETERS = {"CommentIntervalSeconds": "1", "ModelWaitSeconds": "30", "RecordCacheSeconds": "1"}


def echo(name, body_format, **variant):
    """A model that answers with its prompt, one word after another."""
    variant |= {"name": "local", "model_id": None, "body_format": body_format}
    return {
        "serve": {"engine": "echo", "architecture": MODELS[name], "body_format": body_format},
        "record": {"model": name, "variants": [variant]},
    }


@pytest.fixture(scope="module")
def local():
    models = [
        echo("qwen", "openai"),
        echo("llama", "bedrock", chat_template="llama3"),
        echo("mistral", "mistral", chat_template="mistral-v3"),
    ]
    with Local.start(template=ROOT / "template.yaml", models=models, parameters=PARAMETERS) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_faults(request):
    yield
    if "local" in request.fixturenames:
        for model in MODELS:
            request.getfixturevalue("local").bedrock.set_faults(model)


@pytest.fixture
def client(local):
    with openai.OpenAI(base_url=f"{local.url}/stream/v1", api_key=local.key, max_retries=0) as openai_client:
        yield openai_client


@pytest.fixture
def http(local):
    headers = {"Authorization": f"Bearer {local.key}"}
    with httpx.Client(base_url=f"{local.url}/stream/v1", headers=headers, timeout=30) as http_client:
        yield http_client


def chat(model="qwen", content="one two three four", **fields):
    return {"model": model, "messages": [{"role": "user", "content": content}], "stream": True} | fields


def eventually(condition, seconds=3.0):
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.01)
    return condition()


def typical_gap(times):
    """The median: a busy machine may bunch two tokens, but one lump has no gaps."""
    return statistics.median(later - earlier for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize("model", MODELS)
def test_openais_client_reads_tokens_as_the_model_gives_them(local, client, model):
    local.bedrock.set_faults(model, seconds_per_token=GAP_S)
    with client.chat.completions.create(model=model, messages=HELLO, stream=True) as stream:
        received = [(time.monotonic(), chunk) for chunk in stream]

    times = [at for at, chunk in received if chunk.choices and chunk.choices[0].delta.content]
    assert len(times) >= 4
    assert typical_gap(times) > GAP_S / 2
    assert len({chunk.id for _, chunk in received}) == len({chunk.created for _, chunk in received}) == 1
    assert received[-1][1].choices[0].finish_reason == "stop"


def test_langchain_reads_tokens_as_the_model_gives_them(local):
    local.bedrock.set_faults("qwen", seconds_per_token=GAP_S)
    model = ChatOpenAI(model="qwen", base_url=f"{local.url}/stream/v1", api_key=local.key, max_retries=0)

    received = [(time.monotonic(), chunk.content) for chunk in model.stream("one two three four")]

    assert "".join(text for _, text in received) == "echo: one two three four"
    assert typical_gap([at for at, text in received if text]) > GAP_S / 2


def test_plain_http_gets_each_event_in_a_piece_of_its_own(local, http):
    local.bedrock.set_faults("qwen", seconds_per_token=GAP_S)
    with http.stream("POST", "/chat/completions", json=chat(content="word " * 10)) as response:
        received = [(time.monotonic(), piece) for piece in response.iter_raw()]

    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["x-request-id"] in received[0][1].decode()
    assert typical_gap([at for at, piece in received if b"word" in piece]) > GAP_S / 2


@pytest.mark.parametrize("model", MODELS)
def test_both_paths_give_the_same_answer(local, http, model):
    whole = chat(model, stream=False)
    key = {"Authorization": f"Bearer {local.key}"}

    fast = http.post("/chat/completions", json=whole).json()
    step = httpx.post(f"{local.url}/v1/chat/completions", json=whole, headers=key, timeout=30).json()

    assert fast["choices"] == step["choices"]
    assert fast["usage"] == step["usage"]


def test_a_prompt_far_above_the_step_paths_limit_is_answered(http):
    prompt = "word" + " word" * 299_999

    answer = http.post("/completions", json={"model": "qwen", "prompt": prompt, "max_tokens": 3})

    assert answer.status_code == 200
    assert answer.json()["usage"]["prompt_tokens"] == 300_000


def test_a_wrong_key_is_refused(local):
    answer = httpx.post(f"{local.url}/stream/v1/chat/completions", json=chat(), headers={"Authorization": "Bearer no"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_api_key")


def test_wrong_methods_and_media_types_are_refused_in_openais_shape(http):
    text = {"content-type": "text/plain"}
    answers = [http.get("/chat/completions"), http.post("/chat/completions", content="x", headers=text)]

    assert [answer.status_code for answer in answers] == [405, 415]
    for answer in answers:
        assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


def test_a_cold_model_is_waited_for_under_comments(local, http):
    local.bedrock.set_faults("qwen", steps=[{"error": "ModelNotReadyException", "delay_seconds": 0.7, "times": 3}])

    with http.stream("POST", "/chat/completions", json=chat()) as response:
        lines = list(response.iter_lines())

    assert response.status_code == 200
    assert lines[0].startswith(":")
    assert lines[-2] == "data: [DONE]"


def test_openais_client_does_not_mind_comments(local, client):
    local.bedrock.set_faults("qwen", steps=[{"delay_seconds": 1.3}])

    with client.chat.completions.create(model="qwen", messages=HELLO, stream=True) as stream:
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream)

    assert text == "echo: one two three four"


def test_a_throttled_model_is_a_429_at_once(local, client):
    local.bedrock.set_faults("qwen", steps=[{"error": "ThrottlingException", "times": None}])
    before = local.bedrock.model("qwen").traffic.invocations

    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(model="qwen", messages=HELLO, stream=True)

    assert caught.value.response.headers["retry-after"] == "5"
    assert local.bedrock.model("qwen").traffic.invocations == before + 1


def test_a_failure_after_tokens_reaches_openais_client_as_an_error(local, client):
    local.bedrock.set_faults("qwen", steps=[{"error": "ServiceUnavailableException", "after_tokens": 2}])

    stream = client.chat.completions.create(model="qwen", messages=HELLO, stream=True)
    received = next(stream), next(stream)
    with stream, pytest.raises(openai.APIError) as caught:
        list(stream)

    assert received[1].choices[0].delta.content == "echo:"
    assert caught.value.code == "model_unavailable"


@pytest.mark.alone
def test_a_client_that_leaves_closes_the_models_stream_at_once(local, http):
    local.bedrock.set_faults("qwen", seconds_per_token=0.05)
    traffic = local.bedrock.model("qwen").traffic
    assert eventually(lambda: traffic.open_streams == 0)  # an earlier test's stream may be closing, and would count
    before = traffic.streams_closed_by_client
    with http.stream("POST", "/chat/completions", json=chat(content="word " * 1000)) as response:
        pieces = response.iter_raw()  # kept: httpx closes the connection as soon as nobody holds its iterator
        next(pieces)
        assert eventually(lambda: traffic.open_streams == 1)

    assert eventually(lambda: traffic.open_streams == 0, 1)
    assert traffic.streams_closed_by_client == before + 1


def test_a_hundred_slow_streams_at_once_each_get_their_own_answer(local):
    local.bedrock.set_faults("qwen", seconds_per_token=0.1)
    prompts = [f"caller {number} says this and that" for number in range(100)]

    async def ask(client, prompt):
        async with client.stream("POST", "/stream/v1/chat/completions", json=chat(content=prompt)) as response:
            chunks = [json.loads(line[6:]) async for line in response.aiter_lines() if line.startswith("data: {")]
        return "".join(chunk["choices"][0]["delta"].get("content", "") for chunk in chunks)

    async def ask_all():
        headers = {"Authorization": f"Bearer {local.key}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=local.url, headers=headers, limits=limits, timeout=60) as client:
            return await asyncio.gather(*(ask(client, prompt) for prompt in prompts))

    assert asyncio.run(ask_all()) == [f"echo: {prompt}" for prompt in prompts]
    traffic = local.bedrock.model("qwen").traffic
    assert traffic.most_in_flight >= 50
    assert (traffic.in_flight, traffic.open_streams) == (0, 0)
