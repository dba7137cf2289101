"""Records are safe to change: nobody overwrites what they have not seen, and every change leaves a line."""

from __future__ import annotations

import json
import re

import pytest

from tests.releases.conftest import ALICE, by, record, variant
from tollgate_release.changes import RecordChanges
from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem, RecordBeingReleased, RecordChanged
from tollgate_release.record_diff import changed_fields, shown_weights
from tollgate_release.release_table import Change, ReleaseTable

ONE = record(variant("v1", 100))
TWO = record(variant("v1", 100), variant("v2", 0, "b"))


def put(records, document, **more):
    return records.put(json.dumps(document), by(), **more)


def held(records):
    """Have a release send a quarter of the requests to v2."""
    canary = record(variant("v1", 75), variant("v2", 25, "b"))
    records.models.put(canary, revision=1, who="machine", now=1.0, releasing="apexguru/v2")
    records.releases.put_release("apexguru", "v2", {"stage": "judge", "started_by": "bob"})
    return canary


def test_a_record_that_is_put_is_read_back_with_who_and_when(records):
    changed = put(records, ONE)
    stored = records.get("apexguru")

    assert (changed.revision, changed.before) == (1, None)
    assert (stored.record, stored.revision, stored.updated_by, stored.releasing) == (ONE, 1, ALICE, None)


def test_each_change_raises_the_revision_and_leaves_a_line(records):
    put(records, ONE)
    put(records, TWO)

    latest, first = records.releases.changes("apexguru")
    assert (first.verb, first.before, first.after, first.revision) == ("put", {}, {"v1": 100}, 1)
    assert (latest.before, latest.after, latest.who) == ({"v1": 100}, {"v1": 100, "v2": 0}, ALICE)


def test_two_changes_in_one_millisecond_have_a_line_each(releases):
    change = Change(1_795_000_000.5, ALICE, "put", 1, {}, {"v1": 100})
    for _ in range(3):
        releases.note_change("apexguru", change)

    assert len(releases.changes("apexguru")) == 3


def test_a_line_of_a_newer_version_is_read(releases):
    change = {
        "who": ALICE,
        "verb": "put",
        "revision": 1,
        "before": {},
        "after": {"v1": 100},
        "reason": "",
        "ticket": "T-1",
    }
    releases._put_new("apexguru", "change#2026-11-26T09:00:00.000+00:00", change)

    assert releases.changes("apexguru")[0].after == {"v1": 100}


@pytest.mark.parametrize("revision", [0, 2])
def test_a_put_that_expects_another_revision_writes_nothing(records, revision):
    put(records, ONE)

    with pytest.raises(RecordChanged, match=f"expected revision {revision}, now it has revision 1, written by {ALICE}"):
        put(records, TWO, if_revision=revision)
    assert records.get("apexguru").record == ONE


def test_somebody_who_was_faster_is_not_overwritten(records):
    """GIVEN a record that two have read, WHEN both write, THEN the second is told."""
    put(records, ONE)
    records.models.put(TWO, revision=1, who="bob", now=1.0)

    with pytest.raises(RecordChanged, match="revision 2, written by bob") as caught:
        records.models.put(ONE, revision=1, who=ALICE, now=2.0)
    assert caught.value.exit_code == ExitCode.CHANGED
    assert records.get("apexguru").record == TWO


def test_a_put_in_the_middle_of_a_release_is_refused(records):
    # GIVEN a canary that a release holds
    put(records, TWO)
    held(records)

    for attempt in (lambda: put(records, ONE), lambda: records.delete("apexguru", by())):
        with pytest.raises(RecordBeingReleased) as caught:
            attempt()
        assert caught.value.exit_code == ExitCode.CHANGED
        # THEN it is told which release, how far it is, and what to do
        assert str(caught.value) == (
            "apexguru is being released: apexguru/v2, with 25 % of the requests, next step judge, started by bob. "
            "Follow it: tollgate status apexguru. Stop it: tollgate abort apexguru"
        )
    assert records.get("apexguru").revision == 2


def test_the_release_itself_goes_on_and_lets_go(records):
    put(records, TWO)
    records.models.put(TWO, revision=1, who="machine", now=1.0, releasing="apexguru/v2")
    records.models.put(TWO, revision=2, who="machine", now=2.0, mine="apexguru/v2", releasing="apexguru/v2")
    stored = records.models.put(TWO, revision=3, who="machine", now=3.0, mine="apexguru/v2")

    assert (stored.revision, records.get("apexguru").releasing) == (4, None)


