"""The entry point of the `tollgate` command.

Ctrl-C ends the command without a traceback, even while its own modules are still being imported; only while Python
itself starts, it is Python's to answer. So the first thing that happens here is to give the signal back its usual
effect. `_signal` is the built-in half of `signal`, whose other half takes a millisecond to import: as long as all that
comes before it.
"""

import _signal  # type: ignore[import-not-found]

_signal.signal(_signal.SIGINT, _signal.SIG_DFL)


def main() -> None:
    """Run the command."""
    from tollgate.cli import main as run

    run()
