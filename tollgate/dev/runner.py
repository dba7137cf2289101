"""Puts the stack together on one machine and takes it apart again."""

from __future__ import annotations

import itertools
import json
from collections import deque
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tollgate.dev.api_of_stack import load_gateway
from tollgate.dev.console import Quiet
from tollgate.dev.functions_of_stack import FunctionsOfStack
from tollgate.dev.models import Entry, ModelLoader, read_models
from tollgate.dev.services import BedrockRuntime, DynamoDb, Moto
from tollgate.dev.tasks import RESOURCES, task_handlers
from tollgate.emulators.bedrock import Bedrock, Settings, create_app
from tollgate.emulators.clock import Clock
from tollgate.emulators.serving import Server
from tollgate.emulators.step_functions import Execution, StateMachine, load_definition
from tollgate.records import table_item
from tollgate.stack import ACCOUNT_ID, REGION, Stack
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

LOCAL_KEY = "tollgate-local"
_KEPT_EXECUTIONS = 200
_RUN = {"AWS::ApiGateway::ApiKey", "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Stage", "AWS::ApiGateway::UsagePlan",
        "AWS::ApiGateway::UsagePlanKey", "AWS::DynamoDB::Table", "AWS::Lambda::Function", "AWS::Lambda::LayerVersion",
        "AWS::S3::Bucket", "AWS::StepFunctions::StateMachine"}  # fmt: skip
# They change nothing that one machine can show.
_WITHOUT_EFFECT = {"AWS::ApiGateway::Account", "AWS::ApiGateway::Deployment", "AWS::CloudWatch::Alarm",
                   "AWS::CloudWatch::Dashboard", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role",
                   "AWS::KMS::Key", "AWS::Lambda::Permission", "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter",
                   "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"}  # fmt: skip
_names = itertools.count(1)


