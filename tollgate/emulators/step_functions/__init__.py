"""Step Functions: Express and Standard state machines in Amazon States Language with JSONata.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from tollgate.emulators.step_functions.data_limit import DATA_LIMIT_BYTES
from tollgate.emulators.step_functions.definition import StateMachineDefinition, load_definition
from tollgate.emulators.step_functions.errors import RUNTIME, StateError
from tollgate.emulators.step_functions.execution import Execution, StateRun
from tollgate.emulators.step_functions.interpreter import StateMachine, TaskHandler
from tollgate.emulators.step_functions.results import parse_result
from tollgate.emulators.step_functions.standard import ExecutionExistsError, StandardMachine

__all__ = [
    "DATA_LIMIT_BYTES",
    "RUNTIME",
    "Execution",
    "ExecutionExistsError",
    "StandardMachine",
    "StateError",
    "StateMachine",
    "StateMachineDefinition",
    "StateRun",
    "TaskHandler",
    "load_definition",
    "parse_result",
]
