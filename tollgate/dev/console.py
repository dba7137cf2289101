"""Reports to the runner's user: a line per request, and with `--verbose` a block, with what the model was given."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tollgate.emulators.step_functions import Execution

_LONGEST_VALUE = 2000
_PATIENCE_S = 0.1
_MOST_KEPT = 256
"""Requests whose lines wait for their end."""


def _to_stderr(text: str) -> None:
    sys.stderr.write(text + "\n")


class Quiet:
    """Reports only failures of functions and executions, and problems inside the runner."""

    def __init__(self, write: Callable[[str], None] = _to_stderr) -> None:
        self._write = write

    def request(
        self, method: str, path: str, status: int, seconds: float, problem: str | None, request_id: str = ""
    ) -> None:
        """Note that a request is answered."""
        path = _without_key(path)
        if problem is not None:
            self._write(f"{method} {path}: {problem}")

    def execution(self, execution: Execution) -> None:
        """Note that an execution is over; one that failed is reported with its cause, which its client is not told."""
        if execution.error is not None:
            self._write(f"execution {execution.status}: {execution.error}: {_cut(execution.cause or '')}")

    def line(self, function: str, text: str) -> None:
        """Note that a function wrote a line."""

    def invocation(self, model: str, body: bytes) -> None:
        """Note that a model is given a body."""

    def failure(self, function: str, lines: list[str]) -> None:
        """Note that a function failed."""
        for text in lines:
            self._write(f"[{function}] {text}")


@dataclass(slots=True)
class _Block:
    """What is known of one request that has not ended."""

    states: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)


class Console(Quiet):
    """Reports on the terminal of `tollgate dev`: with `verbose`, each request in one block, when it ends.

    Requests run side by side, so that their parts wait here for the end, under the request's id.
    """

    def __init__(self, verbose: bool, write: Callable[[str], None]) -> None:
        super().__init__(write)
        self._verbose = verbose
        self._blocks: dict[str, _Block] = {}
        # The embedded Bedrock knows no request: a body belongs to the request that ends next and names its model.
        self._bodies: deque[tuple[str, bytes]] = deque(maxlen=_MOST_KEPT)
        self._lock = threading.Lock()

    def request(
        self, method: str, path: str, status: int, seconds: float, problem: str | None, request_id: str = ""
    ) -> None:
        super().request(method, path, status, seconds, problem, request_id)
        path = _without_key(path)
        if not self._verbose and status < HTTPStatus.BAD_REQUEST:
            self._write(f"{method} {path} {status} {seconds * 1000:.0f} ms")
            with self._lock:
                self._blocks.pop(request_id, None)
            return
        # The functions' lines come through pipes, and may be on their way yet.
        later = threading.Timer(_PATIENCE_S, self._tell, (method, path, status, seconds, request_id))
        later.daemon = True
        later.start()

    def _tell(self, method: str, path: str, status: int, seconds: float, request_id: str) -> None:
        with self._lock:
            block = self._blocks.pop(request_id, None) or _Block()
        code = block.facts.get("code")
        told = [f"{method} {path} {status} {seconds * 1000:.0f} ms"]
        for fact in (block.facts.get("model"), code, block.facts.get("upstream")):
            if fact:
                told.append(str(fact))
        if not self._verbose:
            self._write("  ".join(told))
            return
        at = time.strftime("%H:%M:%S")
        lines = [f"── {at}  {request_id or '-'}  {'  '.join(told)}", *block.states, *self._given(block, path)]
        self._write("\n".join(lines))

    def execution(self, execution: Execution) -> None:
        super().execution(execution)
        if not self._verbose or not isinstance(execution.input, dict) or "request_id" not in execution.input:
            return
        steps = []
        for run in execution.states:
            milliseconds = ((run.ended_s or run.started_s) - run.started_s) * 1000
            attempts = f" ×{run.attempts}" if run.attempts > 1 else ""
            error = f" ({run.error.error}: {_cut(run.error.cause)})" if run.error is not None else ""
            steps.append(f"{run.name} {milliseconds:.0f} ms{attempts}{error}")
        self._block(execution.input["request_id"]).states.append("   " + " → ".join(steps))

    def line(self, function: str, text: str) -> None:
        facts = _facts_in(text)
        if facts is None:
            if self._verbose and not text.startswith('{"_aws"'):
                self._write(f"  [{function}] {text}")
            return
        known = self._block(facts["request_id"]).facts
        # Of the functions of a request, the last one knows best; what it leaves out, the one before has said.
        known.update({name: value for name, value in facts.items() if value is not None})

    def invocation(self, model: str, body: bytes) -> None:
        if self._verbose:
            self._bodies.append((model, body))

    def failure(self, function: str, lines: list[str]) -> None:
        # With --verbose the lines are there already; the last one says how it ended.
        super().failure(function, lines[-1:] if self._verbose else lines)

    def _block(self, request_id: str) -> _Block:
        with self._lock:
            while len(self._blocks) >= _MOST_KEPT:
                del self._blocks[next(iter(self._blocks))]
            return self._blocks.setdefault(request_id, _Block())

    def _given(self, block: _Block, path: str) -> list[str]:
        """What the model was given for a request: its prompt as text, and the rest of the body as JSON."""
        lines = []
        if "prompt_length" in block.facts:
            for _ in range(int(block.facts.get("attempts") or 1)):
                if self._bodies:
                    lines += _body_lines(*self._bodies.popleft())
        shown = (
            "variant",
            "body_format",
            "prompt_tokens",
            "completion_tokens",
            "time_to_first_token_s",
            "stop_reasons",
        )
        facts = [f"{name} {block.facts[name]}" for name in shown if block.facts.get(name)]
        return [*lines, f"   {', '.join(facts)}"] if facts else lines


def _without_key(path: str) -> str:
    """A request's path without the key that clients of AWS's SDKs may have in it."""
    return re.sub(r"/k/[^/]+", "/k/…", path)


def _facts_in(text: str) -> dict[str, Any] | None:
    """The facts in the line of a request's log; None where a line is none."""
    if not text.startswith('{"level"'):
        return None
    try:
        facts: dict[str, Any] = json.loads(text)
    except ValueError:
        return None
    return facts if facts.get("message") == "request" and facts.get("request_id") else None


def _body_lines(model: str, body: bytes) -> list[str]:
    try:
        document = json.loads(body)
    except ValueError:
        return [f"   {model} was given {len(body)} bytes that are no JSON"]
    prompt = document.pop("prompt", None)
    lines = [f"   {model} was given {_cut(json.dumps(document, ensure_ascii=False))}"]
    if isinstance(prompt, str):
        lines += [f"   │ {line}" for line in _cut(prompt).split("\n")]
    elif prompt is not None:
        lines.append(f"   │ {_cut(json.dumps(prompt, ensure_ascii=False))}")
    return lines


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}… ({len(text)} characters)"
