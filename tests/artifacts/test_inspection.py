"""What an import takes, and the sentences for what it does not."""

from __future__ import annotations

import pytest

from tests.artifacts.model_files import (
    CONFIG,
    PARAMETERS,
    TENSORS,
    TOKENIZER_CONFIG,
    WHOLE_MODELS,
    model,
    safetensors,
    whole_model,
    with_header,
)
from tollgate_release.artifacts import InspectionError, inspect
from tollgate_release.artifacts.rules import custom_model_units

INDEX = "model.safetensors.index.json"


def problems_of(artifacts) -> str:
    with pytest.raises(InspectionError) as caught:
        inspect(artifacts)
    return str(caught.value)


def config(**changes) -> dict:
    return CONFIG | changes


def tokenizer(**changes) -> dict:
    return TOKENIZER_CONFIG | changes


def sharded(weight_map: dict | None = None, **changes):
    """The model in two files with their index."""
    names = list(TENSORS)
    first, second = ({name: TENSORS[name] for name in part} for part in (names[:-2], names[-2:]))
    files = {
        "model-00001-of-00002.safetensors": safetensors(first),
        "model-00002-of-00002.safetensors": safetensors(second),
    }
    places = dict.fromkeys(first, "model-00001-of-00002.safetensors")
    places |= dict.fromkeys(second, "model-00002-of-00002.safetensors")
    index = {"metadata": {}, "weight_map": places if weight_map is None else weight_map}
    return model(**({"model__safetensors": None, INDEX: index} | files | changes))


# --- accepted ----------------------------------------------------------------------------------------------------


def test_a_whole_model_is_described():
    inspection = inspect(model())

    assert inspection.architecture == "LlamaForCausalLM"
    assert inspection.model_type == "llama"
    assert inspection.parameters == PARAMETERS
    assert inspection.dtype == "BF16"
    assert inspection.context_length == 8192
    assert inspection.size_bytes == len(safetensors())
    assert inspection.tokenizer_class == "LlamaTokenizerFast"
    assert inspection.chat_template == "{{ messages }}"
    assert inspection.chat_template_source == "tokenizer_config.json"
    assert inspection.instruct_supported
    assert inspection.warnings == ()


def test_shards_count_together():
    inspection = inspect(sharded())

    assert inspection.parameters == PARAMETERS
    assert inspection.warnings == ()


@pytest.mark.parametrize(
    ("architecture", "converse"),
    [
        ("LlamaForCausalLM", True),
        ("MistralForCausalLM", True),
        ("MixtralForCausalLM", True),
        ("Qwen2ForCausalLM", False),
        ("Qwen3ForCausalLM", False),
        ("Qwen3MoeForCausalLM", False),
        ("Qwen2_5_VLForConditionalGeneration", False),
    ],
)
def test_converse_is_for_some_architectures_only(architecture, converse):
    artifacts = model(config__json=config(architectures=[architecture]))
    if architecture in WHOLE_MODELS:
        artifacts = whole_model(architecture)

    assert inspect(artifacts).instruct_supported is converse


def test_converse_needs_a_chat_template():
    inspection = inspect(model(tokenizer_config__json=tokenizer(chat_template=None)))

    assert not inspection.instruct_supported
    assert "refuses messages" in inspection.warnings[0]


@pytest.mark.parametrize(
    ("files", "source"),
    [
        ({"chat_template__jinja": b"file"}, "chat_template.jinja"),
        ({"chat_template__json": {"chat_template": "file"}}, "chat_template.json"),
        ({"chat_template__jinja": b"file", "chat_template__json": {"chat_template": "x"}}, "chat_template.jinja"),
    ],
)
def test_a_template_file_beats_the_field(files, source):
    inspection = inspect(model(**files))

    assert (inspection.chat_template, inspection.chat_template_source) == ("file", source)


def test_of_several_named_templates_the_default_counts():
    templates = [{"name": "tool_use", "template": "a"}, {"name": "default", "template": "b"}]

    assert inspect(model(tokenizer_config__json=tokenizer(chat_template=templates))).chat_template == "b"


def test_a_multimodal_models_text_settings_are_one_level_down():
    text = {key: CONFIG[key] for key in ("num_hidden_layers", "vocab_size")} | {"max_position_embeddings": 4096}
    given = {"architectures": ["MllamaForConditionalGeneration"], "model_type": "mllama", "text_config": text}

    assert inspect(model(config__json=given)).context_length == 4096


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32"])
def test_every_unquantised_type_is_taken(dtype):
    tensors = {name: (dtype, shape) for name, (_, shape) in TENSORS.items()}

    assert inspect(model(model__safetensors=safetensors(tensors))).dtype == dtype


def test_buffers_are_no_parameters():
    with_buffer = safetensors(TENSORS | {"model.position_ids": ("I64", [100])})

    assert inspect(model(model__safetensors=with_buffer)).parameters == PARAMETERS


def test_llama_3_1s_own_context_length_is_taken():
    assert inspect(model(config__json=config(max_position_embeddings=131_072))).context_length == 131_072


@pytest.mark.parametrize(("billions", "units"), [(0.5, 1), (4, 1), (8, 2), (14, 2), (32, 4), (70, 8), (90, 16)])
def test_the_estimate_of_model_units_grows_with_the_parameters(billions, units):
    assert custom_model_units(int(billions * 1e9)) == units


