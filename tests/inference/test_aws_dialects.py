"""SageMaker's and Bedrock's runtimes as dialects: the same prompt for the model, and AWS's shapes back."""

from __future__ import annotations

import base64
import json
from typing import Any

import botocore.session
import pytest
from botocore.eventstream import EventStreamBuffer
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from tests.inference.conftest import NOW, prepared, record, variant
from tollgate.emulators.bedrock.converse_request import to_chat
from tollgate_layer.inference import dialects
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.dialects.converse_request import as_chat
from tollgate_layer.inference.failures.errors import ERRORS, ApiError, RequestError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.pipeline.before_model import prepare, read
from tollgate_layer.inference.request import IncomingRequest

SERVED = record()
RENDERED = record(variant(chat_template="qwen3"))
HELLO = [{"role": "user", "content": [{"text": "Hello"}]}]
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=12)


def asked(dialect, body, record_text=SERVED, **given):
    text = body if isinstance(body, str) else json.dumps(body)
    incoming = IncomingRequest(dialect, "r-1", text, {"model": "m", **given})
    return prepare(read(incoming), record_text, NOW)


def refusal(dialect, body, record_text=SERVED, **given):
    with pytest.raises(ApiError) as caught:
        asked(dialect, body, record_text, **given)
    return dialects.find(dialect).write_error(caught.value, "r-1")


