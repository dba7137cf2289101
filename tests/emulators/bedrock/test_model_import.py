"""Custom Model Import through boto3: jobs, models, their lists, and what is refused."""

from __future__ import annotations

import json
import time
from contextlib import closing

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from tests.artifacts.model_files import TENSORS, model, safetensors
from tests.emulators.bedrock.conftest import client_of, eventually
from tollgate.emulators.bedrock import Bedrock, Settings
from tollgate_release.artifacts import InspectionError, inspect

pytestmark = pytest.mark.path

ROLE = "arn:aws:iam::123456789012:role/model-import"
BUCKET = "artifacts"


@pytest.fixture(scope="module")
def s3_url():
    moto = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    moto.start()
    url = f"http://127.0.0.1:{moto.get_host_and_port()[1]}"
    s3 = boto3.client("s3", "us-east-1", endpoint_url=url, aws_access_key_id="a", aws_secret_access_key="b")
    s3.create_bucket(Bucket=BUCKET)
    for name, content in artifacts().items():
        s3.put_object(Bucket=BUCKET, Key=f"tiny/{name}", Body=content)
        if name != "config.json":
            s3.put_object(Bucket=BUCKET, Key=f"headless/{name}", Body=content)
    s3.close()
    yield url
    moto.stop()


def artifacts() -> dict[str, bytes]:
    """The smallest Llama that passes inspection; its tokenizer is none."""
    return model(
        tokenizer_config__json={"tokenizer_class": "LlamaTokenizerFast", "chat_template": "{{ messages }}"}
    ).files


@pytest.fixture
def bedrock(app, s3_url) -> Bedrock:
    app.state.bedrock = bedrock = Bedrock(Settings(s3_endpoint_url=s3_url))
    return bedrock


@pytest.fixture(scope="module")
def client(server):
    client = client_of(server, "bedrock")
    yield client
    client.close()


def create(client, name="tiny", prefix="tiny", **more):
    return client.create_model_import_job(
        jobName=f"import-{name}",
        importedModelName=name,
        roleArn=ROLE,
        modelDataSource={"s3DataSource": {"s3Uri": f"s3://{BUCKET}/{prefix}/"}},
        **({"importedModelTags": [{"key": "tollgate:engine", "value": "echo"}]} | more),
    )["jobArn"]


def finished(client, job):
    """The job, once it has ended."""
    assert eventually(lambda: client.get_model_import_job(jobIdentifier=job)["status"] != "InProgress")
    return client.get_model_import_job(jobIdentifier=job)


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_a_job_turns_artifacts_into_a_model_that_answers(bedrock, client, runtime):
    job = finished(client, create(client))
    assert job["status"] == "Completed"
    assert job["endTime"] >= job["creationTime"]
    model = client.get_imported_model(modelIdentifier="tiny")
    assert model["modelArn"] == job["importedModelArn"]
    assert model["modelArchitecture"] == "llama"
    assert model["instructSupported"] is True
    assert model["customModelUnits"] == {"customModelUnitsPerModelCopy": 1, "customModelUnitsVersion": "v1.0"}
    answer = runtime.invoke_model(modelId=model["modelArn"], body=json.dumps({"prompt": "hi"}))
    assert json.loads(answer["body"].read())["generation"] == "echo: hi"


def test_a_model_type_that_is_no_text_fails_with_the_reason(bedrock, client, s3_url):
    s3 = boto3.client("s3", "us-east-1", endpoint_url=s3_url, aws_access_key_id="a", aws_secret_access_key="b")
    for name, content in artifacts().items():
        body = content.replace(b'"llama"', b"[]") if name == "config.json" else content
        s3.put_object(Bucket=BUCKET, Key=f"odd/{name}", Body=body)
    s3.close()

    job = finished(client, create(client, name="odd", prefix="odd"))

    assert (job["status"], "model_type" in job["failureMessage"]) == ("Failed", True)
    assert client.list_imported_models()["modelSummaries"] == []


def test_a_job_over_artifacts_that_cannot_be_imported_fails_with_the_reason(bedrock, client):
    job = finished(client, create(client, prefix="headless"))
    assert job["status"] == "Failed"
    assert "config.json" in job["failureMessage"]
    assert client.list_imported_models()["modelSummaries"] == []


