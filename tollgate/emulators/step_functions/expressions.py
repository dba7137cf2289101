"""JSONata expressions as Step Functions evaluates them.

https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
"""

from __future__ import annotations

import functools
import hashlib
import json
import random
import uuid
from typing import TYPE_CHECKING, Any

import jsonata
from jsonata.functions import Functions
from jsonata.utils import Utils

from tollgate.emulators.step_functions.errors import QUERY_EVALUATION_ERROR, StateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Step Functions allows 1 s of its own machines; a developer's may be busy with other things.
EVALUATION_LIMIT_MS = 5000
_MAX_DEPTH = 500
# The reference library refuses a sequence of more than ten million items; nothing here comes near it.
_MAX_RANGE = 10_000_000


def is_expression(value: Any) -> bool:
    """Whether a string of a definition is an expression: `{% … %}`."""
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def compile_expression(text: str) -> jsonata.Jsonata:
    """Compile the expression inside `{% … %}`.

    The compiled expression gives an object with the value under the key `value`: an object drops a key whose value is
    undefined, and so undefined can be told from null.

    Raises:
        ValueError: the text is no JSONata, or uses what Step Functions forbids.
    """
    source = text[2:-2].strip()
    if "$eval" in source:
        raise ValueError("Step Functions has no $eval; use $parse for JSON")
    return _compile(source)


@functools.lru_cache(maxsize=1024)
def _compile(source: str) -> jsonata.Jsonata:
    try:
        compiled = jsonata.Jsonata('{"value": (' + source + "\n)}")
    except Exception as error:  # the parser raises IndexError and others beside its own
        raise ValueError(f"{source!r} is no JSONata: {error}") from error
    for name, function in _FUNCTIONS.items():
        compiled.register_lambda(name, function)
    return compiled


def evaluate(node: Any, bindings: Mapping[str, Any], limit_ms: int = EVALUATION_LIMIT_MS) -> Any:
    """Replace every expression in a piece of a definition by its value.

    Raises:
        StateError: States.QueryEvaluationError, an expression fails, gives nothing, or takes longer than `limit_ms`.
    """
    if is_expression(node):
        return _evaluate_expression(node, bindings, limit_ms)
    if isinstance(node, dict):
        return {key: evaluate(value, bindings, limit_ms) for key, value in node.items()}
    if isinstance(node, list):
        return [evaluate(value, bindings, limit_ms) for value in node]
    return node


def _evaluate_expression(text: str, bindings: Mapping[str, Any], limit_ms: int) -> Any:
    try:
        compiled = compile_expression(text)
        frame = compiled.create_frame()
        for name, value in bindings.items():
            # To the library a bound None is undefined; null has a value of its own.
            frame.bind(name, Utils.NULL_VALUE if value is None else value)
        frame.set_runtime_bounds(limit_ms, _MAX_DEPTH)
        result = compiled.evaluate(None, frame)
    except Exception as error:  # the library raises ZeroDivisionError, ValueError and others beside its own
        cause = f"The JSONata expression '{text[2:-2].strip()}' threw an error: {error}"
        raise StateError(QUERY_EVALUATION_ERROR, cause) from error
    if "value" not in result:
        cause = f"The JSONata expression '{text[2:-2].strip()}' returned nothing (undefined)."
        raise StateError(QUERY_EVALUATION_ERROR, cause)
    return _plain(result["value"])


def _plain(value: Any) -> Any:
    """Convert the library's lists and null to plain Python; refuse what is not JSON, such as a function."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    raise StateError(QUERY_EVALUATION_ERROR, "The JSONata expression returned a value that is not JSON.")


def _string(value: Any = None, prettify: bool = False) -> Any:
    """The function $string. The library's own escapes what is not ASCII, and prints 2.0 for 2 in arrays and objects."""
    if isinstance(value, dict | list) and not prettify:
        return json.dumps(_as_javascript(_plain(value)), separators=(",", ":"), ensure_ascii=False)
    return Functions.string(value, prettify)


def _as_javascript(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _as_javascript(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_javascript(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _partition(items: list[Any], size: float) -> list[list[Any]]:
    step = int(size)
    return [items[start : start + step] for start in range(0, len(items), step)]


def _range(first: float, last: float, step: float) -> list[int]:
    values = range(int(first), int(last) + (1 if step > 0 else -1), int(step))
    if len(values) > _MAX_RANGE:
        raise ValueError(f"a range of {len(values)} values is too long")
    return list(values)


def _hash(value: Any, algorithm: str) -> str:
    text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return hashlib.new(algorithm.replace("-", "").lower(), text.encode(), usedforsecurity=False).hexdigest()


def _random(seed: float | None = None) -> float:
    return random.Random(seed).random()  # noqa: S311


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "hash": _hash,
    "parse": json.loads,
    "partition": _partition,
    "random": _random,
    "range": _range,
    "string": _string,
    "uuid": lambda: str(uuid.uuid4()),
}
