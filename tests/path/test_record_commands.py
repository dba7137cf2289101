"""Records are changed, and models listed, by the commands that people type, against a running stack."""

from __future__ import annotations

import itertools
import json

import pytest

from tests.dev.conftest import eventually
from tollgate_release.model_table import ModelTable

pytestmark = [pytest.mark.slow, pytest.mark.path]


@pytest.fixture
def table(local):
    return ModelTable(local.dynamodb, local.model_table)


_numbers = itertools.count()


@pytest.fixture
def rolled(local, table, tollgate):
    """A model of its own with two variants, put by the command; the first has all requests."""
    name = f"rolled-{next(_numbers)}"
    arns = [local.bedrock.register(name=f"{name}-{variant}") for variant in ("v1", "v2")]
    variants = [
        {"name": variant, "weight": weight, "model_id": arn, "body_format": "openai"}
        for variant, weight, arn in zip(("v1", "v2"), (100, 0), arns, strict=True)
    ]
    record = {"model": name, "variants": variants}
    assert tollgate("record", "put", "-", text=json.dumps(record))[0] == 0
    yield record
    local.dynamodb.delete_item(TableName=local.model_table, Key={"model": {"S": name}})
    for model in local.bedrock.models():
        if model.name.startswith(name):
            local.bedrock.remove(model)


@pytest.fixture
def model(rolled):
    return rolled["model"]


@pytest.fixture
def variant_of_an_answer(http, model):
    return lambda: (
        http.post("/v1/completions", json={"model": model, "prompt": "Hello"})
        .json()["system_fingerprint"]
        .removeprefix(f"{model}@")
    )


def test_a_promotion_and_its_roll_back_hold_from_the_next_request_on(model, variant_of_an_answer, tollgate):
    assert variant_of_an_answer() == "v1"

    code, out, _ = tollgate("promote", model, "v2")
    assert code == 0
    assert out.startswith(f"{model}: v1 100 → 0, v2 0 → 100 (revision 2)\n/v1 follows now, /stream/v1 within")
    assert variant_of_an_answer() == "v2"

    code, out, _ = tollgate("roll-back", model, "--output", "json")
    told = json.loads(out)
    assert (code, told["variant"], told["weights"], told["revision"]) == (0, "v1", {"v1": 100, "v2": 0}, 3)
    assert variant_of_an_answer() == "v1"


def test_a_cold_model_is_said_to_be_cold_and_warmed(local, model, tollgate):
    _, out, _ = tollgate("roll-back", model, "--to", "v2")

    assert "may be cold, and first answers may take a minute or two. Warming it now." in out
    # THEN one token is asked of that variant, through the machine that serves everybody, and counted as no client's
    eventually(lambda: [one for one in local.executions if is_ping(one, f"{model}@v2")])
    eventually(lambda: [row["warm"] for row in listed(tollgate, model)] == ["likely", "no"])
    assert [row["last_used"] for row in listed(tollgate, model)] == [None, None]


def is_ping(execution, model):
    sent = execution.input
    return sent.get("key_id") == "keep-warm" and json.loads(sent["body"])["model"] == model


def listed(tollgate, model=None):
    """The rows of `tollgate models`, or those of one model."""
    code, out, err = tollgate("models", "--output", "json")
    assert (code, err) == (0, "")
    rows = json.loads(out)
    return rows if model is None else [row for row in rows if row["model"] == model]


def test_a_record_is_read_edited_and_put_under_its_revision(model, tollgate):
    text = tollgate("record", "get", model)[1]
    edited = {**json.loads(text), "limits": {"max_tokens": 64}}

    assert tollgate("record", "put", "-", "--if-revision", "1", text=json.dumps(edited))[:2] == (
        0,
        f"{model}: weights unchanged; limits changed (revision 2)\n",
    )
    code, out, err = tollgate("record", "put", "-", "--if-revision", "1", text=text)
    assert (code, out) == (7, "")
    assert "expected revision 1, now it has revision 2, written by arn:aws:" in err


def test_a_put_in_the_middle_of_a_release_is_refused(rolled, model, table, tollgate):
    table.put(rolled, revision=1, who="machine", now=1.0, releasing=f"{model}/v2")

    code, out, err = tollgate("record", "put", "-", text=json.dumps(rolled))
    assert (code, out) == (7, "")
    assert err == (
        f"Error: {model} is being released: {model}/v2, with 0 % of the requests. "
        f"Follow it: tollgate status {model}. Stop it: tollgate abort {model}\n"
    )
    assert [row["state"] for row in listed(tollgate, model)] == ["live", "canary"]


def test_a_deleted_record_is_asked_for_first(model, table, tollgate):
    assert tollgate("record", "delete", model, text="n\n")[0] == 1
    assert table.get(model) is not None

    assert tollgate("record", "delete", model, "--yes")[0] == 0
    assert table.get(model) is None
    assert tollgate("record", "get", model)[0] == 2


def test_an_orphan_is_listed_with_its_price_and_deleted_only_when_vouched_for(local, tollgate):
    local.bedrock.register(name="forgotten")
    (row,) = [row for row in listed(tollgate) if row["imported_model"] == "forgotten"]
    assert (row["model"], row["state"], row["storage_usd_per_month"]) == (None, "orphan", 1.95)

    code, _, err = tollgate("models", "--delete", "forgotten", "--yes")
    assert (code, "--yes-it-is-mine" in err) == (2, True)
    assert tollgate("models", "--delete", "forgotten", "--yes-it-is-mine", text="n\n")[0] == 1
    assert "forgotten" in [model.name for model in local.bedrock.models()]

    code, out, _ = tollgate("models", "--delete", "forgotten", "--yes-it-is-mine", text="y\n")
    assert (code, out.startswith("Deleted forgotten (arn:aws:bedrock:")) == (0, True)
    assert "forgotten" not in [model.name for model in local.bedrock.models()]


def test_a_model_that_was_deleted_behind_our_back_is_drift_and_nobody_is_sent_to_it(local, rolled, model, tollgate):
    assert tollgate("models", "--check")[0] == 0
    local.bedrock.remove(local.bedrock.model(f"{model}-v2"))

    code, out, err = tollgate("models", "--check")
    arn = rolled["variants"][1]["model_id"]
    assert (code, err) == (10, f"Error: {model}/v2 (weight 0) points to {arn}, which is gone.\n")
    assert "missing" in out

    code, _, err = tollgate("promote", model, "v2")
    assert (code, "which is gone: nobody would be answered" in err) == (10, True)


def test_what_is_kept_warm_is_told_with_its_price(model, tollgate):
    hours = ("--hours", "mon-fri,08:00-18:00", "--timezone", "Europe/Berlin")
    assert tollgate("keep-warm", "on", model, *hours, "--yes", "--max-usd-per-month", "5000")[0] == 0
    try:
        assert f"kept warm: {model}, mon-fri,08:00-18:00 Europe/Berlin, at most $" in tollgate("models")[1]
    finally:
        assert tollgate("keep-warm", "off", model)[0] == 0
    assert "kept warm" not in tollgate("models")[1]
