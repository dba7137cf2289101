"""The statements that findings are made of: queries, DML, loops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apex import Block
from filler import assignment, condition, plain, value

if TYPE_CHECKING:
    from scene import Body, Scene

# --- queries -----------------------------------------------------------------------------------------------------


def select(scene: Scene, kind: str, condition: str, *, limit: bool | None = None) -> str:
    """A SOQL query in brackets."""
    random, names = scene.random, scene.names
    fields = ", ".join(["Id", *(names.field() for _ in range(random.randint(0, 3)))])
    query = f"SELECT {fields} FROM {kind} WHERE {condition}"
    if random.random() < 0.15:
        query += f" ORDER BY {names.field()}"
    if random.random() < 0.3 if limit is None else limit:
        query += f" LIMIT {random.choice((1, 1, 10, 50, 200))}"
    if random.random() < 0.1:
        query = (
            query.replace("SELECT", "select")
            .replace("FROM", "from")
            .replace("WHERE", "where")
            .replace("LIMIT", "limit")
        )
    return f"[{query}]" if random.random() < 0.93 else f"[ {query} ]"


def query_for_item(scene: Scene) -> Body:
    """A query about `item` alone: harmless once, the finding when a loop repeats it."""
    random, names = scene.random, scene.names
    kind = names.object()
    result = names.variable(kind)
    rows = names.plural(result)
    key = random.choice(("Id", "Id", names.field(), "AccountId"))
    where = f"{names.field()} = :{scene.item}.{key}"
    if random.random() < 0.2:
        where += f" AND {names.field()} = '{names.text()}'"
    found = select(scene, kind, where)
    one = select(scene, kind, where, limit=random.random() < 0.7)
    shapes: tuple[Body, ...] = (
        [f"List<{kind}> {rows} = {found};"],
        [f"List<{kind}> {rows} = {found};", *plain(scene, scene.item, 1)],
        [f"{kind} {result} = {one};"],
        [f"{kind} {result} = {one};", f"{scene.item}.{names.field()} = {result}.{names.field()};"],
        [f"Integer {result}Count = [SELECT COUNT() FROM {kind} WHERE {where}];"],
        [Block(f"for ({kind} {result} : {found})", plain(scene, result))],
        [f"List<{kind}> {rows} = Database.query('SELECT Id FROM {kind} WHERE {names.field()} = :key');"],
        [f"{rows}.addAll({found});"],
        [f"{rows}.add({one}{random.choice(('', f'.{names.field()}'))});"],
        [f"{rows}.put({scene.item}.{key}, {one});"],
        [Block(f"if ({found}.{random.choice(('size() > 0', 'isEmpty()'))})", plain(scene, scene.item))],
    )
    return random.choice(shapes)


def query_for_all(scene: Scene) -> Body:
    """One query for the whole list."""
    random, names = scene.random, scene.names
    kind = names.object()
    rows = names.plural(names.variable(kind))
    if random.random() < 0.4:
        keys = f"{scene.item}Ids"
        gather: Body = [f"Set<Id> {keys} = new Set<Id>();"]
        gather.append(Block(f"for ({scene.kind} {scene.item} : {scene.items})", [f"{keys}.add({scene.item}.Id);"]))
    else:
        keys, gather = scene.items, []
    query = select(scene, kind, f"{names.field()} IN :{keys}")
    if random.random() < 0.4:
        return [*gather, f"Map<Id, {kind}> {rows}ById = new Map<Id, {kind}>({query});"]
    return [*gather, f"List<{kind}> {rows} = {query};"]


# --- DML ---------------------------------------------------------------------------------------------------------


def dml(scene: Scene, target: str) -> str:
    """One DML statement about `target`."""
    verb = scene.random.choice(("update", "update", "insert", "upsert", "delete"))
    if scene.random.random() < 0.25:
        return f"Database.{verb}({target}{scene.random.choice(('', ', false'))});"
    return f"{verb} {target};"


def new_child(scene: Scene) -> tuple[str, str, Body]:
    """A new record that points at the item: its name, its kind and the lines that create it."""
    names, random = scene.names, scene.random
    kind = names.object()
    child = names.variable(kind)
    child = f"{child}2" if child == scene.item else child
    link = f"{names.field()} = {scene.item}.{random.choice(('Id', 'Id', 'Id', names.field()))}"
    other = names.field()
    fields = [link]
    if random.random() < 0.6:
        fields.append(f"{other} = {value(scene, scene.item, other)}")
        random.shuffle(fields)
    if random.random() < 0.5:
        return child, kind, [f"{kind} {child} = new {kind}({', '.join(fields)});"]
    return child, kind, [f"{kind} {child} = new {kind}();", *(f"{child}.{field};" for field in fields)]


def change(scene: Scene) -> Body:
    """One or two fields of the item set."""
    return [assignment(scene, scene.item) for _ in range(scene.random.choice((1, 1, 1, 2)))]


# --- loops -------------------------------------------------------------------------------------------------------


def loop(scene: Scene, body: Body) -> Body:
    """`body` for each of the items."""
    random, item, items = scene.random, scene.item, scene.items
    shape = random.randrange(10)
    if shape == 0:
        head = f"for (Integer i = 0; i < {items}.size(); i++)"
        return [Block(head, [f"{scene.kind} {item} = {items}{random.choice(('[i]', '.get(i)'))};", *body])]
    if shape == 1 and not scene.in_trigger:
        return [
            "Integer i = 0;",
            Block(f"while (i < {items}.size())", [f"{scene.kind} {item} = {items}[i];", *body, "i++;"]),
        ]
    if shape == 2 and not scene.in_trigger:
        query = select(scene, scene.kind, f"{scene.names.field()} = '{scene.names.text()}'")
        return [Block(f"for ({scene.kind} {item} : {query})", body)]
    space = random.choice((" ", " ", ""))
    return [Block(f"for{space}({scene.kind} {item} : {items})", body)]


def loop_over_ids(scene: Scene) -> Body:
    """A loop over ids instead of records, with a query for each."""
    random, names = scene.random, scene.names
    key, keys = random.choice(("recordId", "id", "key", f"{scene.item}Id")), random.choice(("ids", "recordIds", "keys"))
    query = select(scene, scene.kind, f"Id = :{key}", limit=False)
    use = random.choice(
        (
            [f"{scene.kind} {scene.item} = {query};", *plain(scene, scene.item)],
            [f"result.put({key}, {query}.{names.field()});"],
            [f"{scene.items}.add({query});"],
        )
    )
    if random.random() < 0.3:
        query = select(scene, scene.kind, f"Id = :{keys}[i]", limit=False)
        return [Block(f"for (Integer i = 0; i < {keys}.size(); i++)", [f"{scene.items}.add({query}.{names.field()});"])]
    return [Block(f"for (Id {key} : {keys})", use)]


def maybe_guarded(scene: Scene, body: Body) -> Body:
    """`body`, at times inside a condition or a try."""
    chance = scene.random.random()
    if chance < 0.25:
        return [Block(f"if ({condition(scene, scene.item)})", body)]
    if chance < 0.35:
        kind = scene.random.choice(("DmlException", "Exception", "QueryException"))
        return [Block("try", body), Block(f"catch ({kind} e)", ["System.debug(e.getMessage());"])]
    return body
