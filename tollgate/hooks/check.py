"""Whether an unchanged `model.py` can run as hooks: it must call its model once, and do the same each time up to there.

The script runs in processes of its own, several times, as it will on Lambda.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tollgate.hooks.events import after_event

_PROGRAM = Path(__file__).parent / "split_program.py"
_LIMIT_S = 60.0


class Finding(NamedTuple):
    """One thing that was found: whether it keeps the script from running as hooks, and a sentence."""

    is_fatal: bool
    text: str


class CheckResult(NamedTuple):
    """What was found, the request that the script makes, and what it answers; None where it does not come to that."""

    findings: list[Finding]
    request: dict[str, Any] | None = None
    response: dict[str, Any] | None = None

    @property
    def can_run(self) -> bool:
        """Whether nothing that was found is fatal."""
        return not any(finding.is_fatal for finding in self.findings)


class ScriptRun(NamedTuple):
    """What one run told."""

    answer: dict[str, Any] | None
    error: str
    touched: list[str]


def check_script(script: Path, event: dict[str, Any], text: str, packages: list[Path]) -> CheckResult:
    """Run a script's halves on one event of the hook before; `text` is what the model would say.

    `packages` are folders in which the script finds its modules, beside its own folder.
    """
    first = _run(script, "before", event, packages, hash_seed="1")
    if first.answer is None:
        return CheckResult([Finding(True, f"It fails before it calls its model: {first.error}")])
    findings = [_touches(name) for name in first.touched]
    if "request" not in first.answer:
        findings.append(Finding(False, "It answers without its model, for this body: check one that needs the model."))
        return CheckResult(findings, None, first.answer.get("response"))
    request = first.answer["request"]
    # Another process with other hashes: what depends on a clock, on chance or on the order of a set differs.
    second = _run(script, "before", event, packages, hash_seed="2")
    if second.answer != first.answer:
        findings.append(Finding(True, "Two runs on the same body ask the model for different things."))
        return CheckResult(findings, request)
    ended = _run(script, "after", after_event(event, text), packages, hash_seed="3")
    if ended.answer is None:
        findings.append(Finding(True, f"It fails when its model has answered: {ended.error}"))
        return CheckResult(findings, request)
    return CheckResult(findings, request, ended.answer["response"])


def _touches(name: str) -> Finding:
    return Finding(False, f"Before it calls its model it does {name}: that will be done twice for each request.")


def _run(script: Path, hook: str, event: dict[str, Any], packages: list[Path], hash_seed: str) -> ScriptRun:
    """One run of a hook."""
    asked = json.dumps({"module": script.stem, "hook": hook, "event": event})
    paths = os.pathsep.join(str(path) for path in (script.parent.resolve(), *packages))
    try:
        ended = subprocess.run(  # noqa: S603
            [sys.executable, str(_PROGRAM)],
            input=asked,
            capture_output=True,
            text=True,
            timeout=_LIMIT_S,
            check=False,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": hash_seed},
        )
    except subprocess.TimeoutExpired:
        return ScriptRun(None, f"it takes more than {_LIMIT_S:.0f} s", [])
    try:
        told = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        last = ended.stderr.strip().splitlines()[-1:] or [f"its process ended with {ended.returncode}"]
        return ScriptRun(None, last[0], [])
    return ScriptRun(told.get("answer"), told.get("error", ""), told["touched"])