def test_a_bucket_that_is_not_there_fails_the_job(bedrock, client):
    source = {"s3DataSource": {"s3Uri": "s3://no-such-bucket/model"}}
    job = client.create_model_import_job(
        jobName="job", importedModelName="model", roleArn=ROLE, modelDataSource=source
    )["jobArn"]
    assert "NoSuchBucket" in finished(client, job)["failureMessage"]


def test_artifacts_that_the_numpy_engine_cannot_run_fail_the_job_with_the_way_out(bedrock, client, s3_url):
    # GIVEN a tokenizer of a kind that only other libraries know
    unknown = model(tokenizer__json={"model": {"type": "Unheard", "vocab": {"a": 0}}})
    s3 = boto3.client("s3", "us-east-1", endpoint_url=s3_url, aws_access_key_id="a", aws_secret_access_key="b")
    with closing(s3):
        for name, content in unknown.files.items():
            s3.put_object(Bucket=BUCKET, Key=f"unknown/{name}", Body=content)

    job = finished(client, create(client, prefix="unknown", importedModelTags=[]))

    assert job["status"] == "Failed"
    assert "tollgate:engine=echo" in job["failureMessage"]


@pytest.mark.parametrize("engine", ["echo", None])
def test_a_job_fails_for_the_reasons_of_an_inspection_in_its_words(bedrock, client, s3_url, engine):
    # GIVEN weights without one tensor, and a chat template that does not compile
    spoilt = model(
        model__safetensors=safetensors({name: TENSORS[name] for name in list(TENSORS)[1:]}),
        chat_template__jinja=b"{% for m in messages %}",
    )
    s3 = boto3.client("s3", "us-east-1", endpoint_url=s3_url, aws_access_key_id="a", aws_secret_access_key="b")
    with closing(s3):
        for name, content in spoilt.files.items():
            s3.put_object(Bucket=BUCKET, Key=f"spoilt/{name}", Body=content)
    with pytest.raises(InspectionError) as caught:
        inspect(spoilt)

    tags = [{"key": "tollgate:engine", "value": engine}] if engine else []
    job = finished(client, create(client, prefix="spoilt", importedModelTags=tags))

    assert len(caught.value.problems) == 2
    assert job["failureMessage"] == " ".join(caught.value.problems)


def test_only_one_job_runs_at_a_time(bedrock, client):
    bedrock.profile = type(bedrock.profile)(import_seconds=3600)
    job = create(client)
    assert client.get_model_import_job(jobIdentifier=job)["status"] == "InProgress"
    assert code_of(create, client=client, name="other") == "ServiceQuotaExceededException"
    bedrock.clock.advance(3600)
    assert finished(client, job)["status"] == "Completed"


def test_the_same_client_token_starts_one_job(bedrock, client):
    first = create(client, clientRequestToken="once")
    assert create(client, clientRequestToken="once") == first
    assert len(client.list_model_import_jobs()["modelImportJobSummaries"]) == 1
    assert code_of(create, client=client, name="other", clientRequestToken="once") == "ConflictException"


def test_names_in_use_are_a_conflict(bedrock, client):
    finished(client, create(client))
    assert code_of(create, client=client) == "ConflictException"
    bedrock.register("registered")
    assert code_of(create, client=client, name="registered") == "ConflictException"


def test_the_quota_of_imported_models_holds_until_one_is_deleted(bedrock, client):
    for name in ("one", "two", "three"):
        finished(client, create(client, name=name))
    assert code_of(create, client=client, name="four") == "ServiceQuotaExceededException"
    client.delete_imported_model(modelIdentifier="one")
    assert finished(client, create(client, name="four"))["status"] == "Completed"


def test_a_deleted_model_is_gone(bedrock, client, runtime):
    arn = finished(client, create(client))["importedModelArn"]
    client.delete_imported_model(modelIdentifier=arn)
    assert code_of(client.get_imported_model, modelIdentifier=arn) == "ResourceNotFoundException"
    assert code_of(client.delete_imported_model, modelIdentifier="tiny") == "ResourceNotFoundException"
    assert code_of(runtime.invoke_model, modelId=arn, body=b"{}") == "ResourceNotFoundException"


