"""The operations of bedrock-runtime."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tollgate.bedrock.errors import ServiceError
from tollgate.bedrock.http import json_answer, read_object
from tollgate.bedrock.invocation import Invocation, record_error

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from tollgate.bedrock.service import Bedrock


async def invoke_model(request: Request) -> Response:
    """InvokeModel."""
    started = time.perf_counter()
    invocation = await start_invocation(request)
    try:
        answer = await invocation.answer()
    except ServiceError as error:
        record_error(invocation.model, error)
        raise
    headers = {
        "x-amzn-bedrock-input-token-count": str(invocation.call.prompt_tokens),
        "x-amzn-bedrock-output-token-count": str(invocation.completion.completion_tokens),
        "x-amzn-bedrock-invocation-latency": str(round((time.perf_counter() - started) * 1000)),
    }
    return json_answer(answer, headers=headers)


async def start_invocation(request: Request) -> Invocation:
    """Check the request and count it.

    Raises:
        ServiceError: the model or the body is not acceptable.
    """
    bedrock: Bedrock = request.app.state.bedrock
    model = bedrock.invocable(request.path_params["model_id"])
    body = await read_object(request)
    model.traffic.invocations += 1
    model.traffic.recent_bodies.append(body)
    try:
        return Invocation(model, body)
    except ServiceError as error:
        record_error(model, error)
        raise
