"""One log line per function call, and metrics: lengths, counts and ids, never what anybody wrote.

Lines are Powertools' JSON, metrics CloudWatch's embedded metric format.
"""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from inference.body_formats import Usage
from inference.errors import ApiError
from inference.reader import FINISH_REASONS, CompletionReader
from inference.spec import CompletionSpec

NAMESPACE = "Tollgate"


class Call:
    """What one function call will say of itself: `note` facts, then `end` once."""

    def __init__(self, logger: Logger, **facts: Any) -> None:
        self._logger = logger
        self._facts = facts
        self._metrics: dict[str, float] = {}
        self._code: str | None = None

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
        self.note(status=error.kind.status, code=error.code, param=error.param, upstream=error.upstream)
        self._code = error.code
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
        if not self._metrics:
            return
        metrics = EphemeralMetrics(namespace=NAMESPACE)
        if self._code:
            metrics.add_dimension("code", self._code)
        elif "model" in self._facts:
            metrics.add_dimension("model", self._facts["model"])
        for name, value in self._metrics.items():
            metrics.add_metric(name, MetricUnit.Count, value)
        metrics.flush_metrics()
