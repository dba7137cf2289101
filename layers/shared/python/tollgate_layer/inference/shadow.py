"""Shadow requests: a share of a model's requests is asked once more, of another variant, and only numbers remain.

The request goes through the same path a second time, as an execution of its own that nobody waits for. It has the first
answer with it, so that Postprocess can say how the two differ. docs/decisions/0205
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from tollgate_layer.inference.json_text import JsonObject, parse_json
from tollgate_layer.inference.similarity import similarity_of

if TYPE_CHECKING:
    from tollgate_layer.inference.answer_reader import Outcome
    from tollgate_layer.inference.completion import Completion
    from tollgate_layer.inference.completion_spec import CompletionSpec
    from tollgate_layer.inference.record import ModelRecord
    from tollgate_layer.inference.request import Request


def shadow_of(record: ModelRecord, variant: str, request: Request) -> JsonObject | None:
    """What the spec of a request says of its shadow: {variant, bucket}; None for the requests that have none.

    A request that names its variant has none, so that keep-warm, releases and shadows themselves have none either.
    """
    shadow = record.shadow
    if shadow is None or request.variant is not None or shadow.variant == variant:
        return None
    # Another text than the one by which variants are chosen, so that the two choices are independent.
    if zlib.crc32(f"shadow/{request.id}".encode()) % 100 >= shadow.percent:
        return None
    return {"variant": shadow.variant, "bucket": shadow.bucket}


def first_answer(spec: CompletionSpec, completion: Completion, seconds: float | None) -> JsonObject:
    """What a shadow execution is given: which variant it asks, and what the first one has answered."""
    assert spec.shadow is not None
    return {**spec.shadow, "first": {"variant": spec.variant, **_told(completion, seconds)}}


def compared(shadow: JsonObject, completion: Completion, outcome: Outcome, seconds: float | None) -> JsonObject:
    """The facts of a log line: how the shadow's answer differs from the first, in numbers; never what was said."""
    first, second = shadow["first"], _told(completion, seconds)
    facts: JsonObject = {"shadow_of": first["variant"], "shadow_same": _essence(first) == _essence(second)}
    facts["shadow_similarity"] = round(similarity_of(first["text"], second["text"]), 4)
    for name in ("length", "completion_tokens", "seconds", "finish_reason", "calls"):
        facts[f"shadow_{name}"] = [first[name], second[name]]
    facts["shadow_json"] = [_is_json(first["text"]), _is_json(second["text"])]
    return facts


def texts(shadow: JsonObject, completion: Completion, request_id: str, model: str, variant: str) -> JsonObject:
    """The object that is kept where the record names a bucket for it: its key, and both texts."""
    document = {
        "request_id": request_id,
        "model": model,
        "first": {"variant": shadow["first"]["variant"], "text": shadow["first"]["text"]},
        "second": {"variant": variant, "text": _text(completion)},
    }
    return {"bucket": shadow["bucket"], "key": f"shadows/{model}/{request_id}.json", "body": document}


def _told(completion: Completion, seconds: float | None) -> JsonObject:
    text = _text(completion)
    choice = completion.choices[0]
    return {
        "text": text,
        "length": len(text),
        "completion_tokens": completion.usage.completion_tokens,
        "seconds": seconds,
        "finish_reason": choice.finish_reason,
        "calls": [call.name for call in choice.calls],
    }


def _text(completion: Completion) -> str:
    """The first choice's text: others differ by chance."""
    return completion.choices[0].content


def _essence(told: JsonObject) -> tuple[Any, ...]:
    return told["text"], told["finish_reason"], told["calls"]


def _is_json(text: str) -> bool:
    """Whether a text is a JSON object or list, as answers in a structure are."""
    try:
        return isinstance(parse_json(text), dict | list)
    except ValueError:
        return False
