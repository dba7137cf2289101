"""What one method of a snippet is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from random import Random

    from apex import Block
    from names import Names

Body: TypeAlias = "list[str | Block]"


@dataclass(frozen=True, slots=True)
class Scene:
    """The records one method works on: `item` is one of `items`, both are of the object `kind`."""

    names: Names
    kind: str
    item: str
    items: str
    in_trigger: bool = False

    @property
    def random(self) -> Random:
        return self.names.random


def new_scene(names: Names, *, in_trigger: bool = False) -> Scene:
    kind = names.object()
    item = names.variable(kind)
    items = names.random.choice(("Trigger.new", "Trigger.new", "Trigger.New")) if in_trigger else names.plural(item)
    return Scene(names, kind, item, items, in_trigger)
