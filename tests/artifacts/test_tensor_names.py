"""The tensors that config.json calls for: whole models pass, and what no loader could use is refused in a sentence."""

from __future__ import annotations

import contextlib
import json

import pytest

from tests.artifacts.model_files import (
    CONFIG,
    PARAMETERS,
    TENSORS,
    TOKENIZER_CONFIG,
    WHOLE_MODELS,
    decoder,
    encode,
    model,
    safetensors,
    whole_model,
    with_header,
)
from tests.conftest import ROOT
from tollgate_release.artifacts import InspectionError, LocalArtifacts, inspect
from tollgate_release.artifacts.expected_tensors import COMPARED
from tollgate_release.artifacts.rules import ARCHITECTURES

Q_PROJ = "model.layers.1.self_attn.q_proj.weight"


def problem_of(artifacts) -> str:
    with pytest.raises(InspectionError) as caught:
        inspect(artifacts)
    (only,) = caught.value.problems
    return only


def with_tensors(tensors, **config):
    return model(model__safetensors=safetensors(tensors), config__json=CONFIG | config)


def without(*names: str):
    return {name: tensor for name, tensor in TENSORS.items() if name not in names}


# --- whole models ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", WHOLE_MODELS)
def test_a_whole_model_of_each_architecture_passes(name):
    assert inspect(whole_model(name)).warnings == ()


@pytest.mark.parametrize("name", WHOLE_MODELS)
@pytest.mark.parametrize("lost", range(5))
def test_each_tensor_is_asked_for(name, lost):
    # GIVEN a model without its first tensors, one at a time, and then its last
    layer, _ = WHOLE_MODELS[name]
    names = [tensor for tensor in decoder(layer) if "rotary_emb" not in tensor]
    missing = [*names[:4], "model.norm.weight"][lost]
    header_size = int.from_bytes(whole_model(name).files["model.safetensors"][:8], "little")
    tensors = json.loads(whole_model(name).files["model.safetensors"][8 : 8 + header_size])
    del tensors["__metadata__"]
    kept = {tensor: (info["dtype"], info["shape"]) for tensor, info in tensors.items() if tensor != missing}

    assert missing in problem_of(whole_model(name, model__safetensors=safetensors(kept)))


@pytest.mark.parametrize("path", ["examples/apexguru-tiny/model"])
def test_the_examples_are_whole(path):
    assert inspect(LocalArtifacts(ROOT / path)).warnings == ()


@pytest.mark.parametrize("path", sorted((ROOT / "tests/engines/golden").glob("*/")), ids=lambda path: path.name)
def test_what_the_numpy_engine_runs_is_whole(path):
    files = {name.name: name.read_bytes() for name in path.iterdir()}
    artifacts = model()
    artifacts.files |= {name: files[name] for name in ("config.json", "model.safetensors")}

    assert not any("tensor" in warning and "compared" in warning for warning in inspect(artifacts).warnings)


def test_a_tied_model_may_store_its_head_or_not():
    assert inspect(with_tensors(TENSORS, tie_word_embeddings=True)).parameters == PARAMETERS
    assert inspect(with_tensors(without("lm_head.weight"), tie_word_embeddings=True)).parameters == PARAMETERS - 40


def test_sizes_that_config_json_does_not_give_are_not_checked():
    few = {key: CONFIG[key] for key in ("architectures", "model_type", "max_position_embeddings")}

    assert inspect(model(config__json=few)).parameters == PARAMETERS


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - set(COMPARED)))
def test_what_is_not_known_is_said_and_not_refused(architecture):
    tensors = {"any.name": ("BF16", [2])}

    (warning,) = inspect(with_tensors(tensors, architectures=[architecture])).warnings

    assert "The tensors were not compared with config.json" in warning


# --- weights that no loader can use ------------------------------------------------------------------------------


def prefixed(prefix: str):
    return {prefix + name: tensor for name, tensor in TENSORS.items()}


LORA = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
WRAPPED_INSIDE = {
    name.replace(".self_attn.", ".self_attn._checkpoint_wrapped_module."): t for name, t in TENSORS.items()
}


