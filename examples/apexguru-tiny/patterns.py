"""The ways to write each finding, and ways to write the same thing well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apex import Block
from filler import assignment, noise, plain
from findings import Finding
from statements import change, dml, loop, loop_over_ids, maybe_guarded, new_child, query_for_all, query_for_item, select

if TYPE_CHECKING:
    from collections.abc import Callable

    from scene import Body, Scene


# --- SOQL in a loop ----------------------------------------------------------------------------------------------


def soql_in_loop(scene: Scene) -> Body:
    if scene.random.random() < 0.12 and not scene.in_trigger:
        return loop_over_ids(scene)
    return loop(scene, [*noise(scene), *maybe_guarded(scene, query_for_item(scene)), *noise(scene)])


def soql_before_loop(scene: Scene) -> Body:
    return [*query_for_all(scene), *loop(scene, plain(scene, scene.item, 3))]


def soql_as_loop(scene: Scene) -> Body:
    query = select(scene, scene.kind, f"{scene.names.field()} = '{scene.names.text()}'")
    return [Block(f"for ({scene.kind} {scene.item} : {query})", plain(scene, scene.item, 3))]


def soql_after_loop(scene: Scene) -> Body:
    return [*loop(scene, plain(scene, scene.item, 2)), *query_for_all(scene)]


def soql_alone(scene: Scene) -> Body:
    query = select(scene, scene.kind, f"{scene.names.field()} = :{scene.names.variable(scene.kind)}Id")
    return [f"List<{scene.kind}> {scene.items} = {query};", f"return {scene.items};"]


# --- DML in a loop -----------------------------------------------------------------------------------------------


def dml_in_loop(scene: Scene) -> Body:
    if scene.random.random() < 0.35 or scene.in_trigger:
        child, _, created = new_child(scene)
        work: Body = [*created, dml(scene, child)]
    else:
        work = [*change(scene), dml(scene, scene.item)]
    return loop(scene, [*noise(scene), *maybe_guarded(scene, work), *noise(scene, 1)])


def dml_after_loop(scene: Scene) -> Body:
    changed = scene.random.choice(("changed", "toUpdate", "results", f"new{scene.names.word()}s"))
    kind, chance = scene.kind, scene.random.random()
    if chance < 0.2:
        collect: Body = [f"{changed}.add(new {kind}({scene.names.field()} = {scene.item}.Id));"]
    elif chance < 0.4:
        child, kind, created = new_child(scene)
        collect = [*created, f"{changed}.add({child});"]
    else:
        changes = change(scene) if chance < 0.7 else []
        collect = maybe_guarded(scene, [*changes, f"{changed}.add({scene.item});"])
    declare = f"List<{kind}> {changed} = new List<{kind}>();"
    return [declare, *loop(scene, [*noise(scene), *collect]), dml(scene, changed)]


def dml_alone(scene: Scene) -> Body:
    return [*loop(scene, plain(scene, scene.item, 2)), dml(scene, scene.item if scene.in_trigger else scene.items)]


# --- hard-coded ids ----------------------------------------------------------------------------------------------

_PREFIXES = ("001", "003", "005", "006", "00D", "00G", "00e", "012", "012", "00Q", "500", "701", "a0B", "a1F")
_ID_CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def record_id(scene: Scene) -> str:
    """A record's id as people paste it: 15 or 18 characters."""
    random = scene.random
    middle = "".join(random.choices("0123456789ABCabc", k=3)) + random.choice(("00000", "0000000", "000001"))
    length = random.choice((15, 18, 18))
    start = random.choice(_PREFIXES) + middle
    return start + "".join(random.choices(_ID_CHARACTERS, k=length - len(start)))


def hard_coded_id(scene: Scene) -> Body:
    names, random, item = scene.names, scene.random, scene.item
    literal = f"'{record_id(scene)}'"
    shape = random.randrange(6)
    if shape == 0:
        return loop(
            scene, [*noise(scene), f"{item}.{random.choice(('OwnerId', 'RecordTypeId', names.field()))} = {literal};"]
        )
    if shape == 1:
        return loop(
            scene, [Block(f"if ({item}.{random.choice(('RecordTypeId', 'OwnerId'))} == {literal})", plain(scene, item))]
        )
    if shape == 2:
        return [f"{random.choice(('Id', 'String'))} {names.variable(scene.kind)}Id = {literal};", *soql_alone(scene)]
    if shape == 3:
        return [f"List<{scene.kind}> {scene.item}List = {select(scene, scene.kind, f'{names.field()} = {literal}')};"]
    if shape == 4:
        constant = names.word().upper()
        return [
            f"final Id {constant}_ID = {literal};",
            *loop(scene, [*noise(scene), f"{item}.OwnerId = {constant}_ID;"]),
        ]
    return [f"{names.method()}({literal});", *dml_after_loop(scene)]


def id_looked_up(scene: Scene) -> Body:
    names, item = scene.names, scene.item
    source = scene.random.choice(
        (
            f"Schema.SObjectType.{scene.kind}.getRecordTypeInfosByDeveloperName().get('{names.word()}').getRecordTypeId()",
            "UserInfo.getUserId()",
            f"{names.word()}_Settings__c.getOrgDefaults().Owner__c",
            f"Label.{names.word()}_Owner",
        )
    )
    target = scene.random.choice(("RecordTypeId", "OwnerId"))
    if scene.random.random() < 0.5:
        return [
            f"Id {target[0].lower()}{target[1:]} = {source};",
            *loop(scene, [f"{item}.{target} = {target[0].lower()}{target[1:]};"]),
        ]
    return loop(scene, [*noise(scene), f"{item}.{target} = {source};"])


