"""What a change did to a record, in a line or a few for people."""

from __future__ import annotations

from typing import Any

from tollgate_release.weights import weights

Record = dict[str, Any]


def shown_weights(before: Record | None, after: Record | None) -> str:
    """What a change did to the weights, as `v2 100 → 0, v1 0 → 100`."""
    earlier = weights(before) if before else {}
    later = weights(after) if after else {}
    parts = []
    for name in {**earlier, **later}:
        was, now = earlier.get(name), later.get(name)
        if was != now:
            parts.append(f"{name} {'–' if was is None else was} → {'–' if now is None else now}")
    return ", ".join(parts) or "weights unchanged"


def changed_fields(before: Record | None, after: Record | None) -> list[str]:
    """The fields of a record that was there before and still is whose values differ, weights left out.

    >>> changed_fields({"variants": []}, {"variants": [], "limits": {"max_tokens": 5}})
    ['limits']
    """
    if not before or not after:
        return []
    found = [name for name in {**before, **after} if name != "variants" and before.get(name) != after.get(name)]
    earlier = {variant["name"]: variant for variant in before["variants"]}
    for variant in after["variants"]:
        was = earlier.get(variant["name"], variant)
        for name in {**was, **variant}:
            if name != "weight" and was.get(name) != variant.get(name):
                found.append(f"{variant['name']}.{name}")
    return found
