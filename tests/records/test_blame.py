"""What only the record's author can mend is, at request time, never told as the client's mistake."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.prompt_format.jinja.template import LONGEST_SOURCE

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
USER = {"role": "user", "content": "Hello"}
MISCONFIGURED = ("model_misconfigured", None, 502)


def refusal(record_text: str, **request) -> ApiError:
    with pytest.raises(ApiError) as caught:
        prepared(record_text, **request)
    return caught.value


def said(error: ApiError) -> tuple[str, str | None, int]:
    return error.code, error.param, error.kind.status


@pytest.mark.parametrize(
    "template",
    [
        "",
        " ",
        "qwen-2.5",
        "{% for m in messages %}{{ m }",
        "{{ undefined.attribute }}",
        "{% include 'other' %}{{ messages }}",
        "{{ messages | no_such_filter }}",
        "{{ no_such_function() }}",
        "{% for m in messages %}{{ m.content + 1 }}{% endfor %}",
        "{{ messages[0].content.no.such.thing }}",
        "{{ raise_exception('This template takes nobody.') }}",
        "{% set x = 'a' * 10000000000 %}{{ messages }}",
        "{{ messages }}" + " " * LONGEST_SOURCE,
    ],
    ids=lambda text: text[:30],
)
def test_a_template_that_no_conversation_can_pass_is_the_operators_fault(template):
    for _ in range(2):  # the second time from what is kept
        error = refusal(record(variant(chat_template=template)))

        assert said(error) == MISCONFIGURED
        assert not isinstance(error, RequestError)
        assert error.message == "This model is not set up correctly."


def test_a_template_that_breaks_for_one_role_is_the_operators_fault():
    broken = CHATML.replace("{{ m.content }}", "{{ m.content + (1 if m.role == 'assistant' else '') }}")
    text = record(variant(chat_template=broken))

    assert prepared(text).invocation.body["prompt"]
    assert said(refusal(text, messages=[USER, {"role": "assistant", "content": "Hi."}, USER])) == MISCONFIGURED


@pytest.mark.parametrize("use", ["foo()", "tools.no.such.thing", "tools + 1", "tools | no_such_test_of_ours"])
def test_a_template_that_breaks_for_tools_is_the_operators_fault(use):
    text = record(variant(chat_template="{% if tools %}{{ " + use + " }}{% endif %}" + CHATML, tool_calls="hermes"))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}

    error = refusal(text, tools=[tool])

    assert said(error) == MISCONFIGURED


def test_what_a_template_says_of_a_conversation_stays_the_clients():
    picky = "{% if messages[0].role == 'assistant' %}{{ raise_exception('Begin with a user.') }}{% endif %}" + CHATML

    error = refusal(record(variant(chat_template=picky)), messages=[{"role": "assistant", "content": "a"}, USER])

    assert said(error)[0] == "invalid_parameter"
    assert "Begin with a user." in error.message


def test_a_template_that_wants_a_system_message_is_not_broken():
    wanting = "{% if messages[0].role != 'system' %}{{ raise_exception('Say who you are.') }}{% endif %}" + CHATML
    text = record(variant(chat_template=wanting))

    assert said(refusal(text))[0] == "invalid_parameter"
    assert "Be brief." in str(prepared(text, messages=[{"role": "system", "content": "Be brief."}, USER]).invocation)


def test_a_text_that_only_this_conversation_has_stays_the_clients():
    # GIVEN a template that breaks for one text
    template = CHATML.replace("{{ m.content }}", "{{ m.content if 'x' not in m.content else 1 + m.content }}")

    error = refusal(record(variant(chat_template=template)), messages=[{"role": "user", "content": "x"}])

    assert isinstance(error, RequestError)


def test_the_clients_own_variable_stays_the_clients():
    template = "{{ prefix + '' if prefix is defined else '' }}" + CHATML

    error = refusal(record(variant(chat_template=template)), chat_template_kwargs={"prefix": 1})

    assert isinstance(error, RequestError)


@pytest.mark.parametrize(
    "name",
    ["messages", "template", "tools", "now", "special_tokens", "add_generation_prompt", "continue_final_message",
     "strftime_now", "raise_exception"],
)  # fmt: skip
@pytest.mark.parametrize("template", ["qwen2.5", CHATML, None])
def test_a_variable_with_the_requests_own_name_is_the_operators_fault(name, template):
    text = record(variant(chat_template=template, template_variables={name: "x"}))

    assert said(refusal(text)) == MISCONFIGURED
    assert said(refusal(record(variant(chat_template=template, special_tokens={name: "x"})))) == MISCONFIGURED


@pytest.mark.parametrize(
    "name", ["self", "context", "loop", "messages_", "environment", "kwargs", "variables", "super"]
)
@pytest.mark.parametrize("template", ["qwen2.5", CHATML])
def test_any_other_variable_name_is_harmless(name, template):
    text = record(variant(chat_template=template, template_variables={name: "x"}))

    assert "Hello" in prepared(text).invocation.body["prompt"]


def test_a_built_in_that_a_variable_of_the_record_breaks_is_the_operators_fault():
    text = record(variant(chat_template="llama3.1", template_variables={"custom_tools": 5}))

    assert said(refusal(text)) == MISCONFIGURED


@pytest.mark.parametrize("prompt", ["{{ 1x }}", "{{}}", "{{ a.b }}", "{{ a }} {{ b c }}", "{{ a | upper }}", "{{\n}}"])
def test_a_bad_prompt_variable_is_the_operators_fault(prompt):
    for part in ({"user": prompt}, {"user": "{{ code }}", "system": prompt}):
        error = refusal(record(prompt=part), variables={"code": "x"})

        assert said(error) == MISCONFIGURED


def test_a_prompt_that_its_model_cannot_take_is_the_operators_fault():
    text = record(variant(body_format="bedrock"), prompt={"user": "{{ code }}"})

    assert said(refusal(text, variables={"code": "x"})) == MISCONFIGURED


def test_unknown_fields_of_a_newer_record_are_ignored_and_counted():
    # GIVEN a record with fields that this version does not know, at every level
    newer = json.loads(record(variant(shadow=True, chat_template="chatml"), mirror={"to": "arn"}))
    newer |= {"defaults": {"reasoning_effort": "low"}, "prompt": None, "limits": {"max_images": 3}}

    made = prepared(json.dumps(newer))

    assert made.unknown_record_fields == 4
    assert made.invocation.body["prompt"].startswith("<|im_start|>user\nHello")
    assert prepared(record()).unknown_record_fields == 0


def test_an_unknown_field_hides_no_other_fault():
    newer = json.loads(record(variant(shadow=True, weight=-1)))

    assert said(refusal(json.dumps(newer))) == MISCONFIGURED
