"""What is measured: a server of OpenAI's API, a model on Bedrock, or the embedded Bedrock in simulated time."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from tollgate.emulators.bedrock.errors import ServiceError
from tollgate.emulators.bedrock.invocation import Invocation
from tollgate.measuring.copies import CopyCount

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tollgate.emulators.bedrock import Bedrock


_MORE_THAN_A_TOKEN = re.compile(rb'"error"|"usage": ?\{|"finish_reason": ?"|"choices": ?\[\]')


class Prompt(NamedTuple):
    """One request: a chat's body without its model. `tokens` is the most that may be answered."""

    body: dict[str, Any]
    tokens: int


class Answer(NamedTuple):
    """What came of a request: the failure's code, empty where there is none, and the tokens by the model's count."""

    code: str = ""
    completion_tokens: int | None = None


class Clock(Protocol):
    """Notes when the first token came."""

    def first(self) -> None:
        """The first token is there."""


class Target(Protocol):
    """Where requests go."""

    async def ask(self, prompt: Prompt, clock: Clock) -> Answer:
        """Send a request and read its answer to the end. It does not raise: what goes wrong is a code."""

    async def copies(self) -> CopyCount | None:
        """The model's copies now; None where they are not known."""

    async def close(self) -> None:
        """Close what is open."""


class OpenAITarget:
    """A server of OpenAI's chat completions, streamed; `control_url` is the embedded Bedrock's, which tells copies."""

    def __init__(self, connect: Callable[[], httpx.AsyncClient], model: str, control_url: str | None = None) -> None:
        """`connect` makes a client of the server. Each is used for one request at a time: a pool of connections costs
        httpx the square of their number, which would show in what is measured."""
        self._connect = connect
        self._free: list[httpx.AsyncClient] = []
        self._model = model
        self._control_url = control_url

    async def ask(self, prompt: Prompt, clock: Clock) -> Answer:
        """See `Target`."""
        import httpx

        body = {"max_tokens": prompt.tokens, **prompt.body, "model": self._model, "stream": True}
        body["stream_options"] = {"include_usage": True}
        try:
            with self._client() as client:
                async with client.stream("POST", "chat/completions", json=body) as response:
                    if response.status_code != 200:
                        await response.aread()
                        return Answer(_code_in(response.text, response.status_code))
                    return await self._read(response, clock)
        except httpx.TimeoutException:
            return Answer("timeout")
        except httpx.HTTPError as error:
            return Answer(type(error).__name__)
        except (ValueError, TypeError, AttributeError, KeyError):  # whatever a server says is measured, not trusted
            return Answer("no_openai_stream")

    @contextmanager
    def _client(self) -> Iterator[httpx.AsyncClient]:
        """A client that nobody uses."""
        client = self._free.pop() if self._free else self._connect()
        try:
            yield client
        finally:
            self._free.append(client)

    async def _read(self, response: httpx.Response, clock: Clock) -> Answer:
        """Read an answer's events; those behind the first token are parsed only if they may say more than a token."""
        tokens = None
        events = seen = 0
        rest = b""
        async for data in response.aiter_bytes():
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not line.startswith(b"data: {"):
                    continue
                events += 1
                if seen and not _MORE_THAN_A_TOKEN.search(line):
                    seen += 1
                    continue
                event = json.loads(line[6:])
                if "error" in event:
                    return Answer(str(event["error"].get("code") or "error"))
                if _has_a_token(event):
                    seen += 1
                    if seen == 1:
                        clock.first()
                usage = event.get("usage")
                if usage:
                    tokens = int(usage.get("completion_tokens") or 0)
        if not events:
            return Answer("no_openai_stream")
        return Answer(completion_tokens=tokens or seen or None)

    async def copies(self) -> CopyCount | None:
        """See `Target`: those of all models that the embedded Bedrock has."""
        import httpx

        if self._control_url is None:
            return None
        try:
            with self._client() as client:
                answer = await client.get(f"{self._control_url}/_tollgate/models")
            models = answer.json()["models"]
        except (httpx.HTTPError, ValueError, KeyError):
            return None
        ready = [copy["ready"] for model in models for copy in model["copies"]]
        return CopyCount.of(ready, sum(model["windows_billed"] for model in models))

    async def close(self) -> None:
        """See `Target`."""
        for client in self._free:
            await client.aclose()


class BedrockTarget:
    """A model on Bedrock itself, by boto3, whose calls wait in threads of their own."""

    def __init__(self, client: Any, arn: str) -> None:
        self._client = client
        self._arn = arn

    async def ask(self, prompt: Prompt, clock: Clock) -> Answer:
        """See `Target`."""
        return await asyncio.to_thread(self._ask, prompt, clock)

    def _ask(self, prompt: Prompt, clock: Clock) -> Answer:
        from botocore.exceptions import BotoCoreError, ClientError

        body = json.dumps({"max_tokens": prompt.tokens, **prompt.body})
        tokens = seen = 0
        try:
            answer = self._client.invoke_model_with_response_stream(modelId=self._arn, body=body)
            for event in answer["body"]:
                chunk = json.loads(event["chunk"]["bytes"])
                if chunk.get("choices"):
                    seen += 1
                    if seen == 1:
                        clock.first()
                metrics = chunk.get("amazon-bedrock-invocationMetrics") or {}
                tokens = metrics.get("outputTokenCount") or tokens
        except ClientError as error:
            return Answer(error.response["Error"]["Code"])
        except BotoCoreError as error:
            return Answer(type(error).__name__)
        except (ValueError, TypeError, AttributeError, KeyError):
            return Answer("no_openai_stream")
        return Answer(completion_tokens=tokens or seen or None)

    async def copies(self) -> CopyCount | None:
        """None: CloudWatch tells them minutes later."""
        return None

    async def close(self) -> None:
        """Nothing is open between two calls."""


class SimulatedTarget:
    """The embedded Bedrock in this process, on a clock that need not be real."""

    def __init__(self, bedrock: Bedrock, model: str) -> None:
        self._model = bedrock.model(model)
        self._clock = bedrock.clock

    async def ask(self, prompt: Prompt, clock: Clock) -> Answer:
        """See `Target`."""
        invocation = Invocation(self._model, {"prompt": "word " * prompt.tokens, "max_tokens": prompt.tokens})
        begun = False
        try:
            async for _ in invocation.pieces():
                if not begun:
                    clock.first()
                    begun = True
        except ServiceError as error:
            return Answer("model_not_ready" if error.code == "ModelNotReadyException" else error.code)
        return Answer(completion_tokens=prompt.tokens)

    async def copies(self) -> CopyCount | None:
        """See `Target`."""
        life, now = self._model.life, self._clock.now()
        ready = [copy.ready_at <= now for copy in life.copies()]
        return CopyCount.of(ready, life.windows_billed())

    async def close(self) -> None:
        """Nothing is open."""


def _has_a_token(event: dict[str, Any]) -> bool:
    for choice in event.get("choices") or ():
        delta = choice.get("delta") or {}
        if delta.get("content") or delta.get("tool_calls") or delta.get("reasoning_content"):
            return True
    return False


def _code_in(text: str, status: int) -> str:
    """The code of an error's body, or its status."""
    try:
        return str(json.loads(text)["error"]["code"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {status}"
