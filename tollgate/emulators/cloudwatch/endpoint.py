"""The API of CloudWatch on loopback, as far as figures are read: JSON 1.0, the action in X-Amz-Target."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from tollgate.emulators.cloudwatch.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from tollgate.emulators.cloudwatch.metrics import MetricStore

_TARGET = "GraniteServiceVersion20100801."
_JSON = "application/x-amz-json-1.0"


class CloudWatchApi:
    """GetMetricData without metric math, ListMetrics, PutMetricData, and DescribeAlarms, which finds none."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self._actions: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
            "DescribeAlarms": lambda _: {"MetricAlarms": [], "CompositeAlarms": []},
            "GetMetricData": self._get_metric_data,
            "ListMetrics": self._list_metrics,
            "PutMetricData": self._put_metric_data,
        }

    def app(self) -> Starlette:
        """The ASGI application."""
        return Starlette(routes=[Route("/", self._answer, methods=["POST"])])

    async def _answer(self, request: Request) -> Response:
        name = request.headers.get("x-amz-target", "").removeprefix(_TARGET)
        action = self._actions.get(name)
        if action is None:
            return _response(400, {"__type": "UnknownOperationException", "message": f"{name!r} is not implemented"})
        try:
            return _response(200, action(json.loads(await request.body() or b"{}")))
        except (ValueError, KeyError, TypeError) as error:
            return _response(400, {"__type": "InvalidParameterValueException", "message": str(error)})

    def _get_metric_data(self, parameters: dict[str, Any]) -> dict[str, Any]:
        results = []
        for query in parameters["MetricDataQueries"]:
            if "MetricStat" not in query:
                raise ValueError("the local CloudWatch has no metric math: give a MetricStat")
            stat = query["MetricStat"]
            found = self._store.statistics(
                _metric(stat["Metric"]), parameters["StartTime"], parameters["EndTime"], stat["Period"], stat["Stat"]
            )
            if parameters.get("ScanBy") != "TimestampAscending":
                found.reverse()
            results.append(
                {
                    "Id": query["Id"],
                    "Label": query.get("Label", stat["Metric"]["MetricName"]),
                    "Timestamps": [at for at, _ in found],
                    "Values": [value for _, value in found],
                    "StatusCode": "Complete",
                }
            )
        return {"MetricDataResults": results}

    def _list_metrics(self, parameters: dict[str, Any]) -> dict[str, Any]:
        listed = []
        for metric in self._store.metrics():
            dimensions = [{"Name": name, "Value": value} for name, value in sorted(metric.dimensions)]
            listed.append({"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions})
        return {"Metrics": listed}

    def _put_metric_data(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for datum in parameters["MetricData"]:
            dimensions = {one["Name"]: one["Value"] for one in datum.get("Dimensions", [])}
            for value in datum.get("Values") or [datum["Value"]]:
                self._store.add(parameters["Namespace"], datum["MetricName"], dimensions, float(value))
        return {}


def _metric(description: dict[str, Any]) -> Metric:
    dimensions = frozenset((one["Name"], one["Value"]) for one in description.get("Dimensions", []))
    return Metric(description["Namespace"], description["MetricName"], dimensions)


def _response(status: int, body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), status, {"x-amzn-requestid": str(uuid.uuid4())}, media_type=_JSON)
