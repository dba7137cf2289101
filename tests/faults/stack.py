"""A running stack that remembers what its functions logged, and one request to it."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, Self

import httpx

from tests.faults.case import OK, STEP_PATH, Case, Mode, everywhere
from tollgate.dev import Local
from tollgate.dev.console import Quiet

SECRET = "quokka-4711"
"""What the client wrote: no error may repeat it, and no log line either."""
LEAKS = re.compile(
    rf"{SECRET}|arn:|123456789012|imported-model|Traceback|\w(Exception|Error)\b|States\.|Lambda|DynamoDB|Bedrock|\.py\b"
)
HOOK_ARN = "arn:aws:lambda:us-east-1:123456789012:function:tollgate-hook-obedient-"
_AT_ONCE = 6
_numbers = itertools.count()


class Log(Quiet):
    """The functions' log lines that are JSON; all else that they say is text."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []
        self.text: list[str] = []
        super().__init__(self.text.append)

    def line(self, function: str, text: str) -> None:
        try:
            entry = json.loads(text)
        except ValueError:
            self.text.append(text)
            return
        if isinstance(entry, dict):
            self.lines.append({"function": function, **entry})

    def failures(self, request_id: str, wait_s: float = 2.0) -> list[dict[str, Any]]:
        """The lines that name a code for this request; they come through a pipe, so the first is waited for."""
        until = time.monotonic() + wait_s
        while True:
            found = [line for line in self.lines if line.get("request_id") == request_id and "code" in line]
            if found or time.monotonic() > until:
                return found
            time.sleep(0.01)


class Outcome(NamedTuple):
    """What a client got. `seconds` are the client's, on the clock of the path; `said` is everything it could read."""

    status: int
    code: str | None
    retry_after: str | None
    calls: int
    seconds: float
    request_id: str | None
    said: str


class Stack:
    """A `Local` whose models are made for one case each."""

    def __init__(self, local: Local, log: Log, speed: float) -> None:
        self.local = local
        self.log = log
        self.speed = speed
        self._table = local.dynamodb  # made here, once, not by several threads at the same time
        self.http = httpx.Client(base_url=local.url, timeout=60, headers={"Authorization": f"Bearer {local.key}"})

    def close(self) -> None:
        """Close everything, once the stalled models are done."""
        while any(model.traffic.in_flight for model in self.local.bedrock.models()):
            time.sleep(0.05)
        self._table.close()
        self.local.close()
        self.http.close()

    def warm_up(self) -> None:
        """Start as many processes of each function as cases run at once, so that no case pays for their start."""
        healthy = Case("", "healthy", everywhere(OK), ({"delay_seconds": 0.5},))
        for _ in range(10):
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                outcomes = list(pool.map(lambda mode: self.run(healthy, mode), STEP_PATH * (_AT_ONCE // 2)))
            if all(outcome.status == 200 for outcome in outcomes):
                return
        raise AssertionError(f"the functions do not start: {outcomes}, {self.log.text}")

    def add_model(self, case: Case) -> str:
        """A model, and its record, that suffers what the case says; returns its name."""
        name = f"{case.model}-{next(_numbers)}"
        arn = self.local.bedrock.register(name=name)
        self.local.bedrock.set_faults(name, steps=case.steps)
        variant = {"name": "v", "model_id": arn, "body_format": "openai"}
        if case.backend == "sagemaker":
            variant = {"name": "v", "backend": "sagemaker", "endpoint_name": name, "body_format": "openai"}
        record = {"model": name, "variants": [variant]}
        if case.hooks is not None:
            record["hooks"] = {
                hook: {"function": HOOK_ARN + hook, "timeout_s": 2, **case.hooks.get(hook, {})}
                for hook in ("before", "after")
            }
        self.local.put_record(record)
        if case.record is not None:
            item = {"model": {"S": name}, "record": {"S": case.record}, "updated_at": {"N": "1"}}
            self._table.put_item(TableName=self.local.model_table, Item=item)
        return name

    def run(self, case: Case, mode: Mode) -> Outcome:
        """Send the case's request in one mode."""
        name = self.add_model(case)
        body = {"model": name, "messages": [{"role": "user", "content": f"{SECRET} one two three four"}]}
        speed = self.speed if mode.base == "/v1" else 1.0
        started = time.perf_counter()
        answer = self.http.post(f"{mode.base}/chat/completions", json={**body, "stream": mode.stream, **case.request})
        seconds = (time.perf_counter() - started) * speed
        return outcome_of(answer, self.local.bedrock.model(name).traffic.invocations, seconds)


class Outcomes:
    """Runs cases, a few at once; `of` waits for one."""

    def __init__(self, stack: Stack, cases: Iterable[tuple[Case, Mode]]) -> None:
        self.stack = stack
        self._pool = ThreadPoolExecutor(_AT_ONCE)
        self._futures = {(id(case), mode): self._pool.submit(stack.run, case, mode) for case, mode in cases}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def of(self, case: Case, mode: Mode) -> Outcome:
        """What came of a case."""
        return self._futures[id(case), mode].result()


def outcome_of(answer: httpx.Response, calls: int, seconds: float) -> Outcome:
    """An answer as a row of the matrix."""
    error = error_in(answer)
    # API Gateway's own refusals name their kind in a header that cannot be taken away.
    headers = "\n".join(f"{name}: {value}" for name, value in answer.headers.items() if name != "x-amzn-errortype")
    return Outcome(
        answer.status_code,
        error.get("code"),
        answer.headers.get("retry-after"),
        calls,
        seconds,
        answer.headers.get("x-request-id"),
        f"{headers}\n{json.dumps(error)}",
    )


def error_in(answer: httpx.Response) -> dict[str, Any]:
    """The error object of an answer, or of the event that ends a stream; {} when there is none."""
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
        assert events, "a stream without an event"
        last = json.loads(events[-1]) if events[-1] != "[DONE]" else {}
        return last.get("error", {})
    return answer.json().get("error", {})
