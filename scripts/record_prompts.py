"""Record what Hugging Face transformers renders, for tests/prompt_format/golden.

Run in an environment with transformers and jinja2 (no torch needed), from the project's root:

    python scripts/record_prompts.py                    the templates in tests/prompt_format/templates
    python scripts/record_prompts.py --public FOLDER    built-in formats, from the models' public templates

Public templates are not in this repository, because their licences differ. FOLDER holds them as `<name>.jinja`
under the names in PUBLIC, copied from the `chat_template` of each model's tokenizer_config.json.
"""

from __future__ import annotations

import argparse
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from transformers.utils import chat_template_utils

HERE = Path(__file__).parent.parent / "tests" / "prompt_format"
NOW = datetime(2026, 1, 15, 12, 0)  # noqa: DTZ001 - templates print the local time

PUBLIC = {
    "chatml": "chatml",
    "qwen2": "qwen2-instruct",
    "qwen2.5": "qwen2.5-instruct",
    "qwq": "qwq-32b",
    "qwen3": "qwen3",
    "qwen3-instruct": "qwen3-instruct-2507",
    "qwen3-thinking": "qwen3-thinking-2507",
    "llama2": "llama-2-chat",
    "llama3": "llama-3-instruct",
    "llama3.1": "llama-3.1-instruct",
    "llama3.2": "llama-3.2-instruct",
    "mistral-v1": "mistral-instruct-v0.1-v0.2-mixtral",
    "mistral-v3": "mistral-7b-instruct-v0.3",
    "mistral-tekken": "mistral-nemo-instruct-2407",
    "deepseek-r1": "deepseek-r1-distill",
}
TOKENS = {
    "llama3": {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"},
    "deepseek": {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"},
    "llama2": {"bos_token": "<s>", "eos_token": "</s>"},
    "mistral": {"bos_token": "<s>", "eos_token": "</s>"},
}


class FrozenClock(datetime):
    """The clock that templates read."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return NOW


def rendered(template: str, conversation: dict[str, Any], special_tokens: dict[str, str]) -> str | dict[str, str]:
    """The prompt, or the fact that there is none."""
    try:
        prompts, _ = chat_template_utils.render_jinja_template(
            [conversation["messages"]],
            chat_template=template,
            tools=conversation.get("tools"),
            **special_tokens,
            **conversation["options"],
        )
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error).splitlines()[0]}"}
    return str(prompts[0])


def record(name: str, template: str, special_tokens: dict[str, str]) -> None:
    """Write the golden file of one template."""
    conversations = json.loads((HERE / "golden" / "conversations.json").read_text())
    golden = {
        "special_tokens": special_tokens,
        "prompts": {key: rendered(template, case, special_tokens) for key, case in conversations.items()},
    }
    path = HERE / "golden" / f"{name}.json"
    path.write_text(json.dumps(golden, ensure_ascii=False, indent=1) + "\n")
    print(path)


def tokens_of(name: str) -> dict[str, str]:
    """The tokens of a built-in's tokenizer, as far as its template writes them: the ChatML families' writes none."""
    for family, tokens in TOKENS.items():
        if name.startswith(family):
            return tokens
    return {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--public", type=Path, help="folder of public templates")
    folder = parser.parse_args().public
    chat_template_utils.datetime = FrozenClock
    if folder:
        for name, source in PUBLIC.items():
            record(name, (folder / f"{source}.jinja").read_text(), tokens_of(name))
        return
    for path in sorted((HERE / "templates").glob("*.jinja")):
        record(f"own-{path.stem}", path.read_text(), {"bos_token": "<bos>", "eos_token": "<eos>"})


if __name__ == "__main__":
    main()
