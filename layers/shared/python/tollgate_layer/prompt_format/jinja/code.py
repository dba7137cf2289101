"""Compiled chat templates that keep their limits: Jinja's code generator with the meter in it.

Jinja compiles a template to the source of a Python function. `MeteredCode` writes calls of the meter into that
source, so that `{{ a + b }}` becomes `yield context.meter.output(environment.call_binop(context, '+', a, b))`.
The methods that it overrides are not all public in Jinja: tests/prompt_format/test_jinja_limits.py tells at once
if a release changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context

from .meter import Meter


class MeteredContext(Context):
    """A template's variables, and the meter of this render."""

    meter: Meter

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja's name for it
        """The context of a block or macro inside the template: it counts on the same meter."""
        context = super().derived(locals)
        assert isinstance(context, MeteredContext)
        context.meter = self.meter
        return context


class MeteredCode(CodeGenerator):
    """Tells the meter of every block, output and comparison, and of every value that the template makes.

    Operators and calls are told of by the environment, through the sandbox's own hooks.
    """

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        """The body of a loop, a branch or a macro: it begins with a look at the clock."""
        body = list(nodes)
        literal_characters = 0
        for node in body:
            literal_characters += _literal_characters(node)
        self.writeline(f"context.meter.enter({literal_characters})")
        super().blockvisit(body, frame)

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        """Literal text only: Jinja would run filters of literals here, while it compiles and no meter counts."""
        if not isinstance(node, nodes.TemplateData):
            raise nodes.Impossible
        return node.data

    # Jinja writes an output as: what `pre` writes, the expression, what `post` writes. Its own part only escapes, which
    # no chat template needs, and turns the value into text, which the meter does itself.
    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("context.meter.output(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write(")")

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        """`a ~ b`. The parts go to the meter unjoined, so that it can refuse before joining them."""
        self.write("context.meter.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        """`a == b`, `a in b` …"""
        self._metered("compared", super().visit_Compare, node, frame)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:  # noqa: N802
        """`a is defined` …"""
        self._metered("compared", super().visit_Test, node, frame)

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        """`a | upper` …"""
        self._metered("made", super().visit_Filter, node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        """`[a, b]`"""
        self._metered("built", super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        """`{"a": b}`"""
        self._metered("built", super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        """`(a, b)`, or the names that a loop or an assignment unpacks into, which are no value."""
        if node.ctx == "load":
            self._metered("built", super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def _metered(self, method: str, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        """Write the node's own code between `context.meter.<method>(` and `)`."""
        self.write(f"context.meter.{method}(")
        visit(node, frame)
        self.write(")")


def _literal_characters(node: nodes.Node) -> int:
    """Characters that a node writes without computing them. Blocks inside it are counted when they are entered."""
    if not isinstance(node, nodes.Output):
        return 0
    characters = 0
    for literal in node.find_all(nodes.TemplateData):
        characters += len(literal.data)
    for constant in node.find_all(nodes.Const):
        characters += len(str(constant.value))
    return characters
