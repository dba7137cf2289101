"""Makes the template's functions into processes that the runner can start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.account import ACCESS_KEY, REGION
from tollgate.emulators.lambda_functions import Function, FunctionSettings, LogSink, WebFunction
from tollgate.emulators.lambda_functions.web import ADAPTER_WRAPPER
from tollgate.stack import Resource, Stack
from tollgate.stack.definitions import DefinitionError, refuse_others

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ADAPTER_LAYER = ":layer:LambdaAdapterLayer"
# The properties that the runner acts upon, and those that change nothing on one machine. Any other is refused.
_PROPERTIES = {"Architectures", "Code", "Description", "Environment", "EphemeralStorage", "FunctionName", "Handler",
               "KmsKeyArn", "Layers", "LoggingConfig", "MemorySize", "PackageType", "ReservedConcurrentExecutions",
               "Role", "Runtime", "SnapStart", "Tags", "Timeout", "TracingConfig"}  # fmt: skip


class StackFunctions:
    """The functions of a stack by ARN: `plain` ones are invoked with events, `web` ones are web applications.

    `endpoints` are the environment variables that point an AWS SDK at this machine.
    """

    def __init__(self, stack: Stack, endpoints: Mapping[str, str], logs: LogSink) -> None:
        layers = _layer_directories(stack)
        self.plain: dict[str, Function] = {}
        self.web: dict[str, WebFunction] = {}
        for resource in stack.resources("AWS::Lambda::Function").values():
            arn = stack.arn(resource.logical_id)
            settings = _settings(stack, resource, arn, layers, endpoints)
            if settings.variables.get("AWS_LAMBDA_EXEC_WRAPPER") == ADAPTER_WRAPPER:
                self.web[arn] = WebFunction(settings, logs)
            else:
                self.plain[arn] = Function(settings, logs)

    def close(self) -> None:
        """End every process."""
        for function in self.plain.values():
            function.close()
        for application in self.web.values():
            application.close()


def _settings(
    stack: Stack, resource: Resource, arn: str, layers: Mapping[str, Path], endpoints: Mapping[str, str]
) -> FunctionSettings:
    properties = resource.properties
    place = f"{stack.file}: Resources.{resource.logical_id}"
    refuse_others(properties, _PROPERTIES, place)
    code = stack.code_path(properties.get("Code"))
    if code is None or not str(properties.get("Runtime", "")).startswith("python"):
        raise DefinitionError(place, "only Python functions with a local CodeUri are implemented by the local runner")
    if not code.is_dir():
        raise DefinitionError(place, f"CodeUri {code} is no directory")
    return FunctionSettings(
        name=resource.name,
        arn=arn,
        handler=str(properties["Handler"]),
        code=code,
        layers=_layers_of(properties.get("Layers", []), layers, place),
        timeout_s=float(properties.get("Timeout", 3)),
        memory_mb=int(properties.get("MemorySize", 128)),
        variables=_variables(properties, endpoints),
    )


def _variables(properties: Mapping[str, Any], endpoints: Mapping[str, str]) -> dict[str, str]:
    given = properties.get("Environment", {}).get("Variables", {})
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{properties['Runtime']}",
        **endpoints,
        **{name: str(value) for name, value in given.items()},
    }


def _layer_directories(stack: Stack) -> dict[str, Path]:
    directories = {}
    for layer in stack.resources("AWS::Lambda::LayerVersion").values():
        directory = stack.code_path(layer.properties.get("Content"))
        if directory is not None:
            directories[stack.arn(layer.logical_id)] = directory
    return directories


def _layers_of(arns: list[str], layers: Mapping[str, Path], place: str) -> tuple[Path, ...]:
    directories = []
    for arn in arns:
        if arn in layers:
            directories.append(layers[arn])
        elif _ADAPTER_LAYER not in arn:  # the runner does the adapter's work itself
            raise DefinitionError(place, f"the layer {arn} is not in the template and cannot be read locally")
    return tuple(directories)
