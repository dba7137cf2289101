"""The local runner: the stack of template.yaml on one machine, without Docker and without AWS.

    with Local.start("template.yaml") as local:
        httpx.get(f"{local.url}/health")

It does not prove IAM, quotas, real function and model cold starts, and small differences of mapping templates.
"""

from tollgate.dev.runner import LOCAL_KEY, Local
from tollgate.dev.simulation import Simulation
from tollgate.emulators.step_functions import Execution, StateRun
from tollgate.stack import DefinitionError

__all__ = ["LOCAL_KEY", "DefinitionError", "Execution", "Local", "Simulation", "StateRun"]
