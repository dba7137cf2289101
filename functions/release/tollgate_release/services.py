"""What a release's steps use of AWS: clients by service, and the names of the stack's resources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate_release.changes import RecordChanges
from tollgate_release.model_table import ModelTable
from tollgate_release.release_table import ReleaseTable

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Services:
    """The stack that a release is about, as its steps see it.

    `client` gives a boto3 client of a service. The fields are outputs of template.yaml, `who` is what audits name.
    """

    client: Callable[[str], Any]
    stack: str
    model_table: str
    release_table: str
    inference_machine: str
    release_machine: str
    import_role: str
    schedule_group: str
    scheduler_role: str
    who: str
    record_cache_s: int = 30
    stream_timeout_s: int = 900

    @property
    def records(self) -> RecordChanges:
        """The stack's records, and the audit of their changes."""
        dynamodb = self.client("dynamodb")
        return RecordChanges(ModelTable(dynamodb, self.model_table), ReleaseTable(dynamodb, self.release_table))

    @property
    def releases(self) -> ReleaseTable:
        """The stack's releases."""
        return ReleaseTable(self.client("dynamodb"), self.release_table)
