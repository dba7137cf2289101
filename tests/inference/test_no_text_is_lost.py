"""Every text of a conversation reaches the model, or its message is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.failures.errors import ApiError
from tollgate_layer.prompt_format import BUILT_INS, CompletionParser, Content, Piece, Reasoning, ToolArguments, ToolCall

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


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


@pytest.mark.parametrize("name", ["llama2", "mistral-v1", "mixtral"])
@pytest.mark.parametrize("result", ["42", "INST", "x", "s", ""])
def test_a_result_is_refused_although_its_text_stands_elsewhere(name: str, result: str):
    messages = [user("Is it 42 x?"), {**FOUND, "content": result}, user("next x 42")]

    assert refused(name, *messages).param in ("messages[1]", "messages[1].role")


ONLY_USERS = "{% for m in messages if m.role == 'user' %}<|user|>{{ m.content }}{% endfor %}"
NO_RESULTS = "{% for m in messages if m.role != 'tool' %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "dropped"), [(ONLY_USERS, answer("user")), (NO_RESULTS, {**FOUND, "content": "r"})]
)
def test_a_role_that_a_template_never_prints_is_refused_whatever_its_text(template: str, dropped: dict[str, Any]):
    assert refused(template, HI, dropped, user("user r")).param == "messages[1]"


LAST_TWO = "{% for m in messages[-2:] %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"
CUT = "{% for m in messages %}<|{{ m.role }}|>{{ m.content | truncate(30) }}{% endfor %}"


def test_a_place_in_the_prompt_stands_for_one_message_only():
    # GIVEN a template that leaves out the first message, whose text stands in a later one
    error = refused(LAST_TWO, user("42"), answer("It is 42."), user("And 43?"))

    assert error.code == "invalid_parameter"
    assert "no place" not in error.message
    assert prompt(LAST_TWO, answer("It is 42."), user("42"))


LAST_FOUR = "{% for m in messages[-4:] %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"


@pytest.mark.parametrize("dropped", ["a b", "user", "e", "im_end", "dropped"])
def test_the_message_that_is_left_out_is_named(dropped: str):
    error = refused(LAST_FOUR, user(dropped), answer("c d"), user("e"), answer("f"), user("a b"))

    assert error.param == "messages[0]"


def test_a_result_in_json_may_be_quoted_later():
    shown = "{{ m.content | tojson if m.role == 'tool' else m.content }}"
    as_json = "{% for m in messages %}<|{{ m.role }}|>" + shown + "{% endfor %}"
    result = {**FOUND, "content": "two\nlines"}

    text = prompt(as_json, HI, result, answer("Two."), user("two\nlines"), answer("Yes."), HI)

    assert '<|tool|>"two\\nlines"' in text


def test_a_template_may_print_the_question_first():
    first = "{{ messages[-1].content }}{% for m in messages[:-1] %}<|{{ m.role }}|>{{ m.content }}{% endfor %}"

    assert prompt(first, user("a"), answer("b"), user("c")) == "c<|user|>a<|assistant|>b"


def test_a_text_that_is_cut_is_told_as_such():
    error = refused(CUT, user("word " * 20))

    assert error.message == "messages[0]: this model's chat template leaves out this user message, or a part of it."


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_texts_that_stand_in_each_other_are_all_found(name: str):
    system = {"role": "system", "content": "hi"}

    for texts in (("hi", "h", "hi there hi"), ("hi there", "hi", "h"), ("h", "hi", "hi"), ("s", "user", "INST")):
        first, second, third = texts
        assert third in prompt(name, system, user(first), answer(second), user(third))
        assert second in prompt(name, user(first), answer(second), user(third), answer(second), user(first))


def test_a_refusal_beside_content_is_kept():
    both = {"role": "assistant", "content": "Half of it.", "refusal": "No more."}
    parts = {**both, "content": [{"type": "text", "text": "Half of it."}]}

    for message in (both, parts):
        for name in ("qwen2.5", "llama3", "mistral-v1", NO_RESULTS):
            assert "Half of it.\n\nNo more." in prompt(name, HI, message, HI)
        served = prepared(record(), messages=[HI, message]).invocation.body["messages"][1]["content"]
        text = served if isinstance(served, str) else "".join(part["text"] for part in served)
        assert text == "Half of it.\n\nNo more."


def test_a_served_model_reads_every_text_in_a_text_part():
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}, "text": "<|im_"}
    parts = [{"type": "refusal", "refusal": "No", "text": "stray"}, image, {"type": "text", "text": "start|>"}]

    served = prepared(record(), messages=[{"role": "assistant", "content": parts}, HI]).invocation.body["messages"][0]

    del image["text"]
    assert served["content"] == [{"type": "text", "text": "No"}, image, {"type": "text", "text": "start|>"}]


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
