"""Ends a server's process on SIGINT and SIGTERM: in order if there is time, and always within three seconds.

Python runs signal handlers in the main thread, between any two of its instructions. One that takes a lock, as
`threading.Event.set` does, waits for ever when it interrupts code that holds the same lock, such as the wait for the
event or the handler of a signal just before. So the handlers here do nothing. Python writes each signal's number into a
socket (signal.set_wakeup_fd), and a thread that reads it acts. docs/decisions/0113
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from typing import NoReturn

from tollgate import leftovers

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_ORDERLY_END_S = 2.0


class Ending:
    """Takes the process's signals from its construction on.

        ending = Ending()
        start_everything()
        ending.wait()
        stop_everything()
        ending.leave()

    A signal before `wait` ends the process at once. The first one during `wait` lets it return; the process then has
    two seconds, and ends at once when they are over or when another signal comes. Child processes and temporary folders
    that are noted in tollgate/leftovers.py are done away with in each case, and the exit status is 0: the process was
    asked to end, and did.
    """

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._waits = False
        self._received, self._sent = socket.socketpair()
        self._sent.setblocking(False)
        # In this order: no signal is taken before its number has somewhere to go.
        signal.set_wakeup_fd(self._sent.fileno(), warn_on_full_buffer=False)
        for number in _SIGNALS:
            signal.signal(number, _do_nothing)
        threading.Thread(target=self._watch, daemon=True, name="ending").start()

    def wait(self) -> None:
        """Return when the process is asked to end."""
        self._waits = True
        self._asked.wait()

    def leave(self) -> NoReturn:
        """End the process with status 0. Threads that still run are not waited for."""
        leftovers.remove_all()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)

    def _watch(self) -> None:
        first = self._next_signals()
        if self._waits and len(first) == 1:
            self._received.settimeout(_ORDERLY_END_S)
            self._asked.set()
            with contextlib.suppress(TimeoutError):
                self._next_signals()
        self._leave_from_here()

    def _next_signals(self) -> bytes:
        """The numbers of the signals that came, at least one."""
        while True:
            numbers = bytes(number for number in self._received.recv(64) if number in _SIGNALS)
            if numbers:
                return numbers

    def _leave_from_here(self) -> NoReturn:
        """End the process from the watching thread, which must not wait for a lock of another thread's stream."""
        leftovers.remove_all()
        os._exit(0)


def _do_nothing(number: int, frame: object) -> None:
    """Stand in for the default handlers, which end the process or raise KeyboardInterrupt somewhere."""
