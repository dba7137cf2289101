"""What the runner does not implement it refuses when it loads, naming the file and the construct."""

from __future__ import annotations

import shutil

import pytest

from tests.dev.conftest import STACK
from tollgate.dev import DefinitionError, Local

pytestmark = [pytest.mark.slow, pytest.mark.path]

MACHINE = "machine.asl.json"
OPENAPI = "openapi.yaml"
TEMPLATE = "template.yaml"

CASES = {
    "a type of resource": (
        TEMPLATE,
        "Outputs:",
        "  Bus: { Type: AWS::Events::EventBus, Properties: { Name: x } }\n\nOutputs:",
        ["template.yaml: Resources.Bus", "AWS::Events::EventBus"],
    ),
    "an intrinsic function": (
        TEMPLATE,
        "Things: !Ref Things",
        "Things: !ImportValue elsewhere",
        ["Resources.Machine", "Fn::ImportValue"],
    ),
    "a name that is nothing": (TEMPLATE, "{ TABLE: !Ref Things }", "{ TABLE: !Ref Nothing }", ["'Nothing'"]),
    "what SAM refuses": (TEMPLATE, "DefinitionUri: machine.asl.json", "Definitely: x", ["template.yaml", "Machine"]),
    "a file that is missing": (
        TEMPLATE,
        "DefinitionUri: machine",
        "DefinitionUri: nowhere/machine",
        ["cannot be read"],
    ),
    "a property of a function": (
        TEMPLATE,
        "Timeout: 1,",
        "Timeout: 1, VpcConfig: { SubnetIds: [a], SecurityGroupIds: [b] },",
        ["Resources.Worker", "VpcConfig"],
    ),
    "a layer from elsewhere": (TEMPLATE, "LambdaAdapterLayerX86", "SomethingElse", ["Resources.Web", "SomethingElse"]),
    "a substitution that is not declared": (MACHINE, "${WorkerArn}", "${OtherArn}", ["Machine", "${OtherArn}"]),
    "a type of state": (MACHINE, '"Type": "Wait"', '"Type": "Map"', ["state Pause", "'Map'"]),
    "a field of a state": (
        MACHINE,
        '"TimeoutSeconds": 10',
        '"HeartbeatSeconds": 10',
        ["state Work", "HeartbeatSeconds"],
    ),
    "a task resource": (MACHINE, ":::lambda:invoke", ":::sqs:sendMessage", ["state Work", "sqs:sendMessage"]),
    "the JSONPath dialect": (MACHINE, '"QueryLanguage": "JSONata"', '"QueryLanguage": "JSONPath"', ["JSONata"]),
    "a transition to nowhere": (MACHINE, '"Default": "Work"', '"Default": "Play"', ["state WhichWay", "'Play'"]),
    "an expression that is none": (MACHINE, "{% $found %}", "{% $found( %}", ["state Work", "$found("]),
    "security at the root": (OPENAPI, "paths:", "security: [{ bearer: [] }]\npaths:", ["root", "each operation"]),
    "a reference in the responses": (
        OPENAPI,
        '"200": { description: Fine }',
        '"200": { $ref: "#/components/responses/Fine" }',
        ["GET /health", "$ref"],
    ),
    "a status that is not declared": (
        OPENAPI,
        '"400": { description: Refused }',
        '"402": { description: Refused }',
        ["status 400"],
    ),
    "a header that is not declared": (OPENAPI, ", x-calls: { schema: { type: string } }", "", ["x-calls"]),
    "an integration": (OPENAPI, "type: mock", "type: http", ["GET /health", "http"]),
    "a buffered proxy": (OPENAPI, "responseTransferMode: STREAM", "responseTransferMode: BUFFERED", ["STREAM"]),
    "a request validator": (
        OPENAPI,
        "  /health:\n    get:\n",
        "  /health:\n    get:\n      x-amazon-apigateway-request-validator: all\n",
        ["GET /health", "request-validator"],
    ),
    "a directive of Velocity": (OPENAPI, "#else\n", "#else\n                #stop\n", ["POST /run", "#stop"]),
    "a function of $util": (OPENAPI, "$util.escapeJavaScript($input.params", "$util.qr($input.params", ["$util.qr"]),
    "Velocity in a gateway response": (
        OPENAPI,
        '{"five": "$context.error.responseType"}',
        "#set($x = 1)",
        ["DEFAULT_5XX", "#set"],
    ),
}


@pytest.mark.parametrize("file, old, new, words", CASES.values(), ids=CASES.keys())
def test_what_is_not_implemented_is_named(tmp_path, file, old, new, words):
    # GIVEN the fixture stack with one construct changed
    stack = tmp_path / "stack"
    shutil.copytree(STACK, stack)
    text = (stack / file).read_text()
    assert old in text, "the case does not fit the fixture any more"
    (stack / file).write_text(text.replace(old, new, 1))

    # WHEN it is started
    with pytest.raises(DefinitionError) as caught:
        Local.start(stack / "template.yaml").close()

    # THEN the message says where and what, in one line
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert word in message
