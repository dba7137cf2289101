"""JSONata expressions: ours against what the reference implementation gave (scripts/record_jsonata)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.emulators.recorders import load_recorder
from tollgate.emulators.step_functions import StateError
from tollgate.emulators.step_functions.expressions import evaluate

GOLDEN = json.loads((Path(__file__).parent / "golden" / "expressions.json").read_text())
EXPRESSIONS = sorted({case["expression"] for case in GOLDEN})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_every_expression_has_the_reference_s_value(expression):
    for case in (case for case in GOLDEN if case["expression"] == expression):
        text = "{% " + expression + " %}"
        if "value" in case:
            assert evaluate(text, case["bindings"]) == case["value"]
        else:
            with pytest.raises(StateError) as caught:
                evaluate(text, case["bindings"])
            assert caught.value.error == "States.QueryEvaluationError"


def test_every_expression_of_the_state_machine_is_recorded():
    expressions = load_recorder("record_jsonata").machine_expressions()
    unrecorded = [text for text in expressions if text not in EXPRESSIONS]

    assert not unrecorded, "run scripts/record_jsonata/record.py: expressions have changed"


@pytest.mark.parametrize(
    "expression, value",
    [
        ("$partition([1, 2, 3], 2)", [[1, 2], [3]]),
        ("$range(0, 6, 3)", [0, 3, 6]),
        ("$hash('a', 'SHA-256')", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        ("$length($uuid())", 36),
        ("$random() < 1", True),
        ("$random(7) = $random(7)", True),
    ],
)
def test_step_functions_own_functions_are_there(expression, value):
    assert evaluate("{% " + expression + " %}", {}) == value


def test_eval_is_forbidden():
    with pytest.raises(StateError, match="eval"):
        evaluate("{% $eval('1') %}", {})


def test_a_function_is_no_value():
    with pytest.raises(StateError):
        evaluate("{% function($x) { $x } %}", {})
