"""The extras of the distribution, and the sentence for a command whose extra is not installed.

The base install is what a pipeline needs. `dev` adds the local runner and the embedded Bedrock, `engines` adds what
runs a model's own weights (docs/decisions/0130).
"""

from __future__ import annotations

import re
from importlib import metadata

# `moto[dynamodb,s3]; extra == "dev"` in a distribution's metadata. Requirements that also depend on the platform
# ("sys_platform == … and extra == …") do not match: on a machine that does without them they are not missing.
_REQUIREMENT = re.compile(r"""(?P<name>[\w.-]+)[^;]*;\s*extra\s*==\s*["'](?P<extra>[\w-]+)["']\s*""")

_NAMED = 3
"""How many missing packages the message names."""

DISTRIBUTION = "tollgate-bedrock"
"""What pyproject.toml calls what is installed. The package index has a `tollgate` that is somebody else's."""


class MissingExtraError(Exception):
    """Raised when an extra that a command needs is not installed; the message says what to install."""


def require_extra(extra: str, user: str) -> None:
    """Check that the packages of an extra are installed, before one of them is imported.

    `user` names what needs them, as the subject of the message's sentence:

        require_extra("dev", "`tollgate dev`")

    Raises:
        MissingExtraError: a package of the extra is not installed.
    """
    missing = _missing_packages(extra)
    if not missing:
        return
    named = ", ".join(missing[:_NAMED])
    if len(missing) > _NAMED:
        named += f" and {len(missing) - _NAMED} more"
    raise MissingExtraError(
        f"{user} needs packages that are not installed ({named}): pip install '.[dev,engines]' in Tollgate's checkout"
    )


def _missing_packages(extra: str) -> list[str]:
    """Names of the extra's packages that are not installed, in the order of its requirements."""
    try:
        requirements = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed: imports will tell
        return []
    missing = []
    for requirement in requirements:
        match = _REQUIREMENT.fullmatch(requirement)
        if match and match["extra"] == extra and not _is_installed(match["name"]):
            missing.append(match["name"])
    return missing


def _is_installed(package: str) -> bool:
    try:
        metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return False
    return True
