"""Models' answers that are not as they should be, and the two ways on which one becomes a client's response."""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import json
import random
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from streaming.aws.bedrock import BedrockModel
from tests.conftest import ROOT
from tests.stream.asgi import CHAT, COMPLETIONS, Received, request
from tests.stream.conftest import Log, record
from tests.stream.fakes import FakeRecords, application
from tests.stream.upstream import BytesService, http
from tollgate.emulators.bedrock import eventstream
from tollgate_layer.inference.pipeline.before_model import prepare, read
from tollgate_layer.inference.request import IncomingRequest

TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


class Kind(NamedTuple):
    """A body format behind a route: the record's variant, the request, and answers as they should be."""

    name: str
    variant: dict[str, Any]
    dialect: str
    request: dict[str, Any]
    whole: Any
    events: list[Any]


_USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
_CALL = {"id": "c1", "type": "function", "index": 0, "function": {"name": "f", "arguments": '{"a":1}'}}
_CHAT_LOGPROBS = {
    "content": [
        {"token": "Hi", "logprob": -0.5, "bytes": [72, 105],
         "top_logprobs": [{"token": "Hi", "logprob": -0.5, "bytes": None}]},
    ]
}  # fmt: skip
_TEXT_LOGPROBS = {
    "tokens": ["Hi"], "token_logprobs": [-0.5], "top_logprobs": [{"Hi": -0.5, "Ho": -1.5}], "text_offset": [0]
}  # fmt: skip
_METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 2}}
_ASKED = {"messages": [{"role": "user", "content": "Hello"}], "stop": ["END", "STOP"], "tools": [TOOL]}
_PLAIN = {"messages": [{"role": "user", "content": "Hello"}]}
_TEXT_EVENTS = [
    {"choices": [{"index": 0, "text": "Hi", "logprobs": _TEXT_LOGPROBS, "finish_reason": None}]},
    {"choices": [{"index": 0, "text": "", "finish_reason": "stop"}], "usage": None},
    {"choices": [], "usage": _USAGE},
]
_TEXT_WHOLE = {
    "choices": [{"index": 0, "text": "Hi", "logprobs": _TEXT_LOGPROBS, "finish_reason": "stop"}],
    "usage": _USAGE,
}

