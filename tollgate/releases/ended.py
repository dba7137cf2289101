"""How a release ended, for people and for scripts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tollgate_release.release import Release


@dataclass(frozen=True, slots=True)
class Ended:
    """How a release ended. `release` is None where none was made, or it is another's."""

    result: str
    exit_code: int
    message: str
    model: str
    variant: str
    revision: int
    release: Release | None

    def as_json(self) -> dict[str, Any]:
        """The last line of `--output json`."""
        found: dict[str, Any] = {
            "event": "result",
            "result": self.result,
            "exit_code": self.exit_code,
            "model": self.model,
            "variant": self.variant,
            "revision": self.revision,
            "message": self.message,
        }
        if self.release is not None:
            release = self.release
            found |= {
                "release": release.id,
                "model_arn": release.model_arn,
                "custom_model_units": release.custom_model_units,
                "replaced": release.stable if self.result == "promoted" else None,
                "seconds": round((release.ended_at or release.started_at) - release.started_at),
                "canary": release.figures or None,
                "smoke_failures": release.smoke_failures,
                "plan": release.plan,
                "execution_arn": release.execution_arn,
            }
        return found
