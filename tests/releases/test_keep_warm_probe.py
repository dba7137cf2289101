"""The probe finds how long a copy stays, on a simulated model and its clock."""

from __future__ import annotations

import pytest

from tollgate_release.keep_warm.probe import ProbeError, probe


class Model:
    """A model whose copy stays for some minutes after its last request, and takes 100 s to load."""

    def __init__(self, stay_minutes, others=()):
        self.time = 0.0
        self.stay_s = 60 * stay_minutes
        self.ready_at = None
        self.last = 0.0
        self.others = list(others)

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds

    def requests_since(self, start):
        return self.others.pop(0) if self.others else 0

    def ask(self):
        if self.ready_at is not None and self.time - max(self.last, self.ready_at) >= self.stay_s:
            self.ready_at = None
        if self.ready_at is None:
            self.ready_at = self.time + 100
        if self.time < self.ready_at:
            return None
        self.last = self.time
        self.time += 0.5
        return 0.5


@pytest.mark.parametrize("stay, found", [(5, None), (12, 10), (15, 14), (61, 60)])
def test_the_longest_gap_after_which_it_was_warm_is_found(stay, found):
    findings = probe(Model(stay), tell=lambda one: None)

    assert findings.stays_minutes() == found


def test_three_of_three_say_little():
    assert probe(Model(15), tell=lambda one: None).surely_warm_share() == pytest.approx(0.368, abs=0.001)


def test_a_wait_in_which_others_asked_is_repeated():
    findings = probe(Model(15, others=[4, 0, None]), tell=lambda one: None)

    assert (findings.disturbed, findings.stays_minutes()) == (1, 14)


def test_a_model_that_others_ask_all_the_time_cannot_be_measured():
    with pytest.raises(ProbeError, match="Others asked the model in each of 3 waits of 6 min"):
        probe(Model(15, others=[1] * 3), tell=lambda one: None)


def test_a_model_that_never_gets_warm_cannot_be_measured():
    model = Model(15)
    model.ask = lambda: None

    with pytest.raises(ProbeError, match="did not get warm within 20 min"):
        probe(model, tell=lambda one: None)


def test_each_try_is_told_as_it_ends():
    told = []
    probe(Model(8), told.append)

    assert [(one.gap_minutes, one.was_warm) for one in told] == [(6, True)] * 3 + [(10, False)] * 2
