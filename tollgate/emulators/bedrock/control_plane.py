"""The operations of Custom Model Import. Inputs are checked already; inputs and outputs have botocore's shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from tollgate.emulators.bedrock import arns, import_jobs
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.models import ImportJob, tags_of
from tollgate.emulators.bedrock.paging import Listed, page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tollgate.emulators.bedrock.models import ImportedModel
    from tollgate.emulators.bedrock.service import Bedrock

Input: TypeAlias = dict[str, Any]
Output: TypeAlias = dict[str, Any]
T = TypeVar("T", bound=Listed)

_MAX_TAGS = 200


def create_model_import_job(bedrock: Bedrock, request: Input) -> Output:
    """Start a job, or return the one that the same client token started before."""
    token = request.get("clientRequestToken")
    for job in bedrock.jobs:
        if token and job.request.get("clientRequestToken") == token:
            if job.request != request:
                raise ServiceError("ConflictException", f"clientRequestToken {token} was used with other parameters.")
            return {"jobArn": str(job.arn)}
    _check_new_job(bedrock, request)
    fault = bedrock.import_faults.next_step()
    fault.refuse()
    now = bedrock.clock.now()
    arn = bedrock.new_arn("model-import-job", request["jobName"])
    job = ImportJob(arn, request, created_at=now, modified_at=now, tags=tags_of(request.get("jobTags", [])))
    bedrock.jobs.append(job)
    bedrock.start(import_jobs.run(bedrock, job, fault))
    return {"jobArn": str(arn)}


def _check_new_job(bedrock: Bedrock, request: Input) -> None:
    for tags in (request.get("jobTags", []), request.get("importedModelTags", [])):
        if len(tags_of(tags)) != len(tags):
            raise invalid("Duplicate tag keys are not allowed.")
    if any(job.name == request["jobName"] for job in bedrock.jobs):
        raise ServiceError("ConflictException", f"The job name {request['jobName']} is in use.")
    if any(model.name == request["importedModelName"] for model in bedrock.models()):
        raise ServiceError("ConflictException", f"The model name {request['importedModelName']} is in use.")
    if any(job.status == "InProgress" for job in bedrock.jobs):
        raise ServiceError(
            "ServiceQuotaExceededException", "Another model import job is in progress; the quota is 1 at a time."
        )
    quota = bedrock.imported_models_quota
    if sum(1 for model in bedrock.models() if model.origin) >= quota:
        raise ServiceError(
            "ServiceQuotaExceededException",
            f"The account holds {quota} imported models already, which is its quota: delete one first.",
        )


def get_model_import_job(bedrock: Bedrock, request: Input) -> Output:
    job = _find(bedrock, bedrock.jobs, request["jobIdentifier"], "model import job")
    wanted = ("jobName", "importedModelName", "roleArn", "modelDataSource", "vpcConfig")
    return {
        **{name: job.request.get(name) for name in wanted},
        "jobArn": str(job.arn),
        "importedModelArn": job.model_arn and str(job.model_arn),
        "status": job.status,
        "failureMessage": job.failure_message,
        "creationTime": job.created_at,
        "lastModifiedTime": job.modified_at,
        "endTime": job.ended_at,
        "importedModelKmsKeyArn": import_jobs.kms_key_arn(bedrock, job),
    }


def list_model_import_jobs(bedrock: Bedrock, request: Input) -> Output:
    status = request.get("statusEquals")
    jobs, token = page((job for job in bedrock.jobs if status in (None, job.status)), request)
    return {"nextToken": token, "modelImportJobSummaries": [_job_summary(job) for job in jobs]}


def _job_summary(job: ImportJob) -> Output:
    return {
        "jobArn": str(job.arn),
        "jobName": job.name,
        "status": job.status,
        "lastModifiedTime": job.modified_at,
        "creationTime": job.created_at,
        "endTime": job.ended_at,
        "importedModelArn": job.model_arn and str(job.model_arn),
        "importedModelName": job.model_name,
    }


def get_imported_model(bedrock: Bedrock, request: Input) -> Output:
    model = _find(bedrock, bedrock.models(), request["modelIdentifier"], "imported model")
    origin = model.origin
    return {
        "modelArn": str(model.arn),
        "modelName": model.name,
        "jobName": origin and origin.job_name,
        "jobArn": origin and origin.job_arn,
        "modelDataSource": origin and origin.data_source,
        "creationTime": model.created_at,
        "modelArchitecture": model.architecture,
        "modelKmsKeyArn": origin and origin.kms_key_arn,
        "instructSupported": model.instruct_supported,
        "customModelUnits": {
            "customModelUnitsPerModelCopy": model.custom_model_units,
            "customModelUnitsVersion": "v1.0",
        },
    }


def list_imported_models(bedrock: Bedrock, request: Input) -> Output:
    models, token = page(bedrock.models(), request)
    return {"nextToken": token, "modelSummaries": [_model_summary(model) for model in models]}


def _model_summary(model: ImportedModel) -> Output:
    return {
        "modelArn": str(model.arn),
        "modelName": model.name,
        "creationTime": model.created_at,
        "instructSupported": model.instruct_supported,
        "modelArchitecture": model.architecture,
    }


def delete_imported_model(bedrock: Bedrock, request: Input) -> Output:
    bedrock.remove(_find(bedrock, bedrock.models(), request["modelIdentifier"], "imported model"))
    return {}


def list_tags_for_resource(bedrock: Bedrock, request: Input) -> Output:
    tags = _tagged(bedrock, request["resourceARN"]).tags
    return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}


def tag_resource(bedrock: Bedrock, request: Input) -> Output:
    resource = _tagged(bedrock, request["resourceARN"])
    merged = resource.tags | tags_of(request["tags"])
    if len(merged) > _MAX_TAGS:
        raise ServiceError("TooManyTagsException", f"A resource has at most {_MAX_TAGS} tags.")
    resource.tags = merged
    return {}


def untag_resource(bedrock: Bedrock, request: Input) -> Output:
    resource = _tagged(bedrock, request["resourceARN"])
    resource.tags = {key: value for key, value in resource.tags.items() if key not in request["tagKeys"]}
    return {}


def _find(bedrock: Bedrock, items: Sequence[T], identifier: str, noun: str) -> T:
    """Find the item with a name or an ARN.

    Raises:
        ServiceError: the ARN is of another account or Region, or there is no such item.
    """
    arn = arns.parse(identifier)
    if arn is not None:
        bedrock.check_account(arn)
        if arn.region != bedrock.settings.region:
            raise invalid(f"The ARN names Region {arn.region}; this is {bedrock.settings.region}.")
    for item in items:
        if item.arn == arn or item.name == identifier:
            return item
    raise ServiceError("ResourceNotFoundException", f"Could not find the {noun} {identifier}.")


def _tagged(bedrock: Bedrock, arn: str) -> ImportJob | ImportedModel:
    if ":model-import-job/" in arn:
        return _find(bedrock, bedrock.jobs, arn, "model import job")
    return _find(bedrock, bedrock.models(), arn, "imported model")


OPERATIONS: dict[str, Callable[[Bedrock, Input], Output]] = {
    "CreateModelImportJob": create_model_import_job,
    "GetModelImportJob": get_model_import_job,
    "ListModelImportJobs": list_model_import_jobs,
    "GetImportedModel": get_imported_model,
    "ListImportedModels": list_imported_models,
    "DeleteImportedModel": delete_imported_model,
    "ListTagsForResource": list_tags_for_resource,
    "TagResource": tag_resource,
    "UntagResource": untag_resource,
}
