"""The stacks of the fault matrix, each started once."""

from __future__ import annotations

import pytest

from tests.conftest import ROOT
from tests.faults.stack import Log, Outcomes, Stack
from tollgate.local import Local

SPEED = 4.0
PARAMETERS = {
    "RateLimit": "1000",
    "BurstLimit": "1000",
    # The streaming path runs in real time, so it is told to be impatient.
    "ModelWaitSeconds": "4",
    "StreamTimeoutMillis": "7000",
    "CommentIntervalSeconds": "1",
}


def start(template=ROOT / "template.yaml", **arguments) -> Stack:
    """A stack on a clock four times as fast as real time."""
    log = Log()
    local = Local.start(template=template, parameters=PARAMETERS, speed=SPEED, console=log, **arguments)
    return Stack(local, log, SPEED)


@pytest.fixture(scope="session")
def stack():
    running = start()
    running.warm_up()
    yield running
    running.close()


@pytest.fixture(scope="session")
def outcomes(request, stack):
    """The outcomes of the chosen tests' cases: many wait for seconds, so they run beside each other."""
    chosen = [item.callspec.params for item in request.session.items if "outcomes" in item.fixturenames]
    with Outcomes(stack, [(params["case"], params["mode"]) for params in chosen]) as running:
        yield running
