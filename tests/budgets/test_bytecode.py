"""What `make build` adds to SAM's build: bytecode that still counts when SAM's zip has changed every date."""

from __future__ import annotations

import os
import subprocess

from tests.conftest import ROOT

ZIP_EPOCH = 315_532_800  # 1980-01-01, the date of every file in the zips that SAM makes


def test_bytecode_is_used_although_its_source_has_another_date(tmp_path):
    # GIVEN a built function with its bytecode, of which the source then gets the date that a zip gives it
    source = tmp_path / "app.py"
    source.write_text("VALUE = 'from the bytecode'\n")
    subprocess.run([ROOT / "scripts" / "bytecode", tmp_path], check=True)
    source.write_text("VALUE = 'from the source'\n")
    os.utime(source, (ZIP_EPOCH, ZIP_EPOCH))

    # WHEN a fresh interpreter of the functions' version imports it
    python = subprocess.run(
        [ROOT / "scripts" / "find-python", "3.13"], check=True, capture_output=True, text=True
    ).stdout.strip()
    imported = subprocess.run(
        [python, "-c", "import app; print(app.VALUE)"], cwd=tmp_path, check=True, capture_output=True, text=True
    )

    # THEN nothing was compiled
    assert imported.stdout == "from the bytecode\n"
