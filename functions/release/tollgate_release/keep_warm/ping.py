"""The request that keeps a model warm: one token, asked for through the ordinary inference machine."""

from __future__ import annotations

import json
from typing import Any

from tollgate_layer.inference.telemetry import KEEP_WARM

_PROMPT = "Hi"


def ping_input(model: str, request_id: str) -> dict[str, Any]:
    """The input of an execution of the inference machine that asks a model for one token.

        stepfunctions.start_execution(stateMachineArn=…, input=json.dumps(ping_input("apexguru@v2", "warm-1")))

    A text completion, since it needs no chat template. The key id has it counted apart from clients' requests.

    Args:
        model: a model, or one variant of it as `model@variant`.
        request_id: the id that finds the request in the logs.
    """
    body = {"model": model, "prompt": _PROMPT, "max_tokens": 1}
    return {"dialect": "completions", "request_id": request_id, "key_id": KEEP_WARM, "body": json.dumps(body)}
