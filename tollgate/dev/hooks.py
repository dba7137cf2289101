"""Runs the hooks that a file of models names, as functions of their own beside the stack's.

A hook's file is a stranger to the stack, as it is on AWS: it gets its folder, its own requirements, and no endpoint,
key or record of ours.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate.account import ACCOUNT_ID, REGION
from tollgate.emulators.lambda_functions import Function, FunctionSettings, LogSink
from tollgate.stack.definitions import DefinitionError

if TYPE_CHECKING:
    from pathlib import Path

_MODULE_FOLDER = "layers/hooks/python"
_PACKAGES_FOLDER = ".tollgate/hooks"
_MEMORY_MB = 1769
"""As the example's template: the size at which Lambda gives one whole processor."""


@dataclass(frozen=True, slots=True)
class LocalHook:
    """A hook's function: its ARN, its folder, and its handler in there; `model_py` is the script's module, if any."""

    arn: str
    folder: Path
    handler: str
    model_py: str | None = None

    @property
    def name(self) -> str:
        return self.arn.rpartition(":")[2]


def local_hooks(model: str, hooks: dict[str, str], root: Path) -> dict[str, LocalHook]:
    """The hooks of a model by name, from `{"before": "PATH.py:function", …}` or `{"model_py": "PATH.py"}`.

    Raises:
        DefinitionError: a file is not there.
    """
    if "model_py" in hooks:
        path = _file(root, hooks["model_py"])
        hook = LocalHook(_arn(model, "script"), path.parent, "tollgate_hooks.handler", path.stem)
        return {"before": hook, "after": hook}
    found = {}
    for name, place in hooks.items():
        file_name, _, function = place.rpartition(":")
        if not file_name.endswith(".py") or not function:
            raise DefinitionError(f"serve.hooks.{name}", f"{place} is not of the form PATH.py:function")
        path = _file(root, file_name)
        found[name] = LocalHook(_arn(model, name), path.parent, f"{path.stem}.{function}")
    return found


def with_hooks(record: dict[str, Any], hooks: dict[str, LocalHook]) -> dict[str, Any]:
    """The record with the hooks' ARNs; what else it says of them stays."""
    named = dict(record.get("hooks") or {})
    for name, hook in hooks.items():
        named[name] = {**(named.get(name) or {}), "function": hook.arn}
    return {**record, "hooks": named}


def hook_functions(hooks: list[LocalHook], root: Path, logs: LogSink) -> dict[str, Function]:
    """The functions of all hooks, by ARN. What their folders require is installed, once for each set of requirements.

    Raises:
        DefinitionError: that failed.
    """
    functions = {}
    for hook in hooks:
        variables = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
        if hook.model_py is not None:
            variables["MODEL_PY"] = hook.model_py
        settings = FunctionSettings(
            name=hook.name,
            arn=hook.arn,
            handler=hook.handler,
            code=hook.folder,
            packages=tuple(packages_of(hook.folder, root)),
            timeout_s=20,
            memory_mb=_MEMORY_MB,
            variables=variables,
        )
        functions[hook.arn] = Function(settings, logs)
    return functions


def packages_of(folder: Path, root: Path) -> list[Path]:
    """The folders in which a hook's process finds modules, beside its own: ours for scripts, and what it requires.

    Raises:
        DefinitionError: its requirements cannot be installed.
    """
    root = root.resolve()  # the processes have folders of their own
    packages = [root / _MODULE_FOLDER]
    required = folder / "requirements.txt"
    if required.exists():
        packages.append(_installed(required, root / _PACKAGES_FOLDER))
    return packages


def _installed(required: Path, folder: Path) -> Path:
    """The folder with a file's requirements, which pip fills when the file is new or has changed."""
    target = folder / hashlib.sha256(required.read_bytes()).hexdigest()[:16]
    done = target / ".done"
    if not done.exists():
        command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--target", str(target)]
        ended = subprocess.run([*command, "-r", str(required)], capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode != 0:
            last = ended.stderr.strip().splitlines()[-1:] or ["pip failed"]
            raise DefinitionError(str(required), f"cannot be installed: {last[0]}")
        target.mkdir(parents=True, exist_ok=True)  # nothing was required
        done.touch()
    return target


def _file(root: Path, name: str) -> Path:
    path = root / name
    if not path.is_file():
        raise DefinitionError("serve.hooks", f"{name} is no file")
    return path.resolve()


def _arn(model: str, name: str) -> str:
    """The ARN under which a hook is called; functions' names have no dots."""
    return f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:tollgate-hook-{model.replace('.', '-')}-{name}"[:140]
