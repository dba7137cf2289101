"""What the README tells people to type works as it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.conftest import ROOT
from tollgate.costs import Load, Upkeep, standing, step_path, stream_path, total

README = (ROOT / "README.md").read_text()
BASE = "http://127.0.0.1:3000"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.path
def test_the_first_request_gets_the_answer_that_stands_below_it(local):
    (command,) = [block for block in blocks("sh") if block.startswith("curl")]
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


def test_every_make_target_that_is_named_exists():
    makefile = (ROOT / "Makefile").read_text()
    named = set(re.findall(r"\bmake ([a-z][a-z-]+)", README))

    assert {"dev", "test", "build"} <= named
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_every_page_and_folder_that_is_named_exists():
    linked = re.findall(r"\]\(([^)#]+)\)", README)
    folders = [name for line in re.findall(r"^([a-z]+[./].*?)  ", README, re.MULTILINE) for name in line.split()]

    assert len(linked) >= 6
    assert [path for path in (*linked, *folders) if not (ROOT / path).exists()] == []


def test_every_folder_inside_another_exists():
    (tree,) = [
        block for block in re.findall(r"^```\n(.*?)^```$", README, re.MULTILINE | re.DOTALL) if "tollgate/" in block
    ]
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
    for name in ("ApiUrl", "ModelTableName"):
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
