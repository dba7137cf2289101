"""The models that the runner serves: the file that lists them, and what is made of an entry."""

from __future__ import annotations

import json

import pytest

from tests.conftest import ROOT
from tollgate.dev.models import ModelLoader, read_models
from tollgate.emulators.bedrock import Bedrock
from tollgate.stack.definitions import DefinitionError

ENTRY = {
    "serve": {"engine": "echo", "architecture": "llama", "body_format": "bedrock"},
    "record": {"model": "llama-3.1", "variants": [{"name": "a", "model_id": None}, {"name": "b", "model_id": "kept"}]},
}


def _no_clients():
    raise AssertionError("no AWS client is needed")


RECORD = {"model": "m", "variants": [{"name": "a", "model_id": None, "body_format": "openai"}]}


@pytest.mark.parametrize(
    "text, words",
    [
        ("{no", "is no JSON"),
        ("{}", "must be a list"),
        ('[{"record": {}}]', r"\[0\].serve: Field required"),
        (
            json.dumps([{"serve": {"bodyformat": "openai", "engine": "echo"}, "record": RECORD}]),
            r"serve.bodyformat: Extra",
        ),
        (json.dumps([{"serve": {}, "record": RECORD}]), "exactly one of artifacts, engine and script"),
        (json.dumps([{"serve": {"engine": "gpu"}, "record": RECORD}]), "serve.engine"),
        (json.dumps([{"serve": {"engine": "echo"}, "record": {}}]), r"\[0\].record.model: Field required"),
        (json.dumps([{"serve": {"engine": "echo"}, "record": RECORD | {"model": "My Model"}}]), "record.model"),
        (
            json.dumps([{"serve": {"engine": "echo"}, "record": RECORD | {"ignore_parameters": ["x"]}}]),
            "ignore_parameters",
        ),
    ],
)
def test_a_file_of_another_shape_is_named(tmp_path, text, words):
    path = tmp_path / "models.json"
    path.write_text(text)

    with pytest.raises(DefinitionError, match=words):
        read_models(path)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(DefinitionError, match="cannot be read"):
        read_models(tmp_path / "models.json")


def test_variants_without_a_model_get_the_one_that_was_registered(tmp_path):
    bedrock = Bedrock()
    record = ModelLoader(bedrock, tmp_path, _no_clients).load(ENTRY)

    first, second = record["variants"]
    assert first["model_id"].startswith("arn:aws:bedrock:us-east-1:123456789012:imported-model/")
    assert second["model_id"] == "kept"
    assert bedrock.model("llama-3-1").body_format == "bedrock"


def test_a_script_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DefinitionError, match=r"rules.json cannot be read"):
        ModelLoader(Bedrock(), tmp_path, _no_clients).load({**ENTRY, "serve": {"script": "rules.json"}})


def test_artifacts_that_are_not_there_are_named(tmp_path):
    entry = {**ENTRY, "serve": {"artifacts": "examples/nothing"}}

    with pytest.raises(DefinitionError, match="examples/nothing: is no directory"):
        ModelLoader(Bedrock(), tmp_path, _no_clients).load(entry)


def test_the_project_serves_one_model_per_body_format():
    entries = json.loads((ROOT / "models" / "local.json").read_text())

    assert {variant["body_format"] for entry in entries for variant in entry["record"]["variants"]} == {
        "openai",
        "bedrock",
        "mistral",
    }
