"""Write what docs/plan.md and docs/benchmark.md show: python -m scripts.write_measures

Behind each command of a page, between `<!-- output -->` and `<!-- /output -->`, stands what it prints; the pictures in
docs/plots are the charts of the same plan and the same run. Both are simulated, and always alike.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
import tempfile
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from tollgate import svg
from tollgate.cli import main as tollgate
from tollgate.measuring import report as run_report
from tollgate.planning import report as plan_report

ROOT = Path(__file__).parent.parent
PAGES = ("docs/plan.md", "docs/benchmark.md")
PLOTS = ROOT / "docs" / "plots"
PLAN = "plan --trace examples/traces/made-up-office.csv --units 1"
RUN = "bench --case-study --simulated"
_COMMAND = re.compile(
    r"```sh\n\.venv/bin/tollgate (?P<command>[^\n]+)\n```\n\n<!-- output -->\n(?P<output>.*?)<!-- /output -->\n",
    re.DOTALL,
)


def with_outputs(page: str) -> str:
    """A page's text with what its commands print now."""

    def renew(found: re.Match[str]) -> str:
        said = _run()[0] if found["command"] == RUN else _said(found["command"])
        old, new = found["output"], f"```text\n{said}```\n"
        return found[0].replace(old, new) if old else found[0].replace("<!-- output -->\n", f"<!-- output -->\n{new}")

    return _COMMAND.sub(renew, page)


def plots() -> dict[str, str]:
    """The pictures, by their files' names."""
    plan: dict[str, Any] = json.loads(_said(f"{PLAN} --output json"))
    _, run = _run()
    drawn = {f"plan-{name}": chart for name, chart in plan_report.charts(plan).items()}
    for name in ("Latency", "Rate"):
        drawn[f"bench-{name.lower()}"] = run_report.charts(run)[name]
    return {f"{name}.svg": svg.standalone(chart) for name, chart in drawn.items()}


@functools.cache
def _run() -> tuple[str, dict[str, Any]]:
    """What the run prints, and its figures; it takes some seconds, and is needed twice."""
    with tempfile.TemporaryDirectory() as folder:
        said = _said(f"{RUN} --out {folder}")
        return said, json.loads((Path(folder) / "run.json").read_text(encoding="utf-8"))


def _said(command: str) -> str:
    result = CliRunner().invoke(tollgate, shlex.split(command))
    assert result.exit_code == 0, result.output
    return result.stdout


if __name__ == "__main__":
    for name in PAGES:
        page = ROOT / name
        page.write_text(with_outputs(page.read_text()))
    PLOTS.mkdir(exist_ok=True)
    for file, picture in plots().items():
        (PLOTS / file).write_text(picture)
