"""The embedded Bedrock takes no request that the service would refuse, and asks for what a real server asks for."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.emulators.bedrock.conftest import drain
from tollgate.emulators.bedrock import Bedrock
from tollgate.emulators.bedrock.billing import WindowCounter
from tollgate.emulators.bedrock.control import describe
from tollgate.emulators.bedrock.converse_request import to_chat
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.formats import choose
from tollgate.emulators.bedrock.formats.fields import known_keys
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.emulators.bedrock.models import RecentBodies
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run
from tollgate.engines.base import Delta, Token
from tollgate_layer.inference.schemas import parameters

MESSAGES = [{"role": "user", "content": "one two"}]


class SeedEngine:
    """Answers with the seed that it is given, as many tokens as the seed says."""

    def count_tokens(self, generation):
        return 3

    async def generate(self, generation):
        for number in range(generation.seed or 1):
            yield Token(f"{generation.seed}.{number} ")
        yield "stop"


class PanicException(BaseException):
    """A panic as PyO3 raises it: no Exception."""


class PanickingEngine:
    def count_tokens(self, generation):
        return 1

    async def generate(self, generation):
        yield Token("a")
        raise PanicException("a library gave up")


@pytest.fixture
def seeded(bedrock):
    return bedrock.register("seeded", engine=SeedEngine(), architecture="llama")


def _invoke(server, arn, **body):
    return httpx.post(f"{server.url}/model/{arn}/invoke", json=body)


# --- choices -----------------------------------------------------------------------------------------------------


@pytest.mark.path
@pytest.mark.parametrize("prompt", [{"messages": MESSAGES}, {"prompt": "x", "max_tokens": 9}])
def test_n_choices_are_answered_each_with_a_seed_of_its_own(server, seeded, prompt):
    answer = _invoke(server, seeded, **prompt, n=3, seed=2).json()

    texts = [choice.get("text") or choice["message"]["content"] for choice in answer["choices"]]
    assert texts == ["2.0 2.1 ", "3.0 3.1 3.2 ", "4.0 4.1 4.2 4.3 "]
    assert [choice["index"] for choice in answer["choices"]] == [0, 1, 2]
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}


@pytest.mark.path
def test_streamed_choices_grow_side_by_side_and_each_ends(runtime, seeded):
    body = {"messages": MESSAGES, "n": 2, "seed": 2, "stream_options": {"include_usage": True}}
    stream = runtime.invoke_model_with_response_stream(modelId=seeded, body=json.dumps(body))
    chunks = [json.loads(event["chunk"]["bytes"]) for event in drain(stream["body"])[0]]

    texts = [(c["choices"][0]["index"], c["choices"][0]["delta"].get("content")) for c in chunks[2:-3]]
    assert texts == [(0, "2.0 "), (1, "3.0 "), (0, "2.1 "), (1, "3.1 "), (1, "3.2 ")]
    assert [c["choices"][0]["index"] for c in chunks[:2] + chunks[-3:-1]] == [0, 1, 0, 1]
    assert [c["choices"][0]["finish_reason"] for c in chunks[-3:-1]] == ["stop", "stop"]
    assert chunks[-1]["usage"]["completion_tokens"] == 5


@pytest.mark.path
@pytest.mark.parametrize("n", [0, -1, 129, 1.5, "2", True])
def test_a_number_of_choices_that_cannot_be_is_refused(server, seeded, n):
    assert _invoke(server, seeded, messages=MESSAGES, n=n).status_code == 400


@pytest.mark.path
def test_greedy_choices_would_be_equal_and_are_refused(server, seeded):
    answer = _invoke(server, seeded, messages=MESSAGES, n=2, temperature=0)

    assert (answer.status_code, "greedy" in answer.json()["message"]) == (400, True)


# --- seeds, JSON, content types -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given, read", [(None, None), (-1, None), (0, 0), (7, 7), (-7, -7), (-(2**63), -(2**63)), (2**63 - 1, 2**63 - 1)]
)
def test_a_seed_is_a_64_bit_number_and_minus_one_is_none(given, read):
    body = {"messages": MESSAGES, "seed": given}
    assert choose("openai", body).parse(body).seed == read


@pytest.mark.parametrize("seed", [2**63, -(2**63) - 1, 1.0, "1", True])
def test_any_other_seed_is_refused(seed):
    body = {"messages": MESSAGES, "seed": seed}
    with pytest.raises(ServiceError, match="seed"):
        choose("openai", body).parse(body)


@pytest.mark.path
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e999"])
@pytest.mark.parametrize("body", ['{{"messages": [], "x": {}}}', '{{"prompt": "x", "x": [{{"deep": {}}}]}}'])
def test_numbers_that_are_no_json_are_refused_wherever_they_stand(server, bedrock, number, body):
    arn = bedrock.register("model")
    for path in (f"/model/{arn}/invoke", f"/model/{arn}/converse", "/_tollgate/models", "/model-import-jobs"):
        headers = {"content-type": "application/json"}
        answer = httpx.post(server.url + path, content=body.format(number), headers=headers)
        assert (answer.status_code, "Malformed" in answer.json()["message"]) == (400, True), path


@pytest.mark.path
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"])
def test_what_a_web_page_may_send_unasked_is_no_json(server, bedrock, kind):
    arn = bedrock.register("model")
    routes = [
        ("POST", f"/model/{arn}/invoke"),
        ("POST", f"/model/{arn}/invoke-with-response-stream"),
        ("POST", f"/model/{arn}/converse"),
        ("POST", "/model-import-jobs"),
        ("POST", "/_tollgate/models"),
        ("PUT", "/_tollgate/clock"),
        ("PUT", "/_tollgate/settings"),
        ("PUT", "/_tollgate/imports"),
        ("PUT", "/_tollgate/models/model/faults"),
    ]
    for method, path in routes:
        answer = httpx.request(method, server.url + path, content=b'{"name": "x"}', headers={"content-type": kind})
        assert answer.status_code == 415, path
    assert [model.name for model in bedrock.models()] == ["model"]


@pytest.mark.path
@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/x-amz-json-1.1"])
def test_json_types_are_taken_however_they_are_written(server, bedrock, kind):
    arn = bedrock.register("model")
    content = b'{"prompt": "x"}'
    assert httpx.post(f"{server.url}/model/{arn}/invoke", content=content, headers={"content-type": kind}).is_success


# --- Converse -----------------------------------------------------------------------------------------------------

TOOLS = [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}]
TURN = [{"role": "user", "content": [{"text": "hi"}]}]


@pytest.mark.parametrize(
    "given, sent",
    [
        ({"auto": {}}, None),
        ({"any": {}}, "required"),
        ({"tool": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
    ],
)
def test_a_tool_choice_is_passed_on(given, sent):
    request = {"messages": TURN, "toolConfig": {"tools": TOOLS, "toolChoice": given}}
    assert to_chat(request).get("tool_choice") == sent


def test_a_tool_choice_must_be_among_the_tools():
    with pytest.raises(ServiceError, match="unknown"):
        to_chat({"messages": TURN, "toolConfig": {"tools": TOOLS, "toolChoice": {"tool": {"name": "unknown"}}}})


def test_additional_fields_reach_the_model_and_never_replace_others():
    request = {"messages": TURN, "inferenceConfig": {"maxTokens": 5}}

    assert to_chat({**request, "additionalModelRequestFields": {"top_k": 3}})["top_k"] == 3
    for field in ({"max_tokens": 9}, {"messages": []}):
        with pytest.raises(ServiceError, match="conflicts"):
            to_chat({**request, "additionalModelRequestFields": field})
    with pytest.raises(ServiceError, match="JSON object"):
        to_chat({**request, "additionalModelRequestFields": [1]})


# --- what is billed -----------------------------------------------------------------------------------------------


def _billed(*uses: tuple[float, bool]) -> int:
    counter = WindowCounter()
    for now, since_last in uses:
        counter.use(now, since_last=since_last)
    return counter.count


def test_every_window_of_a_long_call_is_billed():
    assert _billed((0, False), (900, True)) == 4
    assert _billed((0, False), (10, True), (899, True)) == 3


def test_windows_without_use_are_not_billed():
    assert _billed((0, False), (10, True), (900, False)) == 2


def test_a_short_call_within_a_long_one_changes_nothing():
    async def play(bedrock, clock):
        model = bedrock.model("model")

        async def hold(seconds):
            async with model.life.place():
                await clock.sleep(seconds)

        long = asyncio.ensure_future(hold(1000))
        await clock.sleep(850)
        await hold(10)
        # In flight it is billed up to now, and a look does not bill twice.
        assert describe(bedrock, model)["windows_billed"] == 3
        assert describe(bedrock, model)["copies"][0]["windows"] == 3
        await long
        return model.life.windows_billed()

    loop = VirtualTimeLoop()
    clock = Clock(monotonic=loop.time)
    bedrock = Bedrock(clock=clock)
    bedrock.register("model")
    assert run(loop, play(bedrock, clock)) == 4


# --- failures -----------------------------------------------------------------------------------------------------


@pytest.mark.path
def test_a_panic_is_a_modelled_error_whole_and_streamed(server, runtime, bedrock):
    arn = bedrock.register("model", engine=PanickingEngine(), architecture="llama")

    answer = _invoke(server, arn, messages=MESSAGES)
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (500, "InternalServerException")
    stream = runtime.invoke_model_with_response_stream(modelId=arn, body=json.dumps({"messages": MESSAGES}))
    _, error = drain(stream["body"])
    assert "internalServerException" in str(error)
    assert bedrock.model("model").traffic.in_flight == 0


@pytest.mark.path
def test_a_deeply_nested_body_does_not_spoil_the_state_of_the_models(server, bedrock):
    arn = bedrock.register("model")
    nested = b'{"messages": [{"role": "user", "content": "x"}], "documents": ' + b"[" * 900 + b"]" * 900 + b"}"
    assert httpx.post(f"{server.url}/model/{arn}/invoke", content=nested).is_success

    assert httpx.get(f"{server.url}/_tollgate/models").json()["models"][0]["invocations"] == 1
    bodies = httpx.get(f"{server.url}/_tollgate/models/model/bodies")
    assert bodies.content == b'{"bodies":[' + nested + b"]}"


def test_recent_bodies_are_bounded_in_number_and_bytes_but_the_newest_is_kept():
    bodies = RecentBodies(most=3, most_bytes=100)
    for number in range(5):
        bodies.append(json.dumps({"n": number}).encode())
    assert [body["n"] for body in bodies] == [2, 3, 4]
    bodies.append(b'"' + b"x" * 95 + b'"')
    assert len(bodies) == 1
    bodies.append(b'"' + b"y" * 500 + b'"')
    assert (len(bodies), bodies[-1]) == (1, "y" * 500)


# --- the one table of parameters ------------------------------------------------------------------------------------

SAMPLES = {
    "stop": ["x"],
    "logit_bias": {"1": 1},
    "response_format": {"type": "text"},
    "structured_outputs": {"regex": "a"},
    "logprobs": True,
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning_effort": "low",
    "chat_template_kwargs": {},
    "documents": [],
    "add_generation_prompt": True,
    "continue_final_message": False,
}
PROMPTS = {
    "openai_chat": ("openai", {"messages": MESSAGES}),
    "openai_completion": ("openai", {"prompt": "x", "max_tokens": 5}),
    "bedrock": ("bedrock", {"prompt": "x"}),
    "mistral": ("mistral", {"prompt": "x"}),
}


@pytest.mark.parametrize("body_format", PROMPTS)
def test_every_parameter_that_a_format_honours_is_taken(body_format):
    model_format, prompt = PROMPTS[body_format]
    for name, parameter in parameters().items():
        if body_format in parameter.honoured_by:
            body = {**prompt, parameter.honoured_by[body_format]: SAMPLES.get(name, 1)}
            assert choose(model_format, body).parse(body), name


@pytest.mark.parametrize("body_format", ["bedrock", "mistral"])
def test_a_new_row_of_the_table_is_a_key_of_the_format(body_format, monkeypatch):
    from tollgate.emulators.bedrock.formats import fields

    row = next(iter(parameters().values()))._replace(honoured_by={body_format: "made_up"})
    monkeypatch.setattr(fields, "parameters", lambda: {**parameters(), "dummy": row})

    model_format, prompt = PROMPTS[body_format]
    body = {**prompt, "made_up": 1}
    assert "made_up" in known_keys(body_format, ())
    assert choose(model_format, body).parse(body).body["made_up"] == 1


@pytest.mark.parametrize("body_format", ["bedrock", "mistral"])
def test_other_keys_are_still_refused(body_format):
    model_format, prompt = PROMPTS[body_format]
    with pytest.raises(ServiceError, match="extraneous key"):
        choose(model_format, prompt).parse({**prompt, "made_up": 1})


def test_a_delta_of_a_choice_keeps_its_index():
    bedrock = Bedrock()

    class Calls:
        def count_tokens(self, generation):
            return 1

        async def generate(self, generation):
            yield Delta({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]})
            yield "tool_calls"

    bedrock.register("model", engine=Calls())
    body = {"messages": MESSAGES, "n": 2}
    answer = asyncio.run(Invocation(bedrock.model("model"), body).whole_answer())
    assert [len(choice["message"]["tool_calls"]) for choice in answer["choices"]] == [1, 1]
