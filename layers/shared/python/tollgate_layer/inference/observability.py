"""One log line per function call, and metrics: lengths, counts and ids, never what anybody wrote.

Lines are Powertools' JSON, metrics CloudWatch's embedded metric format.
"""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from aws_lambda_powertools import Logger

from tollgate_layer.inference.body_formats import Usage
from tollgate_layer.inference.failures.errors import ApiError, to_json
from tollgate_layer.inference.reader import FINISH_REASONS, CompletionReader
from tollgate_layer.inference.spec import CompletionSpec

NAMESPACE = "Tollgate"
SERVICE = "inference"
"""The one service of all metrics, so that an alarm need not know which function counted."""

_PARAM = re.compile(r"[a-z_.]{1,64}")


def function_logger() -> Logger:
    """The logger of a function; its service is the function's name, from the environment."""
    return Logger(location=None)


class Call:
    """What one function call will say of itself: `note` facts, then `end` once."""

    def __init__(self, logger: Logger, **facts: Any) -> None:
        self._logger = logger
        self._facts = facts
        self._metrics: dict[str, float] = {}
        self._dimension: dict[str, str] = {}

    def note(self, **facts: Any) -> None:
        """Add to the line; None is left out."""
        self._facts |= {name: value for name, value in facts.items() if value is not None}

    def spec(self, spec: CompletionSpec) -> None:
        """Note what is asked of which model."""
        self.note(
            model=spec.model,
            variant=spec.variant,
            body_format=spec.body_format,
            stream=spec.stream,
            prompt_length=spec.prompt_length,
        )

    def completion(self, reader: CompletionReader) -> None:
        """Note a completion, and count its tokens and any stop reason that we do not know."""
        self._dimension = {"model": self._facts["model"]}
        usage: Usage = reader.usage
        self.note(status=200, completion_length=reader.completion_length, **usage._asdict())
        self.note(stop_reasons=reader.stop_reasons)
        unknown = sum(reason not in FINISH_REASONS for reason in reader.stop_reasons)
        self.count("Requests")
        self.count("PromptTokens", usage.prompt_tokens)
        self.count("CompletionTokens", usage.completion_tokens)
        self.count("UnknownStopReasons", unknown or None)

    def failure(self, error: ApiError) -> None:
        """Note a failure, and count it by its code."""
        self.note(status=error.kind.status, code=error.code, param=_field(error.param), upstream=error.upstream)
        self._dimension = {"code": error.code}
        self.count("Requests")
        self.count("Failures")

    def count(self, metric: str, value: float | None = 1) -> None:
        """Add to a metric; None is no value."""
        if value is not None:
            self._metrics[metric] = value

    def end(self) -> None:
        """Write the line, and the metrics if there are any."""
        write = self._logger.error if self._facts.get("status", 200) >= 500 else self._logger.info
        write("request", **self._facts)
        if self._metrics:
            sys.stdout.write(_embedded_metrics(self._metrics, self._dimension) + "\n")


def _embedded_metrics(metrics: dict[str, float], dimension: dict[str, str]) -> str:
    """A line from which CloudWatch takes metrics: counts by service, and by the one dimension beside it.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    dimensions = {"service": SERVICE, **dimension}
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[name] for name in dimensions],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
    }
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}
    return to_json({"_aws": metadata, **dimensions, **metrics})


def _field(param: str | None) -> str | None:
    """The field that a refusal names, without its place in lists; a name that a client made up is not logged."""
    plain = re.sub(r"\[\d+\]", "", param or "")
    return plain if _PARAM.fullmatch(plain) else None
