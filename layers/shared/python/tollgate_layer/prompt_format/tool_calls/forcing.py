"""The beginning of a tool call, for a prompt that leaves the model no choice but to go on with it.

A prompt can offer tools, and hope. Where the prompt is ours it can do better: it ends inside the call, so that the
model's first token is already part of it. The parser of the answer is given the same beginning first.
"""

from __future__ import annotations

import json

_CLOSED_REASONING = "<think>\n\n</think>\n\n"
"""How Qwen3 writes that it has not thought: https://huggingface.co/Qwen/Qwen3-8B#switching-between-thinking-and-non-thinking-mode"""


def begun_call(syntax: str, template: str, name: str | None) -> str:
    r"""How a call begins in a syntax: up to its arguments if `name` is the one tool to call, else up to its name.

    >>> begun_call("hermes", "qwen2.5", "search")
    '<tool_call>\n{"name": "search", "arguments": '
    >>> begun_call("hermes", "qwen2.5", None)
    '<tool_call>\n{"name": "'
    """
    if syntax == "qwen3_coder":
        return "<tool_call>\n<function=" if name is None else f"<tool_call>\n<function={name}>\n"
    if syntax == "mistral" and "[ARGS]" in template:
        # Newer Mistral models write the name in front: https://docs.mistral.ai/cookbooks/concept-deep-dive-tokenization-tool_calling
        return "[TOOL_CALLS]" if name is None else f"[TOOL_CALLS]{name}[ARGS]"
    opening, arguments = _JSON_CALLS[syntax]
    if name is None:
        return f'{opening}{{"name": "'
    return f'{opening}{{"name": {json.dumps(name, ensure_ascii=False)}, "{arguments}": '


_JSON_CALLS = {
    "hermes": ("<tool_call>\n", "arguments"),
    "mistral": ("[TOOL_CALLS] [", "arguments"),
    "llama3_json": ("", "parameters"),
}
"""A syntax → what stands in front of a call's JSON, and the key of its arguments."""


def without_reasoning(prompt: str, *, reasons: bool) -> str:
    """The prompt with its block of thoughts closed: behind it the call begins.

    A model that `reasons` would begin with its thoughts, which a begun call leaves no place for.
    """
    end = prompt.rstrip()
    if end.endswith("<think>"):
        return f"{end}\n\n</think>\n\n"
    if reasons and not end.endswith("</think>"):
        return prompt + _CLOSED_REASONING
    return prompt
