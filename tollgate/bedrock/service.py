"""The state of the embedded Bedrock: its imported models."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from tollgate.bedrock import arns
from tollgate.bedrock.engines.echo import EchoEngine
from tollgate.bedrock.errors import ServiceError, invalid
from tollgate.bedrock.faults import parse_script
from tollgate.bedrock.models import ImportedModel
from tollgate.bedrock.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tollgate.bedrock.engines.base import Engine

_BODY_FORMATS = ("openai", "bedrock", "mistral")


class Bedrock:
    """One account in one Region."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self._models: dict[str, ImportedModel] = {}
        self._sequence = 0

    def register(
        self,
        name: str,
        engine: str | Engine = "echo",
        architecture: str = "qwen2",
        body_format: str = "openai",
        *,
        has_chat_template: bool = True,
    ) -> str:
        """Add a ready model without artifacts, for tests and demonstrations; returns its ARN.

        Raises:
            ValueError: an unknown body format or engine, or a name that is taken.
        """
        if body_format not in _BODY_FORMATS:
            raise ValueError(f"body format {body_format!r} is not one of {', '.join(_BODY_FORMATS)}")
        if any(model.name == name for model in self._models.values()):
            raise ValueError(f"a model named {name!r} is there already")
        model = ImportedModel(
            name=name,
            arn=self._new_arn("imported-model", name),
            architecture=architecture,
            body_format=body_format,
            engine=self._engine(engine),
            engine_name=engine if isinstance(engine, str) else type(engine).__name__,
            created_at=time.time(),
            has_chat_template=has_chat_template,
        )
        self._models[model.arn.id] = model
        return str(model.arn)

    def models(self) -> list[ImportedModel]:
        """All models, oldest first."""
        return list(self._models.values())

    def model(self, name: str) -> ImportedModel:
        """Raises KeyError when no model has this name."""
        for model in self._models.values():
            if model.name == name:
                return model
        raise KeyError(name)

    def set_faults(
        self,
        name: str,
        *,
        steps: Sequence[Mapping[str, Any]] = (),
        throttle_above: int | None = None,
        seconds_per_token: float = 0,
    ) -> None:
        """Replace the faults of a model (faults.py says what a step may hold); no arguments: no faults.

        Raises:
            KeyError: no model has this name.
            ValueError: the script is wrong.
        """
        script = {"steps": steps, "throttle_above": throttle_above, "seconds_per_token": seconds_per_token}
        self.model(name).faults = parse_script(script)

    def invocable(self, model_id: str) -> ImportedModel:
        """The model that a runtime call names by ARN.

        Raises:
            ServiceError: not an imported model of this account and Region.
        """
        arn = arns.parse(model_id)
        if arn is None or arn.kind != "imported-model" or arn.region != self.settings.region:
            raise invalid("The provided model identifier is invalid.")
        if arn.account != self.settings.account_id:
            raise ServiceError(
                "AccessDeniedException", "You don't have access to the model with the specified model ID."
            )
        model = self._models.get(arn.id)
        if model is None:
            raise ServiceError("ResourceNotFoundException", f"Could not find the imported model {arn.id}.")
        return model

    def _new_arn(self, kind: str, seed: str) -> arns.Arn:
        self._sequence += 1
        resource_id = arns.resource_id(f"{kind}/{seed}/{self._sequence}")
        return arns.Arn(self.settings.region, self.settings.account_id, kind, resource_id)

    def _engine(self, engine: str | Engine) -> Engine:
        if not isinstance(engine, str):
            return engine
        if engine == "echo":
            return EchoEngine()
        raise ValueError(f"engine {engine!r} is not one of echo")
