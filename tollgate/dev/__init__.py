"""The local runner: the stack of template.yaml on one machine, without Docker and without AWS.

with Local.start(template=Path("template.yaml")) as local:
    httpx.get(f"{local.url}/health")

What it does not prove: IAM, quotas, real cold starts, and small differences of mapping templates.
"""

from tollgate.dev.runner import LOCAL_KEY, Local
from tollgate.emulators.step_functions import Execution, StateRun
from tollgate.stack.definitions import DefinitionError

__all__ = ["LOCAL_KEY", "DefinitionError", "Execution", "Local", "StateRun"]
