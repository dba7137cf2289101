"""Compiled chat templates that keep `jinja_limits`: Jinja's code generator with the meter in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context

from .jinja_limits import Meter


class MeteredContext(Context):
    """A template's variables, and the meter of this render."""

    meter: Meter

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja's name for it
        context = super().derived(locals)
        assert isinstance(context, MeteredContext)
        context.meter = self.meter
        return context


class MeteredCode(CodeGenerator):
    """Tells the meter of every block, output, comparison, and of every value that the template makes.

    Operators and calls are told of by the environment, through the sandbox's own hooks.
    """

    def blockvisit(self, nodes: Iterable[nodes.Node], frame: Frame) -> None:
        body = list(nodes)
        self.writeline(f"context.meter.enter({sum(map(_literal_length, body))})")
        super().blockvisit(body, frame)

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        self.write("context.meter.output(")
        if frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
        self.write(")")

    def visit_Compare(self, node: nodes.Compare, frame: Frame) -> None:  # noqa: N802
        self._metered("compared", super().visit_Compare, node, frame)

    def visit_Test(self, node: nodes.Test, frame: Frame) -> None:  # noqa: N802
        self._metered("compared", super().visit_Test, node, frame)

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802
        self.write("context.meter.joined((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Filter(self, node: nodes.Filter, frame: Frame) -> None:  # noqa: N802
        self._metered("made", super().visit_Filter, node, frame)

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802
        self._metered("built", super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802
        self._metered("built", super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802
        if node.ctx == "load":
            self._metered("built", super().visit_Tuple, node, frame)
        else:  # the names that a loop or an assignment unpacks into
            super().visit_Tuple(node, frame)

    def _metered(self, method: str, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        self.write(f"context.meter.{method}(")
        visit(node, frame)
        self.write(")")


def _literal_length(node: nodes.Node) -> int:
    """Characters that a node writes without computing them. Blocks inside it are counted when they are entered."""
    if not isinstance(node, nodes.Output):
        return 0
    data = sum(len(literal.data) for literal in node.find_all(nodes.TemplateData))
    return data + sum(len(str(constant.value)) for constant in node.find_all(nodes.Const))
