"""How commands about a model's life end, for pipelines that decide by it. docs/releases.md has them as a table."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command, and of a release, which keeps it in its item."""

    DONE = 0
    UNEXPECTED = 1
    USAGE = 2
    """Wrong usage, no such stack, no credentials."""
    ARTIFACTS = 3
    """The artifacts were refused."""
    IMPORT = 4
    """The import failed."""
    SMOKE_TEST = 5
    """A golden prompt failed, or the model never became ready."""
    ROLLED_BACK = 6
    """The canary failed, or an alarm did."""
    CHANGED = 7
    """Somebody else releases this model, or changed its record."""
    PERMISSION = 8
    """A permission or a quota: an operator must act."""
    HELD = 9
    """Undecided: the new variant is held at weight 0."""
    DRIFT = 10
    """A record names a model that is gone."""
    DETACHED = 130
    """Ctrl-C: the release goes on."""
