"""Equality with transformers, prompt by prompt. `scripts/record_prompts.py` records the golden files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.prompt_format.golden_files import CONVERSATIONS, NOW, golden, recorded, template
from tollgate_layer import prompt_format

CASES = [(name, conversation) for name in recorded() for conversation in CONVERSATIONS]


@pytest.mark.parametrize("name, conversation", CASES, ids=[f"{name}-{key}" for name, key in CASES])
def test_a_prompt_is_byte_for_byte_what_transformers_renders(name: str, conversation: str):
    # GIVEN a conversation and what transformers made of it
    case, file = CONVERSATIONS[conversation], golden(name)
    expected = file["prompts"][conversation]

    # WHEN it is rendered
    def render() -> str:
        return prompt_format.render(
            case["messages"],
            template=template(name),
            tools=case.get("tools"),
            special_tokens=file["special_tokens"],
            now=NOW,
            **case["options"],
        )

    # THEN the prompt is the same, or both refuse the conversation
    if isinstance(expected, str):
        assert render() == expected
    else:
        with pytest.raises(prompt_format.PromptFormatError):
            render()


def test_every_template_is_recorded_for_every_conversation():
    for name in recorded():
        assert list(golden(name)["prompts"]) == list(CONVERSATIONS)


EXTERNAL = Path(os.environ["TOLLGATE_GOLDEN"]) if "TOLLGATE_GOLDEN" in os.environ else None


@pytest.mark.skipif(EXTERNAL is None, reason="TOLLGATE_GOLDEN names no folder of public templates and their prompts")
@pytest.mark.parametrize("path", sorted((EXTERNAL / "cases").glob("*.json")) if EXTERNAL else [None])
def test_public_templates_render_as_recorded(path: Path):
    """The folder holds `templates/<family>.jinja` and `cases/<family>.json`."""
    file = json.loads(path.read_text())
    source = (path.parent.parent / "templates" / f"{path.stem}.jinja").read_text()
    wrong = []
    for case in file["cases"]:
        tools = {"tools": case["tools"]} if "tools" in case else {}
        try:
            got: str | None = prompt_format.render(
                case["messages"],
                template=source,
                special_tokens=file["special_tokens"],
                now=NOW,
                **tools,
                **case["options"],
            )
        except prompt_format.PromptFormatError:
            got = None
        if got != case.get("expected"):
            wrong.append(case["name"])
    assert wrong == []
