"""The answers of TGI and LMI to `inputs`."""

from __future__ import annotations

from tollgate_layer.inference.backends.body_format import Usage
from tollgate_layer.inference.completion import Choice
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.json_text import JsonObject


def generated_text(choice: Choice, spec: CompletionSpec, usage: Usage) -> JsonObject:
    """A whole answer: its text, behind the prompt where the client wants that, and details where it asks for them."""
    kept = spec.kept or {}
    answer: JsonObject = {"generated_text": kept.get("prompt", "") + choice.content}
    if kept.get("details"):
        answer["details"] = details(choice.finish_reason, usage)
    return answer


def details(finish_reason: str | None, usage: Usage) -> JsonObject:
    """Why an answer ended, and how many tokens it has; which tokens they are nobody here knows."""
    return {
        "finish_reason": "length" if finish_reason == "length" else "eos_token",
        "generated_tokens": usage.completion_tokens,
        "seed": None,
        "prefill": [],
        "tokens": [],
    }
