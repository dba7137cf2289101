"""docs/model-record.md tells every field, and its examples are records."""

from __future__ import annotations

import re

import pytest

from tests.conftest import ROOT
from tollgate_layer.inference.record import Defaults, Hook, Limits, ModelRecord, ServerPrompt, Shadow, Variant
from tollgate_release.records import RecordError, check_record, table_item


def test_the_tables_name_exactly_the_fields_that_there_are():
    text = (ROOT / "docs" / "model-record.md").read_text()
    fields = {*ModelRecord._fields, *Variant._fields} - {"unknown_fields"}  # a count, and no field of the record's text
    for name, part in (("defaults", Defaults), ("limits", Limits), ("prompt", ServerPrompt), ("shadow", Shadow)):
        fields |= {f"{name}.{field}" for field in part._fields}

    fields |= {"hooks.version", "hooks.after.stream"} | {f"hooks.before.{field}" for field in Hook._fields}
    assert set(re.findall(r"^\| `([\w.]+)` \|", text, re.MULTILINE)) == fields


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "records").glob("*.json")), ids=lambda path: path.stem)
def test_the_example_records_are_records(path):
    item = table_item(check_record(path.read_text()))

    assert item["model"]["S"] == path.stem


def test_the_record_of_the_guide_to_both_services_is_a_record():
    text = (ROOT / "docs" / "hybrid.md").read_text()
    block, shadow = re.findall(r"^```json\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)

    item = table_item(check_record(block))
    table_item(check_record(block.rstrip().removesuffix("}") + f", {shadow}}}"))

    assert item["model"]["S"] == "apexguru"


def test_a_text_that_is_no_record_is_told_field_by_field():
    with pytest.raises(RecordError) as caught:
        check_record('{"model": "A", "variants": [{"name": "v", "weight": -1}]}')

    assert sorted(problem.split(":")[0] for problem in caught.value.problems) == [
        "model", "variants[0].body_format", "variants[0].model_id", "variants[0].weight"
    ]  # fmt: skip
