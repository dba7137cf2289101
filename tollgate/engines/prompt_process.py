"""Renders and encodes prompts in a process of its own, which is killed when it takes too long.

A chat template is a program that came with a model, and so is a tokenizer's regular expression. Either may compute for
minutes inside one step of C or Rust, while nothing else of its process runs: neither the other models' answers nor the
end on Ctrl-C. A thread would not help. docs/decisions/0114

Parent and child talk over one socket, in JSON documents with their length in front.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from tollgate import leftovers
from tollgate.engines.errors import GenerationError, InvalidPromptError
from tollgate.engines.panics import without_panics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tollgate.engines.base import Generation

LIMIT_S = 10.0
"""How long one prompt may take. Public templates and tokenizers take milliseconds."""
_START_LIMIT_S = 30.0
_MEMORY_BYTES = 2 << 30
_LENGTH = struct.Struct("!Q")
_PROGRAM = "from tollgate.engines.prompt_process import main; main()"


class PromptProcess:
    """The child process of one model, from the parent's side. It starts with the first prompt, and again after a kill.

    `model` is what the child must know: the path of tokenizer.json, the template and the special tokens.
    """

    def __init__(
        self, tokenizer_file: Path, template: str | None, special_tokens: Mapping[str, str], limit_s: float = LIMIT_S
    ) -> None:
        self._model = {
            "tokenizer_file": str(tokenizer_file),
            "template": template,
            "special_tokens": dict(special_tokens),
            "limit_s": limit_s,
        }
        self._limit_s = limit_s
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    def ids(self, generation: Generation) -> list[int]:
        """The token ids of a request's prompt.

        Raises:
            InvalidPromptError: the prompt is empty, or the messages cannot be rendered.
            GenerationError: the template or the tokenizer takes too long, or fails.
        """
        question: dict[str, Any] = {"prompt": generation.prompt}
        if generation.messages is not None:
            names = ("chat_template_kwargs", "documents", "add_generation_prompt", "continue_final_message")
            body = {name: generation.body[name] for name in names if name in generation.body}
            question = {"prompt": None, "messages": generation.messages, "tools": generation.tools, "body": body}
        with self._lock:
            answer = self._ask(question)
        if "invalid" in answer:
            raise InvalidPromptError(answer["invalid"])
        if "failed" in answer:
            raise GenerationError(answer["failed"])
        ids: list[int] = answer["ids"]
        return ids

    def close(self) -> None:
        """End the child, in the middle of a prompt too."""
        process = self._process
        if process is not None:
            leftovers.end_process(process)
        # Whoever waits for an answer holds the lock, finds the socket at its end, and cleans up itself.
        if self._lock.acquire(blocking=False):
            try:
                self._drop()
            finally:
                self._lock.release()

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            connection = self._connection()
            _send(connection, question, self._limit_s)
            answer: dict[str, Any] = _receive(connection, self._limit_s)
        except TimeoutError:
            self._drop()
            raise GenerationError(
                f"The model's chat template or tokenizer took more than {self._limit_s:.0f} s for this prompt."
            ) from None
        except RecursionError:
            self._drop()
            raise InvalidPromptError("The request is nested too deeply.") from None
        except (OSError, EOFError) as error:
            self._drop()
            raise GenerationError("The model's chat template or tokenizer ended its process.") from error
        return answer

    def _connection(self) -> socket.socket:
        if self._socket is not None and self._process is not None and self._process.poll() is None:
            return self._socket
        self._drop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-c", _PROGRAM],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                process_group=0,  # Ctrl-C is for the parent, which ends its processes itself
            )
        leftovers.note_process(self._process)
        self._socket = ours
        _send(ours, self._model, _START_LIMIT_S)
        started: dict[str, Any] = _receive(ours, _START_LIMIT_S)
        if "failed" in started:
            self._drop()
            raise GenerationError(started["failed"])
        return ours

    def _drop(self) -> None:
        if self._process is not None:
            leftovers.end_process(self._process)
        if self._socket is not None:
            self._socket.close()
        self._process = self._socket = None


def _send(connection: socket.socket, document: Any, limit_s: float) -> None:
    text = json.dumps(document).encode()
    connection.settimeout(limit_s)
    connection.sendall(_LENGTH.pack(len(text)) + text)


def _receive(connection: socket.socket, limit_s: float | None) -> Any:
    until_s = None if limit_s is None else time.monotonic() + limit_s
    (length,) = _LENGTH.unpack(_read(connection, _LENGTH.size, until_s))
    return json.loads(_read(connection, length, until_s))


def _read(connection: socket.socket, length: int, until_s: float | None) -> bytes:
    """Read so many bytes. Raises TimeoutError, and EOFError where the other side has gone."""
    parts = []
    while length:
        if until_s is not None:
            connection.settimeout(max(until_s - time.monotonic(), 0.001))
        part = connection.recv(min(length, 1 << 20))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def main() -> None:
    """The child: read what the model is from standard input, which is the socket, then answer until it closes."""
    connection = socket.socket(fileno=os.dup(0))
    _limit_memory()
    try:
        model = _receive(connection, None)
        try:
            with without_panics():
                prompts = _Prompts(model)
        except Exception as error:  # the tokenizers' own errors have no other class, even for a file that is gone
            reason = f"The model's tokenizer could not be loaded: {type(error).__name__}: {error}"[:500]
            _send(connection, {"failed": reason}, _START_LIMIT_S)
            return
        _send(connection, {}, _START_LIMIT_S)
        while True:
            question = _receive(connection, None)
            # The kernel ends a child that nobody is left to kill, whatever it is computing.
            signal.setitimer(signal.ITIMER_REAL, prompts.limit_s + 2)
            answer = prompts.answer(question)
            signal.setitimer(signal.ITIMER_REAL, 0)
            _send(connection, answer, prompts.limit_s)
    except (EOFError, OSError):
        return


class _Prompts:
    """The prompts of one model, in the child."""

    def __init__(self, model: dict[str, Any]) -> None:
        from tokenizers import Tokenizer

        self.limit_s: float = model["limit_s"]
        self._template: str | None = model["template"]
        self._special_tokens: dict[str, str] = model["special_tokens"]
        self._tokenizer = Tokenizer.from_file(model["tokenizer_file"])

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """`{"ids": …}`, or a sentence under `invalid` or `failed`."""
        try:
            with without_panics():
                return {"ids": self._ids(question)}
        except InvalidPromptError as error:
            return {"invalid": str(error)}
        except UnicodeError:
            return {"invalid": "The prompt holds half of a surrogate pair, which is no text."}
        except Exception as error:
            return {"failed": f"The model's chat template or tokenizer failed: {type(error).__name__}: {error}"[:500]}

    def _ids(self, question: dict[str, Any]) -> list[int]:
        prompt, add_special_tokens = question["prompt"], False
        if prompt is None:
            from tollgate.engines.served_prompt import served_prompt

            messages, tools, body = question["messages"], question["tools"], question["body"]
            prompt = served_prompt(self._template, self._special_tokens, messages, tools, body)
        else:
            # A prompt that was rendered elsewhere begins with its BOS token already, and must not get a second one.
            bos = self._special_tokens.get("bos_token")
            add_special_tokens = not (bos and prompt.startswith(bos))
        prompt.encode()  # raises UnicodeError here, not as some other error in the tokenizer
        ids: list[int] = self._tokenizer.encode(prompt, add_special_tokens=add_special_tokens).ids
        if not ids:
            raise InvalidPromptError("The prompt is empty.")
        return ids


def _limit_memory() -> None:
    """Let the child fail, and not the machine, when a template builds texts without end."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    except (ImportError, ValueError, OSError):
        return
