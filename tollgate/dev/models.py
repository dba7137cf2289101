"""Loads the models of models/local.json: registers or imports them, and completes their records."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCOUNT_ID
from tollgate.dev.hooks import LocalHook, local_hooks, with_hooks
from tollgate.engines.scripted import read_script
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tollgate.emulators.bedrock import Bedrock
    from tollgate.engines.base import Engine

ARTIFACTS_BUCKET = "tollgate-local-artifacts"
_POLL_S = 0.02
_IMPORT_LIMIT_S = 60.0

Entry = dict[str, Any]


def read_models(path: Path) -> list[Entry]:
    """Read a file of entries: `[{"serve": {…}, "record": {…}}]`.

    `serve` says how the embedded Bedrock gets the model, `record` is its model record without the model's ARN.

    Raises:
        DefinitionError: the file is missing, no JSON, or has another shape.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DefinitionError(str(path), f"cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DefinitionError(str(path), f"is no JSON: {error}") from error
    # Imported here: whoever starts a stack without a file of models does without pydantic.
    from tollgate.dev.model_entries import check_entries

    return [entry.model_dump(exclude_defaults=True) for entry in check_entries(entries, path)]


class ModelLoader:
    """Makes models ready in the embedded Bedrock.

    `root` is the folder that paths of artifacts start from. `clients` makes boto3's clients of S3 and Bedrock, when an
    import needs them.
    """

    def __init__(self, bedrock: Bedrock, root: Path, clients: Callable[[], tuple[Any, Any]]) -> None:
        self._bedrock = bedrock
        self._root = root
        self._clients = clients
        self.hooks: dict[str, LocalHook] = {}
        """The hooks of the models that were loaded, by ARN."""

    def load(self, entry: Entry) -> dict[str, Any]:
        """Register or import the model of an entry, and return its record with the model's ARN in its variants.

        Raises:
            DefinitionError: the artifacts cannot be imported.
        """
        record, serve = entry["record"], dict(entry["serve"])
        if "hooks" in serve:
            hooks = local_hooks(record["model"], serve.pop("hooks"), self._root)
            self.hooks.update({hook.arn: hook for hook in hooks.values()})
            record = with_hooks(record, hooks)
        if "script" in serve:
            try:
                serve["engine"] = read_script(self._root / serve.pop("script"))
            except ValueError as error:
                raise DefinitionError("script", str(error)) from error
        endpoint = serve.pop("endpoint", None)
        if endpoint is not None and "artifacts" not in serve:
            self._bedrock.register(name=endpoint, **serve)
            return dict(record)
        if endpoint is not None:
            body_format = serve.get("body_format", "openai")
            self._bedrock.register(endpoint, self._engine(serve["artifacts"]), body_format=body_format)
        if "artifacts" in serve:
            arn = self._import(record["model"], self._root / serve["artifacts"])
        else:
            arn = self._bedrock.register(name=imported_model_name(record["model"]), **serve)
        variants = []
        for variant in record["variants"]:
            is_imported = variant.get("backend") != "sagemaker" and variant.get("model_id") is None
            variants.append({**variant, "model_id": arn} if is_imported else variant)
        return {**record, "variants": variants}

    def _engine(self, artifacts: str) -> Engine:
        """The engine that runs a folder of artifacts, for an endpoint that serves the same model as the import."""
        from tollgate.engines.numpy_engine import NumpyEngine  # few endpoints have artifacts, and it needs numpy

        return NumpyEngine.load(self._root / artifacts)

    def _import(self, model: str, directory: Path) -> str:
        place = f"artifacts {directory}"
        if not directory.is_dir():
            raise DefinitionError(place, "is no directory")
        name = imported_model_name(model)
        s3, control_plane = self._clients()
        s3.create_bucket(Bucket=ARTIFACTS_BUCKET)
        for path in sorted(directory.rglob("*")):
            if path.is_file():
                key = f"{name}/{path.relative_to(directory).as_posix()}"
                s3.put_object(Bucket=ARTIFACTS_BUCKET, Key=key, Body=path.read_bytes())
        seconds = self._bedrock.profile.import_seconds
        # What is there from the start was imported before: nobody waits for it.
        self._bedrock.profile.import_seconds = 0
        try:
            return self._import_now(control_plane, name, place)
        finally:
            self._bedrock.profile.import_seconds = seconds

    def _import_now(self, control_plane: Any, name: str, place: str) -> str:
        job_arn = control_plane.create_model_import_job(
            jobName=name,
            importedModelName=name,
            roleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/model-import",
            modelDataSource={"s3DataSource": {"s3Uri": f"s3://{ARTIFACTS_BUCKET}/{name}/"}},
        )["jobArn"]
        return _wait_for_import(control_plane, job_arn, place)


def _wait_for_import(control_plane: Any, job_arn: str, place: str) -> str:
    for _ in range(int(_IMPORT_LIMIT_S / _POLL_S)):
        job = control_plane.get_model_import_job(jobIdentifier=job_arn)
        if job["status"] == "Completed":
            return str(job["importedModelArn"])
        if job["status"] == "Failed":
            raise DefinitionError(place, f"cannot be imported: {job['failureMessage']}")
        time.sleep(_POLL_S)
    raise DefinitionError(place, f"were not imported within {_IMPORT_LIMIT_S:.0f} s")


def imported_model_name(model: str) -> str:
    """The name of an imported model for a record's model name, in which dots are allowed."""
    return model.replace(".", "-")
