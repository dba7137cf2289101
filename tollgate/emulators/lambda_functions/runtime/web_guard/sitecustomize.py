"""Keeps web pages out of a web function's process, which on AWS nobody but the adapter can reach.

Python imports a module of this name when it starts, from a folder that the runner puts in front of PYTHONPATH. It
wraps the application of every uvicorn server in the guard of the runner's own servers, whose file TOLLGATE_PAGE_GUARD
names. Web functions that are not served by uvicorn go without.
"""

import importlib.util
import os
import sys


def guard_uvicorn() -> None:
    """Let every uvicorn configuration wrap its application when it loads it."""
    try:
        from uvicorn.config import Config
    except ImportError:
        return
    spec = importlib.util.spec_from_file_location("tollgate_page_guard", os.environ["TOLLGATE_PAGE_GUARD"])
    if spec is None or spec.loader is None:
        return
    page_guard = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = page_guard
    spec.loader.exec_module(page_guard)
    load = Config.load

    def guarded_load(self: Config) -> None:
        load(self)
        # The runner passes a page's Origin on, which is one of this machine or one that the stack lets in: it has
        # refused the others.
        origins = os.environ.get("TOLLGATE_CORS_ORIGINS", "")
        self.loaded_app = page_guard.guard_asgi(self.loaded_app, self.port, any_loopback_origin=True, origins=origins)

    Config.load = guarded_load  # type: ignore[method-assign]


if "TOLLGATE_PAGE_GUARD" in os.environ:
    guard_uvicorn()
