"""What stands around the statements of a snippet: methods, classes, triggers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apex import Block

if TYPE_CHECKING:
    from names import Names
    from scene import Body, Scene

_EVENTS = (
    "before insert",
    "after insert",
    "before update",
    "after update",
    "before insert, before update",
    "after delete",
)
_CLASSES = ("public class", "public class", "public with sharing class", "global class", "public without sharing class")
_BASES = ("", "", "", "", " implements Queueable", " extends BaseHandler")
_METHODS = (
    "public static void",
    "public void",
    "private static void",
    "public static void",
    "global void",
    "static void",
)
_RESULTS = ("List<String>", "Map<Id, Decimal>", "Integer", "List<Id>", "Boolean", "String")


def trigger_of(names: Names, scene: Scene, body: Body) -> Body:
    """A trigger on the scene's object."""
    name = f"{names.class_name()}Trigger"
    return [Block(f"trigger {name} on {scene.kind} ({names.random.choice(_EVENTS)})", body)]


def class_of(names: Names, bodies: list[tuple[Scene, Body]]) -> Body:
    """A class with a method for each body; some snippets are the methods or statements alone."""
    random = names.random
    if len(bodies) == 1 and random.random() < 0.3:
        return bodies[0][1]
    if random.random() < 0.06:
        return _batch(names, bodies)
    methods: Body = [_method(names, scene, body) for scene, body in bodies]
    if random.random() < 0.1:
        return methods
    head = f"{random.choice(_CLASSES)} {names.class_name()}{random.choice(_BASES)}"
    return [Block(head, [*_fields(names), *methods])]


def _batch(names: Names, bodies: list[tuple[Scene, Body]]) -> Body:
    """A batch class; its start method queries, as it should."""
    kind = names.object()
    query = f"SELECT Id FROM {kind} WHERE {names.field()} = '{names.text()}'"
    quoted = "'" + query.replace("'", "\\'") + "'"
    locator = f"Database.getQueryLocator({names.random.choice((quoted, f'[{query}]'))})"
    context = "Database.BatchableContext context"
    executes: Body = [
        Block(f"public void execute({context}, List<{scene.kind}> {scene.items})", body) for scene, body in bodies[:1]
    ]
    members: Body = [
        Block(f"public Database.QueryLocator start({context})", [f"return {locator};"]),
        *executes,
        *(_method(names, scene, body) for scene, body in bodies[1:]),
        f"public void finish({context}) {{}}",
    ]
    return [Block(f"public class {names.class_name()} implements Database.Batchable<SObject>", members)]


def _fields(names: Names) -> Body:
    """The fields of a class: mostly none, else a constant, a field, or a field with the constructor that sets it."""
    random = names.random
    kind, word = names.object(), names.word()
    if random.random() < 0.75:
        return []
    records = f"{word[0].lower()}{word[1:]}s"
    shapes: tuple[Body, ...] = (
        [f"private static final String {word.upper()} = '{names.text()}';"],
        [f"private static final Integer LIMIT_{word.upper()} = {random.randint(1, 200)};"],
        [f"private List<{kind}> {records};"],
        [
            f"private List<{kind}> {records};",
            Block(f"public {names.class_name()}(List<{kind}> {records})", [f"this.{records} = {records};"]),
        ],
    )
    return random.choice(shapes)


def _method(names: Names, scene: Scene, body: Body) -> Block:
    random = names.random
    head, end = random.choice(_METHODS), []
    if random.random() < 0.12:
        result = random.choice(_RESULTS)
        head, end = head.replace("void", result), ["return result;"]
    if random.random() < 0.08:
        head = f"@{random.choice(('AuraEnabled', 'InvocableMethod', 'future'))} {head}"
    argument = f"List<{scene.kind}> {scene.items}"
    chance = random.random()
    if chance < 0.15:
        argument = f"Set<Id> {scene.item}Ids"
    elif chance < 0.25:
        argument = f"{argument}, Map<Id, {names.object()}> {names.word().lower()}ById"
    elif chance < 0.33:
        argument = ""
    return Block(f"{head} {names.method()}({argument})", [*body, *end])
