"""Which starts are measured: the handlers as shipped and as SAM alone builds them, and what they are made of."""

from __future__ import annotations

import json
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.build import import_path
from benchmarks.handlers import ROOT
from benchmarks.startup import Start

if TYPE_CHECKING:
    from benchmarks.build import Build

HANDLERS = ("authorizer", "preprocess", "postprocess")
_EVENTS = {"authorizer": "bearer", "preprocess": "chat-bedrock", "postprocess": "bedrock"}
_INGREDIENTS = {
    "json and logging": "import json, logging",
    "Powertools, its Logger": "import aws_lambda_powertools",
    "jinja2's sandbox": "import jinja2.sandbox",
    "pydantic_core": "import pydantic_core.core_schema",
    "prompt_format": "import tollgate_layer.prompt_format",
    "the schemas of chats and records": (
        "from tollgate_layer.inference.schemas import validator; "
        "validator('chat_completions'); validator('model_record')"
    ),
}
BOTO3 = "boto3, a bedrock-runtime client"
_CREATE_CLIENT = "import boto3; boto3.client('bedrock-runtime', region_name='us-east-1')"


def handlers(build: Path, note: str = "") -> list[Start]:
    """Each handler's import."""
    return [Start(name + note, "import app", import_path(build, name)) for name in HANDLERS]


def first_events(build: Path) -> list[Start]:
    """Each handler's import and its first event: nothing must be put off to where it is only not seen."""
    return [
        Start(f"{name}, first event answered", _answer(name, _EVENTS[name]), import_path(build, name))
        for name in HANDLERS
    ]


def ingredients(build: Path) -> list[Start]:
    """What the handlers import, one by one; and an AWS client, which none of them imports."""
    path = import_path(build, "preprocess")
    starts = [Start(name, code, path) for name, code in _INGREDIENTS.items()]
    return [*starts, Start(BOTO3, _CREATE_CLIENT, (Path(sysconfig.get_paths()["purelib"]),))]


def every(build: Build) -> list[Start]:
    """All of them, for one interleaved run."""
    return [
        *handlers(build.shipped),
        *first_events(build.shipped),
        *handlers(build.without_bytecode, " without bytecode"),
        *ingredients(build.shipped),
    ]


def _answer(function: str, event: str) -> str:
    value = json.loads((ROOT / "events" / function / f"{event}.json").read_text())
    return f"import app; app.lambda_handler({value!r}, None)"
