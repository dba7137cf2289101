"""An unchanged model.py runs as hooks, and `tollgate hooks check` says which ones can."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import types

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.hooks.events import after_event, before_event

sys.path.append(str(ROOT / "layers" / "hooks" / "python"))
import tollgate_hooks

SCRIPT = ROOT / "examples" / "hooks" / "apexguru" / "model.py"
BODY = ROOT / "examples" / "hooks" / "bodies" / "review.json"


def script(**functions):
    module = types.ModuleType("model")
    for name, function in functions.items():
        setattr(module, name, function)
    return module


def run(module, body="{}", text="said", accept=""):
    """The request that the script makes, and what it answers when the model has said `text`."""
    before, after = tollgate_hooks.from_model_py(module)
    event = before_event(body, "m", "application/json", accept)
    return before(event), after(after_event(event, text))


def example():
    spec = importlib.util.spec_from_file_location("apexguru_model", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_asks_for_its_apex_and_answers_its_findings():
    asked, answered = run(example(), BODY.read_text(), "Finding: DML statement in a loop.\nFix: Collect them.")

    assert asked["request"]["messages"] == [{"role": "user", "content": json.loads(BODY.read_text())["apex"]}]
    assert asked["request"]["max_tokens"] == 200
    finding = {"rule": "DML statement in a loop", "severity": "high", "fix": "Collect them"}
    assert json.loads(answered["response"]["body"]) == {"findings": [finding], "count": 1}


CALLS = {
    "a pipeline with a text": lambda data, model: model("ask", max_new_tokens=5)[0]["generated_text"],
    "predict": lambda data, model: model.predict("ask", max_new_tokens=5)[0]["generated_text"],
    "Bedrock's client": lambda data, model: json.loads(
        model.invoke_model(modelId="m", body=json.dumps({"prompt": "ask", "max_gen_len": 5}))["body"].read()
    )["generation"],
    "SageMaker's client": lambda data, model: json.loads(
        model.invoke_endpoint(
            EndpointName="e", Body=json.dumps({"inputs": "ask", "parameters": {"max_new_tokens": 5}})
        )["Body"].read()
    )[0]["generated_text"],
}


@pytest.mark.parametrize("call", CALLS)
def test_the_model_may_be_called_in_the_ways_that_scripts_call_one(call):
    asked, answered = run(script(predict_fn=CALLS[call], output_fn=lambda prediction, accept: prediction))

    assert asked == {"request": {"prompt": "ask", "max_tokens": 5}}
    assert answered["response"]["body"] == "said"


def test_the_toolkits_own_functions_stand_in_for_those_that_are_missing():
    asked, answered = run(script(predict_fn=lambda data, model: model(data["q"])), '{"q": "why"}')

    assert asked["request"]["prompt"] == "why"
    assert json.loads(answered["response"]["body"]) == [{"generated_text": "said"}]


def test_transform_fn_takes_all_in_one_and_may_name_its_content_type():
    def transform_fn(model, body, content_type, accept):
        return f"{model(body)[0]['generated_text']},{accept}", "text/csv"

    asked, answered = run(script(transform_fn=transform_fn), "a,b", accept="text/x")

    assert asked["request"]["prompt"] == "a,b"
    assert answered["response"] == {"body": "said,text/x", "content_type": "text/csv"}


def test_a_context_is_given_where_a_function_takes_one():
    def predict_fn(data, model, context):
        return [context, model("x")[0]["generated_text"]]

    assert json.loads(run(script(predict_fn=predict_fn))[1]["response"]["body"]) == [None, "said"]


def test_an_exception_handler_of_the_script_does_not_swallow_the_call():
    def predict_fn(data, model):
        try:
            return model("ask")
        except Exception:
            return "swallowed"

    assert run(script(predict_fn=predict_fn))[0] == {"request": {"prompt": "ask"}}


def test_an_answer_without_the_model_is_a_response():
    answer = run(script(predict_fn=lambda data, model: {"cached": True}))[0]

    assert json.loads(answer["response"]["body"]) == {"cached": True}


async def _asynchronous(data, model):
    return model(data)


@pytest.mark.parametrize(
    "functions, reason",
    [
        ({}, "none of"),
        ({"predict_fn": _asynchronous}, "asynchronous"),
        ({"transform_fn": lambda *_: "", "predict_fn": lambda *_: ""}, "beside"),
    ],
)
def test_a_script_that_cannot_be_split_says_why(functions, reason):
    with pytest.raises(tollgate_hooks.SplitError, match=reason):
        tollgate_hooks.from_model_py(script(**functions))


def check(tmp_path, source, *options):
    path = tmp_path / "model.py"
    path.write_text(source)
    arguments = ["hooks", "check", str(path), "--input", str(BODY), "--output", "json", *options]
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, json.loads(result.stdout)


FATAL = {
    "it depends on chance": (
        "import random\ndef predict_fn(data, model):\n    return model(str(random.random()))\n",
        "different things",
    ),
    "it depends on the order of a set": (
        "def predict_fn(data, model):\n    return model(' '.join({'aa', 'bb', 'cc', 'dd', 'ee', 'ff', 'gg'}))\n",
        "different things",
    ),
    "it asks twice": (
        "def predict_fn(data, model):\n    return [model('a'), model('b')]\n",
        "more than once",
    ),
    "it fails at once": ("def predict_fn(data, model):\n    return data['missing']\n", "KeyError"),
    "it cannot be imported": ("import a_module_that_is_not_there\n", "a_module_that_is_not_there"),
    "it ends its process": ("import os\ndef predict_fn(data, model):\n    os._exit(3)\n", "ended with 3"),
    "it is asynchronous": ("async def predict_fn(data, model):\n    return model('a')\n", "asynchronous"),
}


@pytest.mark.parametrize("what", FATAL)
def test_check_says_why_a_script_cannot_run(tmp_path, what):
    source, reason = FATAL[what]

    code, told = check(tmp_path, source)

    assert (code, told["can_run"]) == (1, False)
    assert reason in told["findings"][-1]["text"]


def test_check_notes_what_would_be_done_twice(tmp_path):
    source = "def predict_fn(data, model):\n    open('seen.txt', 'w').close()\n    return model('a')\n"
    source = source.replace("seen.txt", str(tmp_path / "seen.txt"))

    code, told = check(tmp_path, source)

    assert code == 0
    assert [finding["fatal"] for finding in told["findings"]] == [False]
    assert "twice" in told["findings"][0]["text"]


def test_check_shows_what_the_example_asks_and_answers():
    arguments = ["hooks", "check", str(SCRIPT), "--input", str(BODY), "--answer", "Finding: Hard-coded id"]

    result = CliRunner().invoke(main, arguments)

    assert result.exit_code == 0, result.output
    assert "It can run as hooks." in result.stdout


@pytest.mark.path
def test_try_calls_the_rules_of_the_example_in_a_process_of_their_own():
    rules = "examples/hooks/rules/rules.py"

    def call(function, *options):
        arguments = ["hooks", "try", f"{rules}:{function}", str(BODY), "--output", "json", *options]
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    before = call("before")
    after = call("after", "--after", "Write to anna@example.com.")

    assert before["is_fine"]
    content = after["answer"]["completion"]["choices"][0]["message"]["content"]
    assert content == "Write to [address]."
    assert after["outcome"] == "Tollgate goes on with its completion"


def test_bench_names_what_an_import_costs(tmp_path):
    (tmp_path / "slow_library.py").write_text("import time\ntime.sleep(0.3)\n")
    hook = tmp_path / "hook.py"
    hook.write_text("import slow_library\n")

    result = CliRunner().invoke(
        main, ["hooks", "bench", str(hook), "--rounds", "2", "--timeout", "0.2", "--output", "json"]
    )

    told = json.loads(result.stdout)
    assert told["start_multiple"] > 1
    assert not told["fits_timeout"]
    assert "slow_library" in told["imports"]
    assert told["imports"]["slow_library"] * told["bare_s"] == pytest.approx(0.3, rel=0.5)


def test_a_body_reads_as_botocores_do():
    body = tollgate_hooks.Ask({"choices": [{"message": {"content": "x"}}]}).invoke_model(body='{"prompt": "a"}')["body"]

    assert json.load(io.BytesIO(body.read()))["generation"] == "x"
