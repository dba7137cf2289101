"""The entry point of the `tollgate` command."""

from __future__ import annotations

import signal


def main() -> None:
    """Run the command. Ctrl-C ends it without a traceback, even before its own modules are imported."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from tollgate.cli import main as run

    run()
