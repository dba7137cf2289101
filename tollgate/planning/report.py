"""A plan as text for a terminal, and as one HTML file."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from tollgate import svg
from tollgate.text_tables import listing

_HEAD = ("POLICY", "USD/MONTH", "IF IDLE 1 H", "WINDOWS", "COLD", "P50", "P95", "COPIES")
_PARTS = ("USD/MONTH FOR", "MODEL", "PATH", "STORAGE")
_SENSITIVITY = ("ASSUMPTION", "VALUE", "A QUARTER LESS (COLD)", "A QUARTER MORE (COLD)")
_BAR = 30
_BLOCKS = " ▁▂▃▄▅▆▇█"
_STRETCHES = 48
_HOURS_PER_DAY = 24
_MINUTES_FROM_S, _HOURS_FROM_S = 300, 7200


def rows(plan: dict[str, Any]) -> list[tuple[str, ...]]:
    """A row for each policy, both readings of the idle rule side by side."""
    found: list[tuple[str, ...]] = [_HEAD]
    for name, policy in plan["policies"].items():
        other = plan["policies_if_idle_3600"][name]
        found.append(
            (
                name,
                f"{policy['usd_per_month']:,.2f}",
                f"{other['usd_per_month']:,.2f}",
                str(policy["windows"]),
                f"{policy['cold_share']:.1%} ({other['cold_share']:.1%})",
                _seconds(policy["p50_s"]),
                _seconds(policy["p95_s"]),
                str(policy["most_copies"]),
            )
        )
    return found


def parts_of(plan: dict[str, Any]) -> list[tuple[str, ...]]:
    """What each policy's dollars a month are for: the model's windows, the requests' path, the model's storage."""
    found: list[tuple[str, ...]] = [_PARTS]
    for name, policy in plan["policies"].items():
        usd = policy["usd"]
        found.append((name, f"{usd['model']:,.2f}", f"{usd['path']:,.2f}", f"{usd['storage']:,.2f}"))
    return found


def alternatives(plan: dict[str, Any]) -> dict[str, tuple[float, str]]:
    """What the same load would cost elsewhere, by a name, with what is to be known of it."""
    found = plan["alternatives"]
    gpu, zero, proxies = found["sagemaker"], found["sagemaker_zero"], found["always_on_proxies"]
    cold = f"{zero['cold_share']:.0%} cold, {zero['instance_hours_per_month']:,.0f} instance hours"
    return {
        f"{gpu['count']} × {gpu['instance']}, always on": (gpu["usd_per_month"], "no cold requests"),
        f"{gpu['instance']}, scaled to zero": (zero["usd_per_month"], cold),
        f"import behind {proxies['count']} × {proxies['instance']}": (
            proxies["usd_per_month"],
            "the case study's proxies",
        ),
    }


def as_text(plan: dict[str, Any]) -> str:
    """The plan for a terminal: a table, bars, and the sentence."""
    trace = plan["trace"]
    lines = [
        f"{trace['requests']:,} requests in {trace['hours']:,.1f} hours ({trace['requests_per_hour']:,.1f} an hour), "
        f"{trace['units']} custom model unit(s); dollars are for a month of 730 hours.",
        "",
        listing(rows(plan), _HEAD[1:]),
        "",
        listing(parts_of(plan), _PARTS[1:]),
        "",
    ]
    lines[1:1] = _short(trace)
    amounts = _amounts(plan)
    most = max(amounts.values()) or 1
    width = max(map(len, amounts))
    for name, usd in amounts.items():
        lines.append(f"{name:<{width}}  {'█' * round(_BAR * usd / most):<{_BAR}}  ${usd:,.2f}")
    lines += _copies_drawn(plan)
    lines += ["", listing(_sensitivity(plan), _SENSITIVITY[1:]), _sensitivity_told(plan)]
    lines += ["", _break_even(plan), plan["what_would_change_the_answer"]]
    return "\n".join(lines)


def charts(plan: dict[str, Any]) -> dict[str, str]:
    """The page's charts, by name."""
    amounts = _amounts(plan)
    shown = {name: f"${usd:,.0f}" for name, usd in amounts.items()}
    gpu = plan["alternatives"]["sagemaker"]["usd_per_month"]
    return {
        "dollars": svg.bars("Dollars a month", amounts, shown, gpu),
        "copies": svg.lines("Model copies over time, averaged", _copies_over_time(plan), "hours"),
    }


