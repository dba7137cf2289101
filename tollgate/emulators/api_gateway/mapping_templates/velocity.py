"""Velocity's language as API Gateway runs it: airspeed with Java's methods and four corrections.

airspeed's classes name each other as globals of their module, so a subclass alone would never be used by the rest of
the parser. This module therefore executes airspeed's source a second time, as a module of its own, and puts its
subclasses in the place of four of that module's classes. The airspeed package itself is neither imported nor changed.

The package airspeed-ext has the licence BSD-2-Clause; none of its text is copied here.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tollgate.emulators.api_gateway.mapping_templates.java import METHODS

if TYPE_CHECKING:
    from types import ModuleType


def _own_copy_of_airspeed() -> ModuleType:
    package = importlib.util.find_spec("airspeed")  # finds the package without running it
    if package is None or package.origin is None:
        raise ImportError("mapping templates need the package airspeed-ext")
    source = Path(package.origin).parent / "operators.py"
    spec = importlib.util.spec_from_file_location(f"{__name__}_airspeed", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_airspeed: Any = _own_copy_of_airspeed()


class _NameOrCall(_airspeed.NameOrCall):  # type: ignore[misc]  # airspeed has no types
    """A name in a reference, or the call of a method.

    Methods are Java's, and are looked up before the map's keys: a request body with a key named `get` must not hide
    Map.get.
    """

    def calculate(self, current: Any, loader: Any, namespace: Any) -> Any:
        method = METHODS.get(type(current), {}).get(self.name)
        if self.parameters is not None and method is not None:
            return method(current, *self.parameters.calculate(namespace, loader))
        return super().calculate(current, loader, namespace)


class _VariableExpression(_airspeed.VariableExpression):  # type: ignore[misc]
    """A reference such as `$input.body`; without a value it prints nothing, where Velocity prints its source."""

    def calculate(self, namespace: Any, loader: Any, global_namespace: Any = None) -> Any:
        value = super().calculate(namespace, loader, global_namespace)
        return "" if value is None else value


class _ElseBlock(_airspeed.ElseBlock):  # type: ignore[misc]
    """The directive `#else`, which at the end of a line takes the line break with it, as airspeed's `#end` does."""

    START = re.compile(r"#(?:else|\{else\})(?:[ \t]*\r?\n)?(.*)$", re.DOTALL | re.IGNORECASE)


class _ForeachDirective(_airspeed.ForeachDirective):  # type: ignore[misc]
    """The directive `#foreach(…)`, which at the end of a line takes the line break with it, too."""

    CLOSE_PAREN = re.compile(r"[ \t]*\)(?:[ \t]*\r?\n)?(.*)$", re.DOTALL)


_airspeed.NameOrCall = _NameOrCall
_airspeed.VariableExpression = _VariableExpression
_airspeed.ElseBlock = _ElseBlock
_airspeed.ForeachDirective = _ForeachDirective
# airspeed's own idea of Java's methods would answer for the types that METHODS does not know.
_airspeed.__additional_methods__ = METHODS

Template = _airspeed.Template
TemplateError: type[Exception] = _airspeed.TemplateError
TemplateExecutionError: type[Exception] = _airspeed.TemplateExecutionError
