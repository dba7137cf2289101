"""The first code of a function's process: ties it to the runner, limits its memory, starts the runtime client.

Started as `python bootstrap.py app.lambda_handler` with the Runtime API's address in AWS_LAMBDA_RUNTIME_API. It imports
nothing that Lambda's own bootstrap would not, since all it imports is in the function's start-up time.
"""

import os
import sys
import threading


def end_with_the_runner() -> None:
    """Exit when standard input ends, as it does when the runner ends in any way, SIGKILL included.

    A parent-death signal would be shorter, but Linux sends it when the starting *thread* ends.
    """
    while os.read(0, 1):
        pass
    os._exit(0)


def limit_memory(megabytes: int) -> None:
    """Let allocations beyond the function's MemorySize fail; where the platform cannot, do nothing."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (megabytes << 20, megabytes << 20))
    except (ImportError, ValueError, OSError):
        return


def run(handler: str) -> None:
    """Poll the Runtime API until the process ends, with Amazon's client where it is installed."""
    own_directory = sys.path.pop(0)  # the function must not see the runner's modules
    try:
        from awslambdaric.__main__ import main  # its native part keeps the Runtime API's address, secret path included
    except ImportError:
        sys.path.insert(0, own_directory)
        import pure_client  # type: ignore[import-not-found]  # beside this file, where mypy does not look

        sys.path.pop(0)
        pure_client.run(handler, os.environ["AWS_LAMBDA_RUNTIME_API"])
    else:
        # Its Python part, which reports failed imports, takes host and port alone.
        os.environ["AWS_LAMBDA_RUNTIME_API"] = os.environ["AWS_LAMBDA_RUNTIME_API"].partition("/")[0]
        main([sys.argv[0], handler])


if __name__ == "__main__":
    threading.Thread(target=end_with_the_runner, daemon=True).start()
    limit_memory(int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]))
    run(sys.argv[1])
