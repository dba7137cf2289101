"""The parameters of a request that are for the model: which there are, and what one request asks with them."""

from __future__ import annotations

from typing import NamedTuple

from tollgate_layer.inference.failures.errors import RequestError
from tollgate_layer.inference.json_text import JsonObject
from tollgate_layer.inference.record import ModelRecord
from tollgate_layer.inference.request import Request
from tollgate_layer.inference.schemas import parameters as parameter_table

WITH_FIELDS = ("max_tokens", "stop")
"""Parameters that a `Request` has fields of its own for."""


def asked(document: JsonObject) -> JsonObject:
    """The parameters among a request's fields that ask the model for something.

    A value that asks for nothing, such as `n: 1`, is left out, so that also those models take it that do not know
    the parameter.
    """
    table = parameter_table()
    parameters = {}
    for name, value in document.items():
        if name in WITH_FIELDS or not table[name].reaches_the_model:
            continue
        if not table[name].asks_for_nothing(value):
            parameters[name] = value
    if "tools" not in parameters:  # a choice among no tools, and how many of none at once
        parameters.pop("tool_choice", None)
        parameters.pop("parallel_tool_calls", None)
    return parameters


class Settled(NamedTuple):
    """What is asked of the model, as `parameters`, and the request without what the record has us ignore."""

    request: Request
    parameters: JsonObject


def settle(request: Request, record: ModelRecord) -> Settled:
    """The request's parameters over the record's defaults; `max_tokens` is always there.

    Always, because a server of OpenAI's formats takes a body without it for another format.

    Raises:
        RequestError: the request asks for more tokens than the record allows.
    """
    request = _without_ignored(request, record)
    parameters = dict(request.parameters)
    parameters["max_tokens"] = _max_tokens(request.max_tokens, request.choices, record)
    if request.max_tokens is not None and parameters["max_tokens"] < request.max_tokens:
        request = request._replace(ignored=(*request.ignored, "max_tokens"))
    if record.defaults.temperature is not None:
        parameters.setdefault("temperature", record.defaults.temperature)
    if record.defaults.top_p is not None:
        parameters.setdefault("top_p", record.defaults.top_p)
    return Settled(request, parameters)


def _without_ignored(request: Request, record: ModelRecord) -> Request:
    """The request without the parameters that the record has us ignore, and with their names as ignored."""
    if not record.ignore_parameters:
        return request
    parameters = dict(request.parameters)
    ignored = list(request.ignored)
    for name in record.ignore_parameters:
        if name in parameters:
            del parameters[name]
            ignored.append(name)
    return request._replace(parameters=parameters, ignored=tuple(ignored))


def _max_tokens(wanted: int | None, choices: int, record: ModelRecord) -> int:
    """The most tokens of each choice. The record's limit bounds a request's cost: it is for all choices together."""
    most = record.limits.max_tokens
    if most is None:
        return record.defaults.max_tokens if wanted is None else wanted
    if wanted is not None and record.limits.max_tokens_policy == "cut":
        wanted = max(1, min(wanted, most // choices))
    if wanted is not None and wanted > most:
        raise RequestError("invalid_parameter", f"max_tokens: at most {most} for this model.", param="max_tokens")
    if choices * (wanted or 1) > most:
        reason = f"at most {most} tokens for this model, in all choices together"
        raise RequestError("invalid_parameter", f"n: {reason}.", param="n")
    if wanted is None:
        return min(record.defaults.max_tokens, most // choices)
    return wanted
