"""Usage plans: API keys with their rate, burst and quota.

API Gateway calls its own throttling best-effort; this is a plain token bucket and counter per key.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-usage-plans.html
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tollgate.emulators.api_gateway.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PERIOD_S = {"DAY": 86_400.0, "WEEK": 604_800.0, "MONTH": 2_592_000.0}


@dataclass(frozen=True, slots=True)
class UsagePlan:
    """The limits of a key: `rate` in requests per second, `quota` in requests per `period`; None means no limit."""

    rate: float | None = None
    burst: int | None = None
    quota: int | None = None
    period: str = "MONTH"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that clients send, and the id that `$context.identity.apiKeyId` shows."""

    id: str
    value: str
    plan: UsagePlan


@dataclass(slots=True)
class _Use:
    """The requests that one key has left."""

    tokens: float
    refilled_s: float
    period_start_s: float
    requests: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class UsagePlans:
    """The keys of an API; `clock` gives seconds."""

    def __init__(self, keys: Iterable[ApiKey], clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = {key.value: key for key in keys}
        self._clock = clock
        self._uses: dict[str, _Use] = {}

    def admit(self, value: str | None) -> ApiKey:
        """Count one request of a key and return the key.

        Raises:
            RefusalError: there is no such key, it sent too many requests per second, or its quota is used up.
        """
        key = self._keys.get(value or "")
        if key is None:
            raise RefusalError("INVALID_API_KEY")
        now_s = self._clock()
        use = self._uses.setdefault(key.id, _Use(_burst(key.plan), now_s, now_s))
        with use.lock:
            _throttle(key.plan, use, now_s)
            _count(key.plan, use, now_s)
        return key


def _burst(plan: UsagePlan) -> float:
    """The size of the token bucket; a plan that names none gets a second's worth of requests."""
    if plan.burst is not None:
        return float(plan.burst)
    return float(plan.rate or 0)


def _throttle(plan: UsagePlan, use: _Use, now_s: float) -> None:
    if plan.rate is None:
        return
    use.tokens = min(_burst(plan), use.tokens + (now_s - use.refilled_s) * plan.rate)
    use.refilled_s = now_s
    if use.tokens < 1:
        raise RefusalError("THROTTLED")
    use.tokens -= 1


def _count(plan: UsagePlan, use: _Use, now_s: float) -> None:
    if plan.quota is None:
        return
    if now_s - use.period_start_s >= _PERIOD_S[plan.period]:
        use.period_start_s, use.requests = now_s, 0
    if use.requests >= plan.quota:
        raise RefusalError("QUOTA_EXCEEDED")
    use.requests += 1
