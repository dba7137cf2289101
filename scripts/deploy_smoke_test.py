"""Deploys the built stack to an emulator of AWS with the real `sam deploy`, updates it, and deletes it.

    make rehearse

Shows that everything is packaged, that SAM's transform takes the packaged template, that every reference between
resources resolves, and that every resource is created, updated and deleted. Does not show that AWS takes every
property: MiniStack checks few, runs neither the routes nor the state machine, and knows no IAM. What it cannot
create is left out, and named at the end.
The first run downloads MiniStack (the package ministack); no account and no credentials are needed.
"""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import click
import yaml

from tollgate.stack import Stack

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
EMULATOR = ["--with", "aws-sam-translator==1.115.0", "ministack==1.5.33"]
STACK = "smoke-test"
# Two updates, one after the other; CloudFormation keeps the values of the first in the second.
PRIVATE = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555",
    "SubnetIds": "subnet-0123456789abcdef0",
    "SecurityGroupIds": "sg-0123456789abcdef0",
    "EndpointType": "PRIVATE",
    "VpcEndpointIds": "vpce-0123456789abcdef0",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:on-call",
    "AlarmEmail": "operator@example.com",
}
PUBLIC = {
    "EndpointType": "REGIONAL",
    "ApiTimeoutMillis": "60000",
    "StreamTimeoutMillis": "300000",
    "LogRetentionDays": "7",
    "DeletionProtection": "false",
    "AdditionalModelArns": "arn:aws:bedrock:us-west-2:111122223333:imported-model/abcdefghijkl",
    "ImportedModelArns": "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl",
    "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/boundary",
    "AllowedCidrs": "192.0.2.0/24",
    "StreamConcurrency": "10",
    "StageRateLimit": "500",
    "AccessLogs": "true",
    "Tracing": "false",
    "DomainName": "models.example.com",
    "CertificateArn": "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555",
    "Alarms": "false",
    "Dashboard": "true",
}
NOT_EMULATED = {"ErrorRateAlarm": "an alarm on metric math", "Firewall": "the association of a web ACL"}
SECONDS_TO_START = 120


def main() -> None:
    BUILT.with_name("smoke-test.yaml").write_text(emulated_template())
    with emulator() as environment:
        deploy(environment, {})
        deploy(environment, PRIVATE)
        deploy(environment, PRIVATE | PUBLIC)
        sam(environment, "delete", "--no-prompts")
        tables = client(environment, "dynamodb").list_tables()["TableNames"]
    click.echo(f"deployed, updated and deleted; the tables were kept, as {', '.join(tables)}")
    for name, reason in NOT_EMULATED.items():
        click.echo(f"left out: {name}, {reason}, which MiniStack does not know")


def emulated_template() -> str:
    """The built template without what the emulator cannot create."""
    if not BUILT.exists():
        raise click.ClickException(f"{BUILT} does not exist: run `make build` first")
    template = yaml.safe_load(BUILT.read_text())
    for name in NOT_EMULATED:
        del template["Resources"][name]
    return yaml.safe_dump(template, sort_keys=False)


@contextmanager
def emulator() -> Iterator[dict[str, str]]:
    """MiniStack on a free loopback port, for as long as the block runs; yields the environment for its clients."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as home, (Path(home) / "log").open("wb") as log:
        ours = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port)}
        command = [str(ROOT / ".venv/bin/uv"), "tool", "run", "--quiet", *EMULATOR]
        process = subprocess.Popen(command, cwd=home, env=os.environ | ours, stdout=log, stderr=log)
        try:
            wait_for(port, process, Path(log.name))
            yield os.environ | {
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "none",
                "AWS_SECRET_ACCESS_KEY": "none",
                "AWS_DEFAULT_REGION": "us-east-1",
                "SAM_CLI_TELEMETRY": "0",
            }
        finally:
            process.terminate()
            process.wait(10)


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise click.ClickException(f"MiniStack did not start:\n{log.read_text()}")


def deploy(environment: dict[str, str], parameters: dict[str, str]) -> None:
    """Create or update the stack, and check that every resource is there."""
    template = BUILT.with_name("smoke-test.yaml")
    options = ["--template-file", str(template), "--resolve-s3", "--no-confirm-changeset"]
    overrides = " ".join(f"{name}={value}" for name, value in parameters.items())
    sam(environment, "deploy", *options, *(["--parameter-overrides", overrides] if overrides else []))
    resources = client(environment, "cloudformation").describe_stack_resources(StackName=STACK)["StackResources"]
    expected = Stack.load(template, parameters)
    for type_ in sorted(set(expected.types().values())):
        wanted = len(expected.resources(type_))
        there = [r for r in resources if r["ResourceType"] == type_ and r["ResourceStatus"].endswith("E_COMPLETE")]
        if len(there) < wanted:
            raise click.ClickException(f"{len(there)} of {wanted} resources of type {type_} were deployed")


def sam(environment: dict[str, str], *arguments: str) -> None:
    command = [str(ROOT / ".venv-sam/bin/sam"), *arguments, "--stack-name", STACK]
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise click.ClickException(f"sam {arguments[0]} failed:\n{finished.stdout}{finished.stderr}")


def client(environment: dict[str, str], service: str) -> Any:
    session: Any = boto3.Session("none", "none", region_name=environment["AWS_DEFAULT_REGION"])
    return session.client(service, endpoint_url=environment["AWS_ENDPOINT_URL"])


if __name__ == "__main__":
    try:
        main()
    except click.ClickException as error:
        raise SystemExit(error.message) from None
