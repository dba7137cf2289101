"""What a model's artifacts say of its prompts: the tokenizer, the chat template and the special tokens.

Nothing here runs the template or encodes a text: prompt_process.py does, in a process of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from tollgate.engines.decoder.tensors import read_json
from tollgate.engines.errors import ModelLoadError
from tollgate.engines.panics import without_panics
from tollgate_release.artifacts.reader import ArtifactReader
from tollgate_release.artifacts.source import LocalArtifacts
from tollgate_release.artifacts.tokenizer_files import check_tokenizer

_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class PromptFiles:
    """The parts of one model's artifacts that make its prompts.

    Attributes:
        tokenizer_file: the path of tokenizer.json.
        tokenizer: what that file makes, for decoding.
        template: the chat template's Jinja source; None without one.
        special_tokens: the texts that a template may print, by name.
    """

    def __init__(self, directory: Path) -> None:
        """Raises ModelLoadError when tokenizer.json is missing or unusable."""
        self.tokenizer_file = directory / "tokenizer.json"
        if not self.tokenizer_file.is_file():
            raise ModelLoadError("The numpy engine needs tokenizer.json; save the tokenizer with save_pretrained.")
        try:
            with without_panics():
                self.tokenizer: Tokenizer = Tokenizer.from_file(str(self.tokenizer_file))
        except Exception as error:  # the library raises plain Exception for any content it cannot use
            raise ModelLoadError(f"tokenizer.json cannot be used: {error}") from error
        self.template = check_tokenizer(ArtifactReader(LocalArtifacts(directory))).chat_template
        self.special_tokens = _special_tokens(read_json(directory, "tokenizer_config.json"))

    def end_id(self) -> int | None:
        """The id of the tokenizer's eos_token."""
        token = self.special_tokens.get("eos_token")
        return self.tokenizer.token_to_id(token) if token else None


def _special_tokens(config: dict[str, Any]) -> dict[str, str]:
    """The special tokens that a chat template may print, as tokenizer_config.json gives them."""
    texts = {}
    for name in _SPECIAL_TOKENS:
        token = config.get(name)
        if isinstance(token, dict):  # an AddedToken, saved with its options
            token = token.get("content")
        if isinstance(token, str):
            texts[name] = token
    return texts
