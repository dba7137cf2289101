"""The example model names the right finding, run by the engine that serves it in `make dev`."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.generations import generation
from tollgate.engines.base import Token
from tollgate.engines.numpy_engine import NumpyEngine
from tollgate_release.artifacts import LocalArtifacts, inspect

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "apexguru-tiny"
MODEL = EXAMPLE / "model"
APEX = Path(__file__).parent / "apex"
FINDINGS = {
    "soql_in_loop": "SOQL query in a loop",
    "dml_in_loop": "DML statement in a loop",
    "unbulkified_trigger": "Trigger not bulkified",
    "hard_coded_id": "Hard-coded id",
    "missing_null_check": "Missing null check",
    "no_finding": "No finding",
}
HELD_OUT = 120
TRAINING_SEEDS_END = 10_000_000


@pytest.fixture(scope="module")
def engine():
    engine = NumpyEngine.load(MODEL)
    yield engine
    engine.close()


def ask(engine: NumpyEngine, messages: list[dict], *, stop: tuple[str, ...] = ()) -> str:
    """The model's greedy answer, up to the first stop sequence."""
    request = generation(messages=messages, max_tokens=120, stop=stop)

    async def answer() -> str:
        return "".join([piece.text async for piece in engine.generate(request) if isinstance(piece, Token)])

    return asyncio.run(answer())


def first_line(engine: NumpyEngine, messages: list[dict]) -> str:
    return ask(engine, messages, stop=("\n",))


def conversations(*arguments: str) -> list[list[dict]]:
    command = [sys.executable, str(EXAMPLE / "prompts.py"), *arguments]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_nine_of_ten_held_out_conversations_get_the_right_finding(engine):
    # GIVEN conversations with names and seeds that training never saw
    held_out = conversations("--held-out", "--seed", str(TRAINING_SEEDS_END), "--count", str(HELD_OUT))

    # WHEN the model answers each
    wrong = []
    for *messages, answer in held_out:
        expected = answer["content"].partition("\n")[0]
        named = first_line(engine, messages)
        if named != expected:
            wrong.append((expected, named))

    # THEN nine of ten begin with the right line
    assert len(wrong) <= HELD_OUT // 10, wrong


def test_nine_of_ten_snippets_written_by_hand_get_the_right_finding(engine):
    # GIVEN Apex that no script generated, named after its finding
    snippets = sorted(APEX.glob("*.apex"))
    assert len(snippets) >= 25

    # WHEN the model reviews each
    named = {path.stem: first_line(engine, [review_request(path.read_text())]) for path in snippets}

    # THEN nine of ten are right
    wrong = {stem: line for stem, line in named.items() if line != f"Finding: {FINDINGS[stem.rpartition('_')[0]]}"}
    assert len(wrong) <= len(snippets) // 10, wrong


def review_request(code: str) -> dict:
    return {"role": "user", "content": f"Review this Apex class:\n```apex\n{code}```"}


@pytest.mark.parametrize("system", [None, "You review Apex code."])
def test_a_review_has_three_lines_and_ends_by_itself(engine, system):
    # GIVEN a class with a query in a loop, as the README sends it
    messages = [review_request((APEX / "soql_in_loop_1.apex").read_text())]
    if system:
        messages.insert(0, {"role": "system", "content": system})

    # WHEN it is reviewed THEN the answer is finding, reason and fix
    finding, why, fix = ask(engine, messages).split("\n")
    assert finding == "Finding: SOQL query in a loop"
    assert why.startswith("Why: ")
    assert fix.startswith("Fix: ")


def test_a_message_without_apex_is_told_what_the_model_does(engine):
    assert ask(engine, [{"role": "user", "content": "Say hello"}]).startswith("I am a toy model that reviews")


def test_the_artifacts_can_be_imported():
    inspection = inspect(LocalArtifacts(MODEL))

    assert inspection.architecture == "Qwen2ForCausalLM"
    assert inspection.dtype == "BF16"
    assert inspection.chat_template_source == "chat_template.jinja"
    assert not inspection.instruct_supported
    assert inspection.warnings == ()


def test_the_example_has_at_most_three_megabytes():
    assert sum(path.stat().st_size for path in MODEL.glob("*") if path.is_file()) <= 3_000_000


def test_training_and_held_out_names_share_nothing():
    # GIVEN the two vocabularies
    script = (
        "import dataclasses, json, names; print(json.dumps({f.name: sorted(set(getattr(names.TRAINING, f.name)) & "
        "set(getattr(names.HELD_OUT, f.name))) for f in dataclasses.fields(names.Vocabulary)}))"
    )

    # WHEN they are compared kind by kind
    output = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=EXAMPLE)

    # THEN no kind has a common word
    assert set(map(tuple, json.loads(output.stdout).values())) == {()}
