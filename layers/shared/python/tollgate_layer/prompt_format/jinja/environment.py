"""The Jinja environment of chat templates: transformers' settings, and operations that keep the limits."""

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
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from . import allowed, checks
from .code import MeteredCode, MeteredContext


class ChatTemplateEnvironment(ImmutableSandboxedEnvironment):
    """Compiles chat templates. One serves the whole process: what a render needs is in its context."""

    code_generator_class = MeteredCode
    context_class = MeteredContext
    # Operators that the sandbox runs through `call_binop`. The others cannot make anything large.
    intercepted_binops = frozenset({"+", "-", "*", "**", "%"})

    def __init__(self) -> None:
        # Not optimised: the optimiser runs filters while it compiles, where no meter counts.
        super().__init__(
            trim_blocks=True, lstrip_blocks=True, extensions=[GenerationBlock, loopcontrols], optimized=False
        )
        self.binop_table |= {
            "+": checks.add,
            "-": checks.subtract,
            "*": checks.multiply,
            "**": checks.power,
            "%": checks.remainder,
        }
        self.filters = {name: FILTERS[name] for name in allowed.FILTERS}
        self.filters |= {"tojson": _tojson, "join": _join}
        for check, names in _CHECKED_FILTERS.items():
            for name in names:
                self.filters[name] = _checked(name, check)
        self.globals = {
            "dict": _dict,
            "namespace": _Namespace,
            "raise_exception": _raise_exception,
            "range": checks.number_range,
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        template = super()._parse(source, name, filename)
        allowed.check_source(template)
        return template

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """The value of `left operator right`, counted."""
        meter = context.meter  # type: ignore[attr-defined]
        value = meter.made(self.binop_table[operator](left, right))
        if operator == "*":
            return meter.built(value)  # a list that holds the same items many times
        return value

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function or method; methods of built-in types go straight, since they are most of all calls."""
        if type(function) is BuiltinMethodType:
            # Jinja passes these to every call, for macros; its own `call` takes them out too.
            kwargs.pop("_loop_vars", None)
            kwargs.pop("_block_vars", None)
            value = _call_method(function, args, kwargs)
        else:
            value = super().call(context, function, *args, **kwargs)
        meter = context.meter  # type: ignore[attr-defined]
        if type(value) is dict:
            return meter.built(value)  # `dict(a=b)` puts values into a container, as `{"a": b}` does
        return meter.made(value)

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
        if name not in self.filters:
            raise allowed.not_allowed("filter", name)
        result = super().call_filter(name, value, args, kwargs, context, eval_ctx)
        if isinstance(context, MeteredContext):
            return context.meter.made(result)
        return result

    def call_test(
        self,
        name: str,
        value: Any,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        context: Context | None = None,
        eval_ctx: nodes.EvalContext | None = None,
    ) -> bool:
        """A test that `select` and its like apply to each item."""
        result: bool = super().call_test(name, value, args, kwargs, context, eval_ctx)
        if isinstance(context, MeteredContext):
            context.meter.compared(result)
        return result

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The value of `obj.attribute` in a template; undefined where there is none or it is not allowed.

        The sandbox gives the same. What templates ask most (keys, methods of text, `loop`, namespaces) is answered
        before the sandbox is asked, since it is slower.
        """
        kind = type(obj)
        if kind is dict and attribute not in _DICT_ATTRIBUTES:
            value = obj.get(attribute, _MISSING)
            if value is _MISSING:
                return self.undefined(obj=obj, name=attribute)
            return value
        if attribute in allowed.ATTRIBUTES.get(kind, ()):
            return getattr(obj, attribute)
        if kind is _Namespace and not attribute.startswith("_") and hasattr(obj, attribute):
            return getattr(obj, attribute)
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether templates may read an attribute, or call a method: by the allow-list."""
        for kind, attributes in allowed.ATTRIBUTES.items():
            if isinstance(obj, kind):
                return attr in attributes
        return isinstance(obj, _Namespace) and not attr.startswith("_")

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """The sandbox's own `format`, which would pass by the allow-list: there is none."""
        return None


def _call_method(method: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    owner = method.__self__
    if isinstance(owner, str):
        if method.__name__ == "join":
            return checks.join(owner, *args, **kwargs)
        check = checks.METHODS.get(method.__name__)
        if check is not None:
            check(owner, *args, **kwargs)
    return method(*args, **kwargs)


_MISSING = object()
_DICT_ATTRIBUTES = frozenset(dir(dict))


class GenerationBlock(Extension):
    """`{% generation %}` … `{% endgeneration %}` marks the assistant's text for training; here it just renders."""

    tags = {"generation"}  # noqa: RUF012 - declared so by Extension

    def parse(self, parser: Parser) -> nodes.Node:
        """The block's body, without the block."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


class _Namespace(Namespace):
    """A namespace without names that begin with an underscore, as in transformers."""

    # `self` is taken from `args`, as in Jinja's own class, so that a template may name a value `self`.
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
    """`dict(...)` without the class behind it, whose attributes lead out of the sandbox."""
    return dict(*args, **kwargs)


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    """JSON without Jinja's HTML escaping, as in transformers."""
    checks.check_json(value, indent, separators)
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


@wraps(FILTERS["join"])
def _join(eval_ctx: nodes.EvalContext, value: Any, d: str = "", attribute: str | int | None = None) -> Any:
    """Jinja's own filter over a list, because a generator has no length to check."""
    items = list(value)
    checks.check_join(str(d), items)
    return FILTERS["join"](eval_ctx, items, d, attribute)


def _checked(name: str, check: Callable[..., None]) -> Callable[..., Any]:
    """Jinja's own filter, run once `check` has passed its arguments."""
    original = FILTERS[name]
    # Jinja passes some filters its context or environment first, which is nothing to check.
    first = 1 if hasattr(original, "jinja_pass_arg") else 0

    @wraps(original)
    def checked(*args: Any, **kwargs: Any) -> Any:
        check(*args[first:], **kwargs)
        return original(*args, **kwargs)

    return checked


_CHECKED_FILTERS: Mapping[Callable[..., None], Sequence[str]] = {
    checks.check_text: ("capitalize", "e", "escape", "lower", "string", "title", "upper"),
    # These look at every item, some in lower case, of which they keep copies.
    checks.check_items: ("dictsort", "list", "max", "min", "reverse", "sort", "unique"),
    checks.check_option: ("trim",),
    checks.check_truncate: ("truncate",),
    checks.check_indent: ("indent",),
    checks.check_replace: ("replace",),
}
