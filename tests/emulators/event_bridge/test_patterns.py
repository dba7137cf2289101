"""Which events a rule is about."""

from __future__ import annotations

import pytest

from tollgate.emulators.event_bridge import Rule, Rules, matches

EVENT = {
    "id": "1",
    "source": "aws.s3",
    "detail-type": "Object Created",
    "detail": {"bucket": {"name": "artifacts"}, "object": {"key": "apexguru/v2/release.json"}, "tags": ["a", "b"]},
}


@pytest.mark.parametrize(
    "pattern, fits",
    [
        ({"source": ["aws.s3"]}, True),
        ({"source": ["aws.sns", "aws.s3"]}, True),
        ({"source": ["aws.sns"]}, False),
        ({"detail": {"object": {"key": [{"suffix": "/release.json"}]}}}, True),
        ({"detail": {"object": {"key": [{"suffix": "/other.json"}]}}}, False),
        ({"detail": {"object": {"key": [{"prefix": "apexguru/"}]}}}, True),
        ({"detail": {"bucket": {"name": ["artifacts"]}, "object": {"size": [{"exists": False}]}}}, True),
        ({"detail": {"bucket": {"name": [{"anything-but": ["artifacts"]}]}}}, False),
        ({"detail": {"tags": ["b"]}}, True),
        ({"detail": {"nothing": {"of": ["this"]}}}, False),
    ],
)
def test_a_pattern_fits_an_event_that_has_all_of_it(pattern, fits):
    assert matches(pattern, EVENT) == fits


def test_an_operator_that_is_not_implemented_is_refused():
    with pytest.raises(ValueError, match="cidr"):
        matches({"source": [{"cidr": "10.0.0.0/8"}]}, EVENT)


def test_a_rules_targets_get_the_whole_event():
    started = []

    class Targets:
        def start(self, arn, data, name):
            started.append((arn, data, name))

    rules = [Rule("yes", {"source": ["aws.s3"]}, ("one", "two")), Rule("no", {"source": ["x"]}, ("three",))]
    Rules(rules, Targets()).put(EVENT)

    assert started == [("one", EVENT, "yes-1"), ("two", EVENT, "yes-1")]
