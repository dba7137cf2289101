"""Runs a command, and ends it with all that it started when standard input ends.

It is started as `python supervise.py COMMAND…`. Python functions watch their input themselves (bootstrap.py), but a
web application behind the Lambda Web Adapter may be any program, so this process watches for it.
"""

import os
import signal
import subprocess
import sys
import threading


def main(command: list[str]) -> int:
    """Run the command and return its exit status."""
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603

    def end_with_the_runner() -> None:
        while os.read(0, 1):
            pass
        os.killpg(child.pid, signal.SIGKILL)
        os._exit(0)

    threading.Thread(target=end_with_the_runner, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
