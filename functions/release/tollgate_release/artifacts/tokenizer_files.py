"""Checks the tokenizer's files, and finds the chat template where the service looks for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tollgate_release.artifacts.reader import MEGABYTE, shown
from tollgate_release.artifacts.rules import TOKENIZER_CLASSES

if TYPE_CHECKING:
    from tollgate_release.artifacts.reader import ArtifactReader

_MAX_TEMPLATE_BYTES = MEGABYTE
_MAX_TOKENIZER_BYTES = 64 * MEGABYTE
"""Ours: the largest of the families that can be imported have 12 MB."""
_CONFIG = "tokenizer_config.json"


@dataclass(frozen=True, slots=True)
class TokenizerFiles:
    """The tokenizer's class and the chat template, with the file that the template came from."""

    tokenizer_class: str | None = None
    chat_template: str | None = None
    chat_template_source: str | None = None


def check_tokenizer(reader: ArtifactReader) -> TokenizerFiles:
    """Find the tokenizer's class and the chat template; problems are noted with the reader."""
    if not {"tokenizer.json", "tokenizer.model"} & reader.files.keys():
        reader.problems.append(
            "The tokenizer is missing: upload tokenizer.json (or tokenizer.model); tokenizer.save_pretrained writes it."
        )
    _check_vocabulary(reader)
    if _CONFIG not in reader.files:
        reader.problems.append(f"{_CONFIG} is missing; tokenizer.save_pretrained writes it.")
    config = reader.read_json(_CONFIG) or {}
    template, source = _chat_template(reader, config)
    if template is None:
        reader.warnings.append(
            "No chat template: the service answers prompt, but refuses messages. Add chat_template.jinja."
        )
    elif source is not None:
        _check_template(reader, template, source)
    return TokenizerFiles(_tokenizer_class(reader, config), template, source)


def _check_vocabulary(reader: ArtifactReader) -> None:
    """Note a tokenizer.json without tokens. Its `vocab` is an object of numbers, or a list for Unigram.

    https://huggingface.co/docs/tokenizers/api/models
    """
    if "tokenizer.json" not in reader.files:
        return
    content = reader.read_json("tokenizer.json", limit=_MAX_TOKENIZER_BYTES)
    if content is None:
        return
    model = content.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict | list) or not vocabulary:
        reader.problems.append(
            "tokenizer.json holds no tokens (model.vocab). Write it again with tokenizer.save_pretrained."
        )


def _tokenizer_class(reader: ArtifactReader, config: dict[str, Any]) -> str | None:
    named = config.get("tokenizer_class")
    if named is None:
        return None
    if named not in TOKENIZER_CLASSES:
        reader.problems.append(
            f"{_CONFIG} names the tokenizer class {shown(named)}, which the import does not know. "
            "Where tokenizer.json is complete, write PreTrainedTokenizerFast instead."
        )
        return None
    return str(named)


def _chat_template(reader: ArtifactReader, config: dict[str, Any]) -> tuple[str | None, str | None]:
    """Find the chat template and its source, in the service's order: a file of its own comes before the field.

    https://docs.aws.amazon.com/bedrock/latest/userguide/custom-chat-templates-tokenizers.html
    """
    if "chat_template.jinja" in reader.files:
        return _template_file(reader, "chat_template.jinja"), "chat_template.jinja"
    if "chat_template.json" in reader.files:
        content = reader.read_json("chat_template.json", limit=_MAX_TEMPLATE_BYTES) or {}
        return _text(reader, content.get("chat_template"), "chat_template.json"), "chat_template.json"
    template = _text(reader, config.get("chat_template"), _CONFIG)
    return template, _CONFIG if template is not None else None


def _check_template(reader: ArtifactReader, template: str, source: str) -> None:
    """Note a template that is not Jinja: whether an import looks is not known, but no request with messages could pass.

    A template that is Jinja and that Tollgate's own renderer does not take is a warning: the service has another one.
    """
    # Imported here because Jinja takes longer to import than everything else that an inspection needs.
    from jinja2 import TemplateSyntaxError
    from jinja2.exceptions import SecurityError

    from tollgate_layer.prompt_format import PromptFormatError
    from tollgate_layer.prompt_format.jinja.environment import ChatTemplateEnvironment
    from tollgate_layer.prompt_format.jinja.template import compiled

    try:
        ChatTemplateEnvironment().parse(template)
    except TemplateSyntaxError as error:
        reader.problems.append(
            f"{source}: the chat template does not compile: line {error.lineno}: {shown(error.message)}. "
            "Every request with messages would fail: take the template of the base model."
        )
        return
    except SecurityError:
        pass  # Jinja, and more than Tollgate's renderer takes: told below
    except RecursionError:
        reader.problems.append(f"{source}: the chat template nests too deeply. Take the template of the base model.")
        return
    try:
        compiled(template)
    except PromptFormatError as error:
        reader.warnings.append(f"{source}: Tollgate could not render it: {str(error).rstrip('.')[:200]}.")


def _template_file(reader: ArtifactReader, name: str) -> str | None:
    if reader.files[name] > _MAX_TEMPLATE_BYTES:
        reader.problems.append(
            f"{name} has {reader.files[name]:,} bytes; a chat template has fewer than {_MAX_TEMPLATE_BYTES:,}."
        )
        return None
    try:
        data = reader.read(name, 0, reader.files[name])
        return None if data is None else data.decode()
    except UnicodeDecodeError:
        reader.problems.append(f"{name} is not UTF-8 text. Save it as UTF-8.")
        return None


def _text(reader: ArtifactReader, template: Any, name: str) -> str | None:
    """Read a template field: the text itself, or a list of named templates of which the default counts."""
    if isinstance(template, list):
        named = (entry for entry in template if isinstance(entry, dict) and entry.get("name") == "default")
        template = next(named, {}).get("template")
    if template is None or (isinstance(template, str) and _is_unicode(template)):
        return template
    reader.problems.append(f"{name}: chat_template must be text, not {shown(template)}.")
    return None


def _is_unicode(text: str) -> bool:
    """Whether a text can be encoded; JSON can spell half a surrogate pair, which no encoding can write."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
