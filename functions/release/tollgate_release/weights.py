"""How a record's weights move: pure functions from one record to another.

Weights sum to 100 and the order of variants stays, with a candidate at the end. Then no user who has reached the
canary leaves it when its share grows: which variant a user gets is a point on a line that the weights divide.
"""

from __future__ import annotations

from typing import Any

from tollgate_release.exit_codes import ExitCode
from tollgate_release.problems import Problem

Record = dict[str, Any]


def weights(record: Record) -> dict[str, int]:
    """The weight of each variant, by name, in the record's order."""
    return {variant["name"]: variant.get("weight", 100) for variant in record["variants"]}


def variant_of(record: Record, name: str) -> dict[str, Any]:
    """The variant of a name.

    Raises:
        Problem: the record has none.
    """
    for variant in record["variants"]:
        if variant["name"] == name:
            found: dict[str, Any] = variant
            return found
    known = ", ".join(weights(record))
    raise Problem(f"{record['model']} has no variant {name!r}; it has {known}.", ExitCode.USAGE)


def live_variants(record: Record) -> list[str]:
    """The variants that get requests, by name."""
    return [name for name, weight in weights(record).items() if weight > 0]


def stable_variant(record: Record, canary: str) -> str | None:
    """The one variant beside the canary that gets requests; None where there is none, as in a first release.

    Raises:
        Problem: there are two: which of them is to lose its requests to the canary, nobody has said.
    """
    others = [name for name in live_variants(record) if name != canary]
    if len(others) > 1:
        text = f"{record['model']} has two variants with a weight: {', '.join(others)}. Promote one of them first: "
        raise Problem(f"{text}tollgate promote {record['model']} {others[0]}", ExitCode.USAGE)
    return others[0] if others else None


def way_back(record: Record, stable: str | None, canary: str) -> str:
    """The variant to go back to: the one that was stable, or, where it is gone, another that gets requests."""
    names = weights(record)
    if stable in names:
        return str(stable)
    for name, weight in names.items():
        if weight > 0 and name != canary:
            return name
    return canary


def with_candidate(record: Record, variant: dict[str, Any]) -> Record:
    """The record with a variant at its end that gets no requests yet, in place of an earlier one of its name."""
    others = [one for one in record["variants"] if one["name"] != variant["name"]]
    return {**record, "variants": [*others, {**variant, "weight": 0}]}


def with_canary(record: Record, canary: str, percent: int) -> Record:
    """The record with so many of 100 requests to the canary, and the rest to the stable variant.

    Raises:
        Problem: the record has no such variant, or two others get requests.
    """
    variant_of(record, canary)
    stable = stable_variant(record, canary)
    moved = []
    for variant in record["variants"]:
        weight = 0
        if variant["name"] == canary:
            weight = percent if stable is not None else 100
        elif variant["name"] == stable:
            weight = 100 - percent
        moved.append({**variant, "weight": weight})
    return {**record, "variants": moved}


def with_all(record: Record, name: str) -> Record:
    """The record with all requests to one variant.

    Raises:
        Problem: the record has no such variant.
    """
    variant_of(record, name)
    moved = [{**variant, "weight": 100 if variant["name"] == name else 0} for variant in record["variants"]]
    return {**record, "variants": moved}


def without_variant(record: Record, name: str) -> Record:
    """The record without a variant.

    Raises:
        Problem: it gets requests, or is the only one.
    """
    if weights(record).get(name, 0) > 0:
        raise Problem(f"{record['model']}@{name} gets requests, so it stays.", ExitCode.USAGE)
    others = [one for one in record["variants"] if one["name"] != name]
    if not others:
        raise Problem(f"{name} is the only variant of {record['model']}.", ExitCode.USAGE)
    return {**record, "variants": others}