def as_html(plan: dict[str, Any]) -> str:
    """The plan as one page."""
    trace = plan["trace"]
    told = (
        f"{trace['requests']:,} requests in {trace['hours']:,.1f} hours, {trace['units']} custom model unit(s). "
        "Dollars are for a month of 730 hours. Simulated: model copies come and go by the profile, not by AWS's word."
    )
    drawn = charts(plan)
    parts = [
        svg.paragraph(told, note=True),
        *(svg.paragraph(text) for text in _short(trace)),
        svg.paragraph(plan["what_would_change_the_answer"]),
        svg.paragraph(_break_even(plan)),
        svg.section("Dollars a month", drawn["dollars"]),
        svg.section("Policies", svg.table(rows(plan)), svg.table(parts_of(plan))),
        svg.section("Elsewhere", svg.table([("WHERE", "USD/MONTH", "NOTE"), *_elsewhere(plan)])),
        svg.section("Model copies", drawn["copies"]),
        svg.section(
            "If an assumption is a quarter off",
            svg.paragraph(_sensitivity_told(plan), note=True),
            svg.table(_sensitivity(plan)),
        ),
    ]
    return svg.page("What a load would cost", parts)


def _amounts(plan: dict[str, Any]) -> dict[str, float]:
    """Dollars a month of each policy, and of each alternative."""
    amounts = {name: policy["usd_per_month"] for name, policy in plan["policies"].items()}
    return amounts | {name: usd for name, (usd, _) in alternatives(plan).items()}


def _copies_over_time(plan: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """How many copies the first policies had on average, over the hours of the load."""
    found = {}
    for name in list(plan["policies"])[:3]:
        changes = plan["policies"][name]["copies"]
        if changes:
            found[name] = _averaged(changes)
    return found


def _copies_drawn(plan: dict[str, Any]) -> list[str]:
    """The same for a terminal: a block for each stretch, as high as the copies in it."""
    drawn = _copies_over_time(plan)
    if not drawn:
        return []
    most = max(1.0, *(count for values in drawn.values() for _, count in values))
    width = max(map(len, drawn))
    lines = ["", f"Model copies over the load, averaged; the highest block is {most:g}:"]
    for name, values in drawn.items():
        blocks = "".join(_BLOCKS[round(count / most * (len(_BLOCKS) - 1))] for _, count in values)
        lines.append(f"{name:<{width}}  {blocks}")
    return lines


def _averaged(changes: list[tuple[float, int]]) -> list[tuple[float, float]]:
    """How many copies there were on average, in stretches of the load: (hours from its begin, copies)."""
    begin, end = changes[0][0], changes[-1][0]
    width = max((end - begin) / _STRETCHES, 1.0)
    seconds = [0.0] * (_STRETCHES + 1)
    for (at, count), (until, _) in pairwise(changes):
        while at < until:  # a copy's time may reach over several stretches
            number = int((at - begin) / width)
            if begin + (number + 1) * width <= at:  # `at` is the stretch's end, but for rounding
                number += 1
            stop = min(until, begin + (number + 1) * width)
            seconds[min(number, _STRETCHES)] += count * (stop - at)
            at = stop
    return [((number + 0.5) * width / 3600, total / width) for number, total in enumerate(seconds[:-1])]


def _short(trace: dict[str, Any]) -> list[str]:
    """A word of caution about a load that is shorter than a day."""
    if trace["hours"] >= _HOURS_PER_DAY:
        return []
    times = trace["hours_per_month"] / trace["hours"]
    return [f"The load is short: a month is {times:,.0f} times it, as if every hour were like that."]


def _break_even(plan: dict[str, Any]) -> str:
    even = plan["break_even"]
    proxies = even["proxies"]
    return (
        f"Break-even with {even['instance']}: {even['window_share']:.1%} of windows in use; here "
        f"{even['window_share_of_this_load']:.1%}. {proxies['count']} always-on {proxies['instance']} cost less than "
        f"the step path from {proxies['requests_per_hour']:,.0f} requests an hour on."
    )


def _elsewhere(plan: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(name, f"{usd:,.2f}", note) for name, (usd, note) in alternatives(plan).items()]


def _sensitivity(plan: dict[str, Any]) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = [_SENSITIVITY]
    for name, row in plan["sensitivity"]["assumptions"].items():
        cells = [f"${usd:,.2f} ({cold:.1%})" for usd, cold in zip(row["usd_per_month"], row["cold_share"], strict=True)]
        found.append((name, f"{row['value']:g}", *cells))
    return found


def _sensitivity_told(plan: dict[str, Any]) -> str:
    found = plan["sensitivity"]
    of = "Of all"
    if found["of_requests"] < plan["trace"]["requests"]:
        of = f"Of the first {found['of_requests']:,} requests"
    return (
        f"{of}, with no policy: ${found['base']:,.2f} a month as assumed. "
        "Rows named sagemaker_zero are of the endpoint that scales to zero."
    )


def _seconds(value: float | None) -> str:
    """A duration in the unit that reads best: seconds, minutes, or hours."""
    if value is None:
        return "-"
    if value < _MINUTES_FROM_S:
        return f"{value:.2f} s"
    return f"{value / 60:.1f} min" if value < _HOURS_FROM_S else f"{value / 3600:.1f} h"
