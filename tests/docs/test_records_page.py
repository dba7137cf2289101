"""docs/records.md shows what the commands print."""

from __future__ import annotations

import pytest

from scripts.write_records import PAGE, rewritten
from tests.conftest import ROOT
from tollgate.dev import Local


@pytest.mark.path
def test_the_commands_print_what_is_shown():
    text = PAGE.read_text()
    # GIVEN a stack of their own, since they list everything that there is
    with Local.start(template=ROOT / "template.yaml") as local:
        assert rewritten(text, local) == text, "run python -m scripts.write_records"
