"""Write the data that docs/tour.md shows, out of a request that really runs: python -m scripts.write_tour

The states' inputs and outputs are what the local runner saw. What the functions hold in between is made by calling the
same functions of the layer with the same input; that they come to the run's own response is checked.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx

from scripts.write_docs import replace_block
from tollgate.dev import Local
from tollgate.emulators.api_gateway.mapping_templates import MappingTemplate, Parameters
from tollgate_layer.inference.answer_reader import AnswerReader
from tollgate_layer.inference.backends.bedrock import FORMATS
from tollgate_layer.inference.completion import add_up
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.parameters import settle
from tollgate_layer.inference.pipeline.after_model import complete
from tollgate_layer.inference.pipeline.before_model import converse, prepare, read
from tollgate_layer.inference.record import parse_record
from tollgate_layer.inference.request import IncomingRequest

ROOT = Path(__file__).parent.parent
TOUR = ROOT / "docs" / "tour.md"
REQUEST = ROOT / "events" / "requests" / "chat-apex-loop.json"

# The rule of the page for what differs from run to run: a word instead of an id, New Year's Day instead of a time.
VOLATILE = (
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "REQUEST-ID"),
    (r"tollgate(-\d+)?-ApiKey", "KEY-ID"),
    (r"(imported-model/|123456789012-)[0-9a-z]{12}\b", r"\1MODEL-ID"),
    (r"(stateMachine:)[\w-]+", r"\1MACHINE"),
    (r"(chatcmpl-|cmpl-)[0-9a-f]{32}", r"\1ANSWER-ID"),
    (r"\b1[789]\d{8}\b", "1767225600"),
)
LONGEST_TEXT = 72
WIDTH = 112


def blocks(local: Local) -> dict[str, str]:
    """The content of each block of the page, by its name."""
    body = REQUEST.read_text().strip()
    response = _send(local, "/v1/chat/completions", body)
    execution = local.executions[-1]
    received = execution.input
    resolved = execution.state("ResolveModel").output
    answer = execution.state("InvokeModel").output["answer"]
    created = json.loads(response.text)["created"]

    request = read(IncomingRequest(received["dialect"], received["request_id"], received["body"]))
    record = parse_record(resolved["record"])
    variant = record.choose_variant(request.user or request.id)
    conversation = converse(*settle(request, record), record, variant, created)
    invocation, spec, _ = prepare(request, resolved["record"], created)

    parts = FORMATS[spec.body_format].read(answer, whole=True)
    reader = AnswerReader(spec)
    deltas = [*reader.feed(parts), *reader.finish()]
    postprocessed = execution.state("Postprocess").output
    _must_be_equal(complete(spec, answer).response._asdict(), postprocessed)

    return {
        "request": _fenced("json", without_volatile(body)),
        "start-execution": _fenced("json", without_volatile(_start_execution(local, execution.input))),
        "states": _fenced("text", " → ".join(execution.path())),
        "record": as_json(json.loads(resolved["record"])),
        "preprocess-event": as_json(resolved),
        "read-request": as_python(request),
        "conversation": as_python(conversation),
        "invocation": as_json({"invocation": invocation.to_json(), "spec": spec.to_json()}),
        "refusal": _refusal(local, json.loads(body)),
        "answer": as_json(answer),
        "parts": as_python(parts),
        "deltas": as_python(deltas),
        "completion": as_python(add_up(deltas, reader.usage)),
        "postprocess-result": as_json(postprocessed),
        "response": as_json(json.loads(response.text), longest_text=None),
        "stream": _stream(local, json.loads(body), spec),
    }


def _start_execution(local: Local, received: dict[str, Any]) -> str:
    """What API Gateway sends to Step Functions: its mapping template's text for this request."""
    (api,) = local.stack.resources("AWS::ApiGateway::RestApi").values()
    operation = api.properties["Body"]["paths"]["/v1/chat/completions"]["post"]
    source = operation["x-amazon-apigateway-integration"]["requestTemplates"]["application/json"]
    context = {"requestId": received["request_id"], "identity": {"apiKeyId": received["key_id"]}}
    text = MappingTemplate(source, "docs/tour.md").render(received["body"], Parameters(), context).text
    _must_be_equal(json.loads(json.loads(text)["input"]), received)
    return text.strip()


