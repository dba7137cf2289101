"""Events as hooks are sent them, made by hand."""

from __future__ import annotations

import time
from typing import Any

from tollgate_layer.inference.hooks.contract import common_event
from tollgate_layer.inference.request import IncomingRequest


def before_event(body: str, model: str, content_type: str, accept: str = "", timeout_s: float = 3) -> dict[str, Any]:
    """The event of the hook before the model for a body that a client of SageMaker's runtime sends."""
    given = {"model": model, "content_type": content_type, "accept": accept}
    incoming = IncomingRequest("sagemaker.invoke", "00000000-0000-0000-0000-000000000000", body, given)
    event = common_event("before", incoming, "key-of-nobody", model)
    return {**event, "body": body, "deadline_ms": int(timeout_s * 1000)}


def after_event(before: dict[str, Any], text: str, state: Any = None) -> dict[str, Any]:
    """The event of the hook after the model for the same body, when the model has said `text`."""
    message = {"role": "assistant", "content": text, "refusal": None}
    completion = {
        "id": "chatcmpl-try",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": before["model"],
        "system_fingerprint": f"{before['model']}@try",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": None,
    }
    changes = {"hook": "after", "variant": "try", "stream": None, "completion": completion, "state": state}
    return {**before, **changes}
