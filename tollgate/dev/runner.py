"""The local runner: puts the emulators and the stack together on one machine and takes them apart again."""

from __future__ import annotations

import itertools
import json
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tollgate import leftovers
from tollgate.account import ACCESS_KEY, REGION
from tollgate.dev.addresses import client, cors_origins, service_endpoints
from tollgate.dev.aws_clients import BedrockRuntime, DynamoDb, SageMakerRuntime
from tollgate.dev.console import Quiet
from tollgate.dev.events import MotoSchedules, StackTargets, load_rules
from tollgate.dev.functions import StackFunctions
from tollgate.dev.hooks import hook_functions
from tollgate.dev.kept_executions import KeptExecutions
from tollgate.dev.metrics import MetricsOfOutput
from tollgate.dev.models import Entry, ModelLoader, read_models
from tollgate.dev.resource_types import refuse_unknown_types
from tollgate.dev.rest_api import load_gateway
from tollgate.dev.simulation import Simulation
from tollgate.dev.state_machines import load_state_machines
from tollgate.dev.tasks import task_handlers
from tollgate.emulators.bedrock import Bedrock, Settings, create_app
from tollgate.emulators.bedrock.changes import change
from tollgate.emulators.clock import Clock
from tollgate.emulators.cloudwatch import CloudWatchApi, MetricStore
from tollgate.emulators.event_bridge import Schedules
from tollgate.emulators.lambda_functions import Function, InvokeApi
from tollgate.emulators.step_functions import Execution, StandardMachine, StateMachine
from tollgate.emulators.step_functions.described import status_change_event
from tollgate.emulators.step_functions.endpoint import StepFunctionsApi
from tollgate.loopback import Certificate, Server
from tollgate.stack import DefinitionError, Stack
from tollgate_release.records import table_item

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

LOCAL_KEY = "tollgate-local"
_stack_numbers = itertools.count(1)


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
        endpoints: where AWS's SDKs find the simulated services, as environment variables.
        stack: the template's resources.
        machines: the state machines by ARN.
        metrics: the metrics in the functions' lines.
        certificate: that of the API, where it is served over TLS.
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
        self._root = root
        clock = Clock(simulation.speed)
        # The block closes what is open already when a later step fails.
        with ExitStack() as running:
            self._data_services = simulation.data_services()
            running.callback(self._data_services.close)
            self._data_services.create_tables(stack)
            self._data_services.create_buckets(stack)
            self._start_bedrock(running, simulation, clock)
            self._load_models(models, root)
            self._start_api(running, port, clock, simulation.tls)
            self._running = running.pop_all()

    def _start_bedrock(self, running: ExitStack, simulation: Simulation, clock: Clock) -> None:
        settings = Settings(
            profile=simulation.profile,
            s3_endpoint_url=self._data_services.url,
            upstream_url=simulation.upstream_url,
            upstream_model=simulation.upstream_model,
        )
        self.bedrock = Bedrock(settings, clock)
        self.bedrock.on_body = self._console.invocation
        change(self.bedrock, simulation.settings)
        running.callback(self.bedrock.close)
        server = Server(create_app(self.bedrock), simulation.bedrock_port)
        running.callback(server.close)
        self.bedrock_url = server.url

    def _start_api(self, running: ExitStack, port: int, clock: Clock, tls: bool) -> None:
        """Start the functions, the state machines and the API in front of them, which all need the other services."""
        dynamodb = DynamoDb(self._data_services.dynamodb_url)
        running.callback(dynamodb.close)
        self.endpoints = service_endpoints(self._data_services, self.bedrock_url)
        self.machines: dict[str, StateMachine] = {}
        executions = StepFunctionsApi(self.machines, self._note_execution)
        self._serve(running, "SFN", executions.app())
        self.metrics = MetricStore(clock.now)
        self._serve(running, "CLOUDWATCH", CloudWatchApi(self.metrics).app())
        invocable: dict[str, Function] = {}
        self._serve(running, "LAMBDA", InvokeApi(invocable).app())
        logs = MetricsOfOutput(self._console, self.metrics)
        self.functions = StackFunctions(self.stack, self.endpoints, logs)
        running.callback(self.functions.close)
        self.functions.plain.update(hook_functions(self._hooks, self._root, logs))
        invocable.update(self.functions.plain)
        runtime = BedrockRuntime(self.bedrock_url)
        running.callback(runtime.close)
        endpoints = SageMakerRuntime(self.bedrock_url)
        running.callback(endpoints.close)
        tasks = task_handlers(
            dynamodb,
            runtime,
            endpoints,
            self.functions.plain,
            executions.start_execution,
            lambda arguments: self.s3.put_object(**arguments),
            clock.speed,
        )
        self.machines.update(load_state_machines(self.stack, tasks, clock))
        running.callback(self._stop_executions)
        self._start_events(running, clock)
        note = self._note_execution
        gateway = load_gateway(
            self.stack, self.functions, self.machines, dynamodb, self.key, self._console, note, clock.speed
        )
        running.callback(gateway.close)
        self.certificate = self._certificate(running) if tls else None
        server = Server(gateway, port, origins=cors_origins(self.stack), certificate=self.certificate)
        running.callback(server.close)
        self.url = server.url

    def _certificate(self, running: ExitStack) -> Certificate:
        from tollgate.dev.certificate import make_certificate  # few want TLS, and it costs a key

        folder = leftovers.new_folder("tollgate-tls-")
        running.callback(leftovers.remove_folder, folder)
        return make_certificate(folder)

    def _serve(self, running: ExitStack, service: str, app: Any) -> None:
        """Serve an AWS service's API, where AWS's SDKs find it by its variable."""
        server = Server(app)
        running.callback(server.close)
        self.endpoints[f"AWS_ENDPOINT_URL_{service}"] = server.url

    def _start_events(self, running: ExitStack, clock: Clock) -> None:
        """Start what starts executions by itself: the template's rules and schedules."""
        targets = StackTargets(self.machines, self.functions.plain, self._note_execution)
        self.rules = load_rules(self.stack, targets)
        self._data_services.on_event = self.rules.put
        book = MotoSchedules(self.stack, clock)
        running.callback(book.remove_groups)
        running.callback(Schedules(book, targets, clock).close)

    def _stop_executions(self) -> None:
        for machine in self.machines.values():
            if isinstance(machine, StandardMachine):
                machine.stop_all()

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
        return client("dynamodb", self._data_services.url)

    @cached_property
    def s3(self) -> Any:
        """A boto3 client of the embedded S3."""
        return client("s3", self._data_services.url)

    def environment(self) -> dict[str, str]:
        """The variables by which programs on this machine find the stack: endpoints for AWS's SDKs, key and outputs.

        `tollgate.deployment` reads them from the file that `tollgate dev` writes.
        """
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            **self.endpoints,
            "TOLLGATE_API_URL": f"{self.url}/v1",
            "TOLLGATE_API_KEY": self.key,
            "TOLLGATE_CONTROL_URL": self.bedrock_url,
            "TOLLGATE_OUTPUTS": json.dumps(self.stack.outputs()),
        }

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
        loader = ModelLoader(self.bedrock, root, lambda: (self.s3, client("bedrock", self.bedrock_url)))
        for entry in models:
            self.put_record(loader.load(entry))
        self._hooks = [*loader.hooks.values()]

    def _note_execution(self, execution: Execution) -> None:
        self.executions.append(execution)
        self._console.execution(execution)
        if isinstance(self.machines[execution.state_machine_arn], StandardMachine):
            self.rules.put(status_change_event(execution))
