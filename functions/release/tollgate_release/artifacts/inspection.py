"""The inspection of artifacts: runs every check, and gives an `Inspection` or all reasons against an import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tollgate_release.artifacts.configuration import Configuration, check_configuration
from tollgate_release.artifacts.reader import ArtifactReader
from tollgate_release.artifacts.rules import custom_model_units
from tollgate_release.artifacts.tokenizer_files import TokenizerFiles, check_tokenizer
from tollgate_release.artifacts.weights import Weights, check_weights

if TYPE_CHECKING:
    from tollgate_release.artifacts.source import ArtifactSource


class InspectionError(Exception):
    """Raised when artifacts cannot be imported; `problems` has sentences that say what to change."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Inspection:
    """The facts that an import would find in artifacts which it takes."""

    architecture: str
    """The class name in config.json, such as Qwen2ForCausalLM."""
    model_type: str
    parameters: int
    dtype: str
    """The type of most parameters in safetensors' spelling: BF16, F16 or F32."""
    context_length: int
    """The most tokens that prompt and completion may have together; 0 when config.json does not say."""
    size_bytes: int
    """The size of all weight files."""
    custom_model_units_per_copy: int
    """An estimate; the service sets the number at import."""
    chat_template: str | None
    chat_template_source: str | None
    """The file the template came from."""
    instruct_supported: bool
    """Whether the Converse API would serve the model."""
    tokenizer_class: str | None
    warnings: tuple[str, ...] = ()


def inspect(source: ArtifactSource) -> Inspection:
    """Judge artifacts as Custom Model Import would, from names, JSON files and safetensors headers alone.

        inspect(LocalArtifacts(Path("my-model"))).context_length

    Raises:
        InspectionError: an import would refuse them; it has every reason found.
    """
    try:
        reader = ArtifactReader(source)
        configuration = check_configuration(reader)
        weights = check_weights(reader, configuration)
        tokenizer = check_tokenizer(reader)
    except OSError as error:
        raise InspectionError([f"The artifacts cannot be read: {error}"]) from error
    if reader.problems or configuration is None:
        raise InspectionError(reader.problems)
    return _inspection(configuration, weights, tokenizer, reader.warnings)


def _inspection(
    configuration: Configuration, weights: Weights, tokenizer: TokenizerFiles, warnings: list[str]
) -> Inspection:
    return Inspection(
        architecture=configuration.architecture,
        model_type=configuration.model_type,
        parameters=weights.parameters,
        dtype=weights.dtype,
        context_length=configuration.context_length,
        size_bytes=weights.size_bytes,
        custom_model_units_per_copy=custom_model_units(weights.parameters),
        chat_template=tokenizer.chat_template,
        chat_template_source=tokenizer.chat_template_source,
        instruct_supported=configuration.rules.converse and tokenizer.chat_template is not None,
        tokenizer_class=tokenizer.tokenizer_class,
        warnings=tuple(warnings),
    )
