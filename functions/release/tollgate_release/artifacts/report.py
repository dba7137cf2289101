"""Writes the result of an inspection for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tollgate_release.artifacts.rules import GIGABYTE

if TYPE_CHECKING:
    from tollgate_release.artifacts.inspection import Inspection


def accepted(inspection: Inspection) -> str:
    """The text for artifacts that can be imported: one fact a line, then the warnings."""
    rows = {
        "architecture": inspection.architecture,
        "parameters": f"{inspection.parameters:,} ({inspection.dtype})",
        "weights": f"{inspection.size_bytes / GIGABYTE:,.3f} GB",
        "context length": f"{inspection.context_length:,} tokens" if inspection.context_length else "unknown",
        "chat template": inspection.chat_template_source or "none",
        "tokenizer": inspection.tokenizer_class or "class not named",
        "Converse API": "yes" if inspection.instruct_supported else "no: use InvokeModel",
        "model units per copy": f"about {inspection.custom_model_units_per_copy} (an estimate; the import sets it)",
    }
    width = max(map(len, rows))
    lines = [f"{name:<{width}}  {value}" for name, value in rows.items()]
    return "\n".join(["Nothing speaks against an import.", "", *lines, *_list("Warnings", inspection.warnings)])


def refused(problems: list[str]) -> str:
    """The text for artifacts that cannot be imported: every reason, one a line."""
    return "\n".join(["These artifacts cannot be imported.", *_list("Reasons", problems)])


def _list(title: str, sentences: list[str] | tuple[str, ...]) -> list[str]:
    if not sentences:
        return []
    return ["", f"{title}:", *(f"- {sentence}" for sentence in sentences)]
