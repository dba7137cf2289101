"""A deployment as a release's steps see it, for commands that run steps themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate_release.services import Services

if TYPE_CHECKING:
    from tollgate.deployment import Deployment


def services_of(deployment: Deployment) -> Services:
    """The stack's names and clients.

    Raises:
        Problem: the stack was deployed without releases.
    """
    return Services(
        client=deployment.client,
        stack=deployment.output("StackName"),
        model_table=deployment.output("ModelTableName"),
        release_table=deployment.output("ReleaseTableName"),
        inference_machine=deployment.output("InferenceStateMachineArn"),
        release_machine=deployment.output("ReleaseStateMachineArn"),
        import_role=deployment.output("ImportRoleArn"),
        schedule_group=deployment.output("ScheduleGroupName"),
        scheduler_role=deployment.output("SchedulerRoleArn"),
        who=deployment.who(),
    )
