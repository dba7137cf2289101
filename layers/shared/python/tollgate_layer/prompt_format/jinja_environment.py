"""The Jinja environment of chat templates: transformers' settings, and operations that keep `jinja_limits`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from types import BuiltinMethodType
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.filters import FILTERS
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from . import jinja_limits as limits
from .jinja_code import MeteredCode, MeteredContext


class ChatTemplateEnvironment(ImmutableSandboxedEnvironment):
    """Compiles chat templates. One serves the whole process: what a render needs is in its context."""

    code_generator_class = MeteredCode
    context_class = MeteredContext
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(trim_blocks=True, lstrip_blocks=True, extensions=[GenerationBlock, loopcontrols])
        self.binop_table |= {"*": limits.multiply, "**": limits.power, "%": limits.remainder}
        self.filters |= {"tojson": _tojson, "join": _join, **_GUARDED_FILTERS}
        self.globals |= {"raise_exception": _raise_exception, "dict": _dict, "namespace": _Namespace}
        del self.globals["lipsum"]

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        meter = context.meter  # type: ignore[attr-defined]
        value = meter.made(self.binop_table[operator](left, right))
        return meter.built(value) if operator == "*" else value

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or method; methods of built-in types go straight, since they are most of all calls."""
        if type(function) is BuiltinMethodType:
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            limits.check_method(function, args, kwargs)
            value = function(*args, **kwargs)
        else:
            limits.check_method(function, args, kwargs)
            value = super().call(context, function, *args, **kwargs)
        meter = context.meter  # type: ignore[attr-defined]
        return meter.built(value) if type(value) is dict else meter.made(value)

    def call_filter(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: nodes.EvalContext | None = None,
    ) -> Any:
        """A filter that `map` and its like apply to each item."""
        result = super().call_filter(name, value, args, kwargs, context, eval_ctx)
        return context.meter.made(result) if isinstance(context, MeteredContext) else result

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As in the sandbox, but faster for what templates ask most: keys, methods of text, `loop`, namespaces."""
        kind = type(obj)
        if kind is dict and attribute not in _DICT_ATTRIBUTES:
            value = obj.get(attribute, self)
            return self.undefined(obj=obj, name=attribute) if value is self else value
        if attribute in _PLAIN_ATTRIBUTES.get(kind, ()):
            return getattr(obj, attribute)
        if kind is _Namespace and not attribute.startswith("_") and hasattr(obj, attribute):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)


_DICT_ATTRIBUTES = frozenset(dir(dict))
_PLAIN_ATTRIBUTES: Mapping[type, frozenset[str]] = {
    str: frozenset(name for name in dir(str) if name[0] != "_") - {"format", "format_map"},
    LoopContext: frozenset(
        {"first", "last", "index", "index0", "length", "revindex", "revindex0", "previtem", "nextitem"}
    ),
}


class GenerationBlock(Extension):
    """`{% generation %}` … `{% endgeneration %}` marks the assistant's text for training; here it just renders."""

    tags = {"generation"}  # noqa: RUF012 - declared so by Extension

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Namespace(Namespace):
    """A namespace without names that begin with an underscore, as in transformers."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, *values = args
        Namespace.__init__(self)
        for name, value in dict(*values, **kwargs).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        if str(name).startswith("_"):
            raise SecurityError(f"a namespace cannot have the attribute {name!r}")
        super().__setitem__(name, value)

    def __repr__(self) -> str:
        return "<Namespace>"


def _dict(*args: Any, **kwargs: Any) -> dict[Any, Any]:
    """`dict(...)` without the class behind it."""
    return dict(*args, **kwargs)


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    limits.check_json(value, indent, separators)
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@wraps(FILTERS["join"])
def _join(eval_ctx: nodes.EvalContext, value: Any, d: str = "", attribute: str | int | None = None) -> Any:
    items = list(value)
    limits.check_join(str(d), items)
    return FILTERS["join"](eval_ctx, items, d, attribute)


def _guarded(name: str, check: Callable[..., None]) -> Callable[..., Any]:
    """Jinja's own filter, run once `check` has passed its arguments."""
    original = FILTERS[name]
    passed = 1 if hasattr(original, "jinja_pass_arg") else 0

    @wraps(original)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        check(*args[passed:], **kwargs)
        return original(*args, **kwargs)

    return guarded


_TEXT_FILTERS = (
    *("capitalize", "e", "escape", "forceescape", "lower", "pprint", "string", "striptags", "title", "trim", "upper"),
    *("urlencode", "wordcount", "xmlattr"),
)
_GUARDED_FILTERS = {
    **{name: _guarded(name, limits.check_text) for name in _TEXT_FILTERS},
    **{name: _guarded(name, limits.check_options) for name in ("batch", "center", "round", "slice", "truncate")},
    **{name: _guarded(name, limits.check_wrapping) for name in ("urlize", "wordwrap")},
    "format": _guarded("format", limits.check_format),
    "indent": _guarded("indent", limits.check_indent),
    "replace": _guarded("replace", limits.check_replace),
}
