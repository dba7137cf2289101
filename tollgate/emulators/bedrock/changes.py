"""Changes of the times and limits by which models live, while they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import inf
from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.profiles import Profile

if TYPE_CHECKING:
    from tollgate.emulators.bedrock.service import Bedrock

QUOTA = "imported_models_quota"


def change(bedrock: Bedrock, values: Mapping[str, Any]) -> None:
    """Change the times and limits by which models live: fields of `Profile`, and `imported_models_quota`.

    Raises:
        ValueError: a name or value is none; nothing is changed then.
    """
    numbers = {}
    for name, value in values.items():
        if name != QUOTA and name not in Profile.__dataclass_fields__:
            known = ", ".join([QUOTA, *Profile.__dataclass_fields__])
            raise ValueError(f"{name} is no setting; there are {known}")
        numbers[name] = _number(name, value)
    for name, number in numbers.items():
        if name == QUOTA:
            bedrock.imported_models_quota = int(number)
        else:
            setattr(bedrock.profile, name, number)


def current(bedrock: Bedrock) -> dict[str, float | None]:
    """The settings by name; None is a limit that there is not."""
    values: dict[str, float | None] = {QUOTA: bedrock.imported_models_quota}
    for name, value in asdict(bedrock.profile).items():
        values[name] = None if value == inf else value
    return values


def _number(name: str, value: Any) -> float:
    """A setting's value: a number of 0 or more, whole where it counts something, or its text."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1
    counts = name in (QUOTA, "max_copies")
    if isinstance(value, bool) or not 0 <= number < inf or (counts and number != int(number)):
        raise ValueError(f"{name} must be {'a whole number' if counts else 'a number'} of 0 or more, not {value!r}")
    return int(number) if counts else number
