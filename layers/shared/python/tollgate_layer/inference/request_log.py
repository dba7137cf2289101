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
from tollgate_layer.inference.telemetry import KEEP_WARM, NAMESPACE, RELEASE, SHADOW

if TYPE_CHECKING:
    from tollgate_layer.inference.answer_reader import Outcome
    from tollgate_layer.inference.completion_spec import CompletionSpec
    from tollgate_layer.inference.failures.errors import ApiError

SERVICE = "inference"
"""The one service of all metrics, so that an alarm need not know which function counted."""
STACK_VARIABLE = "TOLLGATE_STACK"
"""The environment variable with the stack's name, which every metric has: an account may hold several stacks."""

_LONGEST_WARM_PING_S = 10.0
"""Seconds that the one token of a keep-warm request takes at most from a warm model. Bedrock may hold a request to a
cold model for a while, instead of refusing it."""

# A client's mistake speaks against no variant, nor does a service's outage (decision 98). A cold or throttled model
# passes by itself, and is counted apart. An internal error with an upstream name is the variant's failure, too.
FAILURE_METRICS = {
    "model_not_ready": "NotReady",
    "model_throttled": "Throttled",
    "model_error": "Failures",
    "model_misconfigured": "Failures",
    "model_rejected_request": "Failures",
    "timeout": "Failures",
}
"""By code of a failure that speaks of its variant, the metric by which it counts there."""
_UNITS = {"ModelTime": "Seconds"}
"""Units of metrics; every other one is a count."""
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
        # What is counted by model and variant; empty until it is known which variant was chosen.
        self._variant_metrics: dict[str, float] = {}
        self._variant: dict[str, str] = {}

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
        self._variant = {"model": spec.model, "variant": _dimension_value(spec.variant)}

    def completed(self, spec: CompletionSpec, outcome: Outcome, model_time_s: float | None = None) -> None:
        """Note a completion, and count its tokens by model, and its stop reasons that we do not know.

        `model_time_s` is how long the invocation took that brought the answer.
        """
        self._dimension = {"model": spec.model}
        usage = outcome.usage
        self.note(status=200, completion_length=outcome.completion_length, **usage._asdict())
        self.note(stop_reasons=outcome.stop_reasons, model_time_s=model_time_s)
        self._count("Requests")
        self._count("PromptTokens", usage.prompt_tokens)
        self._count("CompletionTokens", usage.completion_tokens)
        self._count("UnknownStopReasons", outcome.unknown_stop_reasons or None)
        self._variant_count("Requests")
        self._variant_count("CompletionTokens", usage.completion_tokens)
        self._variant_count("ModelTime", model_time_s)
        self._variant_count("EmptyAnswers", 1 if outcome.is_empty else None)
        self._variant_count("Truncated", 1 if outcome.is_truncated else None)

    def fell_back(self, model: str, variant: str, error: ApiError) -> None:
        """Note that another variant answers for one that failed, and count that at once: the rest is the other's."""
        self.note(fallback_from=variant, fallback_code=error.code)
        counted = {"Requests": 1.0}
        kind = _kind_of(error)
        if kind is not None:
            counted[kind] = 1.0
        by_variant = {"model": model, "variant": _dimension_value(variant)}
        _write_line(_embedded_metrics({"Fallbacks": 1.0}, {"model": model}, counted, by_variant))

    def hook_failed(self, hook: str, error_name: str, *, skipped: bool) -> None:
        """Note that a hook gave no usable answer. Its name for the error is told, never its message."""
        self.note(hook=hook, hook_error=error_name[:_LONGEST_NAME])
        if skipped:  # else the request fails, too, and is counted under its code
            self._count("HookSkipped")

    def shadowed(self, spec: CompletionSpec, facts: dict[str, Any]) -> None:
        """Note how a shadow's answer differs from the first one, and count it by its variant."""
        self.note(**facts)
        self._variant = {"model": spec.model, "variant": _dimension_value(spec.variant)}
        self._variant_count("Shadows")
        self._variant_count("ShadowsSame", 1 if facts["shadow_same"] else None)
        self._variant_count("ShadowSimilarity", facts["shadow_similarity"])

    def answered_by_hook(self, model: str, status: int) -> None:
        """Note that a hook answered in the model's place."""
        self._dimension = {"model": model}
        self.note(status=status, hook="before")
        self._count("Requests")

    def failed(self, error: ApiError) -> None:
        """Note a failure, and count it by its code."""
        upstream = error.upstream[:_LONGEST_NAME] if error.upstream else None
        self.note(status=error.kind.status, code=error.code, param=_known_field(error.param), upstream=upstream)
        self._dimension = {"code": error.code}
        self._count("Requests")
        self._count("Failures")
        if error.variant is not None:  # it failed before it was asked, and the model's name is known
            self._variant = {"model": self._facts["model"], "variant": _dimension_value(error.variant)}
            self.note(variant=error.variant)
        self._variant_count("Requests")
        kind = _kind_of(error)
        if kind is not None:
            self._variant_count(kind)

    def _count(self, metric: str, value: float | None = 1) -> None:
        """Set a metric; None is no value, and CloudWatch then has none, which is not the same as 0."""
        if value is not None:
            self._metrics[metric] = value

    def _variant_count(self, metric: str, value: float | None = 1) -> None:
        """Set a metric of the request's variant, as `_count` does."""
        if value is not None:
            self._variant_metrics[metric] = value

    def _count_only_a_ping(self) -> None:
        """Forget what was counted: nobody asked, so that it is no request, and its failure no client's.

        What is told instead is whether the model was found warm.
        """
        self._metrics, self._variant_metrics = {}, {}
        cold = 1 if self._found_the_model_cold() else None
        for count in (self._count, self._variant_count):
            count("KeepWarmPings")
            count("ColdPings", cold)

    def _count_only_a_shadow(self) -> None:
        """Forget what was counted of a request: no client asked. A shadow that failed has no comparison."""
        failed = "code" in self._facts
        self._metrics = {}
        self._count("Shadows")
        self._dimension = {"model": self._facts.get("model", "")}
        kept = {name: value for name, value in self._variant_metrics.items() if name.startswith("Shadow")}
        self._variant_metrics = kept
        if failed:
            self._variant_count("ShadowFailures")

    def _found_the_model_cold(self) -> bool:
        """Whether the model did not answer at once."""
        if self._facts.get("code") == "model_not_ready" or self._facts.get("attempts", 0) > 1:
            return True
        return bool(self._facts.get("model_time_s", 0) > _LONGEST_WARM_PING_S)

    def write(self) -> None:
        """Write the line, and the metrics if there are any."""
        failed_on_our_side = self._facts.get("status", 200) >= 500
        write = self._logger.error if failed_on_our_side else self._logger.info
        write("request", **self._facts)
        key_id = self._facts.get("key_id")
        if self._metrics and key_id != RELEASE:
            if key_id == KEEP_WARM:
                self._count_only_a_ping()
            if key_id == SHADOW:
                self._count_only_a_shadow()
            _write_line(_embedded_metrics(self._metrics, self._dimension, self._variant_metrics, self._variant))


