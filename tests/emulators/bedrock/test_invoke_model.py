"""InvokeModel, seen through boto3: three body formats and the service's refusals."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.path


def invoke(runtime, arn, body):
    answer = runtime.invoke_model(modelId=arn, body=body if isinstance(body, bytes) else json.dumps(body))
    return json.loads(answer["body"].read())


def test_messages_are_answered_as_a_chat_completion(bedrock, runtime):
    arn = bedrock.register("apexguru")
    answer = invoke(runtime, arn, {"messages": [{"role": "user", "content": "Hello there"}], "max_tokens": 50})
    assert answer["object"] == "chat.completion"
    assert answer["choices"][0]["message"]["content"] == "echo: Hello there"
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_a_prompt_with_max_tokens_is_answered_as_a_text_completion(bedrock, runtime):
    arn = bedrock.register("apexguru")
    answer = invoke(runtime, arn, {"prompt": "one two three", "max_tokens": 2})
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["text"] == "echo: one"
    assert answer["choices"][0]["finish_reason"] == "length"


def test_a_prompt_without_max_tokens_is_answered_in_bedrocks_own_format(bedrock, runtime):
    arn = bedrock.register("apexguru")
    answer = invoke(runtime, arn, {"prompt": "one two", "max_gen_len": 9})
    assert answer["generation"] == "echo: one two"
    assert (answer["prompt_token_count"], answer["generation_token_count"]) == (2, 3)
    assert answer["stop_reason"] == "stop"


def test_an_older_mistral_import_answers_with_outputs(bedrock, runtime):
    arn = bedrock.register("mistral-demo", architecture="mistral", body_format="mistral")
    answer = invoke(runtime, arn, {"prompt": "<s>[INST] Hi [/INST]", "max_tokens": 20})
    assert answer == {"outputs": [{"text": "echo: <s>[INST] Hi [/INST]", "stop_reason": "stop"}]}


def test_an_older_import_keeps_its_format(bedrock, runtime):
    arn = bedrock.register("llama-demo", architecture="llama", body_format="bedrock")
    with pytest.raises(ClientError, match=r"extraneous key \[messages\]") as caught:
        invoke(runtime, arn, {"messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5})
    assert caught.value.response["Error"]["Code"] == "ValidationException"


@pytest.mark.parametrize(
    "body, reason",
    [
        (b"not json", "Malformed input request"),
        (b"[]", "JSONObject"),
        (b"[" * 100_000, "Malformed input request"),
        ({}, "neither messages nor prompt"),
        ({"messages": []}, "at least one message"),
        ({"messages": "hi"}, "#/messages"),
        ({"messages": [{"role": "king", "content": "hi"}]}, "role"),
        ({"prompt": 3, "max_tokens": 5}, "#/prompt"),
        ({"prompt": "x", "max_tokens": "5"}, "#/max_tokens"),
        ({"prompt": "x", "max_tokens": True}, "#/max_tokens"),
        ({"prompt": "x", "max_tokens": 0}, "#/max_tokens"),
        (b'{"prompt": "x", "max_tokens": 5, "temperature": NaN}', "Malformed input request"),
        (b'{"prompt": "x", "max_tokens": 5, "temperature": -Infinity}', "Malformed input request"),
        (b'{"prompt": "x", "max_tokens": 5, "logit_bias": {"1": 1e400}}', "Malformed input request"),
        ('{"prompt": "x", "max_tokens": 5}'.encode("utf-16"), "Malformed input request"),
        ({"prompt": "x", "max_gen_len": 5, "n": 2}, r"extraneous key \[n\]"),
    ],
)
def test_a_body_that_the_model_cannot_take_is_a_validation_exception_that_says_why(bedrock, runtime, body, reason):
    arn = bedrock.register("apexguru")
    with pytest.raises(ClientError, match=reason) as caught:
        invoke(runtime, arn, body)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "arn, code",
    [
        ("anthropic.claude-v2", "ValidationException"),
        ("arn:aws:bedrock:eu-central-1:123456789012:imported-model/abcdefghijkl", "ValidationException"),
        ("arn:aws:bedrock:us-east-1:999999999999:imported-model/abcdefghijkl", "AccessDeniedException"),
        ("arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl", "ResourceNotFoundException"),
    ],
)
def test_a_model_that_is_not_here_is_refused_as_the_service_refuses_it(runtime, arn, code):
    with pytest.raises(ClientError) as caught:
        invoke(runtime, arn, {"prompt": "x"})
    assert caught.value.response["Error"]["Code"] == code


def test_an_unknown_operation_is_answered_404(runtime):
    with pytest.raises(ClientError) as caught:
        runtime.list_async_invokes()
    assert caught.value.response["Error"]["Code"] == "UnknownOperationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_request_without_a_limit_may_fill_the_context_and_no_more(bedrock, runtime):
    arn = bedrock.register("small")
    bedrock.model("small").context_length = 5
    answer = invoke(runtime, arn, {"messages": [{"role": "user", "content": "one two three"}]})
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert answer["choices"][0]["finish_reason"] == "length"


def test_several_prompts_get_their_choices_in_order(bedrock, runtime):
    arn = bedrock.register("many")
    body = {"prompt": ["one", "two"], "max_tokens": 9, "n": 2, "temperature": 1, "echo": True}

    answer = json.loads(runtime.invoke_model(modelId=arn, body=json.dumps(body))["body"].read())

    assert [choice["text"] for choice in answer["choices"]] == ["oneecho: one"] * 2 + ["twoecho: two"] * 2


def test_token_ids_are_refused_by_an_engine_that_knows_none(bedrock, runtime):
    arn = bedrock.register("ids")

    with pytest.raises(runtime.exceptions.ValidationException, match="token ids"):
        runtime.invoke_model(modelId=arn, body=json.dumps({"prompt": [1, 2], "max_tokens": 9}))
