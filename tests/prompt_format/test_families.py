from __future__ import annotations

import pytest

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS, Family, PromptFormatError, family, opens_reasoning, render

USER = {"role": "user", "content": "Hi"}


def begins_with(bos: str | None, prompt: str) -> bool:
    return bos is not None and prompt.startswith(bos)


@pytest.mark.parametrize(
    "name, stop, writes_bos, tool_calls, reasoning, opens",
    [
        ("chatml", ("<|im_end|>",), False, None, False, False),
        ("qwen2.5", ("<|im_end|>",), False, "hermes", False, False),
        ("qwq", ("<|im_end|>",), False, "hermes", True, True),
        ("qwen3", ("<|im_end|>",), False, "hermes", True, False),
        ("qwen3-instruct", ("<|im_end|>",), False, "hermes", False, False),
        ("qwen3-thinking", ("<|im_end|>",), False, "hermes", True, True),
        ("llama2", ("</s>",), True, None, False, False),
        ("llama3", ("<|eot_id|>",), True, None, False, False),
        ("llama3.1", ("<|eot_id|>", "<|eom_id|>"), True, "llama3_json", False, False),
        ("mixtral", ("</s>",), True, None, False, False),
        ("mistral-v3", ("</s>",), True, "mistral", False, False),
        ("mistral-tekken", ("</s>",), True, "mistral", False, False),
        ("deepseek-r1", ("<｜end▁of▁sentence｜>",), True, None, True, True),
    ],
)
def test_built_in_formats_have_their_families_habits(
    name: str, stop: tuple[str, ...], writes_bos: bool, tool_calls: str | None, reasoning: bool, opens: bool
):
    habits = family(name)
    prompt = render([USER], template=name)

    assert (habits.stop, begins_with(habits.bos_token, prompt)) == (stop, writes_bos)
    assert (habits.tool_calls, habits.reasoning, opens_reasoning(prompt)) == (tool_calls, reasoning, opens)


def test_a_models_own_template_is_read_like_a_built_in():
    tokens = {"bos_token": "<s>", "eos_token": "<|end|>"}
    habits = family(template("own-reasoning"), tokens)
    prompt = render([USER], template=template("own-reasoning"), special_tokens=tokens)

    assert habits.stop == ("<|end|>",)
    assert not begins_with(habits.bos_token, prompt)
    assert habits.tool_calls == "hermes"
    assert habits.reasoning
    assert opens_reasoning(prompt)


def test_the_beginning_of_sequence_token_is_the_records():
    tokens = {"bos_token": {"content": "<bos>"}, "eos_token": "<eos>"}
    habits = family(template("own-alternating"), tokens)
    prompt = render([USER], template=template("own-alternating"), special_tokens=tokens)

    assert (begins_with(habits.bos_token, prompt), habits.bos_token, habits.stop) == (True, "<bos>", ("<eos>",))
    assert family("llama3", {"bos_token": ""}).bos_token is None


def test_a_name_that_is_none_is_refused_with_the_names_there_are():
    with pytest.raises(
        PromptFormatError, match=r"'gpt-2' is no built-in chat template; there are chatml, .*deepseek-r1"
    ):
        family("gpt-2")


def test_a_template_that_does_not_compile_is_refused():
    with pytest.raises(PromptFormatError, match="does not compile: line 1"):
        family("{% for %}")


def test_a_template_that_refuses_everything_has_no_habits():
    assert family("{{ raise_exception('no') }}") == Family(stop=(), tool_calls=None, reasoning=False, bos_token=None)


@pytest.mark.parametrize(
    "prompt, opens", [("<think>", True), ("x<think>\n", True), ("<think>\n\n</think>\n\n", False), ("", False)]
)
def test_a_prompt_tells_whether_the_completion_begins_in_reasoning(prompt: str, opens: bool):
    assert opens_reasoning(prompt) is opens


def test_every_built_in_has_a_family():
    assert all(family(name).stop for name in BUILT_INS)
