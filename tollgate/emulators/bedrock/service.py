"""The state of the embedded Bedrock: its imported models, its import jobs and its clock."""

from __future__ import annotations

import asyncio
import shutil
import weakref
from functools import cached_property
from typing import TYPE_CHECKING, Any

from tollgate import leftovers
from tollgate.emulators.bedrock import arns
from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate.emulators.bedrock.faults import parse_script
from tollgate.emulators.bedrock.import_faults import ImportScript
from tollgate.emulators.bedrock.life import Life
from tollgate.emulators.bedrock.models import ImportedModel
from tollgate.emulators.bedrock.profiles import profile
from tollgate.emulators.bedrock.settings import Settings
from tollgate.emulators.clock import Clock
from tollgate.engines.echo import EchoEngine
from tollgate_release.artifacts.rules import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from pathlib import Path

    from tollgate.emulators.bedrock.models import ImportJob
    from tollgate.engines.base import Engine

_BODY_FORMATS = ("openai", "bedrock", "mistral", "tgi", "lmi")
_ENGINES = ("echo", "upstream")


class Bedrock:
    """Amazon Bedrock for one account in one Region.

    bedrock = Bedrock(Settings(profile="instant"))
    arn = bedrock.register("llama-demo", body_format="bedrock")
    bedrock.set_faults("llama-demo", steps=[{"error": "ThrottlingException"}])
    """

    def __init__(self, settings: Settings | None = None, clock: Clock | None = None) -> None:
        """Raises ValueError for settings that name no profile."""
        self.settings = settings or Settings()
        self.profile = profile(self.settings.profile)
        self.imported_models_quota = self.settings.imported_models_quota
        self.import_faults = ImportScript()
        self.clock = clock or Clock()
        self.on_body: Callable[[str, bytes], None] | None = None
        """Is told of each model that is given a body to answer, and of the body."""
        self.jobs: list[ImportJob] = []
        """All import jobs, oldest first."""
        self._models: dict[str, ImportedModel] = {}
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def register(
        self,
        name: str,
        engine: str | Engine = "echo",
        architecture: str = "qwen2",
        body_format: str = "openai",
        *,
        has_chat_template: bool = True,
    ) -> str:
        """Add a model without artifacts, for tests and demonstrations; returns its ARN.

        Raises:
            ValueError: an unknown body format or engine, or a name that is taken.
        """
        if body_format not in _BODY_FORMATS:
            raise ValueError(f"body format {body_format!r} is not one of {', '.join(_BODY_FORMATS)}")
        if any(model.name == name for model in self.models()):
            raise ValueError(f"a model named {name!r} is there already")
        engine_name = type(engine).__name__
        if isinstance(engine, str):
            engine_name, engine = engine, self.engine(engine)
        arn = self.new_arn("imported-model", name)
        self.add(
            ImportedModel(
                name=name,
                arn=arn,
                architecture=architecture,
                body_format=body_format,
                engine=engine,
                engine_name=engine_name,
                created_at=self.clock.now(),
                has_chat_template=has_chat_template,
                life=Life(self.profile, self.clock),
                instruct_supported=has_chat_template and _converse_allows(architecture),
            )
        )
        return str(arn)

    def models(self) -> list[ImportedModel]:
        """All models, oldest first."""
        return list(self._models.values())

    def model(self, name: str) -> ImportedModel:
        """The model of a name; raises KeyError when there is none."""
        for model in self.models():
            if model.name == name:
                return model
        raise KeyError(name)

    def note_body(self, model: ImportedModel, body: bytes) -> None:
        """Keep a body that a model is given, and tell whoever wants to know."""
        model.traffic.recent_bodies.append(body)
        if self.on_body is not None:
            self.on_body(model.name, body)

    def add(self, model: ImportedModel) -> None:
        """Make a model invocable."""
        self._models[model.arn.id] = model

    def remove(self, model: ImportedModel) -> None:
        """Delete a model with its artifacts; invocations that run already go on."""
        del self._models[model.arn.id]
        if model.origin:
            shutil.rmtree(self.storage / model.origin.job_arn.rpartition("/")[2], ignore_errors=True)

    def set_faults(
        self,
        name: str,
        *,
        steps: Sequence[Mapping[str, Any]] = (),
        throttle_above: int | None = None,
        seconds_per_token: float = 0,
    ) -> None:
        """Replace the faults of a model; faults.py says what a step may hold. Without arguments the model has none.

        Raises:
            KeyError: no model has this name.
            ValueError: the script is wrong.
        """
        script = {"steps": steps, "throttle_above": throttle_above, "seconds_per_token": seconds_per_token}
        self.model(name).faults = parse_script(script)

    def invocable(self, model_id: str) -> ImportedModel:
        """Find the model that a request to bedrock-runtime names by ARN.

        Raises:
            ServiceError: there is no such imported model in this account and Region.
        """
        arn = arns.parse(model_id)
        if arn is None or arn.kind != "imported-model" or arn.region != self.settings.region:
            raise invalid("The provided model identifier is invalid.")
        self.check_account(arn)
        model = self._models.get(arn.id)
        if model is None:
            raise ServiceError("ResourceNotFoundException", f"Could not find the imported model {arn.id}.")
        return model

    def check_account(self, arn: arns.Arn) -> None:
        """Raises ServiceError (AccessDeniedException) for another account's resource."""
        if arn.account != self.settings.account_id:
            raise ServiceError("AccessDeniedException", f"You don't have access to {arn}.")

    def new_arn(self, kind: str, seed: str) -> arns.Arn:
        """Make the ARN of a new resource; ids depend only on seed and order, so that runs can be compared."""
        self._sequence += 1
        resource_id = arns.resource_id(f"{kind}/{seed}/{self._sequence}")
        return arns.Arn(self.settings.region, self.settings.account_id, kind, resource_id)

    def engine(self, name: str) -> Engine:
        """Make an engine that needs no artifacts.

        Raises:
            ValueError: no such engine, or `upstream` without settings.
        """
        if name == "echo":
            return EchoEngine()
        if name == "upstream":
            # Imported here because few processes need an HTTP client.
            from tollgate.engines.upstream import UpstreamEngine

            if not self.settings.upstream_url:
                raise ValueError("engine 'upstream' needs the URL of an OpenAI-compatible server (--upstream-url URL)")
            return UpstreamEngine(self.settings.upstream_url, self.settings.upstream_model or "default")
        raise ValueError(f"engine {name!r} is not one of {', '.join(_ENGINES)}")

    def close(self) -> None:
        """Release the models' engines and delete their artifacts; call it when nothing is served any more."""
        for model in self.models():
            close = getattr(model.engine, "close", None)
            if close is not None:
                close()
        if "storage" in self.__dict__:
            leftovers.remove_folder(self.storage)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine in the background of the server's event loop."""
        task = asyncio.ensure_future(work)
        # The loop itself keeps only weak references to its tasks.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @cached_property
    def storage(self) -> Path:
        """The folder of imported artifacts, deleted together with this object."""
        folder = leftovers.new_folder("tollgate-bedrock-")
        weakref.finalize(self, leftovers.remove_folder, folder)
        return folder


def _converse_allows(architecture: str) -> bool:
    """Whether Converse serves the family of a model type such as `llama` or `qwen2`."""
    prefix = _letters(architecture)
    return all(rules.converse for name, rules in ARCHITECTURES.items() if _letters(name).startswith(prefix))


def _letters(name: str) -> str:
    """The letters of a name, so that a model type (`qwen2_5_vl`) begins its class name (`Qwen2_5_VLForCondit…`)."""
    return name.lower().replace("_", "").replace("-", "")
