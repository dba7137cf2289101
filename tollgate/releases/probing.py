"""A model that `tollgate keep-warm probe` measures, on the stack's own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate_release.figures import read_figures
from tollgate_release.invoking import ask_for_a_token

if TYPE_CHECKING:
    from tollgate.deployment import Deployment
    from tollgate_release.services import Services


class ProbedModel:
    """See `tollgate_release.keep_warm.probe.Probed`.

    `moves_clock` moves the local stack's clock instead of waiting for it.
    """

    def __init__(self, deployment: Deployment, services: Services, model: str, moves_clock: bool) -> None:
        self._deployment = deployment
        self._services = services
        self._model = model
        self._moves_clock = moves_clock and deployment.is_local

    def ask(self) -> float | None:
        """Ask for one token: the seconds it took, None when the model was not ready."""
        answer = ask_for_a_token(self._services, self._model)
        return answer.seconds if answer.status == 200 else None

    def requests_since(self, start: float) -> int | None:
        """How many requests clients have sent since a time."""
        name, _, variant = self._model.partition("@")
        variants = [variant] if variant else self._variants(name)
        found = read_figures(
            self._services.client("cloudwatch"), self._services.stack, name, variants, start + 60, self.now()
        )
        return sum(figures.requests for figures in found.values())

    def now(self) -> float:
        """Seconds since 1970."""
        return self._deployment.now()

    def sleep(self, seconds: float) -> None:
        """Return when so many seconds have passed."""
        if self._moves_clock:
            self._deployment.move_clock(seconds)
        else:
            self._deployment.sleep(seconds)

    def _variants(self, model: str) -> list[str]:
        stored = self._services.records.get(model)
        return [variant["name"] for variant in stored.record["variants"]]
