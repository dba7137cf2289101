"""Clean up: an execution that was stopped, or broke, leaves no canary at five per cent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate_release.exit_codes import ExitCode
from tollgate_release.release import Release

if TYPE_CHECKING:
    from tollgate_release.services import Services


def clean_up(message: dict[str, Any], now: float, services: Services) -> dict[str, Any]:
    """Find the release of an execution that is over, and roll it back if it still holds the record."""
    nothing = {
        "next": "done",
        "wait_seconds": 0,
        "model": "",
        "release": "",
        "result": "",
        "exit_code": 0,
        "message": "",
    }
    started = message.get("started", {})
    if started.get("source") == "aws.states":
        return nothing  # the execution was a clean-up itself
    for stored in services.records.models.list():
        if stored.releasing is None:
            continue
        document = services.releases.get_release(stored.model, stored.releasing.partition("/")[2])
        if document is None or document.get("execution_arn") != message.get("ended_execution"):
            continue
        release = Release.from_json(document)
        release.finish(now, "rolled_back", ExitCode.ROLLED_BACK, "The release's execution was stopped, or broke.")
        release.stage = "roll_back"
        release.note(now, "stopped", "the execution is over before the release is")
        services.releases.put_release(release.model, release.variant, release.as_json())
        return {"next": "roll_back", "wait_seconds": 0, "model": release.model, "release": release.variant}
    return nothing