def _refusal(local: Local, body: dict[str, Any]) -> str:
    """What Preprocess returns where the client is wrong."""
    _send(local, "/v1/chat/completions", json.dumps({**body, "temperature": 9}), status=400)
    execution = local.executions[-1]
    _must_be_equal(execution.path()[-2:], ["HasInvocation", "Refused"])
    return as_json(execution.state("Preprocess").output, longest_text=200)


def _stream(local: Local, body: dict[str, Any], spec: CompletionSpec) -> str:
    """The first and last events of the same answer as it streams; each `data:` line is one chunk."""
    response = _send(local, "/stream/v1/chat/completions", json.dumps({**body, "stream": True}))
    events = response.text.strip().split("\n\n")
    _must_be_equal(json.loads(events[0].removeprefix("data: "))["system_fingerprint"], spec.system_fingerprint)
    text = "\n\n".join([*events[:3], "…", *events[-2:]])
    return _fenced("text", without_volatile(text))


def _send(local: Local, path: str, body: str, status: int = 200) -> httpx.Response:
    headers = {"Authorization": f"Bearer {local.key}", "Content-Type": "application/json"}
    response = httpx.post(local.url + path, content=body, headers=headers, timeout=30)
    _must_be_equal(response.status_code, status)
    return response


def _must_be_equal(one: Any, other: Any) -> None:
    """Raises ValueError: the page would show something else than what ran."""
    if one != other:
        raise ValueError(f"{one!r} is not {other!r}")


def without_volatile(text: str) -> str:
    """The text with ids and times of this run replaced, by the rule of the page."""
    for pattern, word in VOLATILE:
        text = re.sub(pattern, word, text)
    return text


def as_json(value: Any, longest_text: int | None = LONGEST_TEXT) -> str:
    """A JSON value, laid out and abridged."""
    return _fenced("json", "\n".join(_lines(value, lambda leaf: json.dumps(leaf, ensure_ascii=False), longest_text)))


def as_python(value: Any) -> str:
    """A value of the layer's types, laid out and abridged; fields that have their default are left out."""
    # Not fenced as Python: ruff would format it anew, and these are values, not code.
    return _fenced("text", "\n".join(_lines(value, repr, LONGEST_TEXT)))


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def _lines(value: Any, write: Callable[[Any], str], longest_text: int | None) -> list[str]:
    """A value on as few lines as fit the page."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        defaults: dict[str, Any] = getattr(value, "_field_defaults")  # noqa: B009 - mypy sees a plain tuple
        fields = []
        for name, each in zip(value._fields, value, strict=True):
            if name not in defaults or each != defaults[name]:
                fields.append((f"{name}=", each))
        return _bracketed(type(value).__name__ + "(", fields, ")", write, longest_text)
    if isinstance(value, dict):
        return _bracketed("{", [(f"{write(name)}: ", each) for name, each in value.items()], "}", write, longest_text)
    if isinstance(value, list):
        return _bracketed("[", [("", each) for each in value], "]", write, longest_text)
    if isinstance(value, str):
        value = without_volatile(value)
        if longest_text is not None and len(value) > longest_text:
            value = value[:longest_text] + "…"
    elif isinstance(value, int):
        return [without_volatile(write(value))]
    return [write(value)]


def _bracketed(
    opening: str,
    items: Iterable[tuple[str, Any]],
    closing: str,
    write: Callable[[Any], str],
    longest_text: int | None,
) -> list[str]:
    written = []
    for label, value in items:
        first, *rest = _lines(value, write, longest_text)
        written.append([label + first, *rest])
    if all(len(lines) == 1 for lines in written):
        line = opening + ", ".join(lines[0] for lines in written) + closing
        if len(line) <= WIDTH:
            return [line]
    lines = [opening]
    for each in written:
        lines += [f"  {line}" for line in each]
        lines[-1] += ","
    if closing in "}]":
        lines[-1] = lines[-1].removesuffix(",")
    return [*lines, closing]


def rewritten(text: str, contents: dict[str, str]) -> str:
    """The page with the content of every block made anew.

    Raises:
        ValueError: the page lacks a block.
    """
    for name, content in contents.items():
        text = replace_block(text, name, content)
    return text


def main() -> None:
    with Local.start(template=ROOT / "template.yaml", models=ROOT / "models" / "local.json") as local:
        TOUR.write_text(rewritten(TOUR.read_text(), blocks(local)))


if __name__ == "__main__":
    main()
