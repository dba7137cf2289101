"""What `tollgate dev` does."""

from __future__ import annotations

import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from tollgate.emulators.serving import PortInUseError
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tollgate.dev.runner import Local

BUILT_TEMPLATE = ".aws-sam/build/template.yaml"


@dataclass(frozen=True, slots=True)
class DevOptions:
    """The options of `tollgate dev`; `models` None is models/local.json beside the template."""

    template: Path
    port: int
    verbose: bool
    built: bool
    models: Path | None
    profile: str
    parameters: Mapping[str, str]


def run(options: DevOptions) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit status, 2 for what the user must change."""
    started_s = time.monotonic()
    stop = threading.Event()
    # Before anything is started, so that there is no moment at which a signal leaves a process behind.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    try:
        local = _start(options)
    except (DefinitionError, PortInUseError, ValueError) as error:
        click.echo(f"Error: {error}", err=True)
        return 2
    with local:
        if not stop.is_set():
            click.echo(welcome(local, time.monotonic() - started_s))
        stop.wait()
    return 0


def _start(options: DevOptions) -> Local:
    from tollgate.dev.console import Console
    from tollgate.dev.runner import Local

    root = options.template.parent
    template = root / BUILT_TEMPLATE if options.built else options.template
    if options.built and not template.is_file():
        raise DefinitionError(str(template), "is not there: run `sam build` first")
    return Local.start(
        template,
        root=root,
        port=options.port,
        models=options.models or root / "models" / "local.json",
        parameters=options.parameters,
        profile=options.profile,
        console=Console(options.verbose, _write),
    )


def _write(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def welcome(local: Local, seconds: float) -> str:
    """What a newcomer needs: the base URL, the key, and a request that works when pasted."""
    model = local.models[0] if local.models else "MODEL"
    body = f'{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'
    return f"""
Tollgate answers after {seconds:.1f} s; Ctrl-C stops it.

  base URL  {local.url}/v1
            {local.url}/stream/v1 sends tokens as they come
  API key   {local.key}
  models    {", ".join(local.models)}

curl {local.url}/v1/chat/completions -H 'Authorization: Bearer {local.key}' \\
  -H 'Content-Type: application/json' -d '{body}'
"""
