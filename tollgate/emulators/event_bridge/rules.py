"""Rules of the default event bus, and what they start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tollgate.emulators.event_bridge.patterns import matches

if TYPE_CHECKING:
    from collections.abc import Sequence


class Targets(Protocol):
    """Starts what a rule or a schedule names."""

    def start(self, arn: str, data: Any, name: str) -> None:
        """Start a target with its input; `name` tells one start from another."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: the events that it is about, and the ARNs of what they start. Each target gets the whole event."""

    name: str
    pattern: dict[str, Any]
    targets: tuple[str, ...]


class Rules:
    """The rules of a stack.

    Rules([Rule("r", {"source": ["aws.s3"]}, (machine_arn,))], targets).put({"source": "aws.s3", "id": "1"})
    """

    def __init__(self, rules: Sequence[Rule], targets: Targets) -> None:
        self._rules = rules
        self._targets = targets

    def put(self, event: dict[str, Any]) -> None:
        """Start the targets of every rule that is about an event."""
        for rule in self._rules:
            if matches(rule.pattern, event):
                for arn in rule.targets:
                    self._targets.start(arn, event, f"{rule.name}-{event['id']}"[:80])
