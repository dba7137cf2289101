"""Artifacts in a folder, and the command that inspects them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from tests.artifacts.model_files import model
from tollgate.cli import main
from tollgate_release.artifacts import InspectionError, LocalArtifacts, inspect


def write(artifacts, directory):
    for name, data in artifacts.files.items():
        (directory / name).write_bytes(data)
    return directory


def test_hidden_files_do_not_belong_to_a_folders_artifacts(tmp_path):
    write(model(), tmp_path)
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "old.safetensors").write_bytes(b"")
    (tmp_path / ".gitattributes").write_bytes(b"")
    (tmp_path / "original").mkdir()
    (tmp_path / "original" / "params.json").write_bytes(b"{}")

    names = LocalArtifacts(tmp_path).list()

    assert set(names) == {*model().files, "original/params.json"}


def test_a_folder_is_read_in_parts(tmp_path):
    (tmp_path / "file").write_bytes(b"0123456789")
    artifacts = LocalArtifacts(tmp_path)

    assert artifacts.read("file", 2, 3) == b"234"
    assert artifacts.read("file", 8, 9) == b"89"
    assert artifacts.read("file", 5) == b"56789"


def test_a_folder_that_is_not_there_is_an_inspection_error(tmp_path):
    with pytest.raises(InspectionError, match="is not a folder"):
        inspect(LocalArtifacts(tmp_path / "nowhere"))


def test_the_command_reports_a_model_that_can_be_imported(tmp_path):
    result = CliRunner().invoke(main, ["inspect", str(write(model(), tmp_path))])

    assert result.exit_code == 0
    assert "LlamaForCausalLM" in result.output
    assert "an estimate" in result.output


def test_the_command_fails_with_every_reason(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    result = CliRunner().invoke(main, ["inspect", str(tmp_path)])

    assert result.exit_code == 1
    assert "- config.json is missing" in result.output
    assert "- The weights are pickled" in result.output
