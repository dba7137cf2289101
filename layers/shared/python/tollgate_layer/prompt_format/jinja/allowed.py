"""What a chat template may use: an allow-list, with room beside what public templates do.

25 public templates and our own, which use every construct that public ones do, were read for it. All they need runs
in time that the meter can count; most of Jinja's other filters loop or allocate out of its sight, so they are refused
by name, at compile time where the name stands in the source (docs/decisions/0126).
"""

from __future__ import annotations

from collections.abc import Mapping

from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext

from .limits import LARGEST_INTEGER_BITS, MOST_NODES

FILTERS = frozenset(
    {
        *("abs", "capitalize", "count", "d", "default", "dictsort", "e", "escape", "first", "float", "indent", "int"),
        *("items", "join", "last", "length", "list", "lower", "map", "max", "min", "reject", "rejectattr", "replace"),
        *("reverse", "safe", "select", "selectattr", "sort", "string", "title", "tojson", "trim", "truncate"),
        *("unique", "upper"),
    }
)

_TEXT = frozenset(
    {
        *("capitalize", "count", "endswith", "find", "index", "isalnum", "isalpha", "isdecimal", "isdigit", "islower"),
        *("isnumeric", "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix", "removesuffix"),
        *("replace", "rfind", "rindex", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip"),
        *("title", "upper"),
    }
)
_LIST = frozenset({"count", "index"})
_LOOP = frozenset(
    {
        *("changed", "cycle", "depth", "depth0", "first", "index", "index0", "last", "length", "nextitem", "previtem"),
        *("revindex", "revindex0"),
    }
)
ATTRIBUTES: Mapping[type, frozenset[str]] = {
    str: _TEXT,
    dict: frozenset({"get", "items", "keys", "values"}),
    list: _LIST,
    tuple: _LIST,
    LoopContext: _LOOP,
}

# Statements and expressions. Jinja's others include files, inherit from them or switch escaping on.
_NODES = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Scope, nodes.For, nodes.If, nodes.Macro, nodes.CallBlock),
    *(nodes.FilterBlock, nodes.With, nodes.Assign, nodes.AssignBlock, nodes.ExprStmt, nodes.Break, nodes.Continue),
    *(nodes.BinExpr, nodes.UnaryExpr, nodes.Literal, nodes.Name, nodes.NSRef, nodes.CondExpr, nodes.Filter, nodes.Test),
    *(nodes.Call, nodes.Getitem, nodes.Getattr, nodes.Slice, nodes.Concat, nodes.Compare, nodes.Operand),
    *(nodes.Keyword, nodes.Pair),
)


def check_source(template: nodes.Template) -> None:
    """Look through a parsed template before any of it is compiled or run.

    Raises:
        SecurityError: it is too long, or uses what templates may not use.
    """
    left: list[nodes.Node] = [template]
    count = 0
    while left:
        node = left.pop()
        count += 1
        if count > MOST_NODES:
            raise SecurityError(f"it has more than {MOST_NODES} parts")
        if not isinstance(node, _NODES):
            raise SecurityError(f"it uses {type(node).__name__}, which chat templates may not")
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            raise not_allowed("filter", node.name)
        if isinstance(node, nodes.Const) and type(node.value) is int:
            check_integer(node.value)
        left.extend(node.iter_child_nodes())


def check_integer(number: int) -> None:
    """Refuse large integers: they are slow to compute with, and can be made so that dicts search them one by one."""
    if number.bit_length() > LARGEST_INTEGER_BITS:
        raise SecurityError("it computes a number that is too large")


def not_allowed(kind: str, name: str) -> SecurityError:
    """The refusal of something that is not on the list."""
    return SecurityError(f"it uses the {kind} {name!r}, which chat templates may not")