class Local:
    """A running stack; use it as a context manager, or call `close`.

    `url` is where the API answers, `key` what clients send, `models` the names of the models served, `bedrock` the
    embedded Bedrock behind them and `bedrock_url` where it answers, `executions` the latest executions, oldest first.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        root: Path,
        port: int,
        models: list[Entry],
        key: str,
        profile: str,
        bedrock_error_prefix: str,
        speed: float,
        reach_dynamodb: Callable[[str], str],
        console: Quiet,
    ) -> None:
        self.stack = stack
        self.key = key
        self.models = [str(entry["record"]["model"]) for entry in models]
        self._root = root
        self.executions: deque[Execution] = deque(maxlen=_KEPT_EXECUTIONS)
        self._console = console
        self._close = ExitStack()
        try:
            self._start(port, models, profile, bedrock_error_prefix, Clock(speed), reach_dynamodb)
        except BaseException:
            self._close.close()
            raise

    @classmethod
    def start(
        cls,
        template: Path | str = "template.yaml",
        *,
        root: Path | None = None,
        port: int = 0,
        models: Path | list[Entry] | None = None,
        parameters: Mapping[str, str] | None = None,
        key: str = LOCAL_KEY,
        profile: str = "instant",
        bedrock_error_prefix: str = "Bedrock.",
        speed: float = 1.0,
        reach_dynamodb: Callable[[str], str] = lambda url: url,
        console: Quiet | None = None,
    ) -> Self:
        """Start everything; when it returns, the API answers.

        `root` is where paths to models' artifacts start, by default beside the template. `port` 0 takes a free one.
        `models` None serves none. `parameters` are the template's. `profile` is the embedded Bedrock's.
        `bedrock_error_prefix` is what Step Functions puts before Bedrock's error names. `speed` simulates a faster
        clock: the waits of the step path, and its timeouts for models, pass so many times as fast; what works does not.
        `reach_dynamodb` takes the embedded DynamoDB's address and gives the path another, such as a failing proxy's.

        Raises:
            DefinitionError: a definition is broken or uses what is not implemented.
            PortInUseError: another process listens on the port.
        """
        number = next(_names)
        # Stacks of one process share moto's state, so their names must differ.
        name = "tollgate" if number == 1 else f"tollgate-{number}"
        stack = Stack.load(Path(template), parameters, name)
        _refuse_unknown_types(stack)
        return cls(
            stack,
            root=root or stack.root,
            port=port,
            models=read_models(models) if isinstance(models, Path) else models or [],
            key=key,
            profile=profile,
            bedrock_error_prefix=bedrock_error_prefix,
            speed=speed,
            reach_dynamodb=reach_dynamodb,
            console=console or Quiet(),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop answering and end every process."""
        self._close.close()

    @cached_property
    def dynamodb(self) -> Any:
        """A boto3 client of the tables."""
        return _client("dynamodb", self._moto_url)

    @cached_property
    def s3(self) -> Any:
        """A boto3 client of the embedded S3."""
        return _client("s3", self._moto_url)

    def put_record(self, record: dict[str, Any]) -> None:
        """Put a model record into the model table."""
        self.dynamodb.put_item(TableName=self.model_table, Item=table_item(record))

    def _start(
        self,
        port: int,
        models: list[Entry],
        profile: str,
        bedrock_error_prefix: str,
        clock: Clock,
        reach_dynamodb: Callable[[str], str],
    ) -> None:
        moto = Moto()
        self._moto_url = moto.url
        dynamodb = DynamoDb(moto.url)
        self._close.callback(moto.close, dynamodb)
        moto.create_tables(self.stack, dynamodb)
        self.bedrock = Bedrock(
            Settings(region=REGION, account_id=ACCOUNT_ID, profile=profile, s3_endpoint_url=moto.url), clock
        )
        bedrock_server = Server(create_app(self.bedrock))
        self._close.callback(bedrock_server.close)
        self.bedrock_url = bedrock_server.url
        self._put_models(models, dynamodb)
        dynamodb_url = reach_dynamodb(moto.url)
        dynamodb = DynamoDb(dynamodb_url)
        self._close.callback(dynamodb.close)
        functions = FunctionsOfStack(self.stack, _endpoints(dynamodb_url, self.bedrock_url), self._console)
        self._close.callback(functions.close)
        runtime = BedrockRuntime(self.bedrock_url)
        self._close.callback(runtime.close)
        tasks = task_handlers(dynamodb, runtime, functions.plain, bedrock_error_prefix, clock.speed)
        machines = _machines(self.stack, tasks, clock)
        gateway = load_gateway(
            self.stack, functions, machines, dynamodb, self.key, self._console, self._on_execution, clock.speed
        )
        self._close.callback(gateway.close)
        server = Server(gateway, port)
        self._close.callback(server.close)
        self.url = server.url

    def _put_models(self, models: list[Entry], dynamodb: DynamoDb) -> None:
        loader = ModelLoader(self.bedrock, self._root, lambda: (self.s3, _client("bedrock", self.bedrock_url)))
        for entry in models:
            item = table_item(loader.load(entry))
            dynamodb.request("PutItem", {"TableName": self.model_table, "Item": item})

    @property
    def model_table(self) -> str:
        """The table whose key is `model`."""
        for table in self.stack.resources("AWS::DynamoDB::Table").values():
            if table.properties["KeySchema"][0]["AttributeName"] == "model":
                return table.name
        raise DefinitionError(self.stack.file, "has no table with the key 'model' for the model records")

    def _on_execution(self, execution: Execution) -> None:
        self.executions.append(execution)
        self._console.execution(execution)


def _machines(stack: Stack, tasks: dict[str, Any], clock: Clock) -> dict[str, StateMachine]:
    machines = {}
    for resource in stack.resources("AWS::StepFunctions::StateMachine").values():
        place = f"{stack.file}: {resource.logical_id}"
        properties = resource.properties
        if properties.get("StateMachineType") != "EXPRESS":
            raise DefinitionError(place, "only EXPRESS state machines are implemented by the local runner")
        text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
        definition = load_definition(text, properties.get("DefinitionSubstitutions", {}), RESOURCES, place)
        arn = stack.arn(resource.logical_id)
        machines[arn] = StateMachine(arn, definition, tasks, clock=clock)
    return machines


def _refuse_unknown_types(stack: Stack) -> None:
    for logical_id, type_ in stack.types().items():
        if type_ not in _RUN and type_ not in _WITHOUT_EFFECT:
            place = f"{stack.file}: Resources.{logical_id}"
            raise DefinitionError(place, f"the type {type_} is not implemented by the local runner")


def _client(service: str, url: str) -> Any:
    import boto3  # a third of a second, and most starts need no client
    from botocore.config import Config

    session = boto3.Session("local", "local", region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=url, config=config)  # type: ignore[call-overload]


def _endpoints(aws_url: str, bedrock_url: str) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL_BEDROCK": bedrock_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_ENDPOINT_URL_DYNAMODB": aws_url,
        "AWS_ENDPOINT_URL_S3": aws_url,
    }
