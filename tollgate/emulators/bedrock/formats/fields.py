"""Reads typed values from a request body, and refuses wrong ones in the service's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.errors import ServiceError, invalid
from tollgate_layer.inference.schemas import parameters

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Set


# https://platform.openai.com/docs/api-reference/chat/create#chat-create-n
_MOST_CHOICES = 128
_GREEDY_BELOW = 1e-5  # vLLM's `_SAMPLING_EPS`


def known_keys(body_format: str, others: Iterable[str]) -> frozenset[str]:
    """The keys of a format that refuses all others.

    They are those under which it honours a request's parameters, which stand in the one table of parameters, and
    `others`, which Tollgate does not send as parameters.
    """
    keys = set(others)
    for parameter in parameters().values():
        if body_format in parameter.honoured_by:
            keys.add(parameter.honoured_by[body_format])
    return frozenset(keys)


class Fields:
    """The members of a JSON object; a null member counts as absent.

    Every reader raises ServiceError (ValidationException) that names the member.
    """

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def allow_only(self, names: Set[str]) -> None:
        """Refuse members that the format does not know."""
        extra = [name for name in self._body if name not in names]
        if extra:
            raise _malformed(f"extraneous key [{extra[0]}] is not permitted")

    def text(self, name: str) -> str:
        """A string that must be there."""
        value = self._body.get(name)
        if value is None:
            raise _malformed(f"required key [{name}] not found")
        if not isinstance(value, str):
            raise _wrong_type(name, "String", value)
        return value

    def seed(self) -> int | None:
        """vLLM's `seed`: any 64-bit number; null and -1 leave the choice to the server.

        https://docs.vllm.ai/en/latest/api/vllm/sampling_params.html
        """
        value = self.optional_integer("seed", minimum=-(2**63))
        if value is not None and value >= 2**63:
            raise _malformed(f"#/seed: {value} is not less or equal to {2**63 - 1}")
        return None if value == -1 else value

    def choices(self, temperature: float) -> int:
        """vLLM's `n`: how many answers are wanted; greedy ones would be equal, and are refused."""
        wanted = self.integer("n", 1)
        if wanted > _MOST_CHOICES:
            raise _malformed(f"#/n: {wanted} is not less or equal to {_MOST_CHOICES}")
        if wanted > 1 and temperature < _GREEDY_BELOW:
            raise _malformed(f"n must be 1 when using greedy sampling, got {wanted}")
        return wanted

    def integer(self, name: str, default: int, *, minimum: int = 1) -> int:
        found = self.optional_integer(name, minimum=minimum)
        return default if found is None else found

    def optional_integer(self, name: str, *, minimum: int = 1) -> int | None:
        value = self._body.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise _wrong_type(name, "Integer", value)
        return int(self._within(name, value, minimum, None))

    def number(self, name: str, default: float, *, minimum: float = 0, maximum: float | None = None) -> float:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(name, "Number", value)
        return float(self._within(name, value, minimum, maximum))

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        if value is None:
            return False
        if not isinstance(value, bool):
            raise _wrong_type(name, "Boolean", value)
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        """A string or a list of strings."""
        value = self._body.get(name)
        if value is None:
            return ()
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
            raise _wrong_type(name, "String or list of String", value)
        return tuple(item for item in values if item)

    def objects(self, name: str) -> list[dict[str, Any]] | None:
        """A list of JSON objects."""
        value = self._body.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise _wrong_type(name, "list of Object", value)
        return value

    def mapping(self, name: str) -> dict[str, Any]:
        """A JSON object; absent reads as empty."""
        value = self._body.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise _wrong_type(name, "Object", value)
        return value

    @staticmethod
    def _within(name: str, value: float, minimum: float | None, maximum: float | None) -> float:
        # Written so that NaN, which Python's JSON reader lets in, fits no range.
        if minimum is not None and not value >= minimum:
            raise _malformed(f"#/{name}: {value} is not greater or equal to {minimum}")
        if maximum is not None and not value <= maximum:
            raise _malformed(f"#/{name}: {value} is not less or equal to {maximum}")
        return value


def _malformed(reason: str) -> ServiceError:
    return invalid(f"Malformed input request: {reason}, please reformat your input and try again.")


_JSON_TYPES = {
    bool: "Boolean",
    int: "Integer",
    float: "Number",
    str: "String",
    list: "JSONArray",
    dict: "JSONObject",
}


def _wrong_type(name: str, expected: str, value: Any) -> ServiceError:
    return _malformed(f"#/{name}: expected type: {expected}, found: {_JSON_TYPES.get(type(value), 'Null')}")
