"""Engines raise errors of their own; the service answers with its own in their place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tollgate.emulators.bedrock import Bedrock
from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.engines.base import FinishReason, Generation, Token
from tollgate.engines.errors import BusyError, GenerationError, InvalidPromptError

BODY = {"prompt": "Hi", "max_tokens": 5}
ERRORS = [
    (InvalidPromptError("too long"), "ValidationException", {}),
    (BusyError("too many"), "ThrottlingException", {}),
    (GenerationError("no number"), "ModelErrorException", {}),
    (GenerationError("status 500", status=500), "ModelErrorException", {"originalStatusCode": 500}),
]


class FailingEngine:
    """Fails when it counts the prompt's tokens, or when it has produced one token."""

    def __init__(self, error: Exception, *, at_once: bool) -> None:
        self._error = error
        self._at_once = at_once

    def count_tokens(self, generation: Generation) -> int:
        if self._at_once:
            raise self._error
        return 1

    async def generate(self, generation: Generation) -> AsyncIterator[Token | FinishReason]:
        yield Token("a")
        raise self._error


@pytest.mark.parametrize("error, code, fields", ERRORS)
@pytest.mark.parametrize("at_once", [True, False])
def test_an_engines_error_is_the_services_to_its_client(error, code, fields, at_once):
    bedrock = Bedrock()
    bedrock.register("failing", engine=FailingEngine(error, at_once=at_once))

    async def invoke() -> None:
        await Invocation(bedrock.model("failing"), BODY).whole_answer()

    with pytest.raises(ServiceError, match=str(error)) as caught:
        asyncio.run(invoke())

    assert (caught.value.code, caught.value.fields) == (code, fields)
