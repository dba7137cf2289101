"""Makes the template's state machines into ones that the runner can start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tollgate.dev.tasks import RESOURCES
from tollgate.emulators.step_functions import StandardMachine, StateMachine, load_definition
from tollgate.emulators.step_functions.definition import EXPRESS_LIMIT_S, STANDARD_LIMIT_S

if TYPE_CHECKING:
    from tollgate.emulators.clock import Clock
    from tollgate.emulators.step_functions import TaskHandler
    from tollgate.stack import Stack


def load_state_machines(stack: Stack, tasks: dict[str, TaskHandler], clock: Clock) -> dict[str, StateMachine]:
    """The state machines of a stack by ARN.

    Raises:
        DefinitionError: a machine's definition uses what is not implemented.
    """
    machines = {}
    for resource in stack.resources("AWS::StepFunctions::StateMachine").values():
        place = f"{stack.file}: {resource.logical_id}"
        properties = resource.properties
        is_express = properties.get("StateMachineType") == "EXPRESS"
        text = properties.get("DefinitionString") or json.dumps(properties["Definition"])
        limit_s = EXPRESS_LIMIT_S if is_express else STANDARD_LIMIT_S
        definition = load_definition(text, properties.get("DefinitionSubstitutions", {}), RESOURCES, place, limit_s)
        arn = stack.arn(resource.logical_id)
        kind = StateMachine if is_express else StandardMachine
        machines[arn] = kind(arn, definition, tasks, clock=clock)
    return machines
