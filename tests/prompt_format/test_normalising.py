"""OpenAI's request shapes mean the same for every model, whatever its template does with them."""

from __future__ import annotations

import pytest

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS, PromptFormatError, normalise, render

SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "Weather in Paris?"}
ANSWER = {"role": "assistant", "content": "Sunny."}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
PING = {"type": "function", "function": {"name": "ping", "description": 'Say "pong".\n', "strict": True}}
LONG_IDS = ("call_0123456789abcdefABCDEF01", "call_0123456789abcdefABCDEF02")

# Templates of our own with the habits that public ones have.
ALTERNATING = template("own-alternating")
PARTS_ONLY = (
    "{% for m in messages %}{% if m.role == 'system' %}<{{ m.content[0]['text'] + '>' }}"
    "{% else %}{{ m.content }}{% endif %}{% endfor %}"
)
LAST_SYSTEM = (
    "{% set ns = namespace(s='') %}"
    "{% for m in messages if m.role == 'system' %}{% set ns.s = m.content %}{% endfor %}"
    "{{ ns.s }}{% for m in messages if m.role != 'system' %}|{{ m.content }}{% endfor %}"
)
NEEDS_DESCRIPTION = (
    "{% for tool in tools or [] %}{{ tool.function.name + tool.function.description }};{% endfor %}"
    "{{ messages[0].content }}"
)


