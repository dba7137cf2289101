"""Forwards requests to any OpenAI-compatible server (Ollama, vLLM, llama.cpp), always as a stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from tollgate.engines.base import Delta, FinishReason, Generation, Token, TokenCounts
from tollgate.engines.echo import EchoEngine
from tollgate.engines.errors import BusyError, EngineError, GenerationError, InvalidPromptError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}
# A model may think for long before its first token.
_TIMEOUT = httpx.Timeout(300, connect=5)
# Members that only Bedrock's own formats have; the rest of a body is OpenAI's and is passed on.
_BEDROCK_MEMBERS = ("max_gen_len", "return_logprobs")

Piece = Token | Delta | TokenCounts | FinishReason


class UpstreamEngine:
    """Lets another server answer.

    `url` ends where OpenAI's paths begin (`http://127.0.0.1:11434/v1`); `model` is the model's name on that server.
    """

    def __init__(self, url: str, model: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url.rstrip("/")
        self._model = model
        self._transport = transport

    def count_tokens(self, generation: Generation) -> int:
        """Count words. The server's own count of tokens takes its place when it arrives with the answer."""
        return EchoEngine().count_tokens(generation)

    def text_of(self, token_ids: list[int]) -> str:
        """Nothing: the ids are passed on, and only the server knows their texts."""
        return ""

    async def generate(self, generation: Generation) -> AsyncIterator[Piece]:
        """Yield the server's tokens as they come.

        Raises:
            EngineError: the server cannot be reached, refuses, or answers something else than a stream of chunks.
        """
        path = "/completions" if generation.messages is None else "/chat/completions"
        finish: FinishReason = "stop"
        # A client per call: it belongs to the event loop that serves the call, and connecting to loopback is cheap.
        client = httpx.AsyncClient(timeout=_TIMEOUT, transport=self._transport)
        try:
            async with client, client.stream("POST", self._url + path, json=self._request(generation)) as response:
                if response.status_code != httpx.codes.OK:
                    raise _refusal(response.status_code, await response.aread())
                async for line in response.aiter_lines():
                    for piece in _pieces(line):
                        if isinstance(piece, str):
                            finish = piece
                        else:
                            yield piece
        except httpx.HTTPError as error:
            raise GenerationError(f"{self._url} failed: {error or type(error).__name__}") from error
        yield finish

    def _request(self, generation: Generation) -> dict[str, Any]:
        passed_on = {name: value for name, value in generation.body.items() if name not in _BEDROCK_MEMBERS}
        passed_on.pop("echo", None)  # the prompt is put in front of the answer here
        if generation.choices > 1:
            # Each choice is a call of its own.
            passed_on |= {"n": 1, "seed": generation.seed}
        return {
            **passed_on,
            "model": self._model,
            "max_tokens": generation.max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }


def _refusal(status: int, body: bytes) -> EngineError:
    """The error for a status other than 200: a refused request stays one, anything else is the model's failure."""
    text = body[:500].decode(errors="replace")
    if status in (400, 422):
        return InvalidPromptError(f"The upstream server refuses the request: {text}")
    if status == 429:
        return BusyError("Too many requests, please wait before trying again.")
    return GenerationError(f"The upstream server answered {status}.", status)


def _pieces(line: str) -> list[Piece]:
    """The pieces in one line of the event stream: none for comments, blank lines and the end mark."""
    data = line.removeprefix("data:").strip()
    if not line.startswith("data:") or data == "[DONE]":
        return []
    try:
        chunk = json.loads(data)
        return _chunk_pieces(chunk)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GenerationError("The upstream server sent a chunk that is not OpenAI's.") from error


def _chunk_pieces(chunk: dict[str, Any]) -> list[Piece]:
    if "error" in chunk:
        raise GenerationError(f"The upstream server failed: {str(chunk['error'])[:500]}")
    pieces: list[Piece] = []
    for choice in chunk.get("choices", [])[:1]:
        delta = dict(choice.get("delta") or {})
        delta.pop("role", None)
        text = choice.get("text") or delta.pop("content", None)
        if text:
            pieces.append(Token(text))
        extra = {name: value for name, value in delta.items() if value}
        if extra:
            pieces.append(Delta(extra))
        if choice.get("finish_reason"):
            pieces.append(_FINISH_REASONS.get(choice["finish_reason"], "stop"))
    if chunk.get("usage"):
        pieces.append(TokenCounts(chunk["usage"]["prompt_tokens"], chunk["usage"]["completion_tokens"]))
    return pieces
