"""Begin: whoever starts a release, it becomes the same item: a command, a release.json, an approved model package."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tollgate_release.bucket_policy import bucket_policy
from tollgate_release.exit_codes import ExitCode
from tollgate_release.names import digest, parse_s3_uri, variant_name
from tollgate_release.options import read_options
from tollgate_release.problems import Problem, RecordBeingReleased, aws_problem, is_denied
from tollgate_release.release import Release

if TYPE_CHECKING:
    from tollgate_release.services import Services

_OWN_FIELDS = ("model", "source", "variant", "started_by", "again", "execution_arn")


def begin(message: dict[str, Any], now: float, services: Services) -> dict[str, Any]:
    """Make a release out of a request or an event, and answer as `run` does."""
    if message.get("source") == "aws.states":
        detail = message.get("detail", {})
        started = json.loads(detail.get("input") or "{}")
        return {"next": "clean_up", "wait_seconds": 0, **_of_ended_execution(started, detail)}
    try:
        request = {"execution_arn": message.get("execution_arn", ""), **_request(message, services)}
        return _claim(request, now, services)
    except Problem as problem:
        return _refused(message, problem)
    except ClientError as error:
        return _refused(message, aws_problem(error))


def _request(message: dict[str, Any], services: Services) -> dict[str, Any]:
    source = message.get("source")
    if source == "aws.s3":
        return _request_in_bucket(message["detail"], services)
    if source == "aws.sagemaker":
        return _request_of_package(message["detail"], services)
    return message


def _request_in_bucket(detail: dict[str, Any], services: Services) -> dict[str, Any]:
    """The request in an object `release.json`, whose folder holds the artifacts."""
    bucket, key = detail["bucket"]["name"], detail["object"]["key"]
    body = services.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        request = json.loads(body)
        if not isinstance(request, dict):
            raise ValueError("it is no object")
    except ValueError as error:
        raise Problem(f"s3://{bucket}/{key} is no JSON object: {error}", ExitCode.USAGE) from error
    folder = key.rpartition("/")[0]
    return {"source": f"s3://{bucket}/{folder}/", "started_by": f"s3://{bucket}/{key}", **request}


def _request_of_package(detail: dict[str, Any], services: Services) -> dict[str, Any]:
    """The request for a model package of SageMaker's registry that somebody has approved.

    Its model is named by the package's metadata `tollgate:model`, or is the package group's name in small letters.
    https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeModelPackage.html
    """
    package = services.client("sagemaker").describe_model_package(ModelPackageName=detail["ModelPackageArn"])
    metadata = package.get("CustomerMetadataProperties", {})
    source = None
    for container in package.get("InferenceSpecification", {}).get("Containers", []):
        source = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri") or source
    if source is None:
        raise Problem("The model package names no artifacts in S3 (ModelDataSource.S3DataSource).", ExitCode.USAGE)
    group = str(detail.get("ModelPackageGroupName", "")).lower()
    version = detail.get("ModelPackageVersion", "")
    return {
        "model": metadata.get("tollgate:model", group),
        "source": source,
        "variant": f"package-{version}",
        "started_by": detail["ModelPackageArn"],
    }


def _claim(request: dict[str, Any], now: float, services: Services) -> dict[str, Any]:
    """Make the release's item, unless there is one already.

    Raises:
        Problem: the request cannot be followed, or another release of the model runs.
    """
    for name in ("model", "source"):
        if not isinstance(request.get(name), str):
            raise Problem(f"A release needs {name}, as text.", ExitCode.USAGE)
    options = read_options({name: value for name, value in request.items() if name not in _OWN_FIELDS})
    _, prefix = parse_s3_uri(request["source"])
    artifacts = list_digest(request["source"], services)
    variant = variant_name(request.get("variant"), prefix, artifacts)
    release = Release(
        model=request["model"],
        variant=variant,
        source=request["source"],
        options=options,
        started_at=now,
        started_by=request.get("started_by") or services.who,
        digest=artifacts,
        execution_arn=request.get("execution_arn", ""),
    )
    _refuse_if_held(release, services)
    document = services.releases.get_release(release.model, variant)
    if document is not None:
        earlier = Release.from_json(document)
        release.version = earlier.version
        if earlier.digest == artifacts and not request.get("again"):
            if earlier.stage != "done":
                if is_running(earlier.execution_arn, services) and earlier.execution_arn != release.execution_arn:
                    raise RecordBeingReleased(release.model, earlier.id)
                # It stopped half-way: it goes on, whoever began it.
                earlier.execution_arn = release.execution_arn
                return _written(earlier, earlier.stage, services)
            if earlier.result == "promoted":
                return {"next": "done", "wait_seconds": 0, "model": release.model, "release": variant,
                        "result": "duplicate", "exit_code": 0, "message": f"{earlier.id} was released before.",
                        "revision": earlier.revision}  # fmt: skip
        release.options.attempt = max(options.attempt, earlier.options.attempt + (earlier.exit_code == ExitCode.IMPORT))
    return _written(release, "check", services)


def _written(release: Release, stage: str, services: Services) -> dict[str, Any]:
    if not services.releases.put_release(release.model, release.variant, release.as_json()):
        raise RecordBeingReleased(release.model, release.id)
    return {"next": stage, "wait_seconds": 0, "model": release.model, "release": release.variant}


def _refuse_if_held(release: Release, services: Services) -> None:
    """Raise RecordBeingReleased while another release, whose execution runs, holds the record."""
    stored = services.records.models.get(release.model)
    if stored is None or stored.releasing in (None, release.id):
        return
    other = services.releases.get_release(release.model, str(stored.releasing).partition("/")[2])
    if other is not None and is_running(other.get("execution_arn", ""), services):
        raise RecordBeingReleased(release.model, str(stored.releasing))
    raise Problem(
        f"The release {stored.releasing} stopped half-way and still holds the record. "
        f"Go on with it (the same command), or end it: tollgate abort {release.model}",
        ExitCode.CHANGED,
    )


def is_running(execution_arn: str, services: Services) -> bool:
    """Whether an execution of the release machine runs; one that nobody knows does not."""
    if not execution_arn.startswith("arn:"):
        return False
    try:
        execution = services.client("stepfunctions").describe_execution(executionArn=execution_arn)
    except ClientError as error:
        if is_denied(error):
            raise
        return False
    return bool(execution["status"] == "RUNNING")


def list_digest(source: str, services: Services) -> str:
    """The digest of the artifacts under an S3 URI.

    Raises:
        Problem: there are none, or they cannot be listed.
    """
    bucket, prefix = parse_s3_uri(source)
    files = []
    try:
        pages = services.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Contents", []):
                name = item["Key"].removeprefix(prefix)
                if name and not name.endswith("/") and name != "release.json":
                    files.append((name, item["Size"], item["ETag"]))
    except ClientError as error:
        raise _unreachable(source, bucket, error, services) from error
    if not files:
        raise Problem(f"There are no artifacts under {source}.", ExitCode.ARTIFACTS)
    return digest(files)


def _unreachable(source: str, bucket: str, error: ClientError, services: Services) -> Problem:
    problem = aws_problem(error)
    advice = str(problem)
    code = error.response["Error"]["Code"]
    if code in ("NoSuchBucket", "404"):
        return Problem(f"There is no bucket {bucket}.", ExitCode.PERMISSION)
    if code in ("PermanentRedirect", "301", "IllegalLocationConstraintException"):
        return Problem(f"The bucket {bucket} is in another Region than the stack.", ExitCode.PERMISSION)
    if is_denied(error):
        prefix = parse_s3_uri(source)[1]
        caller = services.client("sts").get_caller_identity()["Arn"]
        advice = (
            f"S3 does not list {source}: {code}. The stack's parameter ArtifactBucketArns must name the bucket;\n"
            f"and if it belongs to another account, its policy must have these statements:\n"
            f"{bucket_policy(bucket, prefix, [services.import_role, caller])}"
        )
    return Problem(advice, ExitCode.PERMISSION)


def _of_ended_execution(started: dict[str, Any], detail: dict[str, Any]) -> dict[str, Any]:
    return {"ended_execution": detail.get("executionArn", ""), "started": started}


def _refused(message: dict[str, Any], problem: Problem) -> dict[str, Any]:
    return {
        "next": "done",
        "wait_seconds": 0,
        "model": str(message.get("model", "")),
        "release": str(message.get("variant", "")),
        "result": "failed",
        "exit_code": int(problem.exit_code),
        "message": str(problem),
    }