def test_lists_are_paged_newest_first_and_survive_deletions_between_pages(bedrock, client):
    for number in range(5):
        bedrock.register(f"model-{number}")
    pages = client.get_paginator("list_imported_models").paginate(PaginationConfig={"PageSize": 2})
    names = []
    for page in pages:
        names.append([model["modelName"] for model in page["modelSummaries"]])
        bedrock.remove(bedrock.model(names[-1][0]))
    assert names == [["model-4", "model-3"], ["model-2", "model-1"], ["model-0"]]


def test_lists_are_filtered_and_sorted(bedrock, client):
    for name in ("alpha", "beta", "alphabet"):
        bedrock.register(name)
        bedrock.clock.advance(60)
    moment = bedrock.model("beta").created_at

    def names(**filters):
        return [model["modelName"] for model in client.list_imported_models(**filters)["modelSummaries"]]

    assert names(nameContains="alpha", sortOrder="Ascending") == ["alpha", "alphabet"]
    assert names(creationTimeAfter=moment + 1) == ["alphabet"]
    assert names(creationTimeBefore=moment - 1) == ["alpha"]


def test_jobs_are_listed_by_status(bedrock, client):
    finished(client, create(client, name="good"))
    finished(client, create(client, name="bad", prefix="headless"))
    (failed,) = client.list_model_import_jobs(statusEquals="Failed")["modelImportJobSummaries"]
    assert failed["importedModelName"] == "bad"


def test_tags_of_models_and_jobs_can_be_changed(bedrock, client):
    job = finished(client, create(client, jobTags=[{"key": "team", "value": "apex"}]))
    arn = job["jobArn"]
    client.tag_resource(resourceARN=arn, tags=[{"key": "stage", "value": "test"}])
    client.untag_resource(resourceARN=arn, tagKeys=["team"])
    assert client.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "stage", "value": "test"}]
    model_tags = client.list_tags_for_resource(resourceARN=job["importedModelArn"])["tags"]
    assert model_tags == [{"key": "tollgate:engine", "value": "echo"}]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"jobName": "has space"}, "jobName"),
        ({"importedModelName": "dots.are.not.allowed"}, "importedModelName"),
        ({"importedModelName": "x" * 64}, "less than or equal to 63"),
        ({"roleArn": "role"}, "roleArn"),
        ({"modelDataSource": {"s3DataSource": {"s3Uri": "https://x"}}}, "s3Uri"),
        ({"modelDataSource": {}}, "Exactly one member"),
        ({"jobName": 3}, "must be a string"),
        ({"jobName": None}, "must not be null"),
        ({"jobTags": [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}]}, "Duplicate tag"),
        ({"vpcConfig": {"subnetIds": ["subnet-1"]}}, "securityGroupIds"),
        ({"jobName": "a" + "-" * 61 + "!"}, "jobName"),
    ],
)
def test_a_request_that_breaks_the_contract_is_refused_with_the_members_name(bedrock, server, change, reason):
    request = {
        "jobName": "job",
        "importedModelName": "model",
        "roleArn": ROLE,
        "modelDataSource": {"s3DataSource": {"s3Uri": "s3://bucket/model"}},
    }
    started = time.monotonic()
    answer = httpx.post(f"{server.url}/model-import-jobs", json=request | change)
    assert time.monotonic() - started < 1
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert reason in answer.json()["message"]
    assert bedrock.jobs == []


@pytest.mark.parametrize(
    "arguments, code",
    [
        ({"maxResults": 0}, "ValidationException"),
        ({"maxResults": 1001}, "ValidationException"),
        ({"nextToken": "!!!"}, "ValidationException"),
        ({"nextToken": "c29tZXRoaW5n"}, "ValidationException"),
        ({"statusEquals": "Complete"}, "ValidationException"),
    ],
)
def test_a_list_request_that_makes_no_sense_is_refused(bedrock, server, arguments, code):
    answer = httpx.get(f"{server.url}/model-import-jobs", params=arguments)
    assert answer.headers["x-amzn-errortype"] == code


