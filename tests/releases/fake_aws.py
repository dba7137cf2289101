"""A small AWS for releases: S3, Bedrock's imports, the inference machine, figures and schedules, on a virtual clock.

Every call goes through `Aws.called`, which can be told to break off after a certain one, as a process that dies does.
"""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from tests.artifacts.model_files import model
from tollgate_release.services import Services

BUCKET = "artifacts"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:stack-release"
INFERENCE = "arn:aws:states:us-east-1:123456789012:stateMachine:inference"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:stack-release:r-1"
CALLER = "arn:aws:sts::123456789012:assumed-role/stack-ReleaseFunctionRole/stack-ReleaseFunction"
IMPORTED = "arn:aws:bedrock:us-east-1:123456789012:imported-model/"


class DiedError(BaseException):
    """The process ended, as if it was killed: nothing catches it."""


def refusal(code, operation, message="no"):
    return ClientError({"Error": {"Code": code, "Message": message}}, operation)


class Aws:
    """What the account holds, and how its models and clients behave; tests change the fields."""

    def __init__(self, dynamodb, models, releases):
        self.now = 1_795_000_000.0
        self.calls = 0
        self.dies_after: int | None = None
        self.deny: dict[str, str] = {}
        self.objects: dict[str, bytes] = {}
        self.imported: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.others_import = 0
        self.import_seconds = 360.0
        self.import_failure: str | None = None
        self.quota = 3
        self.cold_asks = 2
        self.broken: set[str] = set()
        self.requests_per_second = 5.0
        self.failing: dict[str, float] = {}
        self.schedules: list[dict[str, Any]] = []
        self.executions: dict[str, str] = {EXECUTION: "RUNNING"}
        self.pings: list[str] = []
        self.package: dict[str, Any] = {}
        self.answer = "Finding: none"
        self.silent = False
        self.canary_began: float | None = None
        self._dynamodb = dynamodb
        self.models, self.releases = models, releases

    def put_artifacts(self, prefix="apexguru/v2/", **changes):
        for name, data in model(**changes).files.items():
            self.objects[f"{prefix}{name}"] = data

    def services(self, who=EXECUTION):
        clients = {
            "dynamodb": _Counted(self, self._dynamodb),
            "s3": _Counted(self, _S3(self)),
            "bedrock": _Counted(self, _Bedrock(self)),
            "stepfunctions": _Counted(self, _StepFunctions(self)),
            "cloudwatch": _Counted(self, _CloudWatch(self)),
            "scheduler": _Counted(self, _Scheduler(self)),
            "sagemaker": _Counted(self, _SageMaker(self)),
            "sts": SimpleNamespace(get_caller_identity=lambda: {"Arn": CALLER}),
        }
        return Services(
            client=clients.__getitem__,
            stack="stack",
            model_table=self.models._name,
            release_table=self.releases._name,
            inference_machine=INFERENCE,
            release_machine=MACHINE,
            import_role="arn:aws:iam::123456789012:role/import",
            schedule_group="stack",
            scheduler_role="arn:aws:iam::123456789012:role/scheduler",
            who=who,
        )

    def called(self, operation):
        self.calls += 1
        if operation in self.deny:
            raise refusal(self.deny[operation], operation)


class _Counted:
    """A client whose calls are counted, and may be the last thing that a process does."""

    def __init__(self, aws, client):
        self._aws, self._client = aws, client

    def __getattr__(self, name):
        found = getattr(self._client, name)
        if name == "exceptions" or not callable(found):
            return found
        if name == "get_paginator":
            return lambda operation: _CountedPages(self._aws, found(operation))

        def call(**arguments):
            self._aws.called(name)
            answer = found(**arguments)
            if self._aws.dies_after == self._aws.calls:
                raise DiedError
            return answer

        return call


class _CountedPages:
    def __init__(self, aws, paginator):
        self._aws, self._paginator = aws, paginator

    def paginate(self, **arguments):
        self._aws.called("paginate")
        return self._paginator.paginate(**arguments)


class _S3:
    def __init__(self, aws):
        self._aws = aws

    def get_paginator(self, operation):
        def paginate(Bucket, Prefix):  # noqa: N803
            if Bucket != BUCKET:
                raise refusal("AccessDenied", "ListObjectsV2")
            contents = [
                {"Key": key, "Size": len(data), "ETag": f'"{hash(data)}"'}
                for key, data in sorted(self._aws.objects.items())
                if key.startswith(Prefix)
            ]
            return [{"Contents": contents}]

        return SimpleNamespace(paginate=paginate)

    def get_object(self, Bucket, Key, Range="bytes=0-"):  # noqa: N803
        first, _, last = Range.removeprefix("bytes=").partition("-")
        data = self._aws.objects[Key][int(first) : int(last) + 1 if last else None]
        return {"Body": io.BytesIO(data)}