def test_a_record_at_fault_is_not_written(records):
    with pytest.raises(Problem, match="weight"):
        put(records, record(variant("v1", -1)))
    assert records.models.get("apexguru") is None


def test_a_deleted_record_is_gone_and_its_line_stays(records):
    put(records, ONE)
    records.delete("apexguru", by())

    assert records.models.get("apexguru") is None
    assert records.releases.changes("apexguru")[0].verb == "delete"
    with pytest.raises(Problem, match="There is no model 'apexguru'"):
        records.delete("apexguru", by())


def test_items_of_an_older_version_are_read_and_written_over(records, dynamodb):
    item = {"model": {"S": "apexguru"}, "record": {"S": json.dumps(ONE)}, "revision": {"N": "1"}}
    dynamodb.put_item(TableName=records.models._name, Item=item)

    assert put(records, TWO).revision == 2


@pytest.mark.parametrize(
    "attributes",
    [
        {"record": {"S": "{no"}, "revision": {"N": "1"}},
        {"record": {"S": "[" * 100_000}, "revision": {"N": "1"}},
        {"record": {"S": json.dumps(ONE)}, "revision": {"S": "one"}},
        {"record": {"S": '{"variants": [5]}'}, "revision": {"N": "1"}},
        {"record": {"S": '{"variants": [{"name": "v", "weight": "x"}]}'}, "revision": {"N": "1"}},
        {"revision": {"N": "1"}},
    ],
)
def test_an_item_that_holds_no_record_is_told(records, dynamodb, attributes):
    # GIVEN an item that somebody broke by hand, beside a good one
    put(records, record(variant("v1", 100), model="good"))
    dynamodb.put_item(TableName=records.models._name, Item={"model": {"S": "apexguru"}, **attributes})

    for read in (records.models.list, lambda: records.get("apexguru"), lambda: put(records, ONE)):
        with pytest.raises(Problem, match=r"The item of apexguru in the model table holds no record: .+ Delete it"):
            read()
    problems: list[str] = []
    assert [stored.model for stored in records.models.list(problems)] == ["good"]
    assert len(problems) == 1


def test_an_item_without_a_revision_is_written_over(records, dynamodb):
    item = {"model": {"S": "apexguru"}, "record": {"S": json.dumps(ONE)}}
    dynamodb.put_item(TableName=records.models._name, Item=item)

    assert put(records, TWO).revision == 1


def test_all_pages_of_the_table_are_read(records):
    # GIVEN more records than a page of DynamoDB's holds, 1 MB
    long = {"chat_template": "{{ messages }}" + " " * 90_000}
    for number in range(13):
        document = record(variant("v1", 100, **long), model=f"m{number:02}")
        records.models.put(document, revision=0, who=ALICE, now=1.0)

    assert [stored.model for stored in records.models.list()] == [f"m{number:02}" for number in range(13)]


def without_audit(records):
    """The same records where nobody may write the release table."""
    return RecordChanges(records.models, ReleaseTable(records.models._dynamodb, "no-such-table"))


def test_a_change_whose_line_cannot_be_written_stays_and_says_so(records):
    changed = put(without_audit(records), ONE)

    (warning,) = changed.warnings
    assert warning.startswith("The change is made, but has no line in the audit: PutItem: ResourceNotFoundException: ")
    assert records.get("apexguru").revision == 1


def test_rolling_back_works_without_the_release_table(records):
    put(records, TWO)
    held(records)
    changed = without_audit(records).roll_back("apexguru", None, by())

    assert shown_weights(changed.before, changed.after) == "v1 75 → 100, v2 25 → 0"
    assert ["line in the audit" in warning for warning in changed.warnings] == [True, False]


def test_rolling_back_holds_for_the_record_that_the_release_writes_at_the_same_time(records):
    """GIVEN a release that takes its next step between our reading and our writing."""
    put(records, TWO)
    canary = held(records)
    once = records.models.get("apexguru")
    records.models.put(canary, revision=2, who="machine", now=2.0, mine="apexguru/v2", releasing="apexguru/v2")
    table = ReadsOnce(records.models, once)

    changed = RecordChanges(table, records.releases).roll_back("apexguru", None, by())

    assert changed.revision == 4
    assert records.get("apexguru").record["variants"][0]["weight"] == 100


class ReadsOnce:
    """A model table whose first reading is of before."""

    def __init__(self, table, first):
        self._table, self._readings = table, [first]

    def get(self, model):
        return self._readings.pop() if self._readings else self._table.get(model)

    def put(self, *arguments, **named):
        return self._table.put(*arguments, **named)


