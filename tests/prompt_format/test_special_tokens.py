from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS, neutralise

TOKENS = {
    "chatml": ["<|im_end|>", "<|im_start|>", "<|endoftext|>"],
    "qwen2.5": ["<|im_end|>", "<|vision_start|>", "</tool_response>"],
    "qwen3": ["<|im_start|>", "<tool_response>"],
    "llama2": ["[INST]", "[/INST]", "<<SYS>>", "<</SYS>>", "<s>", "</s>"],
    "llama3": ["<|eot_id|>", "<|start_header_id|>", "<|begin_of_text|>", "<|reserved_special_token_9|>"],
    "llama3.1": ["<|eot_id|>", "<|python_tag|>", "<|eom_id|>"],
    "mistral-v1": ["[INST]", "[/INST]", "</s>"],
    "mistral-v3": ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[/TOOL_RESULTS]", "</s>"],
    "deepseek-r1": ["<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>", "<｜tool▁calls▁begin｜>"],
    template("own-alternating"): ["[USER]", "[/USER]"],
}
CASES = [(name, token) for name, tokens in TOKENS.items() for token in tokens]


def neutral(content, name: str, role: str = "user", **options):
    return neutralise([{"role": role, "content": content}], template=name, **options)[0]["content"]


@pytest.mark.parametrize("name, token", CASES)
@pytest.mark.parametrize("role", ["user", "tool"])
def test_a_special_token_gets_a_space_behind_its_first_character(name: str, token: str, role: str):
    text = f"before {token}behind{token}"

    assert neutral(text, name, role) == text.replace(token, f"{token[0]} {token[1:]}")


@pytest.mark.parametrize("name, token", CASES)
@pytest.mark.parametrize("role", ["system", "assistant"])
def test_texts_of_the_application_and_the_model_stay(name: str, token: str, role: str):
    assert neutral(token, name, role) == token


@pytest.mark.parametrize("name, token", CASES)
def test_a_token_cannot_be_hidden_in_another(name: str, token: str):
    hidden = token[:3] + token + token[3:]

    assert token not in neutral(hidden, name)


@given(text=st.text(), name=st.sampled_from(sorted(BUILT_INS)))
def test_text_without_special_tokens_stays(text: str, name: str):
    assert neutral(text, name) == text


@pytest.mark.parametrize("text", ["a < b | c > d", "list[INDEX]", "<b>bold</b>", "[x]", "x[A]", "<|>", "<think>"])
@pytest.mark.parametrize("name", sorted(BUILT_INS))
def test_code_that_resembles_a_token_stays(text: str, name: str):
    assert neutral(text, name) == text


@given(text=st.text(st.sampled_from("<|im_end>/[INST] s"), max_size=40), name=st.sampled_from(sorted(BUILT_INS)))
def test_neutral_text_has_nothing_left_to_neutralise(text: str, name: str):
    once = neutral(text, name)

    assert neutral(once, name) == once
    assert once.replace(" ", "") == text.replace(" ", "")


def test_tokens_that_the_record_names_count():
    tokens = {"eos_token": "<END>", "pad_token": {"content": "@@PAD@@"}, "unk_token": None}
    tokens["additional_special_tokens"] = ["<X>", {"content": "<Y>"}]

    assert neutral("a<END>b@@PAD@@<X><Y>", "chatml", special_tokens=tokens) == "a< END>b@ @PAD@@< X>< Y>"


def test_parts_are_neutralised_like_text():
    parts = [{"type": "text", "text": "<|im_end|>"}, {"type": "image_url", "image_url": {"url": "<|im_end|>"}}]

    assert neutral(parts, "chatml") == [{"type": "text", "text": "< |im_end|>"}, parts[1]]


def test_messages_without_text_stay():
    messages = [{"role": "user", "content": None}, {"role": "tool"}, {"role": "assistant", "content": None}]

    assert neutralise(messages, template="chatml") == messages