# --- warned ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifacts", "warning"),
    [
        (model(config__json=config(auto_map={"AutoModel": "x.Y"})), "custom code"),
        (
            model(config__json={k: v for k, v in config(rope_parameters={}).items() if k != "rope_theta"}),
            "transformers 5",
        ),
        (model(adapter_config__json={}), "LoRA adapter beside the weights is ignored"),
        (sharded(consolidated__safetensors=safetensors()), "does not name consolidated.safetensors"),
        (model(config__json=config(max_position_embeddings=None)), "context length is unknown"),
    ],
)
def test_what_an_import_ignores_is_a_warning(artifacts, warning):
    (only,) = inspect(artifacts).warnings

    assert warning in only


# --- refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("artifacts", "sentence"),
    [
        (model(config__json=None), "config.json is missing"),
        (model(config__json=None, sub__json=b"", **{"out/config__json": CONFIG}), "not here but in out/"),
        (model(config__json=config(architectures=["GemmaForCausalLM"])), "'GemmaForCausalLM' is not supported"),
        (model(config__json=config(architectures=None)), "must name one architecture in architectures, not None"),
        (model(config__json=config(architectures=["A", "B"])), "must name one architecture"),
        (
            model(config__json=config(quantization_config={"quant_method": "awq"})),
            "quantised (quantization_config: 'awq')",
        ),
        (model(config__json=config(max_position_embeddings=262_144)), "262144, over the limit of 131,072"),
        (model(config__json=config(num_hidden_layers=3)), "num_hidden_layers 3, the weights hold 2"),
        (model(config__json=config(vocab_size=11)), "vocab_size 11"),
        (model(tokenizer__json=None), "tokenizer is missing"),
        (model(tokenizer_config__json=None), "tokenizer_config.json is missing"),
        (model(tokenizer_config__json=tokenizer(tokenizer_class="TokenizersBackend")), "'TokenizersBackend'"),
        (model(model__safetensors=None), "no .safetensors file"),
        (model(model__safetensors=None, pytorch_model__bin=b"\x80"), "pickled (pytorch_model.bin)"),
        (model(model__safetensors=None, model__gguf=b"GGUF"), "GGUF"),
        (model(model__safetensors=None, adapter_model__safetensors=safetensors(), adapter_config__json={}), "Merge it"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_a_sentence(artifacts, sentence):
    assert sentence in problems_of(artifacts)


@pytest.mark.parametrize("dtype", ["U8", "I32", "F8_E4M3"])
def test_quantised_weights_are_refused_by_their_type(dtype):
    tensors = TENSORS | {"model.layers.0.mlp.qweight": (dtype, [4, 4])}

    assert f"has the type {dtype}" in problems_of(model(model__safetensors=safetensors(tensors)))


def test_gpt_oss_may_be_quantised_but_needs_its_end_ids():
    # GIVEN GPT-OSS in its own quantised format
    name = "GptOssForCausalLM in MXFP4"
    old = whole_model(name, generation_config__json={"eos_token_id": 200002})

    # WHEN generation_config.json is old THEN it is refused, with the current one taken
    assert "[199999, 200002, 200012]" in problems_of(old)
    inspect(whole_model(name))


def test_a_missing_shard_is_named():
    artifacts = sharded(**{"model-00002-of-00002.safetensors": None})

    assert "1 of 2 weight files" in problems_of(artifacts)
    assert "'model-00002-of-00002.safetensors'" in problems_of(artifacts)


def test_a_missing_index_is_named():
    assert f"{INDEX} is missing" in problems_of(sharded(**{INDEX: None}))


def test_a_tensor_that_the_index_expects_elsewhere_is_named():
    swapped = dict.fromkeys(TENSORS, "model-00001-of-00002.safetensors")

    assert "lacks 2 of the tensors" in problems_of(sharded(swapped))


@pytest.mark.parametrize(
    ("architecture", "gigabytes", "refused"),
    [
        # Architectures whose tensors are not compared: this file has one.
        ("GPTBigCodeForCausalLM", 199, False),
        ("GPTBigCodeForCausalLM", 200, True),
        ("Qwen2VLForConditionalGeneration", 99, False),
        ("Qwen2VLForConditionalGeneration", 100, True),
    ],
)
def test_weights_over_the_size_limit_are_refused(architecture, gigabytes, refused):
    # GIVEN a file that claims that size, all of it one tensor after the header
    count = gigabytes * 500_000_000
    header = with_header({"weights": {"dtype": "BF16", "shape": [count], "data_offsets": [0, count * 2]}})
    artifacts = model(config__json=config(architectures=[architecture]), model__safetensors=header)
    artifacts.sizes["model.safetensors"] = len(header) + count * 2

    # WHEN it is inspected THEN the limit of its kind counts
    if refused:
        assert f"must have less than {gigabytes} GB" in problems_of(artifacts)
    else:
        assert inspect(artifacts).parameters == count


def test_all_problems_are_told_at_once():
    artifacts = model(config__json=config(quantization_config={}), tokenizer__json=None, tokenizer_config__json=None)

    with pytest.raises(InspectionError) as caught:
        inspect(artifacts)
    assert len(caught.value.problems) == 2