@pytest.mark.parametrize(
    ("tensors", "config", "sentence"),
    [
        (prefixed("_orig_mod."), {}, "21 tensors have names of torch.compile (_orig_mod), first"),
        (prefixed("module."), {}, "names of DataParallel or DeepSpeed (module)"),
        (prefixed("_fsdp_wrapped_module."), {}, "names of FSDP (_fsdp_wrapped_module)"),
        (prefixed("model._fsdp_wrapped_module."), {}, "names of FSDP"),
        (prefixed("module._orig_mod."), {}, "Save the model that is inside of the wrapper"),
        (WRAPPED_INSIDE, {}, "names of activation checkpointing (_checkpoint_wrapped_module)"),
        (prefixed("base_model.model.") | {LORA: ("BF16", [1, 4])}, {}, "A LoRA adapter is not merged: 22 tensors"),
        (TENSORS | {LORA.removeprefix("base_model.model."): ("BF16", [1, 4])}, {}, "A LoRA adapter is not merged: 1"),
        (
            {name.replace("q_proj.", "q_proj.base_layer."): tensor for name, tensor in TENSORS.items()}, {},
            "merge_and_unload",
        ),
        (
            {name: ("BF16", [0]) if "layers" in name else tensor for name, tensor in TENSORS.items()}, {},
            "18 of 21 tensors are empty, first 'model.layers.0.input_layernorm.weight' with the shape [0]: DeepSpeed",
        ),
        (TENSORS | {Q_PROJ: ("BF16", [0, 4])}, {}, "1 of 21 tensors are empty"),
        (without("lm_head.weight"), {}, "hold no tensor lm_head.weight, and config.json does not say"),
        (without("lm_head.weight"), {"tie_word_embeddings": None}, "write tie_word_embeddings: true"),
        (without(Q_PROJ), {}, f"The weights lack 1 of the 21 tensors that config.json asks for, first {Q_PROJ}."),
        (without("model.norm.weight"), {}, "first model.norm.weight"),
        (without("model.embed_tokens.weight"), {}, "first model.embed_tokens.weight"),
        (without(Q_PROJ, "model.norm.weight"), {}, "lack 2 of the 21"),
        (TENSORS | {"score.weight": ("BF16", [2, 4])}, {}, "hold 1 tensors that a LlamaForCausalLM"),
        (TENSORS | {"v_head.summary.weight": ("F32", [1, 4])}, {}, "first 'v_head.summary.weight'"),
        (TENSORS | {"model.layers.0.self_attn.q_proj.bias": ("BF16", [4])}, {}, "self_attn.q_proj.bias'"),
        (decoder(WHOLE_MODELS["LlamaForCausalLM"][0], layers=1), {}, "num_hidden_layers 2, the weights hold 1 layers"),
        (TENSORS, {"hidden_size": 8}, "21 tensors have other shapes than config.json asks for. First: "),
        (TENSORS, {"num_key_value_heads": 2}, "k_proj.weight has shape [2, 4], config.json asks for [4, 4]"),
        (TENSORS, {"intermediate_size": 7}, "(vocab_size 10, hidden_size 4, intermediate_size 7, num"),
        (TENSORS | {"model.norm.weight": ("BF16", [5])}, {}, "Tensor model.norm.weight has shape [5], config."),
        (TENSORS | {"lm_head.weight": ("BF16", [9, 4])}, {"tie_word_embeddings": True}, "has shape [9, 4]"),
        (TENSORS, {"architectures": ["Qwen2ForCausalLM"]}, "first model.layers.0.self_attn.q_proj.bias"),
        (TENSORS, {"architectures": ["MixtralForCausalLM"]}, "config.json must give num_local_experts"),
        (
            TENSORS, {"architectures": ["Qwen3MoeForCausalLM"], "num_experts": 10**9},
            "config.json must give num_experts, from 1 to 4096.",
        ),
        ({"weight": ("BF16", [1])}, {"num_hidden_layers": 10**9}, "num_hidden_layers 1000000000; no model has so many"),
        ({"tok_embeddings.weight": ("BF16", [10, 4])}, {}, "lack 21 of the 21"),
    ],
)  # fmt: skip
def test_weights_that_no_loader_can_use_are_refused_in_a_sentence(tensors, config, sentence):
    with pytest.raises(InspectionError) as caught:
        inspect(with_tensors(tensors, **config))

    assert any(sentence in problem for problem in caught.value.problems), caught.value.problems


# --- files, formats, templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["consolidated.safetensors", "pytorch_model.safetensors", "lora.safetensors"])
def test_a_file_beside_the_model_is_counted_by_nobody(name):
    inspection = inspect(model(**{name: safetensors()}))

    assert inspection.parameters == PARAMETERS
    assert inspection.size_bytes == len(safetensors())
    assert inspection.warnings == (
        f"No loader reads {name} beside model.safetensors: leave such files out of the upload.",
    )


@pytest.mark.parametrize("metadata", [None, {}, {"format": ""}, {"other": "pt"}, 5])
def test_weights_that_do_not_say_their_format_are_a_warning(metadata):
    data = model().files["model.safetensors"]
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    del header["__metadata__"]
    if metadata is not None:
        header["__metadata__"] = metadata

    (warning,) = inspect(model(model__safetensors=with_header(header) + data[8 + size :])).warnings

    assert warning.startswith("The safetensors metadata do not say a format")


@pytest.mark.parametrize("source", ["chat_template.jinja", "chat_template.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "template", ["{% for m in messages %}{{ m.content }", "{% if %}", "{{ 'open }}", "{% nosuch %}"]
)
def test_a_chat_template_that_does_not_compile_is_refused(source, template):
    content = {
        "chat_template.jinja": template.encode(),
        "chat_template.json": {"chat_template": template},
        "tokenizer_config.json": TOKENIZER_CONFIG | {"chat_template": template},
    }[source]
    artifacts = model()
    artifacts.files[source] = encode(content)

    assert problem_of(artifacts).startswith(f"{source}: the chat template does not compile: line 1: ")


def test_a_template_that_only_our_renderer_refuses_is_a_warning():
    template = "{{ messages }}" + " " * 300_000

    (warning,) = inspect(model(chat_template__jinja=template.encode())).warnings

    assert warning.startswith("chat_template.jinja: Tollgate could not render it: the chat template has 300014")


@pytest.mark.parametrize("template", ["(" * 5000, "{{ " + "(" * 5000, "{{ " + "[" * 3000 + "]" * 3000 + " }}", "\x00"])
def test_any_template_ends_well(template):
    with contextlib.suppress(InspectionError):
        inspect(model(chat_template__jinja=template.encode()))