def test_arns_of_other_accounts_and_regions_are_refused(bedrock, client):
    other_account = "arn:aws:bedrock:us-east-1:999999999999:imported-model/abcdefghijkl"
    other_region = "arn:aws:bedrock:eu-central-1:123456789012:imported-model/abcdefghijkl"
    assert code_of(client.get_imported_model, modelIdentifier=other_account) == "AccessDeniedException"
    assert code_of(client.get_imported_model, modelIdentifier=other_region) == "ValidationException"


def test_a_client_of_another_region_is_told_so(bedrock, server):
    with closing(client_of(server, "bedrock", region="eu-central-1")) as client:
        assert code_of(client.list_imported_models) == "InvalidSignatureException"


def test_an_embedded_bedrock_without_s3_says_how_to_give_it_one(app, client):
    app.state.bedrock = Bedrock()
    assert "--s3-endpoint-url" in finished(client, create(client))["failureMessage"]


# --- Settings, and faults on demand -------------------------------------------------------------------------------


def test_settings_hold_at_once_and_for_models_that_are_there(bedrock, control):
    # GIVEN a model with a model copy, which idles for 300 seconds
    bedrock.register("there")
    bedrock.model("there").life.wake()

    # WHEN models idle for a minute only, and a minute passes
    told = control.put("/settings", json={"idle_seconds": 60, "cold_start_seconds": 90}).json()
    bedrock.clock.advance(61)

    # THEN the model copy is gone, and the next one takes 90 seconds
    assert (told["idle_seconds"], told["cold_start_seconds"], told["imported_models_quota"]) == (60, 90, 3)
    assert bedrock.model("there").life.copies() == []
    assert control.get("/settings").json() == told


def test_another_embedded_bedrock_keeps_its_own_settings(bedrock, control):
    control.put("/settings", json={"idle_seconds": 60})

    assert Bedrock().profile.idle_seconds == 300


@pytest.mark.parametrize(
    "values, at_fault",
    [
        ({"idle_secs": 1}, "idle_secs is no setting; there are imported_models_quota, import_seconds"),
        ({"idle_seconds": -1}, "idle_seconds must be a number of 0 or more"),
        ({"idle_seconds": True}, "idle_seconds"),
        ({"idle_seconds": "soon"}, "idle_seconds"),
        ({"imported_models_quota": 1.5}, "imported_models_quota must be a whole number"),
    ],
)
def test_a_setting_that_is_none_is_refused_by_name_and_nothing_is_changed(bedrock, control, values, at_fault):
    answer = control.put("/settings", json={"cold_start_seconds": 90} | values)

    assert (answer.status_code, at_fault in answer.json()["message"]) == (400, True)
    assert bedrock.profile.cold_start_seconds == 0


def test_a_lower_quota_refuses_the_next_import(bedrock, client, control):
    control.put("/settings", json={"imported_models_quota": 0})

    assert code_of(create, client=client) == "ServiceQuotaExceededException"


def test_import_jobs_take_the_steps_of_their_script_in_order(bedrock, client, control):
    steps = [{"error": "ThrottlingException", "times": 2}, {"failure_message": "The weights are no weights."}]
    control.put("/imports", json={"steps": steps})

    refused = [code_of(create, client=client) for _ in range(2)]
    failed = finished(client, create(client))
    imported = finished(client, create(client, name="after"))

    assert refused == ["ThrottlingException"] * 2
    assert (failed["status"], failed["failureMessage"]) == ("Failed", "The weights are no weights.")
    assert imported["status"] == "Completed"


def test_a_job_takes_as_long_as_its_step_says(bedrock, client, control):
    control.put("/imports", json={"steps": [{"seconds": 900}]})
    job = create(client)

    bedrock.clock.advance(890)
    before = client.get_model_import_job(jobIdentifier=job)["status"]
    bedrock.clock.advance(900)

    assert before == "InProgress"
    assert finished(client, job)["status"] == "Completed"


@pytest.mark.parametrize(
    "script",
    [{"step": []}, {"steps": [{"error": "Nonsense"}]}, {"steps": [{"times": 0}]}, {"steps": [{"seconds": -1}]}],
)
def test_a_script_of_import_faults_that_is_wrong_is_refused(bedrock, control, script):
    assert control.put("/imports", json=script).status_code == 400
