"""Mapping templates: ours against what Apache Velocity 1.7 rendered (scripts/record_vtl), and what it cannot show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.emulators.recorders import load_recorder
from tollgate.emulators.api_gateway.mapping_templates import InvalidBodyError, MappingError, MappingTemplate, Parameters

GOLDEN = json.loads((Path(__file__).parent / "golden" / "mapping_templates.json").read_text())
TEMPLATES = {case["template"] for case in GOLDEN}


def _render(template, body="", parameters=None, **context):
    return MappingTemplate(template, "test").render(body, Parameters(**(parameters or {})), context)


@pytest.mark.parametrize("template", sorted(TEMPLATES), ids=range(len(TEMPLATES)))
def test_every_case_renders_as_velocity_renders_it(template):
    for case in (case for case in GOLDEN if case["template"] == template):
        rendered = _render(template, case["body"], case["parameters"], **case["context"])

        assert rendered.text == case["text"], case["body"]
        assert rendered.status == case["status"]
        assert rendered.headers == case["headers"]


def test_every_template_of_the_api_is_recorded():
    templates = load_recorder("record_vtl").templates()
    unrecorded = [text for _, text in templates if text not in TEMPLATES]

    assert not unrecorded, "run scripts/record_vtl/record.py: mapping templates have changed"


@pytest.mark.parametrize("body", ["{no", "[1,", "NaN", '{"a": Infinity}', "nul"])
def test_a_body_that_is_no_json_is_told_from_a_template_that_fails(body):
    with pytest.raises(InvalidBodyError):
        _render("$input.json('$')", body)


def test_a_template_that_fails_names_its_place():
    with pytest.raises(MappingError, match="test: "):
        _render("$util.parseJson('{no')")


def test_an_empty_body_is_an_empty_object():
    assert _render("$input.json('$')|$input.json('$.a')").text == '{}|""'


def test_headers_are_found_whatever_their_case():
    assert _render("$input.params('x-thing')", parameters={"header": {"X-Thing": "yes"}}).text == "yes"


def test_a_path_that_is_not_implemented_is_an_error_and_not_silence():
    with pytest.raises(MappingError, match="JSONPath"):
        _render("$input.json('$..a')", "{}")


def test_truth_of_zero_and_of_empty_values_differs_from_velocity():
    # Velocity 1.7 takes them for true. Compare values in templates instead of testing them bare.
    assert _render("#if($input.path('$.n'))yes#else no#end", '{"n": 0}').text == " no"


# Runs in a fresh process, because another test may have imported airspeed.
LEAVES_AIRSPEED_ALONE = """
import sys
from tollgate.emulators.api_gateway.mapping_templates import MappingTemplate, Parameters

template = MappingTemplate("#if($input.body.trim() == 'a')yes#{else}no#end", "test")
assert template.render(" a ", Parameters(), {}).text == "yes"
assert "airspeed" not in sys.modules

from airspeed import operators

classes = (operators.NameOrCall, operators.VariableExpression, operators.ElseBlock, operators.ForeachDirective)
assert {each.__module__ for each in classes} == {"airspeed.operators"}
assert "trim" not in operators.__additional_methods__[str]
"""


def test_the_airspeed_package_is_neither_imported_nor_changed():
    subprocess.run([sys.executable, "-c", LEAVES_AIRSPEED_ALONE], cwd=ROOT, check=True, timeout=60)
