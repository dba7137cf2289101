"""Makes the template's state machines into ones that the runner can start."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tollgate.dev.tasks import RESOURCES
from tollgate.emulators.step_functions import StateMachine, load_definition
from tollgate.stack import DefinitionError

if TYPE_CHECKING:
    from tollgate.emulators.clock import Clock
    from tollgate.emulators.step_functions import TaskHandler
    from tollgate.stack import Stack


def load_state_machines(stack: Stack, tasks: dict[str, TaskHandler], clock: Clock) -> dict[str, StateMachine]:
    """The state machines of a stack by ARN.

    Raises:
        DefinitionError: a machine is not EXPRESS, or its definition uses what is not implemented.
    """
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
