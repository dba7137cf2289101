"""The parameters that reach the model: the client's, over the record's defaults, within its limits."""

from __future__ import annotations

from typing import Any

from tollgate_layer.inference.body_formats import BodyFormat
from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.record import ModelRecord

JsonObject = dict[str, Any]

# What is ours to act on, or only a label: no body format sees it.
_NOT_FOR_THE_MODEL = {
    "model",
    "messages",
    "variables",
    "prompt",
    "stream",
    "stream_options",
    "stop",
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
    "store",
    "echo",
    "best_of",
    "suffix",
    "max_completion_tokens",
}
# Values that ask for nothing, so that formats without the parameter take them too.
_NO_EFFECT: dict[str, tuple[Any, ...]] = {
    "n": (1,),
    "logprobs": (False,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
    "parallel_tool_calls": (True,),
    "response_format": ({"type": "text"},),
    "tools": ([],),
    "top_k": (-1, 0),
    "min_p": (0,),
    "repetition_penalty": (1,),
    "add_generation_prompt": (True,),
    "continue_final_message": (False,),
}


def parameters_of(document: JsonObject, record: ModelRecord) -> JsonObject:
    """What the model is asked for, by our names; `max_tokens` is always there.

    Raises:
        RequestError: more is asked for than the record allows.
    """
    parameters = {
        name: value
        for name, value in document.items()
        if name not in _NOT_FOR_THE_MODEL and not _asks_for_nothing(name, value)
    }
    asked = document.get("max_completion_tokens", document.get("max_tokens"))
    parameters["max_tokens"] = _max_tokens(asked, record)
    if parameters.get("tool_choice") is not None and "tools" not in parameters:
        del parameters["tool_choice"]
    for name in ("temperature", "top_p"):
        default = getattr(record.defaults, name)
        if default is not None:
            parameters.setdefault(name, default)
    return parameters


def _asks_for_nothing(name: str, value: Any) -> bool:
    """Whether a value is as good as none; 0 is not false, since `logprobs: 0` of a text completion asks for some."""
    return any(
        value == nothing and isinstance(value, bool) == isinstance(nothing, bool)
        for nothing in _NO_EFFECT.get(name, ())
    )


def _max_tokens(asked: int | None, record: ModelRecord) -> int:
    most = record.limits.max_tokens
    if asked is None:
        return min(record.defaults.max_tokens, most or record.defaults.max_tokens)
    if most is not None and asked > most:
        reason = f"max_tokens: at most {most} for this model"
        raise RequestError("invalid_parameter", f"{reason}.", param="max_tokens")
    return asked


def asks_max_tokens(document: JsonObject) -> bool:
    """Whether the client itself said how long the answer may be."""
    return "max_tokens" in document or "max_completion_tokens" in document


def stop_sequences(document: JsonObject) -> list[str]:
    """The request's stop sequences; an empty one stops nothing."""
    stop = document.get("stop", [])
    return [text for text in ([stop] if isinstance(stop, str) else stop) if text]


def with_stop(parameters: JsonObject, stop: list[str], body_format: BodyFormat) -> JsonObject:
    """Formats that take stop sequences get them, so that the model ends early; the answer is cut anyway."""
    if stop and "stop" in body_format.parameters:
        return {**parameters, "stop": stop}
    return parameters