def _kind_of(error: ApiError) -> str | None:
    """The metric by which a failure counts for its variant; None where it does not speak of it."""
    if error.code == "internal_error" and error.upstream:
        return "Failures"
    return FAILURE_METRICS.get(error.code)


def _write_line(line: str) -> None:
    sys.stdout.write(line + "\n")
    # Lambda may stop the process at the end of the answer, and the environment's last metrics with it.
    sys.stdout.flush()


def _embedded_metrics(
    metrics: dict[str, float], dimension: dict[str, str], variant_metrics: dict[str, float], variant: dict[str, str]
) -> str:
    """A line from which CloudWatch takes metrics: a stack's counts by service, and by the one dimension beside it.

    If there is a variant, further ones by model and variant together. Where one name is counted in both ways, it has
    one value.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    stack = os.environ.get(STACK_VARIABLE, "tollgate")
    dimensions = {"service": SERVICE, **dimension}
    # Each set of dimensions is a metric of its own: two sets of one name, not one set of two.
    directives = [_directive(metrics, [["stack", name] for name in dimensions])]
    if variant:
        directives.append(_directive(variant_metrics, [["stack", *variant]]))
    metadata = {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": directives}
    return to_json({"_aws": metadata, "stack": stack, **dimensions, **variant, **metrics, **variant_metrics})


def _dimension_value(name: str) -> str:
    """A variant's name as CloudWatch takes it, which would drop all metrics of the line over any other.

    A record's author may write anything; a dimension is ASCII without control characters, not blank, and does not begin
    with a colon. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
    """
    if name.isascii() and name.isprintable() and name[0] not in " :":
        return name
    escaped = name.encode("ascii", "backslashreplace").decode()
    return "_" + re.sub(r"[\x00-\x1f\x7f]", "_", escaped)


def _directive(metrics: dict[str, float], dimension_sets: list[list[str]]) -> dict[str, Any]:
    """Which of a line's numbers are metrics, and by which of its texts they are told apart."""
    named = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in metrics]
    return {"Namespace": NAMESPACE, "Dimensions": dimension_sets, "Metrics": named}


def _known_field(param: str | None) -> str | None:
    """The field that a refusal names, without its place in lists, as far as it is a field of requests.

    The rest of it is a name that a client made up, as in `metadata.patient_7`, and could say anything.
    """
    path = re.sub(r"\[\d+\]", "", (param or "")[:_LONGEST_NAME])
    known = request_fields()
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path or None
