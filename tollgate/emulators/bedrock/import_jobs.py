"""Runs model import jobs: from artifacts in S3 to an imported model."""

from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCESS_KEY
from tollgate.emulators.bedrock.life import Life
from tollgate.emulators.bedrock.models import ImportedModel, ImportJob, ModelOrigin, tags_of
from tollgate.extras import MissingExtraError, require_extra
from tollgate_release.artifacts import Inspection, InspectionError, inspect
from tollgate_release.artifacts.s3 import S3Artifacts

if TYPE_CHECKING:
    from tollgate.emulators.bedrock.import_faults import ImportStep
    from tollgate.emulators.bedrock.service import Bedrock
    from tollgate.engines.base import Engine

ENGINE_TAG = "tollgate:engine"


class JobFailedError(Exception):
    """Raised when a job cannot go on; the text is the job's failure message."""


async def run(bedrock: Bedrock, job: ImportJob, fault: ImportStep) -> None:
    """Run a job to its end; whatever goes wrong becomes its failure message."""
    try:
        seconds = bedrock.profile.import_seconds if fault.seconds is None else fault.seconds
        await bedrock.clock.sleep(seconds)
        if fault.failure_message:
            raise JobFailedError(fault.failure_message)
        inspection, engine = await asyncio.to_thread(_read_artifacts, bedrock, job)
        if not inspection.model_type:
            raise JobFailedError("config.json: model_type must be a text.")
        bedrock.add(_model(bedrock, job, inspection, engine))
        job.status = "Completed"
    except (InspectionError, JobFailedError) as error:
        job.status, job.failure_message = "Failed", str(error)[:2048]
    except BaseException:
        # Whatever it is, the job must not stay in progress: only one may be.
        job.status, job.failure_message = "Failed", "The embedded Bedrock failed; its log says why."
        raise
    finally:
        job.ended_at = job.modified_at = bedrock.clock.now()


def _read_artifacts(bedrock: Bedrock, job: ImportJob) -> tuple[Inspection, Engine]:
    """Inspect the artifacts and make an engine of them.

    Raises:
        InspectionError: the artifacts cannot be imported, for the reasons in it.
        JobFailedError: there is no S3, or no engine can run them.
    """
    endpoint = bedrock.settings.s3_endpoint_url
    if endpoint is None:
        raise JobFailedError(
            "The embedded Bedrock was started without a place to read artifacts from: "
            "give it an S3 endpoint (tollgate bedrock --s3-endpoint-url URL)."
        )
    with closing(_s3_client(endpoint, bedrock.settings.region)) as client:
        artifacts = S3Artifacts(job.s3_uri, client)
        return inspect(artifacts), _engine(bedrock, job, artifacts)


def _s3_client(endpoint: str, region: str) -> Any:
    """A client of what stands in for S3, which takes these credentials from anybody."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=region,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=ACCESS_KEY,
        config=Config(retries={"total_max_attempts": 2}, s3={"addressing_style": "path"}),
    )


def _engine(bedrock: Bedrock, job: ImportJob, artifacts: S3Artifacts) -> Engine:
    chosen = engine_name(bedrock, job)
    if chosen != "numpy":
        try:
            return bedrock.engine(chosen)
        except ValueError as error:
            raise JobFailedError(f"The model's {ENGINE_TAG} cannot be used: {error}.") from error
    try:
        require_extra("engines", "The numpy engine")
    except MissingExtraError as error:
        raise JobFailedError(str(error)) from error
    # Imported here because only models that really run need numpy.
    from tollgate.engines.numpy_engine import NumpyEngine

    directory = bedrock.storage / job.arn.id
    try:
        artifacts.download(directory)
        return NumpyEngine.load(directory)
    except (OSError, ValueError) as error:
        raise JobFailedError(
            f"The numpy engine cannot run these artifacts: {error} "
            f"Tag the model {ENGINE_TAG}=echo to import it all the same."
        ) from error


def engine_name(bedrock: Bedrock, job: ImportJob) -> str:
    """The name of the engine for a job's model: from the settings, else from the model's tag, else numpy."""
    tags = tags_of(job.request.get("importedModelTags", []))
    return bedrock.settings.engine_for.get(job.model_name) or tags.get(ENGINE_TAG) or "numpy"


def _model(bedrock: Bedrock, job: ImportJob, inspection: Inspection, engine: Engine) -> ImportedModel:
    job.model_arn = bedrock.new_arn("imported-model", job.model_name)
    return ImportedModel(
        name=job.model_name,
        arn=job.model_arn,
        architecture=inspection.model_type,
        body_format="openai",
        engine=engine,
        engine_name=engine_name(bedrock, job),
        created_at=bedrock.clock.now(),
        has_chat_template=inspection.chat_template is not None,
        life=Life(bedrock.profile, bedrock.clock),
        instruct_supported=inspection.instruct_supported,
        context_length=inspection.context_length or None,
        custom_model_units=inspection.custom_model_units_per_copy,
        origin=ModelOrigin(
            job_name=job.name,
            job_arn=str(job.arn),
            data_source=job.request["modelDataSource"],
            kms_key_arn=kms_key_arn(bedrock, job),
        ),
        tags=tags_of(job.request.get("importedModelTags", [])),
    )


def kms_key_arn(bedrock: Bedrock, job: ImportJob) -> str | None:
    """The ARN of the job's KMS key; None for an alias, because there is no key service that could resolve it."""
    key = job.request.get("importedModelKmsKeyId")
    if key is None or key.startswith("alias/") or ":alias/" in key:
        return None
    if key.startswith("arn:"):
        return str(key)
    return f"arn:aws:kms:{bedrock.settings.region}:{bedrock.settings.account_id}:key/{key}"
