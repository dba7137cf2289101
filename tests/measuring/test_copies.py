"""Model copies over a run: noted, inferred, counted by CloudWatch, and the windows that are billed for them."""

from __future__ import annotations

import asyncio
import itertools
import random
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from tollgate.cli import main
from tollgate.emulators.bedrock import Bedrock, Settings
from tollgate.emulators.clock import Clock
from tollgate.emulators.virtual_time import VirtualTimeLoop, run
from tollgate.measuring.case_study import prompts_of_study
from tollgate.measuring.cloudwatch import model_copies
from tollgate.measuring.copies import CopyCount, CopyLog, Noted, inferred
from tollgate.measuring.runs import Run, model_profile
from tollgate.measuring.session import INFERRED, Measured, Method, Phase, Session
from tollgate.measuring.targets import Answer, Prompt, SimulatedTarget

pytestmark = pytest.mark.slow


def log(*notes):
    return CopyLog("known", [Noted(at, CopyCount(serving)) for at, serving in notes])


def test_the_count_that_held_at_the_begin_is_the_first_one_within():
    copies = log((0, 1), (50, 2), (100, 3))

    assert copies.within(60, 120) == [(60, 2), (100, 3)]
    assert copies.mean(60, 120) == pytest.approx((2 * 40 + 3 * 20) / 60)
    assert log().within(0, 10) == []
    assert log().mean(0, 10) is None
    # Before the first copy serves nothing is answered.
    assert log((0, 0), (5, 2)).mean(0, 10) == 2
    assert log((0, 0), (10, 2)).mean(0, 10) == 2


@pytest.mark.parametrize(
    "notes, end, windows",
    [
        ([(0, 1)], 1, 1),
        ([(0, 1)], 300, 1),
        ([(0, 1)], 301, 2),
        # A second copy for a moment is a window of its own.
        ([(0, 1), (100, 2), (110, 1)], 600, 3),
        ([(0, 0), (100, 1)], 400, 1),
        ([(0, 2), (300, 0)], 900, 2),
    ],
)
def test_each_copys_time_is_billed_in_whole_windows(notes, end, windows):
    assert log(*notes).windows(0, end) == windows


def test_the_services_own_count_of_windows_goes_before():
    copies = CopyLog("known", [Noted(0, CopyCount(1, 0, 7)), Noted(50, CopyCount(1, 0, 9))])

    assert copies.windows(10, 100) == 2


def paces(*levels):
    """Answers of a constant load: `(seconds, pace)` one after the other, with some noise."""
    dice, now, made = random.Random(1), 0.0, []
    for seconds, pace in levels:
        until = now + seconds
        while now < until:
            made.append((now, pace * dice.uniform(0.97, 1.03)))
            now += 0.5
    return made


@pytest.mark.parametrize(
    "levels, counts",
    [
        ([(300, 0.04)], [1]),
        ([(120, 0.066), (120, 0.046)], [1, 2]),
        ([(120, 0.066), (120, 0.046), (120, 0.038)], [1, 2, 3]),
        ([(120, 0.066), (120, 0.046), (120, 0.066)], [1, 2, 1]),
        # A slower model with one copy is one that is busy.
        ([(120, 0.03), (120, 0.05)], [1]),
    ],
)
def test_copies_are_inferred_from_steps_of_the_pace(levels, counts):
    assert [noted.copies.serving for noted in inferred(paces(*levels), before=1, clients=16)] == counts


def test_one_slow_stretch_is_no_copy():
    assert len(inferred(paces((120, 0.05), (3, 0.04), (120, 0.05)), before=1, clients=16)) == 1
    assert inferred([], before=1, clients=1) == []


class Silent(SimulatedTarget):
    """The case study's simulated model, whose copies nobody tells."""

    async def copies(self):
        return None


def simulated(target_of, clients, **method):
    loop = VirtualTimeLoop()
    bedrock = Bedrock(Settings(profile="case-study"), clock=Clock(monotonic=loop.time))
    bedrock.register("m")
    said = []
    session = Session(
        target_of(bedrock, "m"), prompts_of_study(clients), Method(requests=60, **method),
        source="known", say=said.append, wall=bedrock.clock.now,
    )  # fmt: skip

    async def work():
        return (await anext(session.measure([Phase(f"{clients} clients", clients)]))).row

    row = run(loop, work())
    return row, bedrock.model("m").life, said


@pytest.mark.parametrize("clients, copies", [(1, 1), (16, 2), (32, 3)])
def test_the_warm_up_lasts_until_the_last_copy_serves(clients, copies):
    row, life, said = simulated(SimulatedTarget, clients)

    assert row["copies_over_time"] == [[0.0, copies]]
    assert len(life.copies()) == copies
    # All that Bedrock would bill, the warm-up's windows too.
    assert row["windows"] == life.windows_billed()
    assert row["usd"] == pytest.approx(row["windows"] * 5 * 0.05718, rel=1e-4)
    assert row["cold_start_s"] == pytest.approx(100, abs=20)
    assert "warming up" in said[0]
    assert f"{copies} {'copy' if copies == 1 else 'copies'}, $" in said[-1]