class _Bedrock:
    def __init__(self, aws):
        self._aws = aws

    def _advance(self):
        aws = self._aws
        for name, job in aws.jobs.items():
            if job["status"] == "InProgress" and aws.now - job["at"] >= aws.import_seconds:
                if aws.import_failure:
                    job |= {"status": "Failed", "failureMessage": aws.import_failure}
                    continue
                job["status"] = "Completed"
                arn = IMPORTED + f"{len(aws.imported):012d}"
                aws.imported[job["model"]] = {"modelArn": arn, "modelName": job["model"], "tags": job["tags"]}
                job["arn"] = arn
                del name

    def create_model_import_job(self, **request):
        self._advance()
        aws = self._aws
        if request["jobName"] in aws.jobs:
            raise refusal("ConflictException", "CreateModelImportJob")
        busy = aws.others_import > 0 or any(job["status"] == "InProgress" for job in aws.jobs.values())
        if busy or len(aws.imported) >= aws.quota:
            aws.others_import = max(0, aws.others_import - 1)
            aws.job_of_others = busy
            raise refusal("ServiceQuotaExceededException", "CreateModelImportJob", "quota")
        tags = {tag["key"]: tag["value"] for tag in request["importedModelTags"]}
        aws.jobs[request["jobName"]] = {"status": "InProgress", "at": aws.now, "tags": tags,
                                        "model": request["importedModelName"]}  # fmt: skip

    def get_model_import_job(self, jobIdentifier):  # noqa: N803
        self._advance()
        if jobIdentifier not in self._aws.jobs:
            raise refusal("ResourceNotFoundException", "GetModelImportJob")
        return dict(self._aws.jobs[jobIdentifier])

    def list_model_import_jobs(self, **_):
        busy = getattr(self._aws, "job_of_others", False)
        return {"modelImportJobSummaries": [{"jobName": "theirs"}] if busy else []}

    def get_imported_model(self, modelIdentifier):  # noqa: N803
        self._advance()
        for found in self._aws.imported.values():
            if modelIdentifier in (found["modelName"], found["modelArn"]):
                return {**found, "customModelUnits": {"customModelUnitsPerModelCopy": 1}}
        raise refusal("ResourceNotFoundException", "GetImportedModel")

    def list_imported_models(self, **_):
        return {"modelSummaries": list(self._aws.imported.values())}

    def list_tags_for_resource(self, resourceARN):  # noqa: N803
        for found in self._aws.imported.values():
            if found["modelArn"] == resourceARN:
                return {"tags": [{"key": key, "value": value} for key, value in found["tags"].items()]}
        raise refusal("ResourceNotFoundException", "ListTagsForResource")

    def delete_imported_model(self, modelIdentifier):  # noqa: N803
        aws = self._aws
        aws.imported = {name: one for name, one in aws.imported.items() if one["modelArn"] != modelIdentifier}


class _StepFunctions:
    def __init__(self, aws):
        self._aws = aws

    def describe_execution(self, executionArn):  # noqa: N803
        if executionArn not in self._aws.executions:
            raise refusal("ExecutionDoesNotExist", "DescribeExecution")
        return {"status": self._aws.executions[executionArn]}

    def start_execution(self, stateMachineArn, input):  # noqa: N803, A002
        self._aws.pings.append(json.loads(json.loads(input)["body"])["model"])

    def start_sync_execution(self, stateMachineArn, input):  # noqa: N803, A002
        aws = self._aws
        request = json.loads(input)
        variant = json.loads(request["body"])["model"].partition("@")[2]
        status, body = 200, {"choices": [{"message": {"content": aws.answer}}], "usage": {"completion_tokens": 3}}
        if aws.cold_asks > 0 and request["key_id"] == "keep-warm":
            aws.cold_asks -= 1
            status, body = 503, {"error": {"code": "model_not_ready"}}
        elif variant in aws.broken:
            status, body = 502, {"error": {"code": "model_error"}}
        at = datetime.fromtimestamp(aws.now, UTC)
        output = {"status": status, "body": json.dumps(body)}
        return {"status": "SUCCEEDED", "output": json.dumps(output), "startDate": at, "stopDate": at}


class _CloudWatch:
    """Requests come evenly, by the weights that the record has now; a share of each variant's may fail."""

    def __init__(self, aws):
        self._aws = aws

    def describe_alarms(self, **_):
        return {"MetricAlarms": [{"AlarmName": "errors"}]}

    def get_metric_data(self, MetricDataQueries, StartTime, EndTime, **_):  # noqa: N803
        aws = self._aws
        if aws.silent:
            raise refusal("InternalServiceFault", "GetMetricData")
        seconds = (EndTime - StartTime).total_seconds()
        results = []
        for query in MetricDataQueries:
            stat = query["MetricStat"]
            dimensions = {one["Name"]: one["Value"] for one in stat["Metric"]["Dimensions"]}
            record = aws.models.get(dimensions["model"]).record
            weight = {one["name"]: one["weight"] for one in record["variants"]}.get(dimensions["variant"], 0)
            requests = int(aws.requests_per_second * seconds * weight / 100)
            name, value = stat["Metric"]["MetricName"], 0.0
            if name == "Requests":
                value = requests
            elif name == "Failures":
                value = int(requests * aws.failing.get(dimensions["variant"], 0))
            elif name == "ModelTime":
                value = requests if stat["Stat"] == "SampleCount" else 1.0
            results.append({"Id": query["Id"], "Values": [value] if value else []})
        return {"MetricDataResults": results}


class _Scheduler:
    class exceptions:  # noqa: N801
        class ConflictException(Exception):  # noqa: N818
            pass

    def __init__(self, aws):
        self._aws = aws

    def get_paginator(self, operation):
        return SimpleNamespace(paginate=lambda **_: [{"Schedules": []}])

    def create_schedule(self, **schedule):
        if any(one["Name"] == schedule["Name"] for one in self._aws.schedules):
            raise self.exceptions.ConflictException
        self._aws.schedules.append(schedule)


class _SageMaker:
    def __init__(self, aws):
        self._aws = aws

    def describe_model_package(self, ModelPackageName):  # noqa: N803
        return self._aws.package
