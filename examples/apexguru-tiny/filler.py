"""Statements that have nothing to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apex import Block

if TYPE_CHECKING:
    from scene import Body, Scene


def condition(scene: Scene, item: str) -> str:
    names = scene.names
    return scene.random.choice(
        (
            f"{item}.{names.field()} == '{names.text()}'",
            f"{item}.{names.field()} != null",
            f"{item}.{names.field()} > {scene.random.randint(0, 900)}",
            f"String.isBlank({item}.{names.field()})",
            f"!{item}.Is_Active__c",
        )
    )


def statement(scene: Scene, item: str) -> str | Block:
    """A statement about `item` with nothing to find."""
    names, random = scene.names, scene.random
    simple = (
        f"{item}.{names.field()} = '{names.text()}';",
        f"{item}.{names.field()} = '{names.text()}' + {item}.Name;",
        f"{item}.{names.field()} = {random.randint(0, 500)};",
        f"{item}.{names.field()} = System.today().addDays({random.randint(1, 90)});",
        f"total += {item}.{names.field()};",
        f"System.debug({item}.{names.field()});",
        f"{names.method()}({item});",
        f"names.put({item}.Id, {item}.{names.field()});",
        f"ids.add({item}.{names.field()});",
        f"String key = {item}.{names.field()} + '-' + {item}.{names.field()};",
        f"// {random.choice(('keep', 'set', 'see', 'only for'))} {names.word().lower()} {names.word().lower()}",
        "count++;",
    )
    if random.random() < 0.15:
        return Block(f"if ({condition(scene, item)})", [random.choice(simple)])
    return random.choice(simple)


def plain(scene: Scene, item: str, most: int = 2) -> Body:
    """Up to `most` statements about `item` with nothing to find, at least one."""
    return [statement(scene, item) for _ in range(scene.random.randint(1, most))]


def noise(scene: Scene, most: int = 2) -> Body:
    """None to `most` statements about the item with nothing to find."""
    return [statement(scene, scene.item) for _ in range(scene.random.randint(0, most))]
