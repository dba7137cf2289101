"""The cost model: prices (each with its source), formulas, and the tables made from them.

total(step_path(Load(seconds=8)))   # US dollars for a million requests of eight seconds
"""

from tollgate.costs.formula import (
    Line,
    Load,
    Upkeep,
    always_on,
    break_even,
    hooks,
    model_windows,
    snapstart,
    standing,
    step_path,
    stream_path,
    total,
)

__all__ = [
    "Line",
    "Load",
    "Upkeep",
    "always_on",
    "break_even",
    "hooks",
    "model_windows",
    "snapstart",
    "standing",
    "step_path",
    "stream_path",
    "total",
]
