"""Every operation offered, against botocore's service models: routes, outputs, errors."""

from __future__ import annotations

import json
from datetime import datetime

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.emulators.bedrock.conftest import client_of
from tollgate.emulators.bedrock import contract, control_plane, converse, runtime
from tollgate.emulators.bedrock.errors import STATUS_BY_CODE, ServiceError
from tollgate.emulators.bedrock.http import error_answer
from tollgate.emulators.bedrock.models import ImportJob, tags_of

pytestmark = pytest.mark.path

OFFERED = [
    *(("bedrock-runtime", name) for name in runtime.OPERATIONS | converse.OPERATIONS),
    *(("bedrock", name) for name in control_plane.OPERATIONS),
]
# Codes that any AWS service may answer, in no operation's list.
COMMON_CODES = {"UnknownOperationException", "InvalidSignatureException", "UnsupportedMediaTypeException"}
# Members whose content is read rather than parsed.
STREAMED = {"body", "stream"}
REQUEST = {
    "jobName": "job",
    "importedModelName": "imported",
    "roleArn": "arn:aws:iam::123456789012:role/import",
    "modelDataSource": {"s3DataSource": {"s3Uri": "s3://bucket/model"}},
    "vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]},
    "importedModelKmsKeyId": "12345678-1234-1234-1234-123456789012",
    "jobTags": [{"key": "team", "value": "apex"}],
}


def mismatches(shape, value, path="answer"):
    """Where a parsed answer is not of its shape: unknown or missing members, wrong types, values out of bounds."""
    if shape.type_name == "structure":
        yield from (f"{path}.{name}: unknown" for name in set(value) - set(shape.members) - {"ResponseMetadata"})
        yield from (f"{path}.{name}: missing" for name in set(shape.required_members) - set(value) - STREAMED)
        for name in set(value) & set(shape.members):
            yield from mismatches(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for item in value:
            yield from mismatches(shape.member, item, f"{path}[]")
    elif shape.type_name == "timestamp":
        if not isinstance(value, datetime):
            yield f"{path}: {value!r}"
    else:
        yield from contract.violations(shape, value, path)


def scene(bedrock):
    """A model and a finished job."""
    arn = bedrock.register("llama", architecture="llama")
    now = bedrock.clock.now()
    job = ImportJob(
        bedrock.new_arn("model-import-job", "job"),
        REQUEST,
        created_at=now,
        modified_at=now,
        status="Completed",
        ended_at=now,
        model_arn=bedrock.model("llama").arn,
        tags=tags_of(REQUEST["jobTags"]),
    )
    bedrock.jobs.append(job)
    return arn, str(job.arn)


def arguments(arn, job):
    messages = [{"role": "user", "content": [{"text": "Hi"}]}]
    tags = [{"key": "a", "value": "b"}]
    return {
        "InvokeModel": {"modelId": arn, "body": json.dumps({"prompt": "hi"})},
        "InvokeModelWithResponseStream": {"modelId": arn, "body": json.dumps({"prompt": "hi"})},
        "Converse": {"modelId": arn, "messages": messages},
        "ConverseStream": {"modelId": arn, "messages": messages},
        "CreateModelImportJob": REQUEST | {"jobName": "another"},
        "GetModelImportJob": {"jobIdentifier": job},
        "ListModelImportJobs": {"nameContains": "j", "sortBy": "CreationTime", "maxResults": 1},
        "GetImportedModel": {"modelIdentifier": arn},
        "ListImportedModels": {"nameContains": "ll"},
        "DeleteImportedModel": {"modelIdentifier": arn},
        "ListTagsForResource": {"resourceARN": job},
        "TagResource": {"resourceARN": job, "tags": tags},
        "UntagResource": {"resourceARN": job, "tagKeys": ["team"]},
    }


@pytest.fixture(scope="module")
def clients(server):
    clients = {name: client_of(server, name) for name in ("bedrock", "bedrock-runtime")}
    yield clients
    for client in clients.values():
        client.close()


def call(clients, service, name, **given):
    client = clients[service]
    method = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}[name]
    return getattr(client, method)(**given)


@pytest.mark.parametrize("service, name", OFFERED)
def test_an_operations_answer_has_the_models_shape_and_status(bedrock, clients, service, name):
    arn, job = scene(bedrock)
    operation = contract.service(service).operation_model(name)
    answer = call(clients, service, name, **arguments(arn, job)[name])
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == operation.http["responseCode"]
    events = [list(answer.pop(member)) for member in STREAMED & set(answer)]
    assert list(mismatches(operation.output_shape, answer)) == []
    assert all(events)


@pytest.mark.parametrize("service, name", OFFERED)
def test_an_operation_refuses_what_the_model_forbids(bedrock, server, service, name):
    operation = contract.service(service).operation_model(name)
    path = operation.http["requestUri"]
    for parameter in ("modelId", "jobIdentifier", "modelIdentifier"):
        path = path.replace(f"{{{parameter}}}", "not%20an%20identifier!")
    query = {"maxResults": "many"} if name.startswith("List") else {}
    answer = httpx.request(operation.http["method"], server.url + path, params=query, content=b"{}")
    assert (answer.status_code, answer.headers["x-amzn-errortype"]) == (400, "ValidationException")
    assert answer.json()["message"]


@pytest.mark.parametrize("service, name", [pair for pair in OFFERED if pair[0] == "bedrock-runtime"])
def test_every_exception_of_a_runtime_operation_can_be_ordered_and_is_parsed_by_its_shape(
    bedrock, clients, service, name
):
    arn, job = scene(bedrock)
    for shape in contract.service(service).operation_model(name).error_shapes:
        fields = {member: 5 for member, of in shape.members.items() if of.type_name == "integer"}
        bedrock.set_faults("llama", steps=[{"error": shape.name, "message": "why", "fields": fields}])
        with pytest.raises(ClientError) as caught:
            call(clients, service, name, **arguments(arn, job)[name])
        error = caught.value.response
        assert error["Error"] == {"Code": shape.name, "Message": "why"}
        assert error["ResponseMetadata"]["HTTPStatusCode"] == shape.metadata["error"]["httpStatusCode"]
        assert {member: error[member] for member in fields} == fields


def test_every_code_has_the_status_of_its_shape():
    modelled = {
        shape.name: shape.metadata["error"]["httpStatusCode"]
        for service, name in OFFERED
        for shape in contract.service(service).operation_model(name).error_shapes
    }
    assert modelled == {code: status for code, status in STATUS_BY_CODE.items() if code not in COMMON_CODES}


def test_an_error_carries_its_code_in_the_header_and_its_message_in_the_body():
    answer = error_answer(ServiceError("ModelErrorException", "why", originalStatusCode=500))
    assert answer.status_code == 424
    assert answer.headers["x-amzn-errortype"] == "ModelErrorException"
    assert json.loads(bytes(answer.body)) == {"message": "why", "originalStatusCode": 500}
