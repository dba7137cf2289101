"""What every test gets: no network unless it says `path`, and then loopback alone; a clean environment."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import pytest_socket

# A busy machine is no fault of the example that was under way; pytest's own timeout stops what hangs.
hypothesis.settings.register_profile("tollgate", deadline=None)
hypothesis.settings.load_profile("tollgate")

ROOT = Path(__file__).parent.parent
EVENTS = ROOT / "events"
BUDGETS = "tests/budgets/"
FAULTS = "tests/faults/"
COUNTED = ("tests/inference/", "tests/prompt_format/", "tests/stream/")


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give marks by folder, and begin with what takes long, so that short tests fill the processes up in the end.

    No two tests may have one id: xdist tells them apart by it, and would run one of them in place of all.
    """
    units = {}
    ids = set()
    for item in items:
        if item.nodeid in ids:
            raise pytest.UsageError(f"two tests have the id {item.nodeid}: only one of them would run")
        ids.add(item.nodeid)
        file = relative(item.path)
        units[item] = unit_of_work(file)
        if file.startswith(BUDGETS):
            item.add_marker(pytest.mark.alone)
        if file.startswith(FAULTS):
            item.add_marker(pytest.mark.slow)
        if file.startswith(COUNTED) and item.get_closest_marker("uncounted") is None:
            item.add_marker(pytest.mark.counted)
    sizes = Counter(units.values())
    items.sort(key=lambda item: (item.get_closest_marker("path") is None, -sizes[units[item]], units[item]))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Spread units of work over the processes, in the order of above.

    xdist's own `--dist loadgroup` renames tests by a private attribute that pytest 9.2 has no more, and then spreads
    them one by one without a word.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByUnitOfWork(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return unit_of_work(nodeid.split("::")[0])

    config.option.loadscopereorder = False
    return ByUnitOfWork(config, log)


@functools.cache
def relative(path: Path) -> str:
    """A path as it stands from the root on; thousands of tests share their file's."""
    return path.relative_to(ROOT).as_posix()


@functools.cache
def unit_of_work(file: str) -> str:
    """The tests that run in one process, one after another: those of a file, or of a folder that shares a stack.

    A running stack takes seconds to start. It is a fixture of the whole session, which means of one process, so it
    starts as often as processes ask for it.
    """
    conftest = (ROOT / file).parent / "conftest.py"
    shares = conftest.exists() and 'scope="session"' in conftest.read_text()
    return str(Path(file).parent) if shares else file


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Take the network away before the fixtures are made: those of a wider scope must not use it either."""
    if item.get_closest_marker("path"):
        pytest_socket.enable_socket()
        pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=True)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Give it back: what closes now may be a stack that other tests used."""
    pytest_socket.enable_socket()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch):
    for name in list(os.environ):
        if name.startswith(("AWS_", "TOLLGATE_", "POWERTOOLS_")):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def load_event():
    """Read `events/<name>.json`."""
    return lambda name: json.loads((EVENTS / f"{name}.json").read_text())
