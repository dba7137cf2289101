"""Write everything that is generated from the models and the contract: `python -m api`, from the repository's root."""

from __future__ import annotations

import json
from pathlib import Path

from api.model_record import ModelRecord
from api.requests.chat_completions import ChatCompletionRequest
from api.requests.completions import CompletionRequest
from api.validators import parameter_table, validator_schema

ROOT = Path(__file__).parent.parent
GENERATED = ROOT / "layers/shared/python/tollgate_layer/inference/generated"


def generated_files() -> dict[Path, str]:
    """The text of every generated file, by its path."""
    documents = {
        "chat_completions": validator_schema(ChatCompletionRequest, fill_in=False),
        "completions": validator_schema(CompletionRequest, fill_in=False),
        "model_record": validator_schema(ModelRecord, fill_in=True),
        "parameters": parameter_table([ChatCompletionRequest, CompletionRequest]),
    }
    return {GENERATED / f"{name}.json": json.dumps(document, indent=1) + "\n" for name, document in documents.items()}


def main() -> None:
    """Write the files that changed, and say which."""
    for path, text in generated_files().items():
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            print(f"written: {path.relative_to(ROOT)}")  # noqa: T201


if __name__ == "__main__":
    main()
