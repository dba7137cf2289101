"""Models' own chat templates: Jinja as Hugging Face transformers sets it up.

https://huggingface.co/docs/transformers/chat_templating_writing: sandboxed, `trim_blocks`, `lstrip_blocks`,
loop controls, `generation` blocks, `tojson` without HTML escaping, `raise_exception`, `strftime_now`.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from .errors import PromptFormatError
from .rendering import Rendering


def render(source: str, rendering: Rendering) -> str:
    template = compiled(source)
    try:
        return template.render(
            {
                "strftime_now": rendering.strftime_now,
                "documents": None,
                **rendering.special_tokens,
                **rendering.variables,
                "messages": rendering.messages,
                "tools": rendering.tools,
                "add_generation_prompt": rendering.add_generation_prompt,
            }
        )
    except Exception as error:
        raise PromptFormatError(str(error)) from error


@lru_cache(maxsize=32)
def compiled(source: str) -> jinja2.Template:
    try:
        return _environment().from_string(source)
    except jinja2.TemplateSyntaxError as error:
        raise PromptFormatError(f"the chat template does not compile: {error}") from error


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _raise_exception
    return environment


class _Generation(Extension):
    """`{% generation %}`…`{% endgeneration %}` marks the assistant's text for training; it renders its body."""

    tags = {"generation"}  # noqa: RUF012 - as Extension declares it

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body, lineno=line)


def _tojson(
    value: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _raise_exception(message: str) -> None:
    raise jinja2.TemplateError(message)
