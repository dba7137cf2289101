"""What `pip install .` brings: its own two names, a light base, and commands that work outside a checkout."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile

import pytest

from tests.conftest import ROOT
from tests.packaging.conftest import requirements
from tollgate.extras import require_extra

PACKAGES = {
    "tollgate": ROOT / "tollgate",
    "tollgate_layer": ROOT / "layers" / "shared" / "python" / "tollgate_layer",
    "tollgate_release": ROOT / "functions" / "release" / "tollgate_release",
}
HEAVY = ("moto", "numpy", "samtranslator", "starlette", "uvicorn")


@pytest.fixture(scope="module")
def names(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="module")
def about(wheel):
    """The wheel's metadata, line by line, without the description."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return archive.read(name).decode().partition("\n\n")[0].splitlines()


def test_the_wheel_takes_no_name_but_ours(names):
    folders = {name.partition("/")[0] for name in names}

    assert {name for name in folders if not name.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_file_of_a_package(package, names):
    folder = PACKAGES[package]
    files = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert len(files) > 20
    assert files - set(names) == set()


def test_the_licence_is_named_and_comes_along(names, about):
    assert "License-Expression: Apache-2.0" in about
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")] != []


def test_the_base_and_the_extras_are_the_files_that_feed_the_locks(about):
    required = {"base": [], "dev": [], "engines": []}
    for line in about:
        if line.startswith("Requires-Dist: "):
            requirement = line.removeprefix("Requires-Dist: ")
            extra = re.search(r'extra == "(\w+)"', requirement)
            required[extra.group(1) if extra else "base"].append(re.match(r"[\w.-]+", requirement).group())

    for name, packages in required.items():
        assert packages == [re.match(r"[\w.-]+", line).group() for line in requirements(name)]


def test_the_base_is_without_emulators_and_numpy(installed):
    _, packages = installed
    brought = {path.name for path in packages.iterdir()}

    assert {"boto3", "click", "httpx", "pydantic_core"} <= brought
    assert brought & set(HEAVY) == set()


def test_help_lists_the_commands(tollgate):
    result = tollgate("--help")

    assert result.returncode == 0, result.stderr
    assert {"cost", "dev", "inspect", "record"} <= set(re.findall(r"^  ([a-z-]+) ", result.stdout, re.MULTILINE))


def test_cost_prints_its_tables(tollgate):
    result = tollgate("cost", "--seconds", "8")

    assert result.returncode == 0, result.stderr
    assert "step path (/v1)" in result.stdout


def test_inspect_judges_a_model(tollgate):
    result = tollgate("inspect", ROOT / "examples" / "apexguru-tiny" / "model")

    assert result.returncode == 0, result.stderr
    assert "Qwen2ForCausalLM" in result.stdout


def test_record_prints_an_item_of_the_table(tollgate):
    result = tollgate("record", ROOT / "examples" / "records" / "apexguru.json")

    assert result.returncode == 0, result.stderr
    assert '"S": "apexguru"' in result.stdout


@pytest.mark.parametrize("command", [("models",), ("promote", "m"), ("roll-back", "m"), ("record", "list")])
def test_commands_about_a_stack_need_no_extra(command, tollgate):
    result = tollgate(*command, "--local")

    assert result.returncode == 2
    assert result.stderr == "Error: No local stack runs in this checkout. Start it: make dev\n"


def test_all_that_a_release_does_needs_no_extra(installed):
    """`tollgate release --here` and the answers to its commands run it in a base install."""
    folder, packages = installed
    names = sorted(
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")
        for path in (folder / "tollgate_release").rglob("*.py")
    )
    code = f"import sys; sys.path[:0] = {[str(folder), str(packages)]!r}\nimport {', '.join(names)}"

    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize("command", ["dev", "bedrock"])
def test_a_command_whose_extra_is_missing_says_what_to_install(command, tollgate):
    result = tollgate(command)

    assert result.returncode == 1
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    assert sentence.startswith(f"Error: `tollgate {command}` needs packages that are not installed (airspeed-ext, ")
    assert sentence.endswith(" more): pip install '.[dev,engines]' in Tollgate's checkout")


@pytest.mark.parametrize("extra", ["dev", "engines"])
def test_nothing_is_missing_where_the_extras_are_installed(extra):
    require_extra(extra, "this test")
