"""The decoder's mathematics against what transformers computed (scripts/record_logits.py)."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tollgate.engines.decoder import load_decoder
from tollgate.engines.decoder.config import parse_config
from tollgate.engines.decoder.rope import RotaryEmbedding
from tollgate.engines.errors import ModelLoadError

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.name for path in GOLDEN.iterdir())
TOLERANCE = 1e-4


def test_every_recorded_feature_is_there():
    assert CASES == [
        "llama-linear-rope-biases",
        "llama-llama3-rope",
        "mistral-window",
        "qwen2-tied",
        "qwen2-yarn-window",
    ]


@pytest.mark.parametrize("case", CASES)
def test_logits_agree_with_transformers(case):
    # GIVEN a tiny model and what transformers computed after each of 96 tokens
    decoder = load_decoder(GOLDEN / case)
    golden = np.load(GOLDEN / case / "logits.npz")

    # WHEN the whole text is processed at once
    logits = decoder.logits(decoder.forward(golden["ids"], decoder.new_cache()))

    # THEN every score agrees
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, golden["logits"], atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("cuts", [range(1, 96), [5, 6, 40, 41, 90]], ids=["one by one", "in pieces"])
def test_a_cache_gives_the_same_logits_as_one_pass(case, cuts):
    # GIVEN the same text in parts, as prefill and decode process it
    decoder = load_decoder(GOLDEN / case)
    golden = np.load(GOLDEN / case / "logits.npz")
    cache = decoder.new_cache()

    # WHEN each part follows the ones before
    parts = [decoder.logits(decoder.forward(ids, cache)) for ids in np.split(golden["ids"], list(cuts))]

    # THEN nothing changes
    np.testing.assert_allclose(np.concatenate(parts), golden["logits"], atol=TOLERANCE, rtol=0)


def test_a_cache_grows_beyond_its_first_capacity():
    # GIVEN a text longer than a new cache has room for
    decoder = load_decoder(GOLDEN / "mistral-window")
    ids = np.arange(300) % decoder.config.vocabulary
    cache = decoder.new_cache()

    # WHEN it arrives in two ways
    whole = decoder.forward(ids, decoder.new_cache())
    parts = [decoder.forward(part, cache) for part in np.split(ids, [100, 250])]

    # THEN both give the same
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=TOLERANCE)


def config_of(case: str, **changes) -> dict:
    return {**json.loads((GOLDEN / case / "config.json").read_text()), **changes}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"architectures": ["GemmaForCausalLM"]}, "GemmaForCausalLM"),
        ({"architectures": None}, "None"),
        ({"hidden_act": "gelu"}, "gelu"),
        ({"num_attention_heads": "4"}, "num_attention_heads"),
        ({"num_key_value_heads": 3}, "num_key_value_heads 3"),
        ({"num_hidden_layers": 0}, "num_hidden_layers"),
        ({"head_dim": 7}, "7 components"),
        ({"rms_norm_eps": "small"}, "rms_norm_eps"),
        ({"rope_theta": -1}, "rope_theta"),
        ({"rope_theta": float("nan")}, "rope_theta"),
        ({"num_hidden_layers": 10**18}, "num_hidden_layers"),
        ({"rope_scaling": "linear"}, "rope_scaling"),
        ({"sliding_window": 1.5}, "sliding_window"),
    ],
)
def test_a_configuration_that_cannot_run_is_refused_by_name(changes, named):
    with pytest.raises(ModelLoadError, match=named):
        parse_config(config_of("mistral-window", **changes))


@pytest.mark.parametrize(
    ("scaling", "named"),
    [
        ({"rope_type": "longrope", "factor": 2.0}, "longrope"),
        ({"rope_type": "dynamic", "factor": 2.0}, "dynamic"),
        ({"rope_type": "linear"}, "factor"),
        ({"rope_type": "linear", "factor": "2"}, "cannot be computed"),
        ({"rope_type": "linear", "factor": float("nan")}, "no finite frequencies"),
        ({"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}, "original_max"),
        ({"rope_type": "yarn", "factor": 4.0, "mscale": 0.7}, "mscale"),
    ],
)
def test_a_rope_scaling_that_is_not_implemented_is_refused_by_name(scaling, named):
    config = parse_config(config_of("mistral-window", rope_scaling=scaling))

    with pytest.raises(ModelLoadError, match=named):
        RotaryEmbedding(config)


def copy_of(case: str, directory: Path, **changes) -> Path:
    (directory / "config.json").write_text(json.dumps(config_of(case, **changes)))
    (directory / "model.safetensors").write_bytes((GOLDEN / case / "model.safetensors").read_bytes())
    return directory


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"num_hidden_layers": 3}, r"no tensor model\.layers\.2\."),
        ({"intermediate_size": 40}, r"gate_proj\.weight has shape \[48, 32\], config\.json asks for \[40, 32\]"),
        ({"vocab_size": 65}, "embed_tokens"),
        ({"intermediate_size": None}, "intermediate_size"),
    ],
)
def test_weights_that_do_not_fit_the_configuration_are_refused(tmp_path, changes, named):
    with pytest.raises(ModelLoadError, match=named):
        load_decoder(copy_of("mistral-window", tmp_path, **changes))


def test_truncated_weights_are_refused(tmp_path):
    # GIVEN weights that lost their last bytes
    copy_of("mistral-window", tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])

    # WHEN they are loaded THEN the message says so
    with pytest.raises(ModelLoadError, match="truncated"):
        load_decoder(tmp_path)


@pytest.mark.parametrize("content", [None, b"{", b"[]", b'{"a":' * 100_000])
def test_a_missing_or_damaged_config_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "config.json").write_bytes(content)

    with pytest.raises(ModelLoadError):
        load_decoder(tmp_path)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers())
SCALINGS = st.dictionaries(
    st.sampled_from(
        ["type", "rope_type", "factor", "rope_theta", "low_freq_factor", "original_max_position_embeddings"]
    ),
    VALUES | st.sampled_from(["linear", "llama3", "yarn"]),
)
KEYS = sorted(config_of("qwen2-yarn-window"))


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES | SCALINGS))
def test_any_configuration_is_read_or_refused(changes):
    # GIVEN a configuration with any values
    # WHEN it is read THEN it runs or is refused: nothing else is raised
    with contextlib.suppress(ModelLoadError):
        RotaryEmbedding(parse_config(config_of("qwen2-yarn-window", **changes)))
