"""Record what the hand-written validators of requests and records accepted and refused, as golden outcomes.

The validators that `make api` generates took the place of hand-written ones, which commit 5f8996b has, and must decide
in the same way. This script asks the old ones, from a checkout of that commit, about a few thousand documents:

    git worktree add build/before 5f8996b
    .venv/bin/python scripts/record_checks.py build/before

writes tests/api/golden/<name>.json: one line `[document, outcome]` per document. An outcome is null where the document
was accepted, and else a list of `[location, message]`: the first error of a request, every error of a record.
"""

from __future__ import annotations

import copy
import importlib
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent.parent / "tests" / "api" / "golden"

VALUES = [
    None, True, False, 0, 1, -1, 2, 21, 129, 1_000_001, 2**63, 0.5, -2.5, 1.0,
    "", "x", "auto", "text", "json_object", "none", [], ["x"], ["", "x"], ["x"] * 17, [1], {}, {"a": "b"}, {"a": 1},
    {"type": "text"}, {"include_usage": True}, {"include_usage": 1}, {"type": "function", "function": {"name": "f"}},
]  # fmt: skip
SHARED = [
    "model", "max_tokens", "temperature", "top_p", "n", "stop", "stream", "stream_options", "seed", "frequency_penalty",
    "presence_penalty", "logit_bias", "response_format", "user", "top_k", "min_p", "repetition_penalty",
    "structured_outputs", "metadata", "safety_identifier", "prompt_cache_key", "service_tier", "store", "logprobs",
    "unknown",
]  # fmt: skip
CHAT = [
    "messages", "variables", "max_completion_tokens", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls",
    "reasoning_effort", "chat_template_kwargs", "documents", "add_generation_prompt", "continue_final_message",
]  # fmt: skip
COMPLETION = ["prompt", "echo", "best_of", "suffix"]
RECORD = ["model", "variants", "defaults", "limits", "prompt", "unknown"]

CHAT_REQUEST = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "name": "u", "content": [{"type": "text", "text": "hello"},
                                                  {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}]},
        {"role": "assistant", "content": None, "refusal": None, "annotations": [], "audio": None,
         "tool_calls": [{"id": "1", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "1", "content": "ok"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "stop": ["a", "b"],
    "stream_options": {"include_usage": True, "include_obfuscation": False},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "logit_bias": {"1": 0.5, "2": -1},
    "metadata": {"a": "b"},
    "documents": [{"text": "t"}],
}  # fmt: skip
COMPLETION_REQUEST = {"model": "m", "prompt": "p", "stop": "x", "logprobs": 0, "echo": False, "best_of": 1}
MODEL_RECORD = {
    "model": "apexguru",
    "variants": [
        {"name": "a", "weight": 90, "backend": "bedrock", "model_id": "arn", "body_format": "openai"},
        {"name": "b", "weight": 10, "model_id": "arn", "body_format": "mistral", "chat_template": "qwen3",
         "special_tokens": {"eos_token": "e"}, "template_variables": {"a": [1]}, "server_adds_bos": True,
         "allow_special_tokens": False, "tool_calls": "hermes", "reasoning": False, "max_model_length": 1,
         "tokenizer": "t"},
    ],
    "defaults": {"max_tokens": 1024, "temperature": 0.2, "top_p": 1, "system": "s"},
    "limits": {"max_tokens": 4096},
    "prompt": {"system": "s", "user": "u"},
}  # fmt: skip
LEAST_RECORD = {"model": "m", "variants": [{"name": "a", "model_id": "arn", "body_format": "openai"}]}


def documents(whole: dict[str, Any], least: dict[str, Any], fields: list[str], seed: int) -> Iterator[Any]:
    """Valid documents; the least one with each value for each field; documents with faults anywhere in them."""
    yield from (whole, least, {}, [], "text", None, 1)
    for name in fields:
        for value in VALUES:
            yield {**least, name: value}
    required = {name: whole[name] for name in ("model", "prompt", "messages", "variants") if name in whole}
    chance = random.Random(seed)
    for number in range(250):
        document = copy.deepcopy({**required, **dict(chance.sample(sorted(whole.items()), 2))})
        for _ in range(1 + number % 3):
            spoil(document, chance)
        yield document


def spoil(document: dict[str, Any], chance: random.Random) -> None:
    """Replace, remove or add something at one place of a document."""
    container: Any = chance.choice(list(containers(document)))
    keys = list(range(len(container))) if isinstance(container, list) else list(container)
    key = chance.choice(keys) if keys else None
    deed = chance.random()
    value = copy.deepcopy(chance.choice(VALUES))
    if isinstance(container, dict) and (deed < 0.15 or key is None):
        container[chance.choice(["unknown", "type", "name"])] = value
    elif key is None or (deed < 0.2 and isinstance(container, list)):
        container.append(value)
    elif deed < 0.35:
        del container[key]
    else:
        container[key] = value


def containers(node: Any) -> Iterator[Any]:
    """Every list and object in a document."""
    if isinstance(node, dict | list):
        yield node
        for inner in node.values() if isinstance(node, dict) else node:
            yield from containers(inner)


def outcome(check: Callable[[], object], location: Callable[[Any], str], most: int | None) -> Any:
    """What a check says: null, or its first errors."""
    from pydantic_core import ValidationError

    try:
        check()
    except ValidationError as error:
        return [[location(item["loc"]), item["msg"]] for item in error.errors()[:most]]
    return None


def main() -> None:
    sys.path.insert(0, str(Path(sys.argv[1]) / "layers/shared/python"))
    request, record, shapes = (importlib.import_module(f"inference.{name}") for name in ("request", "record", "shapes"))
    sources = [
        ("chat_completions", CHAT_REQUEST, {"model": "m"}, [*SHARED, *CHAT],
         lambda document: request._validator("chat.completions").validate_python(document), 1),
        ("completions", COMPLETION_REQUEST, {"model": "m", "prompt": "p"}, [*SHARED, *COMPLETION],
         lambda document: request._validator("completions").validate_python(document), 1),
        ("model_record", MODEL_RECORD, LEAST_RECORD, RECORD,
         lambda document: record.check_record(json.dumps(document)), None),
    ]  # fmt: skip
    GOLDEN.mkdir(exist_ok=True)
    for seed, (name, whole, least, fields, check, most) in enumerate(sources):
        lines = set()
        for document in documents(whole, least, fields, seed):
            result = outcome(lambda: check(document), shapes.location, most)  # noqa: B023 -- called at once
            lines.add(json.dumps([document, result], separators=(",", ":")))
        (GOLDEN / f"{name}.json").write_text("[\n" + ",\n".join(sorted(lines)) + "\n]\n")
        print(f"{name}: {len(lines)} documents")


if __name__ == "__main__":
    main()
