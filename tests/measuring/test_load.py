"""Known answers: targets whose delays are known, in virtual time, come out as figures within one per cent."""

from __future__ import annotations

import asyncio
import itertools
import json

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT
from tollgate.cli import main
from tollgate.cli.bench_options import phases_of, prompts_of
from tollgate.emulators.virtual_time import VirtualTimeLoop, run
from tollgate.measuring.case_study import TABLE, beside_published
from tollgate.measuring.copies import CopyCount, CopyLog, Noted
from tollgate.measuring.figures import Sample, Slo, copy_figures, figures, latencies
from tollgate.measuring.load import poisson
from tollgate.measuring.report import as_html, as_text, compared
from tollgate.measuring.runs import Run, RunError, knee, model_profile, read_run
from tollgate.measuring.session import Measured, Method, Phase, Session
from tollgate.measuring.targets import Answer, Prompt

TRACE = ROOT / "examples" / "traces" / "azure-code-2023-sample.csv"


class Known:
    """A target whose delays are a script, in seconds; it stalls for everybody from `stalls_at` on, for `stall_s`."""

    def __init__(self, delays, stalls_at=None, stall_s=0.0, code=""):
        self._delays = itertools.cycle(delays)
        self._stalls_at, self._stall_s, self._code = stalls_at, stall_s, code
        self._begun = None

    async def ask(self, prompt, clock):
        now = asyncio.get_running_loop().time
        if self._begun is None:
            self._begun = now()
        if self._stalls_at is not None and self._stalls_at <= now() - self._begun < self._stalls_at + self._stall_s:
            await asyncio.sleep(self._stalls_at + self._stall_s - (now() - self._begun))
        delay = next(self._delays)
        await asyncio.sleep(delay / 2)
        clock.first()
        await asyncio.sleep(delay / 2)
        return Answer(self._code, 11)

    async def copies(self):
        return CopyCount(1)


def measured(target, *, clients=None, requests=400, times=None, slo=None, warm_up_s=0.0):
    """The figures of one phase, in virtual time."""
    loop = VirtualTimeLoop()
    method = Method(requests, warm_up_s, slo or Slo())
    session = Session(target, itertools.repeat(Prompt({}, 10)), method, source="known", wall=loop.time)

    async def work():
        return (await anext(session.measure([Phase("a phase", clients, times)]))).row

    return run(loop, work())


def test_a_fixed_delay_comes_out_as_it_is():
    found = measured(Known([0.1]), clients=4)

    for name in ("p50", "p90", "p95", "p99", "mean"):
        assert found["latency_s"][name] == pytest.approx(0.1, rel=0.01)
    assert found["time_to_first_token_s"]["p95"] == pytest.approx(0.05, rel=0.01)
    assert found["seconds_per_token"]["p50"] == pytest.approx(0.005, rel=0.01)
    assert found["requests_per_minute"] == pytest.approx(4 / 0.1 * 60, rel=0.01)
    assert found["littles_law"] == pytest.approx(1, rel=0.01)
    # One copy of one unit for an hour, over the answers of that hour.
    assert found["usd_per_1000"] == pytest.approx(60 * 0.05718 / (2400 * 60) * 1000, rel=0.01)


def test_one_per_cent_of_slow_answers_is_behind_p99_alone():
    found = measured(Known([0.1] * 98 + [1.0] * 2), clients=1, requests=1000)

    assert found["latency_s"]["p95"] == pytest.approx(0.1, rel=0.01)
    assert found["latency_s"]["p99"] == pytest.approx(1.0, rel=0.01)


def test_a_stall_shows_in_an_open_loop_and_hides_in_a_closed_one():
    # GIVEN a server that stalls once, for five seconds
    times = [number * 0.05 for number in range(2000)]

    opened = measured(Known([0.01], stalls_at=20, stall_s=5), times=times)
    closed = measured(Known([0.01], stalls_at=5, stall_s=5), clients=1, requests=2000)

    # THEN all that came meanwhile waited for it, and one client saw it once
    assert opened["latency_s"]["p99"] == pytest.approx(5 - 1, rel=0.1)
    assert closed["latency_s"]["p99"] == pytest.approx(0.01, rel=0.01)


def test_what_was_asked_in_the_warm_up_does_not_count():
    found = measured(Known([5.0] * 2 + [0.1]), clients=1, requests=1, warm_up_s=10)

    assert found["requests"] == 1


