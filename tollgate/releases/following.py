"""Runs a release, in the state machine or here, and tells of its events as they come."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tollgate.releases.ended import Ended
from tollgate_release.exit_codes import ExitCode
from tollgate_release.names import slug
from tollgate_release.release import Release
from tollgate_release.steps import run

if TYPE_CHECKING:
    from tollgate.deployment import Deployment
    from tollgate.releases.progress import Teller
    from tollgate_release.services import Services

_LOOK_S = 2.0
_LOCAL_LOOK_S = 0.2
_RARE_LOOK_S = 10.0
_SOON_S = 60.0


class Follower:
    """Tells of a release's plan and events, each once."""

    def __init__(self, services: Services, teller: Teller) -> None:
        self._services = services
        self._teller = teller
        self._told: list[tuple[str, str]] = []

    def look(self, model: str, variant: str) -> Release | None:
        """Tell what is new; returns the release."""
        document = self._services.releases.get_release(model, variant)
        if document is None:
            return None
        release = Release.from_json(document)
        self._teller.plan(release)
        for event in release.events:
            key = (event["stage"], event["detail"])
            if key not in self._told:
                self._told.append(key)
                self._teller.event(event)
        return release


def start(deployment: Deployment, services: Services, request: dict[str, Any]) -> str:
    """Start the state machine with a request; returns the execution's ARN."""
    # Names are unique for ninety days: the time tells a second try from the first.
    model, variant = slug(request["model"], 40), slug(request.get("variant") or "new", 26)
    name = f"{model}-{variant}-{int(deployment.now() * 1000) % 10**10}"
    answer = services.client("stepfunctions").start_execution(
        stateMachineArn=services.release_machine, name=name, input=json.dumps(request)
    )
    return str(answer["executionArn"])


def follow(deployment: Deployment, services: Services, execution_arn: str, model: str, teller: Teller) -> Ended:
    """Follow an execution of the release machine to its end."""
    follower = Follower(services, teller)
    started_s = time.monotonic()
    while True:
        execution = services.client("stepfunctions").describe_execution(executionArn=execution_arn)
        is_over = execution["status"] != "RUNNING"
        release = _release_of(services, model, execution_arn)
        if release is not None:
            follower.look(model, release.variant)
        if is_over:
            return _ended(services, execution, model, release)
        if deployment.is_local:
            time.sleep(_LOCAL_LOOK_S)
        else:
            time.sleep(_LOOK_S if time.monotonic() - started_s < _SOON_S else _RARE_LOOK_S)


def run_here(deployment: Deployment, services: Services, request: dict[str, Any], teller: Teller) -> Ended:
    """Run every step in this process, with the caller's own permissions."""
    follower = Follower(services, teller)
    answer = run("begin", request, deployment.now(), services)
    while answer["next"] != "done":
        deployment.sleep(answer["wait_seconds"])
        answer = run(answer["next"], answer, deployment.now(), services)
        follower.look(answer["model"], answer["release"])
    return _ended_with(services, answer)


def _release_of(services: Services, model: str, execution_arn: str) -> Release | None:
    for document in services.releases.releases(model):
        if document.get("execution_arn") == execution_arn:
            return Release.from_json(document)
    return None


def _ended(services: Services, execution: dict[str, Any], model: str, release: Release | None) -> Ended:
    if execution["status"] == "SUCCEEDED":
        return _ended_with(services, json.loads(execution["output"]))
    message = f"The execution ended {execution['status']}: {execution.get('error', '')} {execution.get('cause', '')}"
    variant = release.variant if release else ""
    return Ended("failed", ExitCode.UNEXPECTED, message.strip(), model, variant, 0, release)


def _ended_with(services: Services, answer: dict[str, Any]) -> Ended:
    document = None
    if answer["result"] not in ("duplicate", ""):
        document = services.releases.get_release(answer["model"], answer["release"]) if answer["release"] else None
    release = Release.from_json(document) if document else None
    return Ended(
        answer["result"] or "failed",
        int(answer["exit_code"]),
        answer["message"],
        answer["model"],
        answer["release"],
        int(answer.get("revision") or (release.revision if release else 0)),
        release,
    )
