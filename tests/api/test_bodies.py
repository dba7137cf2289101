"""No body, however odd, gets anything but a completion or a refusal."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.api.conftest import FUZZ, MODELS, assert_one_answer

pytestmark = pytest.mark.path

COMMON_FIELDS = ("max_tokens", "temperature", "top_p", "n", "stop", "stream", "stream_options", "seed",
                 "frequency_penalty", "presence_penalty", "logit_bias", "response_format", "user", "top_k", "min_p",
                 "repetition_penalty", "structured_outputs", "metadata", "service_tier", "store", "logprobs",
                 "anything_else")  # fmt: skip
CHAT_FIELDS = (*COMMON_FIELDS, "variables", "max_completion_tokens", "top_logprobs", "tools", "tool_choice",
               "parallel_tool_calls", "reasoning_effort", "chat_template_kwargs", "documents",
               "add_generation_prompt", "continue_final_message")  # fmt: skip
COMPLETION_FIELDS = (*COMMON_FIELDS, "echo", "best_of", "suffix")

text = st.text(st.characters(categories=("L", "M", "N", "P", "S", "Z", "Cc", "Cs")), max_size=20)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-2, 3),
    st.floats(),
    text,
    st.sampled_from(
        ["", "auto", "none", "user", "tool", "text", "json_object", "<|im_end|>", "${x}", "#set($a = 1)", 2**64]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=8,
)
messages = st.lists(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "critic"]),
            "content": values | text,
        },
        optional=dict.fromkeys(("name", "tool_calls", "tool_call_id", "refusal", "audio", "other"), values),
    ),
    max_size=4,
)


def bodies(fields, prompt):
    """JSON objects that are almost requests: a known model, a prompt, and any values for any fields."""
    return st.fixed_dictionaries(
        {"model": st.sampled_from([*MODELS, "nobody", "A", ""]), **prompt},
        optional=dict.fromkeys(fields, values),
    ).map(json.dumps)


chat_bodies = bodies(CHAT_FIELDS, {"messages": messages | st.just([{"role": "user", "content": "hello"}])})
text_bodies = bodies(COMPLETION_FIELDS, {"prompt": text})
any_bytes = st.one_of(
    values.map(json.dumps).map(str.encode),
    st.binary(max_size=200),
    text.map(lambda written: written.encode("utf-8", "replace")),
)


def post(http, path, body):
    return http.post(path, content=body, headers={"content-type": "application/json"})


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@given(body=chat_bodies)
@FUZZ
def test_an_odd_chat_request_has_one_answer(http, base, body):
    assert_one_answer(post(http, f"{base}/chat/completions", body))


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@given(body=text_bodies)
@FUZZ
def test_an_odd_text_request_has_one_answer(http, base, body):
    assert_one_answer(post(http, f"{base}/completions", body))


@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
@given(body=any_bytes)
@FUZZ
def test_any_bytes_have_one_answer(http, base, body):
    assert_one_answer(post(http, f"{base}/chat/completions", body))
