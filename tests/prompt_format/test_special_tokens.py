from __future__ import annotations

import json
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS, PromptFormatError, defuser, neutralise

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
@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool"])
def test_a_special_token_gets_a_space_behind_its_first_character(name: str, token: str, role: str):
    text = f"before {token}behind{token}"

    assert neutral(text, name, role) == text.replace(token, f"{token[0]} {token[1:]}")


@pytest.mark.parametrize("name, token", CASES)
def test_a_token_cannot_be_hidden_in_another(name: str, token: str):
    hidden = token[:3] + token + token[3:]

    assert token not in neutral(hidden, name)


@given(text=st.text(), name=st.sampled_from(sorted(BUILT_INS)))
def test_text_without_special_tokens_stays(text: str, name: str):
    assume(not re.search(r"<.*>|\[.*\]", text, re.DOTALL))  # every token of every family stands in one or the other

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
    image = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}

    assert neutral([{"type": "text", "text": "<|im_end|>"}, image], "chatml") == [
        {"type": "text", "text": "< |im_end|>"},
        image,
    ]


@given(data=st.data())
def test_a_token_cannot_be_spread_over_parts(data: st.DataObject):
    text = "a<|im_end|>b<|im_start|>"
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    parts = neutral([{"type": "text", "text": piece} for piece in pieces], "chatml")

    assert "".join(part["text"] for part in parts) == "a< |im_end|>b< |im_start|>"


def test_a_token_cannot_be_hidden_in_an_escape_of_a_calls_arguments():
    def arguments(text: str) -> str:
        call = {"id": "1", "function": {"name": "f", "arguments": text}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return neutralise([message], template="chatml")[0]["tool_calls"][0]["function"]["arguments"]

    assert json.loads(arguments('{"\\u003c|im_end|>": ["<\\u007cim_end|>"]}')) == {"< |im_end|>": ["< |im_end|>"]}
    # What holds no token stays as the client spelled it, and so does what is no JSON.
    assert arguments('{"a":1,  "b":"\\u00e9"}') == '{"a":1,  "b":"\\u00e9"}'
    assert arguments("{<|im_end|>") == "{< |im_end|>"
    # Of two equal keys only the last is a value, but a server may read the text, or the first of them.
    for twice in ("<|im_start|>", "\\u003c|im_start|>", "<\\u007cim_start|>"):
        assert json.loads(arguments(f'{{"q": "{twice}", "q": "x"}}')) == {"q": "x"}
        assert "im_start" not in arguments(f'{{"q": "{twice}", "q": "x"}}')
    # A reader that is less strict than JSON would find the token.
    for lenient in ('{"\\ud800": "\\u003c|im_end|>"}', '{"a": [1e999, "\\u003c|im_end|>"]}', '{"\\u003c|im_end|>"'):
        with pytest.raises(PromptFormatError, match="arguments of a call must be a JSON object"):
            arguments(lenient)


def test_tools_stay_json_and_their_names_and_keys_are_neutralised():
    tools = [{"function": {"name": "<|im_end|>", "parameters": {"properties": {"<|im_end|>": {"enum": ["</s>", 1]}}}}}]

    assert defuser("chatml").value(tools) == [
        {"function": {"name": "< |im_end|>", "parameters": {"properties": {"< |im_end|>": {"enum": ["</s>", 1]}}}}}
    ]


@pytest.mark.parametrize("name", ["chatml", "qwen2.5", "llama3", "llama3.1", "deepseek-r1"])
@pytest.mark.parametrize("text", ["<s>struck</s>", "[INST]", "[TODO] x[INDEX]", "<div><p>a</p></div>"])
def test_text_that_is_no_token_of_the_family_stays(name: str, text: str):
    assert neutral(text, name) == text


@pytest.mark.parametrize("text", ["[TODO]", "<div><p>a</p></div>", "a[INDEX]", "<think>", "x <| y |> z", "{{ a }}"])
def test_text_that_is_no_token_of_any_family_stays_where_the_server_has_the_template(text: str):
    assert defuser(None).text(text) == text


@pytest.mark.parametrize(
    "token",
    ["<|im_end|>", "<｜User｜>", "[INST]", "[/INST]", "<s>", "</s>", "<<SYS>>", "<start_of_turn>", "[TOOL_CALLS]"],
)
def test_tokens_of_every_family_are_neutralised_where_the_server_has_the_template(token: str):
    assert defuser(None).text(f"a{token}b") == f"a{token[0]} {token[1:]}b"


@pytest.mark.parametrize("mark", ["<extra_id_1>", "[|user|]", "<user>", "[user]"])
def test_whatever_a_models_own_template_writes_around_its_turns_is_a_token(mark: str):
    source = "{% for m in messages %}" + mark + "{{ m.content }}\n{% endfor %}"

    assert neutral(f"a{mark}b", source) == f"a{mark[0]} {mark[1:]}b"
    assert neutral("<think><b>[x]</b></think>", source) == "<think><b>[x]</b></think>"


def test_tokens_that_overlap_are_all_neutralised():
    tokens = {"one": "<a><b>", "two": "<b><c>"}

    assert neutral("<a><b><c>", "chatml", special_tokens=tokens) == "< a>< b><c>"


def test_a_value_that_nests_without_end_is_refused():
    value: list = []
    for _ in range(5000):
        value = [value]

    with pytest.raises(PromptFormatError, match="nests more than 100 levels deep"):
        defuser("chatml").value(value)


def test_a_record_that_trusts_its_clients_changes_nothing():
    text = "<|im_end|>"

    trusting = defuser("chatml", allow_special_tokens=True)

    assert (trusting.text(text), trusting.value({text: [text]})) == (text, {text: [text]})
    assert trusting.messages([{"role": "user", "content": text}]) == [{"role": "user", "content": text}]


def test_messages_without_text_stay():
    messages = [{"role": "user", "content": None}, {"role": "tool"}, {"role": "assistant", "content": None}]

    assert neutralise(messages, template="chatml") == messages
