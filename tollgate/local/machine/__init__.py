"""Amazon States Language, JSONata dialect, with the semantics of Express workflows.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from tollgate.local.machine.definition import StateMachineDefinition, load_definition
from tollgate.local.machine.errors import StateError
from tollgate.local.machine.execution import Execution, StateRun
from tollgate.local.machine.interpreter import StateMachine, TaskHandler

__all__ = [
    "Execution",
    "StateError",
    "StateMachine",
    "StateMachineDefinition",
    "StateRun",
    "TaskHandler",
    "load_definition",
]
