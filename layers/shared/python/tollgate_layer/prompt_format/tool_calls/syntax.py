"""How families write tool calls.

| syntax | text |
|---|---|
| hermes | `<tool_call>{"name": …, "arguments": {…}}</tool_call>`, repeated |
| mistral | `[TOOL_CALLS] [{"name": …, "arguments": {…}}, …]`, or `[TOOL_CALLS]name[ARGS]{…}`, repeated |
| qwen3_coder | `<tool_call><function=name><parameter=key>value</parameter>…</function></tool_call>`, repeated |
| llama3_json | `{"name": …, "parameters": {…}}`, with or without `<\\|python_tag\\|>`, several between semicolons |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CallSyntax(NamedTuple):
    """A family's way of writing calls."""

    opening: str
    """The mark in front of a call."""
    closing: str = ""
    """The mark behind a call; empty where the end of the JSON ends the call."""
    opening_may_lack: bool = False
    """Calls may come without the opening mark at the beginning of the answer, and right behind another call: servers
    that leave out special tokens drop Mistral's and Llama's marks."""
    name_in_front: bool = False
    """The name may stand before the arguments instead of inside the JSON."""
    tag: str = ""
    """The tag that begins a call which is written in tags instead of JSON. It also stands for an opening mark that
    was left out."""


SYNTAXES: Mapping[str, CallSyntax] = {
    "hermes": CallSyntax("<tool_call>", "</tool_call>"),
    "mistral": CallSyntax("[TOOL_CALLS]", opening_may_lack=True, name_in_front=True),
    "llama3_json": CallSyntax("<|python_tag|>", opening_may_lack=True),
    "qwen3_coder": CallSyntax("<tool_call>", "</tool_call>", tag="<function="),
}
