"""Statements that have nothing to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apex import Block

if TYPE_CHECKING:
    from scene import Body, Scene


_CONVERSIONS = ("trim", "trim", "toUpperCase", "toLowerCase", "capitalize", "abs", "round", "format", "normalizeSpace")


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


def value(scene: Scene, item: str, field: str) -> str:
    """What one may assign to `field` of `item`; nothing in it is a finding."""
    names, random = scene.names, scene.random
    if random.random() < 0.3:
        return f"'{names.text()}'"
    source = f"{item}.{random.choice((field, field, names.field()))}"
    return random.choice(
        (
            "null",
            "null",
            random.choice(("true", "false")),
            str(random.randint(0, 500)),
            f"{random.randint(0, 99)}.{random.randint(0, 9)}",
            f"{source}.{random.choice(_CONVERSIONS)}()",
            f"{source}.{random.choice(_CONVERSIONS)}()",
            f"{source}.{random.choice(('left', 'addDays', 'setScale'))}({random.randint(1, 90)})",
            f"{source} {random.choice('+-*/')} {random.randint(1, 100)}",
            f"{item}.{names.field()}",
            f"{random.choice(('Date', 'System'))}.today()",
            f"System.today().addDays({random.randint(1, 90)})",
            random.choice(("Datetime.now()", "System.now()")),
            f"'{names.text()}' + {source}",
            f"{source} + ' ' + {item}.{names.field()}",
            f"{names.method()}({random.choice((item, source))})",
            names.word().lower(),
        )
    )


def assignment(scene: Scene, item: str) -> str:
    """A statement that sets a field of `item`."""
    field = scene.names.field()
    return f"{item}.{field} = {value(scene, item, field)};"


def statement(scene: Scene, item: str) -> str | Block:
    """A statement about `item` with nothing to find."""
    names, random = scene.names, scene.random
    simple = (
        *(assignment(scene, item) for _ in range(5)),
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
