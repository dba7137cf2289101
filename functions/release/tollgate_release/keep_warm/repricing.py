"""What a new variant's size does to the price of keeping its model warm."""

from __future__ import annotations

from dataclasses import replace

from tollgate_release.keep_warm.schedules import KeepWarmSchedules


def reprice(schedules: KeepWarmSchedules, model: str, units: int | None) -> str:
    """Keep a model's limit of dollars, where a variant of another size serves from now on; says what changed.

    `units` are the custom model units of one copy of that variant, None where nobody knows. Keep-warm that would cost
    more than its limit is switched off: the limit is what somebody agreed to.
    """
    setting = schedules.get(model)
    if setting is None or units is None or units == setting.units:
        return ""
    usd = setting.usd_per_month * units / setting.units
    limit = setting.max_usd_per_month
    if limit is not None and usd > limit:
        schedules.switch_off(model)
        return (
            f"with {units} CMU per copy it may cost ${usd:,.0f} a month, over the limit of ${limit:,.0f}: switched off"
        )
    schedules.switch_on(replace(setting, units=units, usd_per_month=usd))
    return f"with {units} CMU per copy it may cost ${usd:,.0f} a month"
