"""Reads the files that define the stack: YAML with CloudFormation's short tags, and JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Container, Iterable
    from pathlib import Path

if TYPE_CHECKING:
    _SafeLoader = yaml.SafeLoader
else:
    # libyaml's loader reads the OpenAPI document in a tenth of the time; it is part of PyYAML's wheels.
    _SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DefinitionError(Exception):
    """Raised when a definition is broken or uses something that the local runner does not implement.

    `place` names the file and the construct, `problem` says what is wrong with it.
    """

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}")
        self.place = place
        self.problem = problem


def refuse_others(fields: Iterable[str], implemented: Container[str], place: str, prefix: str = "") -> None:
    """Refuse what the runner would otherwise ignore in silence.

    Args:
        fields: the names that a definition uses.
        implemented: the names that the runner acts upon, or that change nothing on one machine.
        place: the file and the construct.
        prefix: goes before the name in the message, such as `the authorizer's `.

    Raises:
        DefinitionError: a name is not implemented.
    """
    for name in fields:
        if name not in implemented:
            raise DefinitionError(place, f"{prefix}{name} is not implemented by the local runner")


class _Loader(_SafeLoader):
    """A loader of YAML as CloudFormation reads it: `!Sub x` becomes `{"Fn::Sub": "x"}`."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)
# An unquoted date, such as a policy's Version, is text to CloudFormation.
_Loader.yaml_implicit_resolvers = {}
for _first_character, _resolvers in _SafeLoader.yaml_implicit_resolvers.items():
    _kept = [resolver for resolver in _resolvers if resolver[0] != "tag:yaml.org,2002:timestamp"]
    _Loader.yaml_implicit_resolvers[_first_character] = _kept


def read_text(path: Path) -> str:
    """Read the text of a definition file.

    Raises:
        DefinitionError: the file is missing or cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise DefinitionError(str(path), f"cannot be read: {reason}") from error


def read_definition(path: Path) -> dict[str, Any]:
    """Read a YAML or JSON file whose root is an object.

    Raises:
        DefinitionError: the file is missing, is no YAML or JSON, or holds something else than an object.
    """
    text = read_text(path)
    try:
        document = json.loads(text) if path.suffix == ".json" else yaml.load(text, _Loader)  # noqa: S506
    except (ValueError, yaml.YAMLError) as error:
        raise DefinitionError(path.name, f"cannot be parsed: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise DefinitionError(path.name, "must hold an object at its root")
    return document