def call(*ids: str, content: str | None = None, arguments: str = '{"city": "Paris"}') -> dict:
    function = {"name": "get_weather", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    return {"role": "assistant", "content": content, "tool_calls": calls, "refusal": None, "audio": None}


def result(call_id: str, content: str = "18") -> dict:
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def prompt(messages: list, name: str, **options) -> str:
    plain, tools = normalise(messages, template=name, **options)
    return render(plain, template=name, tools=tools, special_tokens={"bos_token": "<s>", "eos_token": "</s>"})


def refusal(messages: list, name: str = "qwen2.5", **options) -> PromptFormatError:
    with pytest.raises(PromptFormatError) as caught:
        normalise(messages, template=name, **options)
    return caught.value


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_text_parts_are_joined(name: str):
    parts = [{"type": "text", "text": "Weather "}, {"type": "text", "text": "in Paris?"}]

    assert prompt([{"role": "user", "content": parts}], name) == prompt([USER], name)


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_developer_is_another_name_of_system(name: str):
    assert prompt([{**SYSTEM, "role": "developer"}, USER], name) == prompt([SYSTEM, USER], name)


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_null_fields_mean_nothing(name: str):
    nulls = {"tool_calls": None, "refusal": None, "audio": None, "function_call": None, "name": None}

    assert prompt([USER, {**ANSWER, **nulls}, USER], name) == prompt([USER, ANSWER, USER], name)
    assert prompt([USER, {**ANSWER, "tool_calls": []}, USER], name) == prompt([USER, ANSWER, USER], name)


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_tools_are_left_out_when_there_are_none_to_call(name: str):
    assert prompt([USER], name, tools=[]) == prompt([USER], name, tools=None) == prompt([USER], name)


@pytest.mark.parametrize("name", ["qwen2.5", "qwen3", "qwq", "llama3.1", "llama3.2", "mistral-v3", "mistral-tekken"])
def test_arguments_are_not_encoded_twice(name: str):
    text = prompt([USER, call(LONG_IDS[0]), result(LONG_IDS[0])], name, tools=[WEATHER])

    assert '{"city": "Paris"}' in text
    assert "\\" not in text.replace('\\"pong\\"', "").replace('"18"', "")


def test_a_template_that_adds_arguments_to_text_gets_text():
    text = prompt([USER, call(LONG_IDS[0], arguments='{"city":"Paris"}'), result(LONG_IDS[0])], "deepseek-r1")

    assert '```json\n{"city": "Paris"}\n```' in text


@pytest.mark.parametrize("name", ["mistral-v3", "mistral-tekken"])
def test_call_ids_become_what_the_family_accepts_and_stay_apart(name: str):
    messages = [USER, call(*LONG_IDS), result(LONG_IDS[0], "1"), result(LONG_IDS[1], "2")]

    text = prompt(messages, name, tools=[WEATHER])

    ids = [part.split('"')[0] for part in text.split('"id": "')[1:]]
    results = [part.split('"')[0] for part in text.split('"call_id": "')[1:]]
    assert ids == results
    assert len(set(ids)) == 2
    assert all(len(call_id) == 9 and call_id.isalnum() for call_id in ids)


def test_call_ids_that_end_alike_stay_apart():
    same_end = ("call_a_123456789", "call_b_123456789", "123456789")

    plain, _ = normalise([USER, call(*same_end), *map(result, same_end)], template="mistral-v3", tools=[WEATHER])

    ids = [call["id"] for call in plain[1]["tool_calls"]]
    assert [message["tool_call_id"] for message in plain[2:]] == ids
    assert len(set(ids)) == 3


def test_parallel_calls_follow_each_other_where_a_message_holds_one():
    messages = [USER, call(*LONG_IDS, content="Two."), result(LONG_IDS[1], "two"), result(LONG_IDS[0], "one"), ANSWER]

    plain, _ = normalise(messages, template="llama3.1", tools=[WEATHER])

    assert [(m["role"], m["content"], len(m.get("tool_calls", ()))) for m in plain] == [
        ("user", "Weather in Paris?", 0),
        ("assistant", "Two.", 0),
        ("assistant", "", 1),
        ("tool", "one", 0),
        ("assistant", "", 1),
        ("tool", "two", 0),
        ("assistant", "Sunny.", 0),
    ]


@pytest.mark.parametrize("name", ["qwen2.5", "qwen3", "qwq", "llama3.1", "llama3.2", "deepseek-r1"])
def test_text_beside_a_call_is_kept(name: str):
    tools = None if name == "deepseek-r1" else [WEATHER]

    text = prompt([USER, call(LONG_IDS[0], content="Let me see."), result(LONG_IDS[0]), ANSWER], name, tools=tools)

    assert text.find("Let me see.") < text.find('{"city": "Paris"}') < text.find("18") < text.find("Sunny.")


@pytest.mark.parametrize("name", ["mistral-v3", "mistral-tekken"])
def test_the_system_text_is_kept_when_the_last_message_is_a_tool_result(name: str):
    text = prompt([SYSTEM, USER, call(LONG_IDS[0]), result(LONG_IDS[0])], name, tools=[WEATHER])

    assert "Be brief.\n\nWeather in Paris?[/INST]" in text


def test_the_system_text_opens_the_first_user_turn_where_there_is_no_system_role():
    assert prompt([SYSTEM, USER], ALTERNATING) == "<s>[USER] Be brief.\n\nWeather in Paris? [/USER]\n"


def test_a_template_that_reads_parts_gets_parts():
    assert prompt([SYSTEM, USER], PARTS_ONLY) == "<Be brief.>Weather in Paris?"


def test_system_messages_that_a_template_would_lose_are_joined_in_front():
    later = {"role": "system", "content": "In French."}

    assert prompt([SYSTEM, USER, ANSWER, later, USER], LAST_SYSTEM).startswith("Be brief.\n\nIn French.|Weather")
    assert "Be brief.\n\nIn French.<｜User｜>" in prompt([SYSTEM, USER, ANSWER, later, USER], "deepseek-r1")


def test_system_messages_stay_where_they_are_if_the_template_keeps_them():
    messages = [SYSTEM, USER, ANSWER, {"role": "system", "content": "In French."}, USER]

    assert normalise(messages, template="qwen2.5")[0] == messages


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_two_first_system_messages_are_both_kept(name: str):
    text = prompt([SYSTEM, {"role": "developer", "content": "In French."}, USER], name)

    assert text.find("Be brief.") < text.find("In French.") < text.find("Weather in Paris?")


def test_quotes_in_descriptions_are_escaped_where_the_template_forgets_to():
    assert '"description": "Say \\"pong\\".\\n"' in prompt([USER], "mistral-v3", tools=[PING])
    assert '"description": "Say \\"pong\\".\\n"' in prompt([USER], "qwen2.5", tools=[PING])


def test_a_missing_description_is_empty_where_the_template_needs_one():
    assert prompt([USER], NEEDS_DESCRIPTION, tools=[WEATHER]) == "get_weather;Weather in Paris?"


def test_strict_is_a_setting_of_the_api_and_not_for_the_model():
    assert "strict" not in prompt([USER], "qwen2.5", tools=[PING])


@pytest.mark.parametrize(
    "messages, options, message",
    [
        ([], {}, "messages: must hold at least one message."),
        (
            [{"role": "critic", "content": "x"}],
            {},
            "messages[0].role: 'critic' is not one of system, developer, user, assistant, tool.",
        ),
        ([USER, {"role": "user", "content": 5}], {}, "messages[1].content: must be text or a list of text parts."),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}]}],
            {},
            "messages[0].content[1]: this model reads text only, not 'image_url'.",
        ),
        (
            [USER, call("x", arguments="{")],
            {},
            "messages[1].tool_calls[0].function.arguments: must be a JSON object as text.",
        ),
        (
            [USER, call("x", arguments="[]")],
            {},
            "messages[1].tool_calls[0].function.arguments: must be a JSON object as text.",
        ),
        ([USER], {"tools": [{"type": "function"}]}, "tools[0].function: must have a name."),
        (
            [USER, {"role": "assistant", "content": "", "tool_calls": [{"id": "x"}]}],
            {},
            "messages[1].tool_calls[0].function: must have a name.",
        ),
        ([USER], {"tools": [PING], "name": "chatml"}, "tools: this model's chat template has no tools."),
        (
            [USER, call("x")],
            {"name": "chatml"},
            "messages[1].tool_calls: this model's chat template has no tool calls.",
        ),
    ],
)
def test_what_cannot_be_said_in_the_family_is_refused(messages: list, options: dict, message: str):
    error = refusal(messages, **options)

    assert str(error) == message
    assert error.param == message.split(": ")[0]


def test_the_request_is_not_changed():
    messages = [SYSTEM, USER, call(*LONG_IDS, content="Two."), result(LONG_IDS[0]), result(LONG_IDS[1])]
    before = repr((messages, WEATHER))

    normalise(messages, template="mistral-v3", tools=[WEATHER])

    assert repr((messages, WEATHER)) == before
