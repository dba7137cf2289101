"""Text completions of several prompts, and of token ids; and what a record has us ignore or cut."""

from __future__ import annotations

import json

import pytest

from tests.inference.conftest import prepared, record, variant
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.record import check_record
from tollgate_layer.inference.record_check import record_faults

OPENAI = record(defaults={"max_tokens": 8})


def asked(prompt, record_text=OPENAI, **body):
    return prepared(record_text, "completions", prompt=prompt, **body)


def refusal(*arguments, **body):
    with pytest.raises(RequestError) as caught:
        asked(*arguments, **body)
    return caught.value


@pytest.mark.parametrize("prompt", [["a", "b"], [1, 2, 3], [[1, 2], [3]], [[7]]])
def test_a_server_of_openais_completions_gets_lists_as_they_are(prompt):
    invocation = asked(prompt).invocation

    assert invocation.body["prompt"] == ([7] if prompt == [[7]] else prompt)
    assert invocation.body["max_tokens"] == 8


@pytest.mark.parametrize(
    "prompt, param",
    [
        ([], "prompt"),
        (["a", ""], "prompt[1]"),
        (["a", 1], "prompt[1]"),
        ([1, "a"], "prompt[0]"),
        ([[1], "a"], "prompt[1]"),
        ([True], "prompt[0]"),
        ([-1], "prompt[0]"),
        ([{"a": 1}], "prompt[0]"),
        (["a"] * 129, "prompt"),
    ],
)
def test_a_list_of_anything_else_is_refused_where_it_is_wrong(prompt, param):
    error = refusal(prompt)

    assert (error.code, error.param) == ("invalid_parameter", param)


@pytest.mark.parametrize("body_format", ["bedrock", "mistral"])
def test_older_imports_take_one_text(body_format):
    text = record(variant(body_format=body_format))

    assert refusal(["a", "b"], text).code == "unsupported_parameter"
    assert refusal([1, 2], text).code == "unsupported_parameter"
    assert asked(["a"], text).invocation.body["prompt"] == "a"


def test_choices_stand_in_the_order_of_their_prompts():
    spec = asked(["a", "b"], n=2).spec
    answer = {"choices": [{"index": n, "text": f"t{n}", "finish_reason": "stop"} for n in (2, 0, 3, 1)]}

    choices = json.loads(complete(spec, answer).response.body)["choices"]

    assert spec.choices == 4
    assert [(choice["index"], choice["text"]) for choice in choices] == [(0, "t0"), (1, "t1"), (2, "t2"), (3, "t3")]


def test_a_limit_of_tokens_is_for_all_prompts_together():
    error = refusal(["a", "b", "c"], record(limits={"max_tokens": 20}), max_tokens=10)

    assert error.code == "invalid_parameter"


def test_an_echoed_prompt_is_not_searched_for_stop_sequences():
    invocation, spec, _ = asked("a. b", echo=True, stop=["."])

    text = json.loads(complete(spec, {"choices": [{"text": "a. b c", "finish_reason": "stop"}]}).response.body)

    assert (invocation.body["echo"], invocation.body["stop"]) == (True, ["."])
    assert text["choices"][0]["text"] == "a. b c"
    assert refusal("a", record(variant(body_format="bedrock")), echo=True).param == "echo"


@pytest.mark.parametrize("name, value", [("ignore_eos", True), ("min_tokens", 3), ("stop_token_ids", [7])])
def test_what_measurements_send_reaches_the_formats_that_know_it(name, value):
    assert asked("a", **{name: value}).invocation.body[name] == value
    assert prepared(record(), **{name: value}).invocation.body[name] == value
    assert refusal("a", record(variant(body_format="mistral")), **{name: value}).param == name


def test_continuous_usage_is_accepted():
    assert asked("a", stream=True, stream_options={"include_usage": True, "continuous_usage_stats": True})


# --- What a record has us ignore or cut ---------------------------------------------------------------------------


def test_an_ignored_parameter_is_left_out_and_told():
    text = record(variant(body_format="mistral"), ignore_parameters=["seed", "logit_bias"])

    invocation, spec, _ = asked("a", text, seed=7)
    response = complete(spec, {"outputs": [{"text": "x", "stop_reason": "stop"}]}).response

    assert "seed" not in invocation.body
    assert response.ignored == "seed"


def test_a_request_without_ignored_parameters_tells_nothing():
    text = record(variant(body_format="mistral"), ignore_parameters=["seed"])

    assert asked("a", text).spec.ignored is None


def test_an_ignored_n_gives_one_choice():
    spec = asked("a", record(ignore_parameters=["n"]), n=3).spec

    assert (spec.choices, spec.ignored) == (1, ["n"])


@pytest.mark.parametrize("wanted, given, ignored", [(4, 4, None), (40, 16, ["max_tokens"])])
def test_a_record_may_cut_what_it_would_refuse(wanted, given, ignored):
    text = record(limits={"max_tokens": 16, "max_tokens_policy": "cut"})

    invocation, spec, _ = asked("a", text, max_tokens=wanted)

    assert (invocation.body["max_tokens"], spec.ignored) == (given, ignored)


def test_more_choices_than_tokens_are_refused_under_either_policy():
    text = record(limits={"max_tokens": 2, "max_tokens_policy": "cut"})

    assert refusal("a", text, n=3).param == "n"


@pytest.mark.parametrize("name", ["messages", "model", "max_tokens", "stop", "stream", "colour"])
def test_a_record_cannot_ignore_what_a_request_needs(name):
    (fault,) = record_faults(check_record(record(ignore_parameters=["seed", name])))

    assert fault.place == "ignore_parameters[1]"
