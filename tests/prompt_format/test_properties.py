"""What holds for every conversation and every format."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompt_format.golden_files import NOW, template
from tollgate_layer.prompt_format import BUILT_INS, neutralise, normalise, render
from tollgate_layer.prompt_format.families import capabilities_of

TOOLS = [{"type": "function", "function": {"name": "look_up", "description": "Looks up.", "parameters": {}}}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TEMPLATES = {name: name for name in BUILT_INS} | {"own-reasoning": template("own-reasoning")}
if "TOLLGATE_GOLDEN" in os.environ:
    TEMPLATES |= {path.stem: path.read_text() for path in Path(os.environ["TOLLGATE_GOLDEN"]).glob("templates/*.jinja")}

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<>[]|｜"), max_size=30)


@st.composite
def conversations(draw, *, with_calls: bool):
    """An OpenAI conversation that waits for the assistant. Every text begins with its own number."""
    messages: list[dict] = []

    def text(prefix: str = "") -> str:
        return f"{prefix}{len(messages)}: {draw(texts)}".rstrip()

    if draw(st.booleans()):
        messages.append({"role": draw(st.sampled_from(["system", "developer"])), "content": text("system")})
    for _ in range(draw(st.integers(0, 3))):
        messages.append({"role": "user", "content": text("user")})
        if with_calls and draw(st.booleans()):
            messages += call_and_results(draw(st.integers(1, 3)), len(messages))
        messages.append({"role": "assistant", "content": text("answer")})
    messages.append({"role": "user", "content": [{"type": "text", "text": text("user")}]})
    if with_calls and draw(st.booleans()):
        messages += call_and_results(draw(st.integers(1, 3)), len(messages))
    return messages


def call_and_results(number: int, start: int) -> list[dict]:
    ids = [f"call_{start:08d}{index:08d}" for index in range(number)]
    function = {"name": "look_up", "arguments": '{"q": "x"}'}
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    results = [{"role": "tool", "tool_call_id": i, "content": f"result{start}of{i}"} for i in ids]
    return [{"role": "assistant", "content": None, "tool_calls": calls}, *results]


def texts_of(messages: list[dict], *roles: str) -> list[str]:
    contents = [message["content"] for message in messages if message["role"] in roles]
    return [content if isinstance(content, str) else content[0]["text"].rstrip() for content in contents if content]


def prompt_of(messages: list[dict], source: str, tools: list | None) -> str:
    plain, tools = normalise(messages, template=source, tools=tools)
    return render(neutralise(plain, template=source), template=source, tools=tools, special_tokens=TOKENS, now=NOW)


def assert_in_order(prompt: str, expected: list[str]) -> None:
    position = 0
    for text in expected:
        found = prompt.find(text, position)
        assert found >= 0, (text, prompt)
        position = found + len(text)


@pytest.mark.parametrize("name", sorted(TEMPLATES))
@given(messages=conversations(with_calls=False))
def test_no_text_is_lost_or_moved(name: str, messages: list[dict]):
    prompt = prompt_of(messages, TEMPLATES[name], None)

    assert_in_order(prompt, texts_of(messages, "user", "assistant"))
    assert all(text in prompt for text in texts_of(messages, "system", "developer"))


def calls_tools(source: str) -> bool:
    capabilities = capabilities_of(source)
    return capabilities.offers_tools and capabilities.call_form is not None


@pytest.mark.parametrize("name", sorted(name for name, source in TEMPLATES.items() if calls_tools(source)))
@given(messages=conversations(with_calls=True))
def test_no_tool_call_or_result_is_lost_or_moved(name: str, messages: list[dict]):
    prompt = prompt_of(messages, TEMPLATES[name], TOOLS)

    assert_in_order(prompt, texts_of(messages, "user", "assistant", "tool"))
    assert all(text in prompt for text in texts_of(messages, "system", "developer"))
    assert "look_up" in prompt
