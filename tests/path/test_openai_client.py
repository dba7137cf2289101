"""The step path as an OpenAI client sees it: mapping template, state machine, both functions, the model."""

from __future__ import annotations

import json

import openai
import pytest

from tests.conftest import EVENTS

pytestmark = pytest.mark.path

MODELS = ["apexguru", "llama-demo", "mistral-demo"]
HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize("model", MODELS)
def test_each_body_format_gives_a_chat_completion(client, model):
    completion = client.chat.completions.create(model=model, messages=HELLO)

    assert completion.object == "chat.completion"
    assert completion.choices[0].message.content
    assert completion.choices[0].finish_reason in ("stop", "length")
    assert completion.system_fingerprint == f"{model}@local"


@pytest.mark.parametrize("model", ["llama-demo", "mistral-demo"])
def test_a_text_completion_answers_the_prompt_as_it_is(client, model):
    completion = client.completions.create(model=model, prompt="Once upon a time")

    assert completion.object == "text_completion"
    assert "Once upon a time" in completion.choices[0].text


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_is_complete(client, model):
    options = {"include_usage": True}
    with client.chat.completions.create(model=model, messages=HELLO, stream=True, stream_options=options) as stream:
        chunks = list(stream)

    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert any(chunk.choices and chunk.choices[0].delta.content for chunk in chunks)
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] in ("stop", "length")
    assert chunks[-1].choices == []


@pytest.mark.parametrize("base_url", ["/v1", "/stream/v1"])
def test_a_response_is_answered_whole_and_as_a_stream(local, base_url):
    with openai.OpenAI(base_url=f"{local.url}{base_url}", api_key=local.key, max_retries=0) as client:
        response = client.responses.create(model="apexguru", instructions="You review Apex code.", input="class A {}")
        with client.responses.stream(
            model="apexguru", instructions="You review Apex code.", input="class A {}"
        ) as stream:
            events = list(stream)

        assert (response.status, response.store) == ("completed", False)
        assert response.output_text
        assert events[-1].response.output_text == response.output_text

        with pytest.raises(openai.BadRequestError) as caught:
            client.responses.create(model="apexguru", input="Hi", previous_response_id="resp_1")
        assert caught.value.param == "previous_response_id"


def test_models_can_be_listed_and_retrieved(client):
    assert {model.id for model in client.models.list()} >= set(MODELS)
    assert client.models.retrieve("apexguru").owned_by == "tollgate"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nobody")
    assert caught.value.code == "model_not_found"


WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.mark.parametrize("model", ["agent-demo", "agent-qwen3"])
@pytest.mark.parametrize("choice", ["auto", "required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_tool_is_called_and_its_result_answered(client, model, choice):
    tools = [{"type": "function", "function": WEATHER}]
    messages = [{"role": "user", "content": "How is the weather in Paris?"}]

    called = client.chat.completions.create(model=model, messages=messages, tools=tools, tool_choice=choice)
    (call,) = called.choices[0].message.tool_calls
    messages += [called.choices[0].message, {"role": "tool", "tool_call_id": call.id, "content": "18 degrees"}]
    answered = client.chat.completions.create(model=model, messages=messages, tools=tools)

    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city": "text"}')
    assert called.choices[0].finish_reason == "tool_calls"
    assert "The tool says" in answered.choices[0].message.content


@pytest.mark.parametrize("model", ["agent-demo", "agent-qwen3"])
def test_a_response_calls_a_tool_in_a_stream(client, model):
    with client.responses.stream(model=model, input="Paris?", tools=[{"type": "function", **WEATHER}]) as stream:
        events = [event.type for event in stream]
        (call,) = stream.get_final_response().output

    assert (call.type, call.name, call.arguments) == ("function_call", "get_weather", '{"city": "text"}')
    assert "response.function_call_arguments.done" in events


def test_a_wrong_key_is_an_authentication_error(local):
    with openai.OpenAI(base_url=f"{local.url}/v1", api_key="wrong", max_retries=0) as client:
        with pytest.raises(openai.AuthenticationError) as caught:
            client.chat.completions.create(model="apexguru", messages=HELLO)
        assert caught.value.code == "invalid_api_key"


def test_an_unknown_model_is_a_not_found_error(client):
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="nobody", messages=HELLO)

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")


def test_what_the_model_reads_is_what_the_client_wrote(client):
    text = "quotes \" ' and \\ and ${ModelTable} #set($x = 1) $input.body {% 1 %} {{ x }} é 漢 😀 \t\n</script>\x00"

    completion = client.completions.create(model="llama-demo", prompt=text, max_tokens=4096)

    assert text in completion.choices[0].text


@pytest.mark.parametrize("name", ["chat-apex-review", "chat-llama", "chat-mistral"])
def test_the_example_requests_are_answered(http, name):
    answer = http.post("/v1/chat/completions", json=json.loads((EVENTS / f"requests/{name}.json").read_text()))

    assert answer.status_code == 200, answer.text
    assert answer.headers["x-request-id"]


def test_an_execution_walks_from_request_to_completion(local, client):
    client.chat.completions.create(model="llama-demo", messages=HELLO)

    states = [run.name for run in local.executions[-1].states]

    before_the_model = ["Accept", "ResolveModel", "Preprocess", "HasInvocation"]
    assert states == [*before_the_model, "InvokeModel", "Postprocess", "HasAfter", "Answered"]
