"""Every text of a conversation reaches the model, or its message is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.prompt_format import CompletionParser, Content, Piece, Reasoning, ToolArguments, ToolCall

HI = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "search", "arguments": '{"q": "x", "n": 3}'}}
CALLING = {"role": "assistant", "content": None, "tool_calls": [CALL]}
FOUND = {"role": "tool", "tool_call_id": "call_1", "content": "found"}
TOOL = {
    "type": "function",
    "function": {
        "name": "search",
        "description": "Search",
        "parameters": {"type": "object", "properties": {"q": {"type": "string"}, "n": {"type": "integer"}}},
    },
}
ENDS = {"bos_token": "<s>", "eos_token": "<|end|>"}

# Prints calls with their JSON on several lines, as some fine-tuned models' templates do.
INDENTED = (
    "{{ bos_token }}{% if tools %}[TOOLS]{{ tools | tojson(indent=2) }}[/TOOLS]{% endif %}"
    "{% for m in messages %}<|{{ m.role }}|>\n"
    "{% if m.tool_calls %}{% for c in m.tool_calls %}<tool_call>\n"
    '{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson(SPELLING) }}}\n</tool_call>\n'
    "{% endfor %}{% else %}{{ m.content }}{% endif %}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
# Prints calls in tags, as Qwen3-Coder's does.
TAGS = (
    "{% if tools %}<|im_start|>system\n{% for t in tools %}<function>{{ t.function.name }}</function>{% endfor %}"
    "<|im_end|>\n{% endif %}{% for m in messages %}{% if m.role == 'assistant' and m.tool_calls %}"
    "<|im_start|>assistant\n"
    "{% for c in m.tool_calls %}<tool_call>\n<function={{ c.function.name }}>\n"
    "{% for k, v in c.function.arguments | items %}<parameter={{ k }}>\n{{ v }}\n</parameter>\n{% endfor %}"
    "</function>\n"
    "</tool_call>{% endfor %}<|im_end|>\n{% else %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def prompt(chat_template: str, *messages: dict[str, Any], **body: Any) -> str:
    fields = {name: body.pop(name) for name in ("special_tokens", "tool_calls") if name in body}
    text = record(variant(chat_template=chat_template, **fields))
    return prepared(text, messages=list(messages), **body).invocation.body["prompt"]


def refused(chat_template: str, *messages: dict[str, Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        prompt(chat_template, *messages)
    return caught.value


@pytest.mark.parametrize(
    "name", ["llama2", "mistral-v1", "mixtral", "mistral-v3", "mistral-tekken", "qwen2.5", "llama3"]
)
def test_system_messages_alone_reach_the_model(name: str):
    haiku = [{"role": "system", "content": "Write a haiku."}, {"role": "developer", "content": "About rain."}]

    text = prompt(name, *haiku)

    assert text.find("Write a haiku.") < text.find("About rain.")
    assert "Write a haiku." in text


@pytest.mark.parametrize("name", ["llama2", "mistral-v1"])
def test_a_result_that_the_family_cannot_show_is_refused_by_name(name: str):
    error = refused(name, HI, FOUND, {"role": "user", "content": "next"})

    assert (error.code, error.param) in {
        ("invalid_parameter", "messages[1]"),
        ("invalid_parameter", "messages[1].role"),
    }


def test_a_message_that_a_template_drops_is_refused_by_name():
    only_users = "{% for m in messages if m.role == 'user' %}<|user|>{{ m.content | trim }}{% endfor %}"

    error = refused(only_users, HI, {"role": "assistant", "content": "hello"}, HI)

    assert error.param == "messages[1]"
    assert error.message == "messages[1]: this model's chat template has no place for this assistant message."


def test_reasoning_of_earlier_answers_may_go():
    thoughts = {"role": "assistant", "content": "<think>\nponder\n</think>\n\n42"}

    for name in ("qwq", "qwen3", "deepseek-r1"):
        text = prompt(name, HI, thoughts, HI)
        assert ("42" in text, "ponder" in text) == (True, False)


def test_a_refusal_is_what_an_earlier_answer_said():
    refusal = {"role": "assistant", "content": None, "refusal": "I will not.", "tool_calls": [CALL]}

    served = prepared(record(), messages=[HI, refusal, FOUND]).invocation.body["messages"][1]

    assert "I will not." in prompt("qwen2.5", HI, refusal, FOUND, tools=[TOOL])
    assert served["content"] == "I will not."


@pytest.mark.parametrize("name", ["mistral-v3", "mistral-tekken"])
@pytest.mark.parametrize("behind", [[], [{"role": "assistant", "content": "Answer."}, HI]])
def test_text_beside_a_mistral_call_is_kept(name: str, behind: list):
    text = prompt(name, HI, {**CALLING, "content": "Let me see."}, FOUND, *behind, tools=[TOOL])

    assert "Let me see." in text
    assert "[TOOL_CALLS]" in text
    assert "found" in text


@pytest.mark.parametrize("spelling", ["", "indent=2", "separators=(',', ':')"])
@pytest.mark.parametrize("named", [{}, {"tool_calls": "hermes"}])
def test_a_template_may_spell_calls_in_its_own_way(spelling: str, named: dict):
    template = INDENTED.replace("SPELLING", spelling)

    first = prepared(record(variant(chat_template=template, special_tokens=ENDS, **named)), tools=[TOOL])
    second = prompt(template, HI, CALLING, FOUND, tools=[TOOL], special_tokens=ENDS, **named)

    assert first.spec.parser is not None
    assert first.spec.parser.tool_calls == "hermes"
    assert "found" in second
    assert "\\" not in second


def test_a_template_may_write_calls_in_tags():
    text = prompt(TAGS, HI, CALLING, FOUND, tools=[TOOL])

    assert "<function=search>\n<parameter=q>\nx\n</parameter>\n<parameter=n>\n3\n</parameter>\n</function>" in text
    spec = prepared(record(variant(chat_template=TAGS)), tools=[TOOL]).spec
    assert spec.parser is not None
    parser = CompletionParser(**spec.parser._asdict(), new_id=lambda: "id")
    assert parser.feed(text.partition("assistant\n")[2]) + parser.finish() == [
        ToolCall(0, "id", "search"),
        ToolArguments(0, '{"q": "x", "n": 3}'),
        Content("<|im_end|>\n<|im_start|>tool\nfound<|im_end|>\n<|im_start|>assistant"),
    ]


def test_a_record_that_names_how_calls_are_written_is_believed():
    says_nothing = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"

    text = prompt(says_nothing, HI, {**CALLING, "content": "calling"}, FOUND, tools=[TOOL], tool_calls="hermes")

    assert text == "<|user|>hi<|assistant|>calling<|tool|>found"
    assert refused(says_nothing, HI, CALLING, FOUND).param == "messages[1].tool_calls"


def test_a_served_model_gets_developer_messages_as_system_messages():
    text = record(defaults={"system": "Be kind."})

    messages = prepared(text, messages=[{"role": "developer", "content": "Be brief"}, HI]).invocation.body["messages"]

    assert messages == [{"role": "system", "content": "Be brief"}, HI]


def pieces(reasoning: object, *texts: str) -> list[Piece]:
    spec = prepared(record(variant(reasoning=reasoning))).spec
    assert spec.parser is not None
    parser = CompletionParser(**spec.parser._asdict())
    return [piece for text in texts for piece in parser.feed(text)] + parser.finish()


def test_a_served_models_template_may_open_the_thoughts():
    answer = ["I think ", "so.\n</th", "ink>\n\n42"]

    # A record that says so has the thoughts stream; else the closing tag tells.
    assert pieces("open", *answer) == [
        *[Reasoning("I think "), Reasoning("so.\n")],
        Content("\n\n42"),
    ]
    assert pieces(True, *answer) == pieces(True, "".join(answer)) == [Reasoning("I think so.\n"), Content("\n\n42")]
