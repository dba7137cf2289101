"""The way of a request to its invocation: its model's record is read, and its hook, if it has one, is asked."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from streaming.interfaces import Functions, Records
from tollgate_layer.inference.failures.errors import FALLS_BACK, ApiError, RequestError
from tollgate_layer.inference.hooks import hooks_of, with_after
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.pipeline.before_model import Prepared, prepare, read
from tollgate_layer.inference.record import MODEL_NAME, Hooks
from tollgate_layer.inference.request import IncomingRequest, Request
from tollgate_layer.inference.request_log import RequestLog
from tollgate_layer.inference.response import Response
from tollgate_layer.inference.telemetry import SHADOW

if TYPE_CHECKING:
    from tollgate_layer.inference.hooks.contract import HookReport


class Asked(NamedTuple):
    """A request as it came in, and the id of the key that it came with."""

    incoming: IncomingRequest
    key_id: str


class Attempt(NamedTuple):
    """A prepared invocation, and the request and record that it comes from, of which another one may be made.

    `asked` is the request as it came in, and `hooks` those that it goes through, with the state of the first, and its
    whole answer.
    """

    prepared: Prepared
    request: Request
    record: str | None
    asked: Asked
    hooks: Hooks
    hook_state: Any
    before: HookReport | None

    @classmethod
    def make(
        cls,
        request: Request,
        record: str | None,
        asked: Asked,
        hooks: Hooks,
        log: RequestLog,
        hook_state: Any = None,
        before: HookReport | None = None,
    ) -> Attempt:
        """Prepare the invocation. Raises ApiError: it cannot be."""
        prepared = prepare(request, record, time.time())
        prepared = prepared._replace(spec=with_after(prepared.spec, hooks, hook_state))
        log.asked(prepared.spec)
        return cls(prepared, request, record, asked, hooks, hook_state, before)

    def may_fall_back(self, failure: ApiError) -> bool:
        """Whether another variant is to be asked after this failure."""
        return self.prepared.spec.fallback is not None and failure.code in FALLS_BACK

    def fall_back(self, failure: ApiError, log: RequestLog) -> Attempt:
        """The attempt with the variant that the record names for this case.

        Raises:
            ApiError: it cannot be prepared.
        """
        spec = self.prepared.spec
        log.fell_back(spec.model, spec.variant, failure)
        request = self.request._replace(variant=spec.fallback)
        return self.make(request, self.record, self.asked, self.hooks, log, self.hook_state, self.before)

    def shadow_request(self, shadow: JsonObject) -> JsonObject:
        """The input of the execution in which another variant is asked the same, as API Gateway would have made it."""
        incoming = self.asked.incoming
        request: JsonObject = {"dialect": incoming.dialect, "request_id": incoming.id, "key_id": SHADOW}
        if incoming.given:
            request["given"] = dict(incoming.given)
        if self.before is not None:
            failed = {"failure": self.before.failure} if self.before.failure else {"answer": self.before.answer}
            request["before"] = failed
        return {**request, "body": incoming.body, "shadow": shadow}


class Preparation:
    """Prepares requests: `records` are where models are looked up, `functions` gives the team's own."""

    def __init__(self, records: Records, functions: Callable[[], Functions]) -> None:
        self._records = records
        self._functions = functions

    async def prepare(self, asked: Asked, log: RequestLog) -> Attempt | Response:
        """The invocation for a request, or the response that a hook has made.

        Raises:
            ApiError: the request is refused, or the model's record cannot be read.
        """
        incoming, key_id = asked
        try:
            request = read(incoming)
        except RequestError as refusal:
            return await self._prepare_unreadable(asked, refusal, log)
        log.note(model=request.model)
        record = await self._records.get(request.model)
        hooks = hooks_of(record, key_id)
        if hooks.before is not None:
            return await self._prepare_through_hook(asked, record, hooks, log)
        attempt = Attempt.make(request, record, asked, hooks, log)
        log.note(unknown_record_fields=attempt.prepared.unknown_record_fields or None)
        return attempt

    async def _prepare_unreadable(self, asked: Asked, refusal: RequestError, log: RequestLog) -> Attempt | Response:
        """As `prepare`, for a body in no shape that we know: a hook may be able to read it.

        Raises:
            ApiError: the refusal, where there is no such hook.
        """
        from tollgate_layer.inference.hooks.before import named_model

        name = named_model(asked.incoming).partition("@")[0]
        try:
            record = await self._records.get(name) if re.match(MODEL_NAME, name) else None
        except ApiError:
            raise refusal from None
        hooks = hooks_of(record, asked.key_id)
        if hooks.before is None:
            raise refusal
        log.note(model=name)
        return await self._prepare_through_hook(asked, record, hooks, log)

    async def _prepare_through_hook(
        self, asked: Asked, record: str | None, hooks: Hooks, log: RequestLog
    ) -> Attempt | Response:
        """As `prepare`, for a request that the record's hook sees first."""
        from tollgate_layer.inference.hooks.before import before_call, read_after_hook

        assert hooks.before is not None
        incoming = asked.incoming
        report = await self._functions().call(before_call(hooks.before, incoming, asked.key_id), incoming.body)
        outcome = read_after_hook(hooks.before, incoming, report, log)
        if outcome.response is not None:
            return outcome.response
        assert outcome.request is not None
        return Attempt.make(outcome.request, record, asked, hooks, log, outcome.state, report)
