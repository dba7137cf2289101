"""The stacks of the fault matrix, each started once."""

from __future__ import annotations

import functools
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.case import Case, Mode
from tests.faults.faulty_table import MotoBehindFaultyTable
from tests.faults.stack import Log, Outcomes, Stack
from tollgate.dev import Local, Simulation
from tollgate.dev.moto_server import MotoServer

SPEED = 6.0
PARAMETERS = {
    "RateLimit": "1000",
    "BurstLimit": "1000",
    # The streaming path runs in real time, so it is told to be impatient.
    "ModelWaitSeconds": "4",
    "CommentIntervalSeconds": "3",
}
OBEDIENT = {
    "serve": {
        "engine": "echo",
        "hooks": {"before": "tests/hooks/obedient.py:before", "after": "tests/hooks/obedient.py:after"},
    },
    "record": {
        "model": "obedient",
        "variants": [{"name": "v", "model_id": None, "body_format": "openai"}],
    },
}
"""A model whose hooks other models' records name, too."""
# A timeout that the template does not allow, for the same reason.
IMPATIENT = {"900000": "9000"}


@functools.cache
def impatient_copy() -> tempfile.TemporaryDirectory:
    """A folder with the stack whose streams end after nine seconds; it is gone when the process ends."""
    folder = tempfile.TemporaryDirectory()
    copy_stack(Path(folder.name), IMPATIENT)
    return folder


def start(template=None, speed=SPEED, data_services=MotoServer) -> Stack:
    """A stack on a clock six times as fast as real time."""
    template = template or Path(impatient_copy().name) / "template.yaml"
    log = Log()
    simulation = Simulation(speed=speed, data_services=data_services)
    local = Local.start(
        template=template, root=ROOT, parameters=PARAMETERS, simulation=simulation, console=log, models=[OBEDIENT]
    )
    return Stack(local, log, speed)


@contextmanager
def table_stack() -> Iterator[Stack]:
    """The real template's stack, but for its model table, which fails on demand."""
    with closing(start(data_services=MotoBehindFaultyTable)) as running:
        running.warm_up()
        yield running


@contextmanager
def misbehaving_stack(root: Path) -> Iterator[Stack]:
    """A stack, in `root`, whose Preprocess and Postprocess misbehave on demand."""
    copy_stack(root, IMPATIENT)
    for name in ("preprocess", "postprocess"):
        function = root / "functions" / name
        (function / "app.py").rename(function / "real_app.py")
        shutil.copy(Path(__file__).parent / "misbehaving_function.py", function / "app.py")
    with closing(start(root / "template.yaml", speed=1)) as running:
        running.warm_up()
        yield running


def copy_stack(root: Path, timeouts: Mapping[str, str] | None = None) -> None:
    """What is deployed, as files that a test may spoil; `timeouts` replaces numbers in template and contract."""
    shutil.copy(ROOT / "template.yaml", root)
    for name in ("api", "statemachines", "functions", "layers"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file in (root / "template.yaml", root / "api" / "openapi.yaml"):
        text = file.read_text()
        for number, other in (timeouts or {}).items():
            text = re.sub(rf"\b{number}\b", other, text)
        file.write_text(text)


@pytest.fixture(scope="session")
def stack():
    with table_stack() as running:
        yield running


@pytest.fixture(scope="session")
def misbehaving(tmp_path_factory):
    with misbehaving_stack(tmp_path_factory.mktemp("misbehaving")) as running:
        yield running


@pytest.fixture(scope="session")
def outcomes(request, stack):
    """The outcomes of the chosen tests' cases: many wait for seconds, so they run beside each other."""
    with Outcomes(stack, chosen(request, "outcomes")) as running:
        yield running


@pytest.fixture(scope="session")
def misbehaving_outcomes(request, misbehaving):
    """The same with functions that misbehave."""
    with Outcomes(misbehaving, chosen(request, "misbehaving_outcomes")) as running:
        yield running


def chosen(request, fixture: str) -> list[tuple[Case, Mode]]:
    """The cases of those tests in this session that use a fixture."""
    items = [item for item in request.session.items if fixture in item.fixturenames]
    return [(item.callspec.params["case"], item.callspec.params["mode"]) for item in items]
