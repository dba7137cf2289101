"""The local runner: puts the emulators and the stack together on one machine and takes them apart again."""

from __future__ import annotations

import itertools
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tollgate.account import ACCESS_KEY, REGION
from tollgate.dev.aws_clients import BedrockRuntime, DynamoDb
from tollgate.dev.console import Quiet
from tollgate.dev.functions import StackFunctions
from tollgate.dev.kept_executions import KeptExecutions
from tollgate.dev.models import Entry, ModelLoader, read_models
from tollgate.dev.moto_server import MotoServer
from tollgate.dev.resource_types import refuse_unknown_types
from tollgate.dev.rest_api import load_gateway
from tollgate.dev.state_machines import load_state_machines
from tollgate.dev.tasks import task_handlers
from tollgate.emulators.bedrock import Bedrock, Settings, create_app
from tollgate.emulators.clock import Clock
from tollgate.emulators.step_functions import Execution
from tollgate.loopback import Server
from tollgate.records import table_item
from tollgate.stack import DefinitionError, Stack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

LOCAL_KEY = "tollgate-local"
_stack_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Simulation:
    """How the simulated AWS behaves. The defaults are those of `tollgate dev`.

    Simulation(profile="case-study", speed=60)   # models load and answer as measured, a minute in a second
    """

    profile: str = "instant"
    """How models live in the embedded Bedrock; tollgate/emulators/bedrock/profiles.py has the names."""
    speed: float = 1.0
    """How many times faster than real time the simulated waits pass: the state machine's, the models' and the timeouts
    for them. Functions and tables really work, so they take the time that they take."""
    data_services: Callable[[], MotoServer] = MotoServer
    """Starts the server of DynamoDB and S3; a test gives one whose table fails on demand."""


