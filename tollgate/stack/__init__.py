"""template.yaml as the resources that it deploys.

The local runner, the tests of the template and the tools for model releases all read the stack from here, so that
nothing of it is written down a second time.

    stack = Stack.load(Path("template.yaml"))
    stack.resources("AWS::Lambda::Function")["PreprocessFunction"].properties["Timeout"]
"""

from tollgate.stack.definitions import DefinitionError
from tollgate.stack.stack import Resource, Stack

__all__ = ["DefinitionError", "Resource", "Stack"]