def answered(prepared_request, text="Hi", finish_reason="stop", **message):
    answer: dict[str, Any] = {
        "choices": [{"index": 0, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
    }
    if prepared_request.spec.body_format == "openai_chat":
        answer["choices"][0]["message"] = {"role": "assistant", "content": text, **message}
    else:
        answer["choices"][0]["text"] = text
    return complete(prepared_request.spec, answer).response


def frames(spec, *answers, error=None):
    """The frames of a stream, as botocore's own reader takes them apart."""
    reader, writer = AnswerReader(spec), dialects.find(spec.dialect).event_writer(spec)
    written = b""
    for answer in answers:
        for delta in reader.feed(FORMATS[spec.body_format].read(answer)):
            written += writer.write(delta)
    written += writer.end(reader.usage) if error is None else writer.fail(error, "r-1")
    buffer = EventStreamBuffer()
    buffer.add_data(written)
    return [event.to_response_dict() for event in buffer]


def delta(finish_reason=None, **fields):
    return {"choices": [{"index": 0, "delta": fields, "finish_reason": finish_reason}]}


# --- The same prompt in any dialect -------------------------------------------------------------------------------

TURNS = st.lists(st.tuples(st.sampled_from(["user", "assistant", "call"]), WORDS), max_size=5)


def conversation(turns):
    """The same conversation in the words of a chat and of Converse."""
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "begin"}]
    converse = [{"role": "user", "content": [{"text": "begin"}]}]
    for number, (kind, said) in enumerate(turns):
        if kind != "call":
            chat.append({"role": kind, "content": said})
            converse.append({"role": kind, "content": [{"text": said}]})
            continue
        call = {"id": f"c{number}", "type": "function", "function": {"name": "find", "arguments": '{"q":1}'}}
        chat += [
            {"role": "user", "content": "go on"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{number}", "content": said},
        ]
        converse += [
            {"role": "user", "content": [{"text": "go on"}]},
            {
                "role": "assistant",
                "content": [{"toolUse": {"toolUseId": f"c{number}", "name": "find", "input": {"q": 1}}}],
            },
            {"role": "user", "content": [{"toolResult": {"toolUseId": f"c{number}", "content": [{"text": said}]}}]},
        ]
    chat.append({"role": "user", "content": "end"})
    converse.append({"role": "user", "content": [{"text": "end"}]})
    return chat, converse


@pytest.mark.parametrize("record_text", [SERVED, RENDERED])
@given(turns=TURNS)
def test_the_model_reads_the_same_whichever_dialect_the_conversation_comes_in(record_text, turns):
    chat, converse = conversation(turns)
    schema = {"type": "object", "properties": {"q": {"type": "number"}}}
    tools = [{"type": "function", "function": {"name": "find", "description": "Finds", "parameters": schema}}]
    body = {"messages": chat, "tools": tools, "temperature": 0.5, "max_tokens": 9}
    expected = prepared(record_text, **body)

    spec = {"name": "find", "description": "Finds", "inputSchema": {"json": schema}}
    others = [
        asked("sagemaker.invoke", body, record_text),
        asked("sagemaker.stream", body, record_text),
        asked("bedrock.invoke", body, record_text),
        asked("bedrock.invoke_stream", body, record_text),
        asked(
            "bedrock.converse",
            {
                "system": [{"text": "Be brief."}],
                "messages": converse,
                "toolConfig": {"tools": [{"toolSpec": spec}]},
                "inferenceConfig": {"temperature": 0.5, "maxTokens": 9},
            },
            record_text,
        ),
    ]

    for other in others:
        assert other.invocation == expected.invocation
        assert other.spec.parser == expected.spec.parser


def test_a_prompt_is_the_same_in_each_dialect_that_has_prompts():
    expected = prepared(SERVED, "completions", prompt="Once", max_tokens=5).invocation

    assert asked("sagemaker.invoke", {"inputs": "Once", "parameters": {"max_new_tokens": 5}}).invocation == expected
    assert asked("sagemaker.invoke", {"prompt": "Once", "max_tokens": 5}).invocation == expected
    assert asked("bedrock.invoke", {"prompt": "Once", "max_gen_len": 5}).invocation == expected
    assert asked("bedrock.invoke", {"prompt": "Once", "max_tokens": 5}).invocation == expected


def test_the_path_names_the_model_and_a_header_its_variant():
    text = record(variant(), variant(name="v2", weight=0))
    body = {"inputs": "x"}

    assert asked("sagemaker.invoke", body, text, model="M").spec.variant == "v1"
    assert asked("sagemaker.invoke", body, text, target_variant="v2").spec.variant == "v2"
    arn = "arn:aws:bedrock:us-east-1:111122223333:imported-model/m"
    assert asked("bedrock.converse", {"messages": HELLO}, text, model=arn).spec.variant == "v1"
    assert refusal("sagemaker.invoke", body, text, target_variant="no").error_type == "ValidationError"


# --- SageMaker ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("container, is_list", [("tgi", True), ("lmi", False)])
def test_inputs_are_answered_as_their_container_does(container, is_list):
    text = record(container=container)
    body = {"inputs": "Once", "parameters": {"details": True, "return_full_text": True, "do_sample": False}}

    request = asked("sagemaker.invoke", body, text)
    answer = json.loads(answered(request, " upon", "length").body)

    assert request.invocation.body["temperature"] == 0
    (whole,) = answer if is_list else [answer]
    assert whole["generated_text"] == "Once upon"
    assert (whole["details"]["finish_reason"], whole["details"]["generated_tokens"]) == ("length", 2)


def test_the_answers_headers_name_the_variant_and_repeat_the_clients_attributes():
    response = answered(asked("sagemaker.invoke", {"messages": [{"role": "user", "content": "x"}]},
                              custom_attributes="trace=1"))  # fmt: skip

    assert (response.variant, response.custom_attributes) == ("v1", "trace=1")
    assert json.loads(response.body)["object"] == "chat.completion"


@pytest.mark.parametrize(
    "container, accept, lines",
    [
        ("tgi", "", False),
        ("lmi", "", True),
        ("tgi", "application/jsonlines", True),
        ("lmi", "text/event-stream", False),
    ],
)
def test_a_stream_is_events_or_lines_as_the_container_or_the_client_will(container, accept, lines):
    request = asked("sagemaker.stream", {"inputs": "Once"}, record(container=container), accept=accept)
    answers = [{"choices": [{"index": 0, "text": text, "finish_reason": None}]} for text in (" up", "on")]
    answers.append({"choices": [{"index": 0, "text": "", "finish_reason": "stop"}]})

    found = frames(request.spec, *answers)

    assert {frame["headers"][":event-type"] for frame in found} == {"PayloadPart"}
    payloads = [frame["body"].decode() for frame in found]
    assert all(payload.endswith("\n" if lines else "\n\n") for payload in payloads)
    documents = [json.loads(payload.removeprefix("data:")) for payload in payloads]
    assert [document["token"]["text"] for document in documents] == [" up", "on", ""]
    assert documents[-1]["generated_text"] == " upon"
    assert ("log_prob" in documents[0]["token"]) == (container == "lmi")


@pytest.mark.parametrize(
    "body, words",
    [
        ("{", "not valid JSON"),
        ({}, "inputs, messages or prompt"),
        ({"inputs": ["a"]}, "inputs"),
        ({"inputs": "a", "parameters": 5}, "parameters"),
        ({"inputs": "a", "parameters": {"num_beams": 2}}, "num_beams"),
        ({"inputs": "a", "parameters": {"temperature": "hot"}}, "temperature"),
        ({"messages": []}, "messages"),
    ],
)
def test_a_body_that_is_wrong_is_the_containers_refusal(body, words):
    response = refusal("sagemaker.invoke", body)

    told = json.loads(response.body)
    assert (response.status, response.error_type, told["OriginalStatusCode"]) == (424, "ModelError", 400)
    assert words in told["Message"]


SAGEMAKER = {
    "model_not_found": (400, "ValidationError", None),
    "request_too_large": (400, "ValidationError", None),
    "model_not_ready": (429, "ModelNotReadyException", None),
    "model_throttled": (429, "ThrottlingException", None),
    "model_unavailable": (503, "ServiceUnavailable", None),
    "internal_error": (500, "InternalFailure", None),
    # Clients repeat no ModelError: what took too long is not made again.
    "timeout": (424, "ModelError", 0),
    "model_error": (424, "ModelError", 500),
    "model_misconfigured": (424, "ModelError", 500),
    "model_rejected_request": (424, "ModelError", 400),
    "context_length_exceeded": (424, "ModelError", 400),
}


@pytest.mark.parametrize("code, told", SAGEMAKER.items())
def test_each_failure_is_one_of_sagemakers(code, told):
    status, name, original = told

    response = dialects.find("sagemaker.invoke").write_error(ApiError(code), "r-1")

    assert (response.status, response.error_type) == (status, name)
    assert json.loads(response.body).get("OriginalStatusCode") == original


@pytest.mark.parametrize("dialect, field", [("sagemaker.invoke", "Message"), ("bedrock.converse", "message")])
@pytest.mark.parametrize("code", ERRORS)
def test_no_failure_is_without_words(dialect, field, code):
    response = dialects.find(dialect).write_error(ApiError(code), "r-1")

    assert json.loads(response.body)[field]
    assert response.error_type
    assert response.retry_after == str(ERRORS[code].retry_after or "")


@pytest.mark.parametrize("code, told", [("timeout", "ModelInvocationTimeExceeded"), ("model_error", "StreamBroken")])
def test_an_endpoints_stream_that_fails_ends_in_an_exception(code, told):
    spec = asked("sagemaker.stream", {"inputs": "x"}).spec

    *_, last = frames(spec, {"choices": [{"index": 0, "text": "a", "finish_reason": None}]}, error=ApiError(code))

    assert last["headers"][":exception-type"] == "ModelStreamError"
    assert json.loads(last["body"])["ErrorCode"] == told


# --- Bedrock ------------------------------------------------------------------------------------------------------


def converse_shape(name):
    """What botocore reads of a document as Converse's answer."""
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    return service, service.operation_model(name)


def test_converse_is_answered_in_a_shape_that_botocore_reads():
    service, operation = converse_shape("Converse")
    calls = [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}]
    request = asked("bedrock.converse", {"messages": HELLO})

    body = answered(request, "Hi", "tool_calls", reasoning_content="Hm", tool_calls=calls).body

    parser = create_parser(service.metadata["protocol"])
    read_back = parser.parse({"status_code": 200, "headers": {}, "body": body.encode()}, operation.output_shape)
    content = read_back["output"]["message"]["content"]
    assert [next(iter(block)) for block in content] == ["reasoningContent", "text", "toolUse"]
    assert content[2]["toolUse"] == {"toolUseId": "c1", "name": "find", "input": {"q": 1}}
    assert (read_back["stopReason"], read_back["usage"]["totalTokens"]) == ("tool_use", 5)