class Local:
    """A running stack, closed by `close` or at the end of a `with` block.

        with Local.start("template.yaml", models=Path("models/local.json")) as local:
            httpx.get(f"{local.url}/v1/models", headers={"Authorization": f"Bearer {local.key}"})

    Attributes:
        url: where the API answers.
        key: the API key that clients send.
        models: names of the models that were given to `start`.
        bedrock: the embedded Bedrock that serves them, at `bedrock_url`.
        executions: the latest executions of the state machines, oldest first, as far as they fit into 32 MB.
        functions: the template's functions, whose processes run or will.
        stack: the template's resources.
    """

    def __init__(
        self,
        stack: Stack,
        *,
        root: Path,
        port: int,
        models: list[Entry],
        key: str,
        simulation: Simulation,
        console: Quiet,
    ) -> None:
        self.stack = stack
        self.key = key
        self.models = [str(entry["record"]["model"]) for entry in models]
        self.executions = KeptExecutions()
        self._console = console
        clock = Clock(simulation.speed)
        # The block closes what is open already when a later step fails.
        with ExitStack() as running:
            self._data_services = simulation.data_services()
            running.callback(self._data_services.close)
            self._data_services.create_tables(stack)
            self._start_bedrock(running, simulation.profile, clock)
            self._load_models(models, root)
            self._start_api(running, port, clock)
            self._running = running.pop_all()

    def _start_bedrock(self, running: ExitStack, profile: str, clock: Clock) -> None:
        self.bedrock = Bedrock(Settings(profile=profile, s3_endpoint_url=self._data_services.url), clock)
        running.callback(self.bedrock.close)
        server = Server(create_app(self.bedrock))
        running.callback(server.close)
        self.bedrock_url = server.url

    def _start_api(self, running: ExitStack, port: int, clock: Clock) -> None:
        """Start the functions, the state machines and the API in front of them, which all need the other services."""
        dynamodb = DynamoDb(self._data_services.dynamodb_url)
        running.callback(dynamodb.close)
        endpoints = _endpoints(self._data_services, self.bedrock_url)
        self.functions = StackFunctions(self.stack, endpoints, self._console)
        running.callback(self.functions.close)
        runtime = BedrockRuntime(self.bedrock_url)
        running.callback(runtime.close)
        tasks = task_handlers(dynamodb, runtime, self.functions.plain, clock.speed)
        machines = load_state_machines(self.stack, tasks, clock)
        gateway = load_gateway(
            self.stack, self.functions, machines, dynamodb, self.key, self._console, self._note_execution, clock.speed
        )
        running.callback(gateway.close)
        server = Server(gateway, port)
        running.callback(server.close)
        self.url = server.url

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
        simulation: Simulation | None = None,
        console: Quiet | None = None,
    ) -> Self:
        """Start the stack of a template; when this returns, its API answers.

            with Local.start("template.yaml", parameters={"RateLimit": "1000"}) as local:
                httpx.get(f"{local.url}/health")

        Args:
            template: the template as written, or as `sam build` leaves it.
            root: the folder that paths of models' artifacts start from; by default the template's.
            port: the port on 127.0.0.1; 0 takes a free one.
            models: a file such as models/local.json, or its entries; None serves no model.
            parameters: values for the template's parameters.
            key: the value of the API key that AWS would generate.
            simulation: how the simulated AWS behaves.
            console: is told of requests, executions and the functions' output.

        Raises:
            DefinitionError: a definition is broken or uses what is not implemented.
            PortInUseError: another process listens on the port.
            ValueError: the simulation names no profile, or its speed is not positive.
        """
        number = next(_stack_numbers)
        # All stacks of a process share moto's state, so their names, and with them their tables', must differ.
        name = "tollgate" if number == 1 else f"tollgate-{number}"
        stack = Stack.load(Path(template), parameters, name)
        refuse_unknown_types(stack)
        return cls(
            stack,
            root=root or stack.root,
            port=port,
            models=read_models(models) if isinstance(models, Path) else models or [],
            key=key,
            simulation=simulation or Simulation(),
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
        self._running.close()

    @cached_property
    def dynamodb(self) -> Any:
        """A boto3 client of the tables."""
        return _client("dynamodb", self._data_services.url)

    @cached_property
    def s3(self) -> Any:
        """A boto3 client of the embedded S3."""
        return _client("s3", self._data_services.url)

    @property
    def model_table(self) -> str:
        """The name of the table whose key is `model`.

        Raises:
            DefinitionError: the template has no such table.
        """
        for table in self.stack.resources("AWS::DynamoDB::Table").values():
            if table.properties["KeySchema"][0]["AttributeName"] == "model":
                return table.name
        raise DefinitionError(self.stack.file, "has no table with the key 'model' for the model records")

    def put_record(self, record: dict[str, Any]) -> None:
        """Put a model record into the model table, in place of an earlier one of the same name."""
        item = {"TableName": self.model_table, "Item": table_item(record)}
        self._data_services.dynamodb.request("PutItem", item)

    def _load_models(self, models: list[Entry], root: Path) -> None:
        loader = ModelLoader(self.bedrock, root, lambda: (self.s3, _client("bedrock", self.bedrock_url)))
        for entry in models:
            self.put_record(loader.load(entry))

    def _note_execution(self, execution: Execution) -> None:
        self.executions.append(execution)
        self._console.execution(execution)


def _client(service: str, url: str) -> Any:
    import boto3  # takes a third of a second, and most starts need no client
    from botocore.config import Config

    session = boto3.Session(ACCESS_KEY, ACCESS_KEY, region_name=REGION)
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    return session.client(service, endpoint_url=url, config=config)  # type: ignore[call-overload]


def _endpoints(data_services: MotoServer, bedrock_url: str) -> dict[str, str]:
    """The environment variables that point the functions' AWS SDKs at this machine."""
    return {
        "AWS_ENDPOINT_URL_BEDROCK": bedrock_url,
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": bedrock_url,
        "AWS_ENDPOINT_URL_DYNAMODB": data_services.dynamodb_url,
        "AWS_ENDPOINT_URL_S3": data_services.url,
    }
