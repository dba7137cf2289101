"""What each client's script uses: the stack's addresses, the models, and a way to run its checks.

A script runs in an environment of its own, with the client's packages and without this project's. It is named after the
client, and its functions are the checks, by the name of a feature: each takes a model's name.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

URL = os.environ.get("TOLLGATE_URL", "http://127.0.0.1:3000")
KEY = os.environ.get("TOLLGATE_KEY", "tollgate-local")
V1 = f"{URL}/v1"
STREAM = f"{URL}/stream/v1"
MODELS = ("agent-demo", "agent-qwen3")
"""A model whose server formats messages, and one whose prompt Tollgate renders; both are scripted."""

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
ANSWER = "The tool says"
"""How both models answer a tool's result."""


def run(package: str, **checks: Callable[[str], Any]) -> None:
    """Run the checks with each model, and print what came of them as JSON: "ok", or the last line of the failure."""
    results = {}
    for name, check in checks.items():
        results[name] = "ok"
        for model in MODELS:
            try:
                check(model)
            except BaseException as error:  # whatever a client raises is its result
                traceback.print_exc()
                results[name] = f"{model}: {type(error).__name__}: {str(error)[:200]}"
                break
    sys.stdout.write(json.dumps({"version": version(package), "results": results}) + "\n")