# --- null checks -------------------------------------------------------------------------------------------------


def _map_of(scene: Scene) -> tuple[str, str, Body]:
    """A map's name, the kind of its values and the lines that fill it."""
    kind = scene.names.object()
    by_id = f"{scene.names.variable(kind)}{scene.random.choice(('ById', 'Map', 's'))}"
    query = select(scene, kind, f"{scene.names.field()} != null")
    return by_id, kind, [f"Map<Id, {kind}> {by_id} = new Map<Id, {kind}>({query});"]


def missing_null_check(scene: Scene) -> Body:
    names, item = scene.names, scene.item
    by_id, kind, fill = _map_of(scene)
    found = names.variable(kind)
    found = f"{found}2" if found == item else found
    get = f"{by_id}.get({item}.{names.field()})"
    shape = scene.random.randrange(3)
    if shape == 0:
        use: Body = [f"{item}.{names.field()} = {get}.{names.field()};"]
    elif shape == 1:
        use = [f"{kind} {found} = {get};", f"{item}.{names.field()} = {found}.{names.field()};"]
    else:
        use = [f"{kind} {found} = {get};", f"{found}.{names.field()} = {item}.{names.field()};"]
    if scene.random.random() < 0.15:
        return use
    return [*_maybe(scene, fill), *loop(scene, [*noise(scene), *use, *noise(scene, 1)])]


def null_checked(scene: Scene) -> Body:
    names, item = scene.names, scene.item
    by_id, kind, fill = _map_of(scene)
    found = names.variable(kind)
    found = f"{found}2" if found == item else found
    key = f"{item}.{names.field()}"
    copy = f"{item}.{names.field()} = {found}.{names.field()};"
    shape = scene.random.randrange(5)
    if shape == 0:
        use: Body = [f"{kind} {found} = {by_id}.get({key});", Block(f"if ({found} != null)", [copy])]
    elif shape == 1:
        use = [f"{kind} {found} = {by_id}.get({key});", Block(f"if ({found} == null)", ["continue;"]), copy]
    elif shape == 2:
        use = [
            Block(f"if ({by_id}.containsKey({key}))", [f"{item}.{names.field()} = {by_id}.get({key}).{names.field()};"])
        ]
    elif shape == 3:
        use = [f"{item}.{names.field()} = {by_id}.get({key})?.{names.field()};"]
    else:
        use = [f"{item}.{names.field()} = totals.get({item}.Id);"]
    return [*_maybe(scene, fill), *loop(scene, [*noise(scene), *use])]


def _maybe(scene: Scene, fill: Body) -> Body:
    """The lines that fill the map, unless it is an argument or a field."""
    return fill if scene.random.random() < 0.75 else []


# --- triggers ----------------------------------------------------------------------------------------------------


def unbulkified(scene: Scene) -> Body:
    """A trigger's body that reads one record only."""
    item = scene.item
    source = scene.random.choice(
        ("Trigger.new[0]", "Trigger.new[0]", "Trigger.New[0]", "Trigger.new.get(0)", "Trigger.old[0]")
    )
    take = f"{scene.kind} {item} = {source};"
    work = scene.random.choice(
        (
            plain(scene, item, 3),
            [*plain(scene, item, 1), *query_for_item(scene)],
            maybe_guarded(scene, plain(scene, item)),
        )
    )
    if scene.random.random() < 0.2:
        return [assignment(scene, source)]
    return [take, *work]


def handled(scene: Scene) -> Body:
    handler = f"{scene.names.word()}{scene.random.choice(('Handler', 'TriggerHandler', 'Service'))}"
    arguments = scene.random.choice(("Trigger.new", "Trigger.new, Trigger.oldMap", "Trigger.newMap"))
    call = scene.random.choice(
        (f"{handler}.{scene.names.method()}({arguments});", f"new {handler}().{scene.names.method()}({arguments});")
    )
    return (
        [Block(scene.random.choice(("if (Trigger.isBefore)", "if (Trigger.isInsert)")), [call])]
        if scene.random.random() < 0.5
        else [call]
    )


def only_loop(scene: Scene) -> Body:
    return loop(scene, plain(scene, scene.item, 3))


def only_statements(scene: Scene) -> Body:
    return plain(scene, scene.item, 4)


BAD: dict[Finding, tuple[Callable[[Scene], Body], ...]] = {
    Finding.SOQL_IN_LOOP: (soql_in_loop,),
    Finding.DML_IN_LOOP: (dml_in_loop,),
    Finding.UNBULKIFIED_TRIGGER: (unbulkified,),
    Finding.HARD_CODED_ID: (hard_coded_id,),
    Finding.MISSING_NULL_CHECK: (missing_null_check,),
}
GOOD = (soql_before_loop, soql_as_loop, soql_after_loop, dml_after_loop, id_looked_up, null_checked, only_loop)
GOOD_IN_METHODS = (*GOOD, soql_alone, dml_alone, only_statements)
GOOD_IN_TRIGGERS = (*GOOD, handled, handled)
