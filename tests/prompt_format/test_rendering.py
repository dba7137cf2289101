from __future__ import annotations

import subprocess
import sys
from datetime import datetime

import pytest

from tests.prompt_format.golden_files import template
from tollgate_layer import prompt_format
from tollgate_layer.prompt_format import BUILT_INS, PromptFormatError, render

USER = {"role": "user", "content": "Hi"}


def refusal(messages: list, **options) -> PromptFormatError:
    with pytest.raises(PromptFormatError) as caught:
        render(messages, **options)
    return caught.value


def test_an_unknown_name_is_refused_with_the_names_there_are():
    error = refusal([USER], template="llama9")

    assert "'llama9' is no built-in chat template" in str(error)
    assert all(name in str(error) for name in BUILT_INS)


@pytest.mark.parametrize("name", ["llama2", "mistral-v1", "mistral-v3", "mistral-tekken"])
def test_roles_out_of_order_are_refused_naming_the_message(name: str):
    error = refusal(
        [USER, {"role": "assistant", "content": "Yes?"}, {"role": "assistant", "content": "No?"}], template=name
    )

    assert error.param == "messages[2].role"
    assert str(error).startswith("messages[2].role: ")
    assert "take turns" in str(error)


@pytest.mark.parametrize(
    "name",
    sorted(
        set(BUILT_INS) - {"llama3", "llama3.1", "llama3.2", "llama3.3", "qwen3", "qwen3-instruct", "qwen3-thinking"}
    ),
)
def test_content_that_is_not_text_is_refused_naming_the_message(name: str):
    error = refusal([USER, {"role": "assistant", "content": "A"}, {"role": "user", "content": ["x"]}], template=name)

    assert str(error) == "messages[2].content: must be text for this model, not a list."


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_messages_and_calls_of_no_shape_are_refused(name: str):
    assert str(refusal([USER, "Hi"], template=name)) == "messages[1]: must be an object."
    if prompt_format.family(name).tool_calls in ("mistral", "llama3_json"):
        refusal([USER, {"role": "assistant", "tool_calls": [{"id": "a1b2c3d4e"}]}], template=name)


def test_a_template_that_raises_names_the_message_in_its_hands():
    error = refusal([USER, USER], template=template("own-alternating"), special_tokens={"bos_token": "<s>"})

    assert error.param == "messages[1]"
    assert str(error) == "messages[1]: the chat template refuses the conversation: The roles must alternate."


def test_a_template_that_fails_outside_a_loop_names_no_message():
    error = refusal([USER], template="{{ missing.attribute }}")

    assert error.param is None
    assert str(error) == "the chat template refuses the conversation: 'missing' is undefined"


def test_a_template_that_does_not_compile_is_refused_with_its_line():
    error = refusal([USER], template="{% for message in messages %}\n{{ message.content }\n{% endfor %}")

    assert str(error).startswith("the chat template does not compile: line 2: ")


def test_templates_print_the_time_of_the_request():
    now = datetime(2031, 2, 3, 4, 5)  # noqa: DTZ001

    assert render([USER], template="{{ strftime_now('%Y-%m-%d %H:%M') }}", now=now) == "2031-02-03 04:05"
    assert "Today Date: 03 Feb 2031\n" in render([USER], template="llama3.2", now=now)


def test_templates_print_the_clock_when_no_time_is_given():
    before = datetime.now()  # noqa: DTZ005

    printed = datetime.strptime(render([USER], template="{{ strftime_now('%Y%m%d%H%M%S.%f') }}"), "%Y%m%d%H%M%S.%f")  # noqa: DTZ007

    assert before <= printed <= datetime.now()  # noqa: DTZ005


def test_template_variables_reach_the_template():
    assert render([USER], template="{{ documents[0].title }} {{ x }}", documents=[{"title": "T"}], x=1) == "T 1"


def test_special_tokens_may_come_as_a_tokenizer_config_has_them():
    tokens = {"bos_token": {"content": "<s>", "lstrip": False}, "eos_token": None}

    assert render([USER], template="{{ bos_token }}{{ eos_token is defined }}", special_tokens=tokens) == "<s>False"
    assert render([USER], template="mistral-v3", special_tokens=tokens) == "<s>[INST] Hi[/INST]"


WITHOUT_BOS = {"chatml", "qwen2", "qwen2.5", "qwq", "qwen3", "qwen3-instruct", "qwen3-thinking"}


@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_a_prompt_has_the_beginning_of_sequence_token_once_or_never(name: str):
    bos = prompt_format.family(name).bos_token

    prompt = render([USER], template=name)

    assert prompt.count(bos or "<s>") == (0 if name in WITHOUT_BOS else 1)


def test_continuing_cuts_a_prompt_behind_the_text():
    messages = [USER, {"role": "assistant", "content": "1. one\n2. "}]

    assert render(messages, template="chatml", continue_final_message=True).endswith("assistant\n1. one\n2. ")
    # Llama 3 trims every message, so the space is not part of its prompt.
    assert render(messages, template="llama3", continue_final_message=True).endswith("\n\n1. one\n2.")


@pytest.mark.parametrize(
    "messages, source, reason",
    [
        ([], "{{ messages }} content", "there is no message to continue"),
        ([{"role": "assistant", "content": None}], "chatml", "there is no text to continue"),
        ([USER], "{{ messages[0].role }}", "does not read it"),
        ([USER], "{{ messages[0].role }} {# content #}", "drops it"),
    ],
)
def test_a_message_that_cannot_be_continued_is_refused(messages: list, source: str, reason: str):
    assert reason in str(refusal(messages, template=source, continue_final_message=True))


def test_rendering_changes_no_message():
    messages = [USER, {"role": "assistant", "content": "A", "reasoning": "R"}]
    before = repr(messages)

    render(messages, template="qwen3", continue_final_message=True)

    assert repr(messages) == before


def test_a_built_in_format_needs_no_jinja():
    code = (
        "import sys, tollgate_layer.prompt_format as p\n"
        "messages, tools = p.normalise([{'role': 'user', 'content': 'Hi'}], template='qwen2.5')\n"
        "p.render(p.neutralise(messages, template='qwen2.5'), template='qwen2.5', tools=tools)\n"
        "p.family('qwen2.5'); p.CompletionParser(tool_calls='hermes')\n"
        "print([name for name in ('jinja2', 'pydantic', 'inspect', 'tokenizers') if name in sys.modules])"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (finished.stdout, finished.stderr) == ("[]\n", "")
