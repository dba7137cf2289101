"""What built-in formats say about themselves is what probing finds, so that their first request need not probe."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.prompt_format.golden_files import template
from tollgate_layer.prompt_format import BUILT_INS
from tollgate_layer.prompt_format.capabilities import CallForm, Capabilities
from tollgate_layer.prompt_format.families import capabilities_of
from tollgate_layer.prompt_format.probing import ProbedCapabilities

FOUND_OTHERWISE = ("end_of_turn", "writes_reasoning")
"""The end of a turn depends on the record's tokens; reasoning is read from source, which no built-in has."""
PROBED = [field for field in Capabilities._fields if field not in FOUND_OTHERWISE]


@pytest.mark.parametrize("field", PROBED)
@pytest.mark.parametrize("name", BUILT_INS)
def test_a_built_in_states_what_probing_finds(name: str, field: str):
    assert getattr(BUILT_INS[name].capabilities, field) == getattr(ProbedCapabilities(name), field)


@pytest.mark.parametrize("name", BUILT_INS)
def test_a_built_in_states_the_token_behind_an_answer(name: str):
    built_in = BUILT_INS[name]

    found = ProbedCapabilities(name).end_of_turn(built_in.special_tokens)

    assert found == (built_in.capabilities.end_of_turn or built_in.special_tokens["eos_token"])


@pytest.mark.parametrize("name", BUILT_INS)
def test_a_built_in_that_leaves_the_end_to_the_record_writes_the_records_token(name: str):
    found = ProbedCapabilities(name).end_of_turn({"bos_token": "<bos>", "eos_token": "<|theirs|>"})

    assert found == (BUILT_INS[name].capabilities.end_of_turn or "<|theirs|>")


def test_a_models_own_template_is_probed():
    capabilities = capabilities_of(template("own-reasoning"))

    assert capabilities is capabilities_of(template("own-reasoning"))
    assert (capabilities.offers_tools, capabilities.call_syntax) == (True, "hermes")
    assert (capabilities.call_form, capabilities.writes_reasoning) == (CallForm(), True)


def test_a_first_request_with_a_built_in_probes_nothing():
    code = (
        "import sys, tollgate_layer.prompt_format as p\n"
        "messages = [{'role': 'system', 'content': 'S'}, {'role': 'user', 'content': 'Hi'}]\n"
        "messages, tools = p.normalise(messages, template='mistral-v3')\n"
        "p.render(p.neutralise(messages, template='mistral-v3'), template='mistral-v3', tools=tools)\n"
        "p.family('mistral-v3')\n"
        "print('tollgate_layer.prompt_format.probing' in sys.modules)"
    )

    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (finished.stdout, finished.stderr) == ("False\n", "")
