"""The rules of Custom Model Import.

They are those of https://docs.aws.amazon.com/bedrock/latest/userguide/model-customization-import-model.html; a constant
that is ours and not the page's says so.
"""

from __future__ import annotations

from dataclasses import dataclass

GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Architecture:
    """A supported architecture; `converse` says whether the Converse API serves it (instructSupported)."""

    converse: bool = True
    multimodal: bool = False
    may_be_quantised: bool = False


ARCHITECTURES = {
    "LlamaForCausalLM": Architecture(),
    "MllamaForConditionalGeneration": Architecture(multimodal=True),
    "MistralForCausalLM": Architecture(),
    "MixtralForCausalLM": Architecture(),
    "T5ForConditionalGeneration": Architecture(),
    "GPTBigCodeForCausalLM": Architecture(),
    "Qwen2ForCausalLM": Architecture(converse=False),
    "Qwen2VLForConditionalGeneration": Architecture(converse=False, multimodal=True),
    "Qwen2_5_VLForConditionalGeneration": Architecture(converse=False, multimodal=True),
    "Qwen3ForCausalLM": Architecture(converse=False),
    "Qwen3MoeForCausalLM": Architecture(converse=False),
    "GptOssForCausalLM": Architecture(converse=False, may_be_quantised=True),
}

# The page says "less than 128K"; Llama 3.1, which it lists, has exactly this many positions.
MAX_POSITIONS = 131_072
MAX_TEXT_BYTES = 200 * GIGABYTE
MAX_MULTIMODAL_BYTES = 100 * GIGABYTE
WEIGHT_DTYPES = ("BF16", "F16", "F32")
# Not weights: masks and position buffers that some architectures store beside them.
BUFFER_DTYPES = ("BOOL", "I64")

TOKENIZER_CLASSES = tuple(
    f"{family}Tokenizer{suffix}"
    for family in ("T5", "Llama", "CodeLlama", "GPT2", "GPTNeoX", "PreTrained", "Qwen2")
    for suffix in ("", "Fast")
)

# End-of-sequence ids that an imported GPT-OSS needs in its generation_config.json.
GPT_OSS_END_IDS = frozenset({200002, 199999, 200012})


def custom_model_units(parameters: int) -> int:
    """Estimate the custom model units per model copy, which the service alone sets at import.

    The estimate fits the published points, Llama 3.1 8B (2) and 70B (8), and one measured 8B import (2). In between it
    doubles. https://docs.aws.amazon.com/bedrock/latest/userguide/import-model-calculate-cost.html
    """
    gigabytes = parameters * 2 / GIGABYTE  # FP32 weights are converted to BF16
    for units, most in ((1, 10), (2, 32), (4, 80), (8, 160)):
        if gigabytes <= most:
            return units
    return 16
