"""What the README tells people to type works as it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.costs import Load, Upkeep, standing, step_path, stream_path, total
from tollgate_release.records import inspect_record

README = (ROOT / "README.md").read_text()
BASE = "http://127.0.0.1:3000"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.path
def test_the_first_request_gets_the_answer_that_stands_below_it(local):
    (command,) = [block for block in blocks("sh") if block.startswith("curl http")]
    promised = json.loads(blocks("json")[0])

    result = subprocess.run(
        ["sh", "-c", command.replace(BASE, local.url)], cwd=ROOT, capture_output=True, text=True, check=True
    )

    answer = json.loads(result.stdout)
    assert {**answer, "id": "", "created": 0} == {**promised, "id": "", "created": 0}


@pytest.mark.path
def test_the_python_example_prints_a_completion(local):
    (example,) = blocks("python")

    result = subprocess.run(
        [sys.executable, "-c", example.replace(BASE, local.url)], capture_output=True, text=True, check=True
    )

    assert result.stdout.startswith("Finding: DML statement in a loop\n")


FAKE_AWS = """#!/bin/sh
echo "aws $*" >> calls
case "$*" in
  *ApiKeyId*) echo key-id-1 ;;
  *ApiUrl*) echo https://api.example.com/live/v1 ;;
  *get-imported-model*) echo arn:aws:bedrock:us-east-1:111122223333:imported-model/abcdefghijkl ;;
  *get-api-key*) echo the-key ;;
esac
"""


def test_the_first_deployment_works_as_it_can_be_pasted(tmp_path):
    # GIVEN a checkout in which `make deploy` has done its work, and an account behind a false `aws`
    (deployment,) = [block for block in blocks("sh") if block.startswith("make deploy")]
    commands = {
        "aws": FAKE_AWS,
        "make": '#!/bin/sh\necho "make $*" >> calls\n',
        "curl": '#!/bin/sh\necho "curl $*" >> calls\n',
    }
    (tmp_path / "bin").mkdir()
    for name, text in commands.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    tollgate = tmp_path / ".venv" / "bin" / "tollgate"
    tollgate.parent.mkdir(parents=True)
    tollgate.write_text('#!/bin/sh\necho "tollgate $*" >> calls\n')
    tollgate.chmod(0o755)

    environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin"}
    subprocess.run(["sh", "-eu", "-c", deployment], cwd=tmp_path, env=environment, capture_output=True, check=True)

    # THEN it puts a record that nothing speaks against, and calls the API with the key
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "make deploy"
    (put,) = [call.split()[1:] for call in calls if call.startswith("tollgate ")]
    assert put == ["record", "put", "my-record.json"]
    assert "put" in main.commands["record"].commands
    record, warnings = inspect_record((tmp_path / put[-1]).read_text())
    assert (record["model"], warnings) == ("my-model", [])
    assert record["variants"][0]["model_id"].endswith("imported-model/abcdefghijkl")
    assert calls[-1].startswith(
        "curl https://api.example.com/live/v1/chat/completions -H Authorization: Bearer the-key"
    )


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))

    assert {"dev", "test", "build", "deploy"} <= named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_page_and_folder_that_is_named_exists():
    linked = re.findall(r"\]\((?!https?://)([^)#]+)\)", README)
    folders = [name for line in re.findall(r"^([a-z]+[./].*?)  ", README, re.MULTILINE) for name in line.split()]

    assert len(linked) >= 6
    assert [path for path in (*linked, *folders) if not (ROOT / path).exists()] == []


def test_every_folder_inside_another_exists():
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    (tree,) = [block for language, block in fenced if not language and "tollgate/" in block]
    parent, inside = "", []
    for line in tree.splitlines():
        names = line.strip().split("   ")[0].split()  # what is said of them stands three spaces on, or more
        if line.startswith(" "):
            inside += [parent + name for name in names]
        else:
            parent = names[0]

    assert len(inside) >= 5
    assert [path for path in inside if not (ROOT / path).is_dir()] == []


def test_every_output_and_parameter_that_is_named_is_in_the_template(template):
    for name in ("ApiKeyId", "ApiUrl"):
        assert name in README
        assert name in template["Outputs"]
    assert "ApiTimeoutMillis" in template["Parameters"]


def test_the_price_of_a_million_requests_is_the_cost_models():
    named = re.search(r"About \$([\d.]+) \+ \$([\d.]+)·t", README)
    assert named is not None
    fixed, per_second = map(float, named.groups())

    for seconds in (1, 8, 30):
        assert total(step_path(Load(seconds))) == pytest.approx(fixed + per_second * seconds, abs=0.05)
    assert total(stream_path(Load(9))) - total(stream_path(Load(8))) == pytest.approx(6.7, abs=0.05)


def test_the_price_of_a_month_is_the_cost_models():
    lines = {line.name: line.usd for line in standing(Upkeep(models=19))}
    one = {line.name: line.usd for line in standing(Upkeep(models=1))}

    assert f"${lines['CloudWatch, alarms']:.2f} a month for four alarms" in README
    named = re.search(r"some \$(\d+) for one model, \$(\d+) for nineteen", README)
    assert named is not None
    assert float(named.group(1)) == pytest.approx(one["CloudWatch, metrics"], abs=1)
    assert float(named.group(2)) == pytest.approx(lines["CloudWatch, metrics"], abs=0.5)