def test_a_model_that_gets_a_copy_after_the_other_is_not_said_to_have_more():
    # GIVEN answers that were under way when a copy came, whose pace is in between, the more the later they ended
    first = [(1, 0.066 - 0.02 * share / 7) for share in range(7)]
    second = [(1, 0.046 - 0.007 * share / 7) for share in range(7)]

    found = inferred(paces((100, 0.066), *first, (30, 0.046), *second, (100, 0.039)), before=1, clients=16)

    assert [noted.copies.serving for noted in found] == [1, 2, 3]


@pytest.mark.parametrize("clients, copies", [(1, 1), (16, 2), (32, 3)])
def test_copies_that_nobody_tells_are_found_by_their_steps(clients, copies):
    row, _, _ = simulated(Silent, clients, is_imported=True)

    assert (row["copies"], row["copies_from"]) == (copies, INFERRED)


def test_of_a_server_that_is_no_imported_model_nothing_is_inferred():
    row, _, _ = simulated(Silent, 4)

    assert (row["copies"], row["usd"], row["usd_per_1000"], row["copies_over_time"]) == (None, None, None, [])


class Failing:
    async def ask(self, prompt, clock):
        await asyncio.sleep(0.01)
        return Answer("model_error")

    async def copies(self):
        return None


def test_a_target_that_answers_nothing_ends_its_warm_up():
    loop = VirtualTimeLoop()
    session = Session(Failing(), itertools.repeat(Prompt({}, 1)), Method(requests=5), source="known", wall=loop.time)

    async def work():
        return (await anext(session.measure([Phase("4 clients", 4)]))).row

    row = run(loop, work())
    assert row["failures"] == {"model_error": 5}
    assert row["warm_up_s"] < 60


def test_a_cold_start_that_was_seen_is_measured_for_the_planner():
    row, _, _ = simulated(SimulatedTarget, 1)

    found = model_profile({"rows": [row], "units": 1, "simulated": True})["profile"]["cold_start_seconds"]

    assert found == {"value": row["cold_start_s"], "from": "measured"}


class CloudWatch:
    """Answers with a value for each minute that is over, a minute late."""

    def __init__(self, values, late=0):
        self.values, self.late, self.asked = values, late, []

    def get_paginator(self, operation):
        assert operation == "get_metric_data"
        return self

    def paginate(self, **query):
        self.asked.append(query)
        known = self.values[: len(self.values) - self.late]
        self.late = max(self.late - 1, 0)
        times = [datetime.fromtimestamp(60 * number, UTC) for number in range(len(known))]
        return [{"MetricDataResults": [{"Id": "copies", "Timestamps": times, "Values": known}]}]


def counted(client, end):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    said = []
    found = asyncio.run(model_copies(client, "arn", 5.0, end, said.append, sleep=sleep))
    return found, waits, said


def test_cloudwatchs_copies_are_waited_for_and_take_the_place_of_inferred_ones():
    client = CloudWatch([1.0, 1.0, 2.0, 2.0], late=2)
    row, _, _ = simulated(Silent, 1, is_imported=True)
    document = Run("x", "m", 1, simulated=False, folder=None)
    document.add(Measured({**row, "started": 0.0, "warm_up_s": 60.0, "seconds": 150.0}, []), is_case_study=False)

    found, waits, said = counted(client, 230.0)
    document.set_copies(found)

    (known,) = document.document["rows"]
    assert len(waits) == len(said) == 2
    assert client.asked[0]["MetricDataQueries"][0]["MetricStat"]["Metric"]["MetricName"] == "ModelCopy"
    assert known["copies_over_time"] == [[0.0, 1], [60.0, 2]]
    assert (known["copies"], known["windows"]) == (2, 2)
    assert known["copies_from"].startswith("CloudWatch")


def test_where_cloudwatch_has_no_value_what_was_inferred_stays():
    row, _, _ = simulated(Silent, 1, is_imported=True)
    document = Run("x", "m", 1, simulated=False, folder=None)
    document.add(Measured(row, []), is_case_study=False)

    found, waits, _ = counted(CloudWatch([]), 230.0)
    document.set_copies(found)

    assert sum(waits) == 300
    assert document.document["rows"][0]["copies_from"] == INFERRED


def test_the_query_is_one_that_cloudwatch_takes():
    import boto3
    from botocore.stub import Stubber

    client = boto3.client("cloudwatch", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
    with Stubber(client) as stub:
        stub.add_client_error("get_metric_data", "AccessDenied")
        # The parameters are validated against the service's model before the stub answers.
        with pytest.raises(ClientError, match="AccessDenied"):
            counted(client, 230.0)


def test_help_names_where_copies_are_known_from():
    from click.testing import CliRunner

    assert "--copies-of" in CliRunner().invoke(main, ["bench", "--help"]).output
