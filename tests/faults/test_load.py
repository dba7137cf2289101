"""Under load and random faults every request gets exactly one answer, its own, and nothing piles up.

LOAD_REQUESTS says how many requests; from 1000 on they come from 32 clients. `make test` is content with few.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest

from tests.faults.case import MODES, OK, Case, everywhere
from tests.faults.conftest import start

pytestmark = [pytest.mark.path, pytest.mark.alone]

log = logging.getLogger(__name__)

REQUESTS = int(os.environ.get("LOAD_REQUESTS", "160"))
CLIENTS = 32 if REQUESTS >= 1000 else 8
FAULTS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {},
    {"error": "ModelNotReadyException"},
    {"error": "ThrottlingException"},
    {"error": "ServiceUnavailableException"},
    {"error": "ModelErrorException"},
    {"error": "ValidationException"},
    {"break_connection": True, "after_tokens": 2},
    {"raw_body": "no JSON"},
    {"delay_seconds": 0.05},
)
"""What the next invocation suffers; no fault is as likely as all others together."""
ANSWERS = {200, 400, 429, 502, 503, 504}


class Crowd:
    """Clients that each send one request after another and look whether the answer is theirs."""

    def __init__(self, stack, clients: int) -> None:
        self._stack = stack
        self._clients = clients
        seed = random.Random(6)
        steps = tuple(seed.choice(FAULTS) for _ in range(20_000))
        self._models = [stack.add_model(Case("", "", everywhere(OK), steps)) for _ in range(4)]
        self.statuses: Counter[int] = Counter()
        self.request_ids: set[str] = set()
        self._lock = threading.Lock()

    def send(self, count: int) -> None:
        """Send so many requests, numbered; raises if one has no answer or another's."""
        with ThreadPoolExecutor(self._clients) as pool:
            list(pool.map(self._one, range(count)))

    def _one(self, number: int) -> None:
        mode = MODES[number % len(MODES)]
        body = {
            "model": self._models[number % 7 % len(self._models)],
            "messages": [{"role": "user", "content": f"marker-{number}-end"}],
            "stream": mode.stream,
        }
        answer = self._stack.http.post(f"{mode.base}/chat/completions", json=body)
        assert answer.status_code in ANSWERS, answer.text
        if answer.status_code == 200 and '"error"' not in answer.text:
            assert f"marker-{number}-end" in answer.text, answer.text
        with self._lock:
            self.statuses[answer.status_code] += 1
            assert answer.headers["x-request-id"] not in self.request_ids, "two requests with one id"
            self.request_ids.add(answer.headers["x-request-id"])


def processes() -> int:
    return len(psutil.Process().children(recursive=True))


def memory_mb() -> float:
    gc.collect()
    return psutil.Process().memory_info().rss / 1e6


@pytest.fixture
def crowded():
    stack = start()
    stack.http.close()
    stack.http = httpx.Client(
        base_url=stack.local.url,
        timeout=60,
        headers={"Authorization": f"Bearer {stack.local.key}"},
        limits=httpx.Limits(max_connections=64),
    )
    yield stack
    stack.close()


@pytest.mark.timeout(900)
def test_every_request_gets_its_own_answer_and_nothing_piles_up(crowded):
    # GIVEN a path that has seen as many clients as it will
    crowd = Crowd(crowded, CLIENTS)
    crowd.send(REQUESTS // 2)
    crowded.log.lines.clear()
    before, before_mb = processes(), memory_mb()

    # WHEN as many send requests whose invocations fail at random
    crowd.send(REQUESTS)

    # THEN every one had its own answer, faults and successes alike, and no process or memory is left behind
    crowded.log.lines.clear()
    log.info("%s, %d processes, %.0f → %.0f MB", dict(crowd.statuses), processes(), before_mb, memory_mb())
    assert sum(crowd.statuses.values()) == len(crowd.request_ids) == REQUESTS // 2 + REQUESTS
    assert set(crowd.statuses) >= {200, 429, 502}
    assert processes() <= before + 2
    assert memory_mb() < before_mb + 30
