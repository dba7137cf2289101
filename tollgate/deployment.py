"""The stack that a command is about: one in an AWS account, or the one that `make dev` runs in this checkout."""

from __future__ import annotations

import json
import os
import shlex
import time
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, aws_problem

if TYPE_CHECKING:
    from collections.abc import Mapping

LOCAL_FILE = Path(".tollgate") / "local.env"
"""Where `tollgate dev` writes the addresses of what it runs, in the template's folder."""
_NEEDED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "TOLLGATE_CONTROL_URL")
_CLOCK_PAUSE_S = 0.05


class Deployment:
    """A stack's outputs, and clients of its services.

        deployment = Deployment.of_stack("tollgate")
        deployment.client("dynamodb").describe_table(TableName=deployment.output("ModelTableName"))

    Attributes:
        name: the stack's name, or `local`.
        outputs: the outputs of template.yaml.
        is_local: whether its AWS is simulated on this machine.
    """

    def __init__(self, name: str, outputs: Mapping[str, str], environment: Mapping[str, str] | None = None) -> None:
        self.name = name
        self.outputs = dict(outputs)
        self.is_local = environment is not None
        self._environment = environment or {}
        self._clients: dict[str, Any] = {}
        # How far this machine's clock is ahead of AWS's: changes of a record are told in the order of their times.
        self._ahead_s = 0.0

    @classmethod
    def of_stack(cls, name: str, cloudformation: Any = None) -> Deployment:
        """The stack of a name in the account and Region of the caller's credentials.

        Args:
            name: the stack's name.
            cloudformation: a client that is to be asked, instead of a new one.

        Raises:
            Problem: there is no such stack, or it cannot be looked at.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        deployment = cls(name, {})
        try:
            answer = (cloudformation or deployment.client("cloudformation")).describe_stacks(StackName=name)
        except ClientError as error:
            if "does not exist" in str(error):
                where = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "this Region"
                text = f"There is no stack {name!r} in {where}. Name another with --stack, or use --local."
                raise Problem(text, ExitCode.USAGE) from error
            raise aws_problem(error) from error
        except BotoCoreError as error:
            raise unreachable(error, is_local=False) from error
        (stack,) = answer["Stacks"]
        deployment.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
        date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
        if date is not None:
            deployment._ahead_s = time.time() - parsedate_to_datetime(date).timestamp()
        return deployment

    @classmethod
    def local(cls, folder: Path | None = None) -> Deployment:
        """The stack that `make dev` runs here, or in a folder above.

        Raises:
            Problem: none runs.
        """
        start = (folder or Path.cwd()).resolve()
        for directory in (start, *start.parents):
            file = directory / LOCAL_FILE
            if file.is_file():
                return cls._of_file(file)
        raise Problem("No local stack runs in this checkout. Start it: make dev", ExitCode.USAGE)

    @classmethod
    def _of_file(cls, file: Path) -> Deployment:
        try:
            environment = read_environment(file.read_text(encoding="utf-8"))
            for name in _NEEDED:
                environment[name]
            return cls("local", json.loads(environment["TOLLGATE_OUTPUTS"]), environment)
        except (OSError, ValueError, KeyError) as error:
            text = f"{file} is not what `tollgate dev` writes. Delete it, and start it anew: make dev"
            raise Problem(text, ExitCode.USAGE) from error

    @property
    def stack(self) -> str:
        """The name by which the stack's metrics and tags know it."""
        return self.outputs.get("StackName", self.name)

    def output(self, name: str) -> str:
        """An output of the stack.

        Raises:
            Problem: the stack has none of this name.
        """
        if name not in self.outputs:
            text = f"The stack {self.name} has no output {name}: it is an older version, or was deployed without it."
            raise Problem(text, ExitCode.USAGE)
        return self.outputs[name]

    def client(self, service: str) -> Any:
        """A boto3 client; on this machine, of the simulated service."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def variable(self, name: str) -> str | None:
        """A variable of the local stack's file."""
        return self._environment.get(name)

    def who(self) -> str:
        """The ARN of whoever runs the command, for audits."""
        return str(self.client("sts").get_caller_identity()["Arn"])

    def now(self) -> float:
        """Seconds since 1970 by AWS's clock, or by the local stack's own, which can be moved.

        Raises:
            Problem: the local stack does not answer.
        """
        if not self.is_local:
            return time.time() - self._ahead_s
        import httpx

        try:
            clock = httpx.get(f"{self._environment['TOLLGATE_CONTROL_URL']}/_tollgate/clock").json()
        except httpx.HTTPError as error:
            raise unreachable(error, is_local=True) from error
        return float(clock["now"])

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed on that clock."""
        if not self.is_local:
            time.sleep(seconds)
            return
        end = self.now() + seconds
        while self.now() < end:
            time.sleep(_CLOCK_PAUSE_S)

    def move_clock(self, seconds: float) -> None:
        """Move the local stack's clock on: what is due on its way happens."""
        import httpx

        url = f"{self._environment['TOLLGATE_CONTROL_URL']}/_tollgate/clock"
        httpx.put(url, json={"advance": seconds}, timeout=600).raise_for_status()

    def _new_client(self, service: str) -> Any:
        from botocore.config import Config
        from botocore.exceptions import NoRegionError

        try:
            if not self.is_local:
                return self._session.client(service, config=Config(retries={"mode": "standard"}))
            # The prefix `sync-` of StartSyncExecution is no name on this machine.
            config = Config(
                retries={"mode": "standard", "total_max_attempts": 4},
                s3={"addressing_style": "path"},
                inject_host_prefix=False,
            )
            return self._session.client(service, endpoint_url=self._local_endpoint(service), config=config)
        except NoRegionError as error:
            raise Problem("Which Region? Set AWS_REGION, or choose a profile that has one.", ExitCode.USAGE) from error

    @cached_property
    def _session(self) -> Any:
        """What knows the credentials and the Region."""
        import boto3

        if not self.is_local:
            # boto3 itself reads AWS_DEFAULT_REGION alone.
            return boto3.Session(region_name=os.environ.get("AWS_REGION"))
        return boto3.Session(
            self._environment["AWS_ACCESS_KEY_ID"],
            self._environment["AWS_SECRET_ACCESS_KEY"],
            region_name=self._environment["AWS_REGION"],
            botocore_session=self._descriptions,
        )

    @cached_property
    def _descriptions(self) -> Any:
        """What knows AWS's services, each of which it reads once."""
        from botocore.session import get_session

        return get_session()

    def _local_endpoint(self, service: str) -> str:
        """Where the local stack's service is, by the name that AWS's SDKs give its variable."""
        name = self._descriptions.get_service_model(service).service_id
        url = self._environment.get(f"AWS_ENDPOINT_URL_{name.upper().replace(' ', '_')}")
        if url is None:
            raise Problem(f"The local stack has no {service}.", ExitCode.USAGE)
        return url


def unreachable(error: Exception, *, is_local: bool) -> Problem:
    """What to say where a service could not be asked at all: no connection, no credentials, no such profile."""
    if is_local:
        return Problem(f"The local stack does not answer: {error} Start it: make dev", ExitCode.USAGE)
    advice = "Log in, or name a profile that can: AWS_PROFILE." if "credentials" in str(error) else ""
    return Problem(f"AWS cannot be asked: {error}\n{advice}".strip(), ExitCode.USAGE)


def read_environment(text: str) -> dict[str, str]:
    """The variables of a file of shell assignments, as `environment_text` writes it."""
    variables = {}
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            (variables[name],) = shlex.split(value) or [""]
    return variables


def environment_text(variables: Mapping[str, str]) -> str:
    """Variables as shell assignments, a line each."""
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())