def test_the_events_of_a_conversation_come_in_converses_order_and_shapes():
    _, operation = converse_shape("ConverseStream")
    members = operation.get_event_stream_output().members
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "find", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"q": 1}'}}

    found = frames(
        asked("bedrock.converse_stream", {"messages": HELLO}).spec,
        delta(reasoning_content="Hm"),
        delta(content="Hi"),
        delta(content=" you"),
        delta(tool_calls=[call]),
        delta(tool_calls=[more]),
        delta("tool_calls"),
    )

    kinds = [frame["headers"][":event-type"] for frame in found]
    assert kinds == [
        "messageStart",
        "contentBlockDelta", "contentBlockStop",
        "contentBlockDelta", "contentBlockDelta", "contentBlockStop",
        "contentBlockStart", "contentBlockDelta", "contentBlockStop",
        "messageStop", "metadata",
    ]  # fmt: skip
    for frame in found:
        known = members[frame["headers"][":event-type"]].members
        assert json.loads(frame["body"]).keys() <= known.keys()
    indexes = [json.loads(frame["body"]).get("contentBlockIndex") for frame in found[1:9]]
    assert indexes == [0, 0, 1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize(
    "body, keys",
    [
        ({"messages": [{"role": "user", "content": "x"}]}, {"choices", "object"}),
        ({"prompt": "x", "max_tokens": 5}, {"choices", "object"}),
        ({"prompt": "x", "max_gen_len": 5}, {"generation", "stop_reason"}),
    ],
)
def test_invoke_answers_in_the_shape_of_the_question(body, keys):
    whole = json.loads(answered(asked("bedrock.invoke", body)).body)
    request = asked("bedrock.invoke_stream", body)
    text = {"choices": [{"index": 0, "text": "Hi", "finish_reason": None}]}
    is_chat = request.spec.body_format == "openai_chat"

    found = frames(request.spec, delta(content="Hi") if is_chat else text)

    chunks = [json.loads(base64.b64decode(json.loads(frame["body"])["bytes"])) for frame in found]
    assert keys <= whole.keys()
    assert keys <= chunks[0].keys()
    assert "amazon-bedrock-invocationMetrics" in chunks[-1]


@pytest.mark.parametrize(
    "body, words",
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": []}]}, "messages[0].role"),
        ({"messages": HELLO, "guardrailConfig": {}}, "guardrailConfig"),
        ({"messages": [{"role": "user", "content": [{"video": {}}]}]}, "messages[0].content[0].video"),
        ({"messages": HELLO, "additionalModelRequestFields": {"model": "x"}}, "additionalModelRequestFields.model"),
        ({"messages": HELLO, "colour": 1}, "colour"),
        ({"messages": HELLO, "inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens"),
    ],
)
def test_what_converse_cannot_ask_for_is_refused_by_name(body, words):
    response = refusal("bedrock.converse", body)

    assert (response.status, response.error_type) == (400, "ValidationException")
    assert words in json.loads(response.body)["message"]


def test_additional_fields_are_parameters_of_a_chat():
    request = asked("bedrock.converse", {"messages": HELLO, "additionalModelRequestFields": {"top_k": 5}})

    assert request.invocation.body["top_k"] == 5


def test_an_image_becomes_a_data_url():
    image = {"format": "png", "source": {"bytes": "aGk="}}
    body = {"messages": [{"role": "user", "content": [{"image": image}, {"text": "What is it?"}]}]}

    (message,) = asked("bedrock.converse", body).invocation.body["messages"]

    assert message["content"][0] == {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}


@pytest.mark.parametrize(
    "choice, expected",
    [({"any": {}}, "required"), ({"tool": {"name": "f"}}, {"type": "function", "function": {"name": "f"}}),
     ({"auto": {}}, None)],
)  # fmt: skip
def test_a_tool_choice_is_a_chats(choice, expected):
    tools = [{"toolSpec": {"name": "f", "inputSchema": {"json": {}}}}, {"cachePoint": {"type": "default"}}]

    body = asked(
        "bedrock.converse", {"messages": HELLO, "toolConfig": {"tools": tools, "toolChoice": choice}}
    ).invocation.body

    assert body.get("tool_choice") == expected
    assert len(body["tools"]) == 1


def test_a_keep_alive_frame_is_of_a_type_that_no_operation_has():
    buffer = EventStreamBuffer()
    buffer.add_data(dialects.find("sagemaker.stream").keep_alive)

    (frame,) = [event.to_response_dict() for event in buffer]

    assert frame["headers"][":event-type"] == "KeepAlive"
    for name in ("sagemaker-runtime", "bedrock-runtime"):
        service = botocore.session.get_session().get_service_model(name)
        for operation in map(service.operation_model, service.operation_names):
            if operation.has_event_stream_output:
                assert "KeepAlive" not in operation.get_event_stream_output().members


def test_a_name_that_no_model_can_have_is_no_model():
    with pytest.raises(RequestError) as caught:
        asked("sagemaker.invoke", {"inputs": "x"}, model="../x y")

    assert caught.value.code == "model_not_found"


# --- The same answer in any dialect -------------------------------------------------------------------------------


def in_words_of_all(body, dialect):
    """Text, calls, reason and counts in a dialect's answer, in the words of a chat."""
    if dialect == "responses":
        text = "".join(p["text"] for item in body["output"] if item["type"] == "message" for p in item["content"])
        calls = [(i["name"], json.loads(i["arguments"])) for i in body["output"] if i["type"] == "function_call"]
        reason = {"max_output_tokens": "length"}.get((body["incomplete_details"] or {}).get("reason"))
        counts = (body["usage"]["input_tokens"], body["usage"]["output_tokens"])
        return text, calls, reason or ("tool_calls" if calls else "stop"), counts
    if dialect == "bedrock.converse":
        content = body["output"]["message"]["content"]
        text = "".join(block["text"] for block in content if "text" in block)
        calls = [(block["toolUse"]["name"], block["toolUse"]["input"]) for block in content if "toolUse" in block]
        reason = {"end_turn": "stop", "max_tokens": "length", "tool_use": "tool_calls"}[body["stopReason"]]
        return text, calls, reason, (body["usage"]["inputTokens"], body["usage"]["outputTokens"])
    (choice,) = body["choices"]
    called = choice["message"].get("tool_calls", ())
    calls = [(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in called]
    counts = (body["usage"]["prompt_tokens"], body["usage"]["completion_tokens"])
    return choice["message"]["content"] or "", calls, choice["finish_reason"], counts


CHATS = {
    "chat.completions": {"model": "m", "messages": [{"role": "user", "content": "x"}]},
    "responses": {"model": "m", "input": "x"},
    "sagemaker.invoke": {"messages": [{"role": "user", "content": "x"}]},
    "bedrock.invoke": {"messages": [{"role": "user", "content": "x"}]},
    "bedrock.converse": {"messages": HELLO},
}


@given(
    text=st.text(st.characters(codec="utf-8"), max_size=20),
    arguments=st.lists(st.dictionaries(WORDS, WORDS, max_size=2), max_size=2),
    is_cut=st.booleans(),
)
def test_the_same_text_calls_usage_and_stop_come_back_in_any_dialect(text, arguments, is_cut):
    calls = [
        {"id": f"c{n}", "type": "function", "function": {"name": f"f{n}", "arguments": json.dumps(given_arguments)}}
        for n, given_arguments in enumerate(arguments)
    ]
    reason = "length" if is_cut else "tool_calls" if calls else "stop"

    answers = {}
    for dialect, body in CHATS.items():
        response = answered(asked(dialect, body), text, reason, **({"tool_calls": calls} if calls else {}))
        answers[dialect] = in_words_of_all(json.loads(response.body), dialect)

    expected = (text, [(f"f{n}", one) for n, one in enumerate(arguments)], reason, (3, 2))
    assert answers == dict.fromkeys(CHATS, expected)


# --- The embedded Bedrock's reading of Converse, and this one -------------------------------------------------------

TOOL_USE = {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"q": "é"}}}
RESULT = {"toolResult": {"toolUseId": "c1", "content": [{"text": "a"}, {"json": {"b": 1}}]}}
SPEC = {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}}
CORPUS = [
    {"messages": HELLO},
    {"messages": HELLO, "system": [{"text": "Be brief."}, {"text": "Really."}]},
    {"messages": [{"role": "user", "content": [{"text": "a"}, {"text": "b"}]}]},
    {"messages": [*HELLO, {"role": "assistant", "content": [{"text": "Let me see."}, TOOL_USE]},
                  {"role": "user", "content": [RESULT, {"text": "go on"}]}], "toolConfig": {"tools": [SPEC]}},
    {"messages": HELLO, "toolConfig": {"tools": [SPEC], "toolChoice": {"any": {}}}},
    {"messages": HELLO, "toolConfig": {"tools": [SPEC], "toolChoice": {"tool": {"name": "f"}}}},
    {"messages": HELLO, "inferenceConfig": {"maxTokens": 5, "temperature": 0.5, "topP": 0.9, "stopSequences": ["x"]}},
    {"messages": HELLO, "additionalModelRequestFields": {"top_k": 5}},
]  # fmt: skip


@pytest.mark.parametrize("request_body", CORPUS)
def test_the_embedded_bedrock_and_this_dialect_read_a_conversation_alike(request_body):
    ours, theirs = as_chat(json.loads(json.dumps(request_body))), to_chat(request_body)

    for chat in (ours, theirs):
        for message in chat["messages"]:
            for call in message.get("tool_calls", ()):
                call["function"]["arguments"] = json.loads(call["function"]["arguments"])
            if message["role"] == "tool":
                # Both write JSON documents as text, with and without spaces.
                message["content"] = message["content"].replace(" ", "").strip()
    assert ours == theirs
