"""The log line of a request in one function, and its metrics: lengths, counts and ids, never what anybody wrote.

Lines are Powertools' JSON, metrics CloudWatch's embedded metric format.
"""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from tollgate_layer.inference.json_text import to_json
from tollgate_layer.inference.schemas import request_fields

if TYPE_CHECKING:
    from tollgate_layer.inference.answer_reader import Outcome
    from tollgate_layer.inference.completion_spec import CompletionSpec
    from tollgate_layer.inference.failures.errors import ApiError

NAMESPACE = "Tollgate"
SERVICE = "inference"
"""The one service of all metrics, so that an alarm need not know which function counted."""
STACK_VARIABLE = "TOLLGATE_STACK"
"""The environment variable with the stack's name, which every metric has: an account may hold several stacks."""

_LONGEST_NAME = 200
"""Characters of a name from outside that are looked at."""


def function_logger() -> Logger:
    """The logger of a function; its service is the function's name, from the environment."""
    return Logger(location=None)


class RequestLog:
    """Gathers what one function has to say of one request, and writes it once.

    Example:
        log = RequestLog(logger, request_id="r-1", key_id="k-1")
        log.note(model="apexguru")
        log.failed(ApiError("model_error"))
        log.write()
    """

    def __init__(self, logger: Logger, **facts: Any) -> None:
        self._logger = logger
        self._facts = facts
        self._metrics: dict[str, float] = {}
        self._dimension: dict[str, str] = {}

    def note(self, **facts: Any) -> None:
        """Add facts to the line; those that are None are left out."""
        for name, value in facts.items():
            if value is not None:
                self._facts[name] = value

    def asked(self, spec: CompletionSpec) -> None:
        """Note what is asked of which model."""
        self.note(
            model=spec.model,
            variant=spec.variant,
            body_format=spec.body_format,
            stream=spec.stream,
            prompt_length=spec.prompt_length,
        )

    def completed(self, spec: CompletionSpec, outcome: Outcome) -> None:
        """Note a completion, and count its tokens by model, and its stop reasons that we do not know."""
        self._dimension = {"model": spec.model}
        usage = outcome.usage
        self.note(status=200, completion_length=outcome.completion_length, **usage._asdict())
        self.note(stop_reasons=outcome.stop_reasons)
        self._count("Requests")
        self._count("PromptTokens", usage.prompt_tokens)
        self._count("CompletionTokens", usage.completion_tokens)
        self._count("UnknownStopReasons", outcome.unknown_stop_reasons or None)

    def failed(self, error: ApiError) -> None:
        """Note a failure, and count it by its code."""
        upstream = error.upstream[:_LONGEST_NAME] if error.upstream else None
        self.note(status=error.kind.status, code=error.code, param=_known_field(error.param), upstream=upstream)
        self._dimension = {"code": error.code}
        self._count("Requests")
        self._count("Failures")

    def _count(self, metric: str, value: float | None = 1) -> None:
        """Set a metric; None is no value, and CloudWatch then has none, which is not the same as 0."""
        if value is not None:
            self._metrics[metric] = value

    def write(self) -> None:
        """Write the line, and the metrics if there are any."""
        failed_on_our_side = self._facts.get("status", 200) >= 500
        write = self._logger.error if failed_on_our_side else self._logger.info
        write("request", **self._facts)
        if self._metrics:
            sys.stdout.write(_embedded_metrics(self._metrics, self._dimension) + "\n")
            # Lambda may stop the process at the end of the answer, and the environment's last metrics with it.
            sys.stdout.flush()


def _embedded_metrics(metrics: dict[str, float], dimension: dict[str, str]) -> str:
    """A line from which CloudWatch takes metrics: a stack's counts by service, and by the one dimension beside it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    stack = os.environ.get(STACK_VARIABLE, "tollgate")
    dimensions = {"service": SERVICE, **dimension}
    directive = {
        "Namespace": NAMESPACE,
        # Each set of dimensions is a metric of its own: two sets of one name, not one set of two.
        "Dimensions": [["stack", name] for name in dimensions],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return to_json({"_aws": metadata, "stack": stack, **dimensions, **metrics})


def _known_field(param: str | None) -> str | None:
    """The field that a refusal names, without its place in lists, as far as it is a field of requests.

    The rest of it is a name that a client made up, as in `metadata.patient_7`, and could say anything.
    """
    path = re.sub(r"\[\d+\]", "", (param or "")[:_LONGEST_NAME])
    known = request_fields()
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path or None
