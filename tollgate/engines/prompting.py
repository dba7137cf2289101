"""Turns a request into the token ids of its prompt, with the model's own tokenizer and chat template."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from tollgate.artifacts.reader import ArtifactReader
from tollgate.artifacts.source import LocalArtifacts
from tollgate.artifacts.tokenizer_files import check_tokenizer
from tollgate.engines.decoder.tensors import read_json
from tollgate.engines.errors import InvalidPromptError, ModelLoadError
from tollgate_layer.prompt_format import PromptFormatError, normalise, render

if TYPE_CHECKING:
    from tollgate.engines.base import Generation

_SPECIAL_TOKENS = ("bos_token", "eos_token", "unk_token", "pad_token")


class Prompter:
    """Renders and encodes the prompts of one model."""

    def __init__(self, directory: Path) -> None:
        """Raises ModelLoadError when tokenizer.json is missing or unusable."""
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise ModelLoadError("The numpy engine needs tokenizer.json; save the tokenizer with save_pretrained.")
        try:
            self.tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises plain Exception for any content it cannot use
            raise ModelLoadError(f"tokenizer.json cannot be used: {error}") from error
        self._template = check_tokenizer(ArtifactReader(LocalArtifacts(directory))).chat_template
        self._special_tokens = _special_tokens(read_json(directory, "tokenizer_config.json"))

    def end_id(self) -> int | None:
        """The id of the tokenizer's eos_token."""
        token = self._special_tokens.get("eos_token")
        return self.tokenizer.token_to_id(token) if token else None

    def encode(self, generation: Generation) -> list[int]:
        """The token ids of the prompt. Raises InvalidPromptError when the messages cannot be rendered."""
        if generation.prompt is None:
            return self._ids(self._render(generation), add_special_tokens=False)
        # A prompt that was rendered elsewhere begins with its BOS token already, and must not get a second one.
        bos = self._special_tokens.get("bos_token")
        return self._ids(generation.prompt, add_special_tokens=not (bos and generation.prompt.startswith(bos)))

    def _ids(self, text: str, *, add_special_tokens: bool) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=add_special_tokens).ids
        if not ids:
            raise InvalidPromptError("The prompt is empty.")
        return ids

    def _render(self, generation: Generation) -> str:
        if self._template is None:
            raise InvalidPromptError("The model has no chat template: send prompt instead of messages.")
        try:
            messages, tools = normalise(generation.messages or [], template=self._template, tools=generation.tools)
            return render(messages, template=self._template, tools=tools, special_tokens=self._special_tokens)
        except PromptFormatError as error:
            raise InvalidPromptError(str(error)) from error


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
