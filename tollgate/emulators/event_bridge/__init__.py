"""EventBridge: rules that start a target when an event comes, and schedules that do when their time has come.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-what-is.html
"""

from tollgate.emulators.event_bridge.patterns import matches
from tollgate.emulators.event_bridge.rules import Rule, Rules
from tollgate.emulators.event_bridge.schedules import Schedule, Schedules

__all__ = ["Rule", "Rules", "Schedule", "Schedules", "matches"]
