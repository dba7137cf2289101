"""Functions that cannot be imported, and a streaming function that dies: beyond what one event can ask for."""

from __future__ import annotations

import contextlib
import threading

import psutil
import pytest

from tests.faults.case import LIVE, LIVE_STREAMED, MODES, OK, Case, everywhere
from tests.faults.conftest import IMPATIENT, copy_stack, start
from tests.faults.stack import LEAKS

pytestmark = pytest.mark.path

HEALTHY = Case("", "healthy", everywhere(OK))


@pytest.fixture(scope="module")
def unimportable(tmp_path_factory):
    root = tmp_path_factory.mktemp("unimportable")
    copy_stack(root, IMPATIENT)
    for module in ("preprocess/app.py", "postprocess/app.py", "stream/streaming/__init__.py"):
        (root / "functions" / module).write_text("import a_module_that_is_not_there\n")
    stack = start(root / "template.yaml", speed=1)
    yield stack
    stack.close()


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_functions_that_cannot_be_imported_are_an_internal_error(unimportable, mode):
    outcome = unimportable.run(HEALTHY, mode)

    assert (outcome.status, outcome.code, outcome.calls) == (500, "internal_error", 0)
    assert not LEAKS.search(outcome.said), outcome.said


@pytest.mark.parametrize("mode", [LIVE, LIVE_STREAMED], ids=str)
def test_a_streaming_function_that_dies_before_the_first_token_is_an_internal_error(misbehaving, mode):
    slow = Case("", "slow", everywhere(OK), ({"delay_seconds": 1},))
    misbehaving.run(HEALTHY, mode)
    killer = threading.Timer(0.3, kill_streaming)
    killer.start()

    outcome = misbehaving.run(slow, mode)

    killer.join()
    assert (outcome.status, outcome.code) == (500, "internal_error")
    assert not LEAKS.search(outcome.said), outcome.said
    assert misbehaving.run(HEALTHY, mode).status == 200


def kill_streaming():
    """Kill this process's streaming functions, as Lambda does at the memory limit."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may have ended meanwhile
            if process.cmdline()[-2:] == ["-m", "streaming"]:
                process.kill()
