"""Converse and ConverseStream through boto3: served where the service serves them, refused where it refuses."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError, EventStreamError

from tests.emulators.bedrock.conftest import drain
from tollgate.emulators.bedrock.converse_request import to_chat
from tollgate.engines.base import Delta

pytestmark = pytest.mark.path

MESSAGES = [{"role": "user", "content": [{"text": "Hello"}, {"text": " there"}]}]


class ToolCaller:
    """An engine that says a word and calls two tools."""

    def count_tokens(self, generation):
        return 1

    async def generate(self, generation):
        for index, name in enumerate(("find", "count")):
            function = {"name": name, "arguments": '{"a":'}
            yield Delta({"tool_calls": [{"index": index, "id": f"call_{index}", "function": function}]})
            yield Delta({"tool_calls": [{"index": index, "function": {"arguments": " 1}"}}]})
        yield "tool_calls"


def test_converse_answers_with_text_usage_and_a_stop_reason(bedrock, runtime):
    arn = bedrock.register("llama", architecture="llama")
    answer = runtime.converse(modelId=arn, messages=MESSAGES, system=[{"text": "Be brief."}])
    assert answer["output"]["message"] == {"role": "assistant", "content": [{"text": "echo: Hello there"}]}
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"] == {"inputTokens": 4, "outputTokens": 3, "totalTokens": 7}


def test_an_older_import_converses_too(bedrock, runtime):
    arn = bedrock.register("llama", architecture="llama", body_format="bedrock")
    answer = runtime.converse(modelId=arn, messages=MESSAGES)
    assert answer["output"]["message"]["content"] == [{"text": "echo: Hello there"}]


def test_inference_settings_are_honoured(bedrock, runtime):
    arn = bedrock.register("llama", architecture="llama")
    config = {"maxTokens": 2, "temperature": 0.1, "topP": 0.5, "stopSequences": ["zzz"]}
    answer = runtime.converse(modelId=arn, messages=MESSAGES, inferenceConfig=config)
    assert answer["output"]["message"]["content"] == [{"text": "echo: Hello"}]
    assert answer["stopReason"] == "max_tokens"


def test_converse_streams_blocks_of_text(bedrock, runtime):
    arn = bedrock.register("mistral", architecture="mistral")
    events = list(runtime.converse_stream(modelId=arn, messages=MESSAGES)["stream"])
    names = [next(iter(event)) for event in events]
    assert names == ["messageStart", *["contentBlockDelta"] * 3, "contentBlockStop", "messageStop", "metadata"]
    texts = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    assert "".join(texts) == "echo: Hello there"
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 3


def test_tool_uses_come_back_whole_and_streamed(bedrock, runtime):
    arn = bedrock.register("tools", engine=ToolCaller(), architecture="llama")
    answer = runtime.converse(modelId=arn, messages=MESSAGES)
    assert answer["stopReason"] == "tool_use"
    assert [block["toolUse"] for block in answer["output"]["message"]["content"]] == [
        {"toolUseId": "call_0", "name": "find", "input": {"a": 1}},
        {"toolUseId": "call_1", "name": "count", "input": {"a": 1}},
    ]
    events = list(runtime.converse_stream(modelId=arn, messages=MESSAGES)["stream"])
    starts = [event["contentBlockStart"] for event in events if "contentBlockStart" in event]
    assert [start["contentBlockIndex"] for start in starts] == [0, 1]
    assert [start["start"]["toolUse"]["name"] for start in starts] == ["find", "count"]


@pytest.mark.parametrize("architecture", ["qwen2", "qwen2_vl", "qwen2_5_vl", "qwen3", "qwen3_moe", "gpt_oss"])
def test_families_that_the_service_refuses_are_refused(bedrock, runtime, architecture):
    arn = bedrock.register("model", architecture=architecture)
    for operation in (runtime.converse, runtime.converse_stream):
        with pytest.raises(ClientError, match="doesn't support the model") as caught:
            operation(modelId=arn, messages=MESSAGES)
        assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize("architecture", ["llama", "mllama", "mistral", "mixtral", "t5", "gpt_bigcode"])
def test_all_other_families_are_served(bedrock, runtime, architecture):
    arn = bedrock.register("model", architecture=architecture)
    assert runtime.converse(modelId=arn, messages=MESSAGES)["stopReason"] == "end_turn"


def test_a_model_without_a_chat_template_is_refused(bedrock, runtime):
    arn = bedrock.register("model", architecture="llama", has_chat_template=False)
    with pytest.raises(ClientError, match="doesn't support the model"):
        runtime.converse(modelId=arn, messages=MESSAGES)


def test_errors_come_as_statuses_before_the_first_token_and_as_events_after_it(bedrock, runtime):
    arn = bedrock.register("model", architecture="llama")
    steps = [{"error": "ModelNotReadyException"}, {"error": "ThrottlingException", "after_tokens": 1}]
    bedrock.set_faults("model", steps=steps)
    with pytest.raises(ClientError) as caught:
        runtime.converse_stream(modelId=arn, messages=MESSAGES)
    assert caught.value.response["Error"]["Code"] == "ModelNotReadyException"
    _, error = drain(runtime.converse_stream(modelId=arn, messages=MESSAGES)["stream"])
    assert isinstance(error, EventStreamError)
    assert error.response["Error"]["Code"] == "throttlingException"


def test_images_are_refused_by_name(bedrock, runtime):
    arn = bedrock.register("model", architecture="llama")
    image = {"image": {"format": "png", "source": {"bytes": b"x"}}}
    with pytest.raises(ClientError, match="blocks of type image"):
        runtime.converse(modelId=arn, messages=[{"role": "user", "content": [image]}])


def test_a_conversation_with_tools_becomes_an_openai_chat():
    request = {
        "system": [{"text": "Be brief."}],
        "messages": [
            {"role": "user", "content": [{"text": "Look"}]},
            {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "find", "input": {"a": 1}}}]},
            {"role": "user", "content": [{"toolResult": {"toolUseId": "1", "content": [{"json": {"n": 2}}]}}]},
        ],
        "toolConfig": {"tools": [{"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}]},
    }
    function = {"name": "find", "arguments": '{"a": 1}'}
    assert to_chat(request) == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Look"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [{"id": "1", "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": "1", "content": '{"n": 2}'},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "find", "description": "", "parameters": {"type": "object"}},
            }
        ],
    }