def test_long_answers_count_as_often_as_they_are_asked_for():
    # GIVEN a server of which each eighth answer takes ten times as long
    found = measured(Known([0.1] * 7 + [1.0]), clients=8, requests=64)

    # THEN an eighth of the samples are long: those that end last are not left out
    assert found["requests"] == 64
    assert found["latency_s"]["mean"] == pytest.approx((7 * 0.1 + 1.0) / 8, rel=0.01)
    assert found["requests_per_minute"] == pytest.approx(8 / found["latency_s"]["mean"] * 60, rel=0.15)


def test_goodput_and_failures_are_told():
    slow = measured(Known([0.1, 0.3]), clients=1, slo=Slo(ttft=0.1, total=0.2))
    failing = measured(Known([0.1], code="model_not_ready"), clients=1, requests=5)

    assert slow["goodput_share"] == pytest.approx(0.5, abs=0.01)
    assert failing["failures"] == {"model_not_ready": 5}
    assert failing["cold_starts"] == 5
    assert (failing["latency_s"], failing["p95_s"]) == (None, None)


def test_bounds_hold_the_percentile_and_narrow_with_more_samples():
    few = latencies([0.1 * number for number in range(1, 41)])
    many = latencies([0.1 * (number % 40 + 1) for number in range(4000)])

    for found in (few, many):
        low, high = found["p95_between"]
        assert low <= found["p95"] <= high
    width = [found["p50_between"][1] - found["p50_between"][0] for found in (few, many)]
    assert width[1] < width[0] / 3
    assert latencies([]) is None


def test_poisson_arrivals_come_so_many_a_second_and_always_alike():
    times = poisson(5, 4000)

    assert times == poisson(5, 4000)
    assert 4000 / times[-1] == pytest.approx(5, rel=0.05)


def test_the_published_rows_are_compared_and_checked_by_littles_law():
    phase = beside_published({"clients": 1, "p95_s": 7.92, "requests_per_minute": 11})

    assert phase["difference"] == {"p95_s": 0.1, "requests_per_minute": 0.0}
    assert phase["published"]["mean_over_p95_by_littles_law"] == pytest.approx(0.758, abs=0.001)
    assert beside_published({"clients": 7}) == {"clients": 7}


