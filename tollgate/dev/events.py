"""What starts without a client: the template's rules and schedules, and the events that the stack itself makes."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCOUNT_ID, REGION
from tollgate.emulators.event_bridge import Rule, Rules, Schedule
from tollgate.emulators.step_functions import StandardMachine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tollgate.emulators.clock import Clock
    from tollgate.emulators.lambda_functions import Function
    from tollgate.emulators.step_functions import Execution, StateMachine
    from tollgate.stack import Stack

_WAIT_S = 0.5
"""Real seconds for which whoever starts an Express execution waits for its end, so that a moved clock does not jump
over it; one that takes longer, as to a cold model, goes on by itself."""


class StackTargets:
    """Starts a stack's state machines and functions; `on_end` is told of executions that are over."""

    def __init__(
        self,
        machines: Mapping[str, StateMachine],
        functions: Mapping[str, Function],
        on_end: Callable[[Execution], None],
    ) -> None:
        self._machines = machines
        self._functions = functions
        self._on_end = on_end

    def start(self, arn: str, data: Any, name: str) -> None:
        """Start a target; `data` is its input, as JSON text or parsed. A target that is not there is left out, as
        EventBridge drops an event that its target does not take.
        """
        document = json.loads(data) if isinstance(data, str) else data
        machine = self._machines.get(arn)
        if isinstance(machine, StandardMachine):
            machine.start(document, name, self._on_end)
        elif machine is not None:
            self._run(lambda: self._on_end(machine.start_sync(document, name)))
        elif arn in self._functions:
            function = self._functions[arn]
            self._run(lambda: function.invoke(document, 900.0))

    def _run(self, work: Callable[[], object]) -> None:
        thread = threading.Thread(target=work, daemon=True, name="target")
        thread.start()
        thread.join(_WAIT_S)


def load_rules(stack: Stack, targets: StackTargets) -> Rules:
    """The rules of a template that are switched on."""
    rules = []
    for resource in stack.resources("AWS::Events::Rule").values():
        properties = resource.properties
        if properties.get("State", "ENABLED") == "ENABLED":
            arns = tuple(str(target["Arn"]) for target in properties["Targets"])
            rules.append(Rule(resource.name, properties["EventPattern"], arns))
    return Rules(rules, targets)


class MotoSchedules:
    """The schedules that moto holds, with the template's groups in it.

    moto's part is imported when it is first looked at, in the background: it takes half a second.
    """

    def __init__(self, stack: Stack, clock: Clock) -> None:
        self._groups = [group.name for group in stack.resources("AWS::Scheduler::ScheduleGroup").values()]
        self._clock = clock
        self._made_at: dict[tuple[str, float], float] = {}
        self._backend: Any = None

    def schedules(self) -> Iterator[Schedule]:
        """See `ScheduleBook`. moto's own times are of the real clock, so that when one is first seen counts."""
        if not self._groups:
            return
        for group in list(self._scheduler().schedule_groups.values()):
            for one in list(group.schedules.values()):
                made_at = self._made_at.setdefault((one.arn, one.last_modified_date), self._clock.now())
                if one.group_name in self._groups and one.state == "ENABLED":
                    yield Schedule(
                        f"{one.group_name}/{one.name}",
                        one.schedule_expression,
                        one.schedule_expression_timezone,
                        one.target["Arn"],
                        one.target.get("Input", "{}"),
                        made_at,
                        one.action_after_completion == "DELETE",
                    )

    def delete(self, name: str) -> None:
        """See `ScheduleBook`."""
        group, _, schedule = name.partition("/")
        self._scheduler().delete_schedule(group, schedule)

    def remove_groups(self) -> None:
        """Remove the groups, because moto keeps them for the whole process."""
        if self._backend is not None:
            for name in self._groups:
                self._backend.schedule_groups.pop(name, None)

    def _scheduler(self) -> Any:
        if self._backend is None:
            from moto.backends import get_backend

            backend = get_backend("scheduler")[ACCOUNT_ID][REGION]
            for name in self._groups:
                backend.create_schedule_group(name, [])
            self._backend = backend
        return self._backend