KINDS = [
    Kind(
        "openai_chat", {"body_format": "openai", "tool_calls": "hermes", "reasoning": True}, "chat.completions", _ASKED,
        {
            "choices": [
                {"index": 0, "finish_reason": "tool_calls", "logprobs": _CHAT_LOGPROBS,
                 "message": {"role": "assistant", "content": "Hi", "refusal": None, "reasoning_content": "hm",
                             "reasoning": "hm", "tool_calls": [_CALL, _CALL | {"id": "c2"}]}},
            ],
            "usage": _USAGE,
        },
        [
            {"choices": [{"index": 0, "delta": {"role": "assistant", "content": "", "reasoning": "hm"}}]},
            {"choices": [{"index": 0, "delta": {"content": "Hi"}, "logprobs": _CHAT_LOGPROBS, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {"tool_calls": [_CALL]}}]},
            {"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}}]},
            {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
            {"choices": [], "usage": _USAGE, **_METRICS},
        ],
    ),
    Kind(
        "openai_completion over chat", {"body_format": "openai", "chat_template": "qwen2.5"}, "chat.completions",
        _ASKED | {"logprobs": True, "top_logprobs": 2}, _TEXT_WHOLE, _TEXT_EVENTS,
    ),
    Kind(
        "openai_completion", {"body_format": "openai"}, "completions",
        {"prompt": "Hello", "logprobs": 2}, _TEXT_WHOLE, _TEXT_EVENTS,
    ),
    Kind(
        "bedrock", {"body_format": "bedrock", "chat_template": "llama3.1"}, "chat.completions", _ASKED,
        {"generation": "Hi", "prompt_token_count": 3, "generation_token_count": 2, "stop_reason": "stop"},
        [
            {"generation": "H", "prompt_token_count": 3, "generation_token_count": 1, "stop_reason": None},
            {"generation": "i", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": "stop"},
            _METRICS,
        ],
    ),
    Kind(
        "mistral", {"body_format": "mistral", "chat_template": "mistral-v3"}, "chat.completions", _PLAIN,
        {"outputs": [{"text": "Hi", "stop_reason": "stop"}], **_METRICS},
        [
            {"outputs": [{"text": "Hi", "stop_reason": None}]},
            {"outputs": [{"text": "", "stop_reason": "stop"}], **_METRICS},
        ],
    ),
]  # fmt: skip

_VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 7, 128, 10**30, -0.5, 1e308, float("inf"), float("-inf"), float("nan"), "", "0", "-1",
    "x", "stop", "length", "hi \ud83d", "\ude00", "<tool_call>{", "a\u2028b", "x" * 3000, [], [None], ["x"], [[]], [{}],
    {}, {"a": 1}, {"arguments": None}, [{"index": "x"}], [{"function": None}], [{"index": -1, "function": {}}],
    {"content": 5}, {"content": [{"token": None}]}, {"tokens": ["x"], "token_logprobs": ["x"]},
]  # fmt: skip
_NAMES = ["index", "logprobs", "tool_calls", "function", "reasoning", "refusal", "delta", "message", "text", "usage",
          "finish_reason", "stop_reason", "amazon-bedrock-invocationMetrics"]  # fmt: skip


def mutants(valid: Any, seed: int, number: int) -> Iterator[Any]:
    """The valid answer with one to three of its values replaced, removed, doubled or added to."""
    chance = random.Random(seed)
    for _ in range(number):
        holder = [copy.deepcopy(valid)]
        for _ in range(chance.choice([1, 1, 1, 2, 3])):
            _spoil(holder, chance)
        yield holder[0]


def _spoil(holder: list[Any], chance: random.Random) -> None:
    container, key = chance.choice([*_places(holder)])
    deed = chance.random()
    if isinstance(container, dict) and deed < 0.15:
        container[chance.choice(_NAMES)] = copy.deepcopy(chance.choice(_VALUES))
    elif deed < 0.25 and container is not holder:
        del container[key]
    elif deed < 0.35 and isinstance(container[key], list):
        container[key] *= 2
    elif deed < 0.4:
        container[key] = [container[key]]
    else:
        container[key] = copy.deepcopy(chance.choice(_VALUES))


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(node, dict | list):
        for key, inner in [*(node.items() if isinstance(node, dict) else enumerate(node))]:
            yield node, key
            yield from _places(inner)


def postprocess() -> Callable[[Any, Any], dict[str, Any]]:
    """The Postprocess function, loaded anew, so that it has a logger of this test's."""
    spec = importlib.util.spec_from_file_location(
        f"postprocess_{uuid.uuid4().hex}", ROOT / "functions/postprocess/app.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[Any, Any], dict[str, Any]] = module.lambda_handler
    return handler


class StepPath:
    """Postprocess, as an execution calls it."""

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self._capsys = capsys
        self._log = Log()
        # Loggers of one service share a handler: the function writes its lines where this log keeps them.
        monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", self._log.logger.service)
        self._handler = postprocess()

    def complete(self, kind: Kind, text: str, **changes: Any) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The response to a model's answer, given as the JSON text that its server wrote; its log line, its metrics."""
        body = json.dumps({"model": "m"} | kind.request | changes)
        incoming = read(IncomingRequest(kind.dialect, "r-1", body))
        spec = prepare(incoming, record(**kind.variant), 1.0).spec.to_json()
        event = {"request_id": "r-1", "key_id": "k", "dialect": kind.dialect, "spec": json.loads(json.dumps(spec))}
        self._capsys.readouterr()
        result = self._handler(event | {"attempts": 1, "answer": json.loads(text)}, None)
        # As the runtime of the function does with its result.
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
        (line,) = self._log.take()
        (metrics,) = self._capsys.readouterr().out.splitlines()
        return result, line, json.loads(metrics)


@pytest.fixture
def step_path(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> StepPath:
    return StepPath(capsys, monkeypatch)


def ask_stream_path(kind: Kind, answer: bytes, log: Log, **changes: Any) -> Received:
    """What a client of the streaming base URL gets, whose model's HTTP response is `answer`."""
    model = BedrockModel(BytesService([answer]))
    records = FakeRecords({"m": record(**kind.variant)})
    app = application(records, model, log.logger, timeout_s=10.0, comment_interval_s=5.0)
    path = CHAT if kind.dialect == "chat.completions" else COMPLETIONS
    return asyncio.run(request(app, path, {"model": "m"} | kind.request | changes))


def whole(text: str) -> bytes:
    """The HTTP response that is a whole answer, of this JSON text."""
    return http(text.encode())


def streamed(texts: Iterable[str]) -> bytes:
    """The HTTP response that is a stream of events, each of these JSON texts."""
    return http(b"".join(eventstream.chunk(text.encode()) for text in texts))
