"""Custom Model Import as a release uses it: imported models and jobs, found by names that follow from the artifacts.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_CreateModelImportJob.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tollgate_release.problems import code_of

if TYPE_CHECKING:
    from tollgate_release.services import Services

TAG_STACK = "tollgate:stack"
TAG_DIGEST = "tollgate:digest"
_MOST_TAG = 256


def imported_models(services: Services) -> list[dict[str, Any]]:
    """The account's imported models in this Region, as ListImportedModels has them."""
    return _all(services.client("bedrock").list_imported_models, "modelSummaries")


def running_job(services: Services) -> dict[str, Any] | None:
    """The import that runs in the account, whoever's it is; there is one at most."""
    jobs = _all(services.client("bedrock").list_model_import_jobs, "modelImportJobSummaries", statusEquals="InProgress")
    return jobs[0] if jobs else None


def find_imported_model(services: Services, name: str) -> dict[str, Any] | None:
    """An imported model by its name or ARN, with its `tags`; None where there is none."""
    bedrock = services.client("bedrock")
    try:
        model: dict[str, Any] = bedrock.get_imported_model(modelIdentifier=name)
    except ClientError as error:
        if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
            return None
        raise
    tags = bedrock.list_tags_for_resource(resourceARN=model["modelArn"])["tags"]
    model["tags"] = {tag["key"]: tag["value"] for tag in tags}
    return model


def find_job(services: Services, name: str) -> dict[str, Any] | None:
    """An import job by its name; None where there is none."""
    try:
        job: dict[str, Any] = services.client("bedrock").get_model_import_job(jobIdentifier=name)
    except ClientError as error:
        if code_of(error) in ("ResourceNotFoundException", "ValidationException"):
            return None
        raise
    return job


def create_job(services: Services, *, name: str, imported_model: str, source: str, tags: dict[str, str]) -> None:
    """Start an import job; its name is its client token, too, so that a second call starts no second job."""
    listed = [{"key": key, "value": value[:_MOST_TAG]} for key, value in tags.items()]
    services.client("bedrock").create_model_import_job(
        jobName=name,
        importedModelName=imported_model,
        roleArn=services.import_role,
        modelDataSource={"s3DataSource": {"s3Uri": source}},
        clientRequestToken=name,
        jobTags=listed,
        importedModelTags=listed,
    )


def units_of(model: dict[str, Any]) -> int | None:
    """The custom model units of one copy, as the import has set them."""
    units = model.get("customModelUnits", {}).get("customModelUnitsPerModelCopy")
    return None if units is None else int(units)


def _all(operation: Any, key: str, **arguments: Any) -> list[dict[str, Any]]:
    """All pages of a list."""
    found: list[dict[str, Any]] = []
    while True:
        page = operation(**arguments)
        found += page.get(key, [])
        if not page.get("nextToken"):
            return found
        arguments["nextToken"] = page["nextToken"]
