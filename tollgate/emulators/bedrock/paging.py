"""Filtering, sorting and paging of the control plane's lists."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tollgate.emulators.bedrock.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tollgate.emulators.bedrock.arns import Arn

_DEFAULT_PAGE = 1000


class Listed(Protocol):
    """An item of a list: an import job or an imported model."""

    @property
    def name(self) -> str: ...
    @property
    def arn(self) -> Arn: ...
    @property
    def created_at(self) -> float: ...


T = TypeVar("T", bound=Listed)


def page(items: Iterable[T], request: Mapping[str, Any]) -> tuple[list[T], str | None]:
    """Return the page that a List operation asks for, and the token of the next page.

    `items` come in the order of their creation; the answer is newest first unless the request says otherwise.
    A token names the last item of its page, so that items made or deleted between two pages shift nothing.

    Raises:
        ServiceError: ValidationException, the token was not made here or its item is gone.
    """
    kept = [item for item in items if _matches(item, request)]
    if request.get("sortOrder") != "Ascending":
        kept.reverse()
    start = _start(kept, request["nextToken"]) if "nextToken" in request else 0
    end = start + request.get("maxResults", _DEFAULT_PAGE)
    return kept[start:end], _token(kept[end - 1]) if end < len(kept) else None


def _matches(item: Listed, request: Mapping[str, Any]) -> bool:
    return (
        request.get("nameContains", "") in item.name
        and item.created_at > request.get("creationTimeAfter", float("-inf"))
        and item.created_at < request.get("creationTimeBefore", float("inf"))
    )


def _token(last: Listed) -> str:
    return base64.urlsafe_b64encode(last.arn.id.encode()).decode()


def _start(items: list[T], token: str) -> int:
    try:
        last = base64.urlsafe_b64decode(token).decode()
        return next(number for number, item in enumerate(items, 1) if item.arn.id == last)
    except (binascii.Error, ValueError, StopIteration) as error:
        raise invalid("The provided nextToken is not valid.") from error
