"""Clients that people use get through to a cold model, and one model's troubles are its own."""

from __future__ import annotations

import threading
import time

import httpx
import openai
import pytest

from tests.faults.case import OK, Case, everywhere

pytestmark = pytest.mark.path

COLD_S = 60


class FastClock(httpx.BaseTransport):
    """The client's time passes as fast as the path's: it is told to come back so many times sooner."""

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._transport = httpx.HTTPTransport()
        self.waits: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._transport.handle_request(request)
        if "retry-after" in answer.headers:
            self.waits.append(answer.headers["retry-after"])
            answer.headers["retry-after"] = str(float(answer.headers["retry-after"]) / self._speed)
        return answer

    def close(self) -> None:
        self._transport.close()


def test_openais_client_gets_through_to_a_model_that_is_cold_for_a_minute(stack):
    # GIVEN a model that answers ModelNotReadyException for 60 s from now on, on a fast clock
    name = stack.add_model(Case("", "", everywhere(OK), ({"error": "ModelNotReadyException", "times": None},)))
    warm = threading.Timer(COLD_S / stack.speed, stack.local.bedrock.set_faults, [name])
    warm.start()
    started = time.monotonic()
    clock = FastClock(stack.speed)

    # WHEN OpenAI's client asks it, with the retries that it has by default
    with openai.OpenAI(
        base_url=f"{stack.local.url}/v1", api_key=stack.local.key, http_client=httpx.Client(transport=clock)
    ) as client:
        answer = client.chat.completions.create(model=name, messages=[{"role": "user", "content": "hello"}])

    # THEN it came back when Retry-After said so, and got its answer soon after the model was there
    assert answer.choices[0].message.content
    assert set(clock.waits) == {"15"}
    assert COLD_S <= (time.monotonic() - started) * stack.speed < 100
    warm.join()


def test_a_throttled_model_is_not_called_again(stack):
    name = stack.add_model(Case("", "", everywhere(OK), ({"error": "ThrottlingException", "times": None},)))

    for base in ("/v1", "/stream/v1"):
        body = {"model": name, "messages": [{"role": "user", "content": "hello"}]}
        answer = stack.http.post(f"{base}/chat/completions", json=body)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "5")

    assert stack.local.bedrock.model(name).traffic.invocations == 2


@pytest.mark.alone
@pytest.mark.parametrize("base", ["/v1", "/stream/v1"])
def test_one_models_troubles_do_not_slow_another(stack, base):
    # GIVEN a healthy model, and its time alone
    healthy = stack.add_model(Case("", "", everywhere(OK)))
    alone = median_s(stack, base, healthy)

    # WHEN twelve clients wait for a cold model
    cold = stack.add_model(Case("", "", everywhere(OK), ({"error": "ModelNotReadyException", "times": None},)))
    waiting = [threading.Thread(target=ask, args=(stack, base, cold)) for _ in range(12)]
    for thread in waiting:
        thread.start()
    beside = median_s(stack, base, healthy)

    # THEN the healthy model answers about as fast as before; the bound is wide because they share two cores here
    assert beside < 5 * alone + 0.2
    stack.local.bedrock.set_faults(cold)
    for thread in waiting:
        thread.join()


def ask(stack, base, model):
    body = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
    return stack.http.post(f"{base}/chat/completions", json=body)


def median_s(stack, base, model, count=9):
    times = []
    for _ in range(count):
        started = time.perf_counter()
        assert ask(stack, base, model).status_code == 200
        times.append(time.perf_counter() - started)
    return sorted(times)[count // 2]