def test_the_simulated_case_study_is_within_fifteen_per_cent_and_says_that_it_is_simulated():
    result = CliRunner().invoke(main, ["bench", "--case-study", "--simulated", "--output", "json"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["simulated"] is True
    assert [row["clients"] for row in found["rows"]] == [row.clients for row in TABLE]
    assert [row["copies"] for row in found["rows"]] == [1, 1, 2, 3]
    for row in found["rows"]:
        assert {"clients", "p95_s", "requests_per_minute", "copies", "published"} <= set(row)
        assert row["p95_s"] == pytest.approx(row["published"]["p95_s"], rel=0.15)
        assert row["requests_per_minute"] == pytest.approx(row["published"]["requests_per_minute"], rel=0.15)


def rows(*pairs):
    made = []
    for clients, rate, copies in pairs:
        samples = [Sample(0.1 * number, 0.5, 0.1, 11) for number in range(40)]
        row = {**figures(samples, 40 / rate * 60, 40, Slo(), clients), "started": 0.0, "warm_up_s": 0.0}
        log = CopyLog("known", [Noted(0.0, CopyCount(copies))])
        made.append({**row, "cold_start_s": None, **copy_figures(row, log, 1)})
    return made


def test_the_knee_is_where_answers_cost_least():
    assert knee(rows((1, 10, 1), (4, 40, 1), (16, 60, 2)))["clients"] == 4
    assert knee(rows((1, 10, 1), (4, 40, 1), (16, 60, 2)))["copy_added_at"] == 16
    assert knee([]) is None


def test_a_run_is_written_phase_by_phase_and_read_again(tmp_path):
    run_ = Run("http://x", "m", 1, simulated=False, folder=tmp_path)
    first, second = rows((1, 10, 1), (4, 40, 2))
    run_.add(Measured(first, [Sample(0.0, 0.5, 0.1, 11)]), is_case_study=False)
    assert len(read_run(tmp_path)["rows"]) == 1
    run_.add(Measured(second, []), is_case_study=False)
    run_.interrupt()

    document = read_run(tmp_path / "run.json")

    assert [row["clients"] for row in document["rows"]] == [1, 4]
    assert document["interrupted"] is True
    assert json.loads((tmp_path / "model.json").read_text())["profile"]["decode_seconds_per_token"] == {
        "value": 0.04, "from": "measured"
    }  # fmt: skip
    assert model_profile(document)["profile"]["cold_start_seconds"]["from"] == "assumed"
    assert "interrupted" in as_text(document)
    (line,) = (tmp_path / "requests.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "phase": 1, "at": 0.0, "total_s": 0.5, "first_s": 0.1, "completion_tokens": 11, "code": ""
    }  # fmt: skip
    ratio = next(row for row in compared(document, document) if row[1] == "p95_s")[-1]
    assert ratio == "1.000"
    page = as_html(document)
    assert "<script" not in page
    assert "src=" not in page


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}'])
def test_what_is_no_run_is_refused_with_a_sentence(tmp_path, text):
    file = tmp_path / "run.json"
    file.write_text(text)

    with pytest.raises(RunError):
        read_run(file)
    result = CliRunner().invoke(main, ["bench", "compare", str(file), str(file)])
    assert result.exit_code == 2


def test_a_traces_requests_come_in_its_pace_with_its_lengths():
    options = {"arrivals": f"trace:{TRACE}@x10", "requests": 5, "prompts_file": None}

    (phase,) = phases_of(options)
    first = next(prompts_of(options))

    assert len(phase.times) == 135
    # Ten minutes in one.
    assert phase.times[-1] == pytest.approx(585 / 10, abs=0.1)
    assert (first.body["messages"][0]["content"].count("word"), first.tokens) == (3180, 8)


def test_made_up_prompts_are_as_long_as_is_asked_for():
    options = {"arrivals": None, "requests": 5, "prompts_file": None, "prompt_tokens": 500, "max_tokens": 220}

    made_up = list(itertools.islice(prompts_of(options), 400))

    words = [prompt.body["messages"][0]["content"].count("word") for prompt in made_up]
    assert sum(words) / 400 == pytest.approx(500, rel=0.05)
    assert len(set(words)) > 100
    assert max(prompt.tokens for prompt in made_up) == 220


def test_prompts_that_are_none_are_told(tmp_path):
    for text in (b"", b"{}\n", b"\xff\n", b'{"messages": 1'):
        file = tmp_path / "prompts.jsonl"
        file.write_bytes(text)

        result = CliRunner().invoke(main, ["bench", "--url", "http://127.0.0.1:1", "--prompts", str(file)])

        assert result.exit_code == 2, text
        assert "Traceback" not in result.output


WRONG = {
    "nothing to measure": [],
    "an address that is none": ["--url", "ftp://x"],
    "a model that is none": ["--bedrock", "apexguru"],
    "a model for CloudWatch that is none": ["--url", "http://127.0.0.1:1", "--copies-of", "apexguru"],
    "a folder that cannot be": ["--url", "http://127.0.0.1:1", "--out", "/proc/nowhere"],
    "two things to measure": ["--url", "http://x", "--bedrock", "arn"],
    "simulated without a case": ["--simulated"],
    "clients": ["--url", "http://127.0.0.1:1", "--clients", "0"],
    "arrivals": ["--url", "http://127.0.0.1:1", "--arrivals", "often"],
    "an empty number": ["--url", "http://127.0.0.1:1", "--clients", "1,"],
    "a rate that is none": ["--url", "http://127.0.0.1:1", "--arrivals", "poisson:nan"],
    "a trace that is not there": ["--url", "http://127.0.0.1:1", "--arrivals", "trace:/nowhere.csv"],
    "a speed that is none": ["--url", "http://127.0.0.1:1", "--arrivals", f"trace:{TRACE}@x0"],
    "slo": ["--url", "http://127.0.0.1:1", "--slo", "speed=1"],
    "a limit that is none": ["--url", "http://127.0.0.1:1", "--slo", "ttft=soon"],
    "warm-up": ["--url", "http://127.0.0.1:1", "--warmup", "-1"],
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.path
def test_wrong_usage_is_told(what):
    result = CliRunner().invoke(main, ["bench", *WRONG[what]])

    assert result.exit_code == 2
    assert "Traceback" not in result.output