def test_promotion_gives_everything_to_the_new_variant(records):
    put(records, TWO)
    changed = records.promote("apexguru", None, by())

    assert shown_weights(changed.before, changed.after) == "v1 100 → 0, v2 0 → 100"
    assert changed.revision == 2


def test_rolling_back_gives_everything_to_the_one_that_had_it_before(records):
    put(records, record(variant("v0", 0, "c"), variant("v1", 100), variant("v2", 0, "b")))
    records.promote("apexguru", "v2", by(1_795_000_001.0))
    changed = records.roll_back("apexguru", None, by(1_795_000_002.0))

    assert shown_weights(changed.before, changed.after) == "v1 0 → 100, v2 100 → 0"


def test_rolling_back_a_split_by_hand_is_to_the_one_that_was_alone_before(records):
    split = record(variant("v1", 50), variant("v2", 50, "b"))
    put(records, split)
    with pytest.raises(Problem, match="Which one"):
        records.roll_back("apexguru", None, by())

    put(records, TWO)
    put(records, split)
    assert shown_weights(*both(records.roll_back("apexguru", None, by()))) == "v1 50 → 100, v2 50 → 0"


def test_rolling_back_twice_is_to_where_it_began(records):
    put(records, TWO)
    for number in range(1, 4):
        records.roll_back("apexguru", None, by(1_795_000_000.0 + number))

    assert [weight for change in records.releases.changes("apexguru") for weight in change.after.values()] == [
        0, 100, 100, 0, 0, 100, 100, 0
    ]  # fmt: skip


def both(changed):
    return changed.before, changed.after


def test_rolling_back_in_the_middle_of_a_canary_wins_over_the_release(records):
    """GIVEN a canary that a release holds, WHEN it is rolled back by hand, THEN the release can write no more."""
    put(records, TWO)
    canary = held(records)

    changed = records.roll_back("apexguru", None, by())

    assert shown_weights(changed.before, changed.after) == "v1 75 → 100, v2 25 → 0"
    assert records.get("apexguru").releasing is None
    assert records.releases.get_release("apexguru", "v2")["order"] == "roll_back"
    with pytest.raises(RecordChanged):
        records.models.put(canary, revision=2, who="machine", now=2.0, mine="apexguru/v2", releasing="apexguru/v2")


@pytest.mark.parametrize(
    "document, order, reason",
    [
        (ONE, lambda r: r.roll_back("apexguru", None, by()), "there is no way back"),
        (ONE, lambda r: r.promote("apexguru", None, by()), "Which variant of apexguru"),
        (TWO, lambda r: r.promote("apexguru", "v3", by()), "no variant 'v3'; it has v1, v2"),
        (TWO, lambda r: r.promote("apexguru", "v1", by()), "v1 has all requests of apexguru already"),
        (
            record(variant("v1", 100), variant("v2", 0, "b"), variant("v3", 0, "c")),
            lambda r: r.roll_back("apexguru", None, by()),
            "Which one? apexguru has v2, v3",
        ),
    ],
)
def test_an_order_that_cannot_be_followed_says_why(records, document, order, reason):
    put(records, document)

    with pytest.raises(Problem, match=re.escape(reason)) as caught:
        order(records)
    assert caught.value.exit_code == ExitCode.USAGE
    assert records.get("apexguru").revision == 1


def test_what_a_change_did_is_told_in_a_line():
    before = {**TWO, "defaults": {"max_tokens": 5}}
    after = record(variant("v2", 100, "b", chat_template="chatml"), variant("v3", 0, "c"))

    assert shown_weights(before, after) == "v1 100 → –, v2 0 → 100, v3 – → 0"
    assert changed_fields(before, after) == ["defaults", "v2.chat_template"]
    assert (shown_weights(TWO, TWO), changed_fields(TWO, TWO), changed_fields(None, TWO)) == (
        "weights unchanged",
        [],
        [],
    )


@pytest.mark.parametrize("order", ["promote", "roll_back"])
def test_nobody_is_sent_to_a_model_that_is_gone(records, order):
    put(records, TWO)
    with pytest.raises(Problem, match=r"apexguru@v2 points to .*b, which is gone: nobody would be answered") as caught:
        getattr(records, order)("apexguru", "v2", by(), is_gone=lambda model_id: model_id.endswith("b"))

    assert caught.value.exit_code == ExitCode.DRIFT
    assert records.get("apexguru").revision == 1
