"""Whatever the files hold, an inspection ends quickly, reads little and raises nothing but InspectionError."""

from __future__ import annotations

import json
import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.artifacts.model_files import (
    CONFIG,
    TENSORS,
    TOKENIZER_CONFIG,
    MemoryArtifacts,
    model,
    safetensors,
    with_header,
)
from tollgate_release.artifacts import InspectionError, inspect
from tollgate_release.artifacts.reader import MAX_TOTAL_BYTES

pytestmark = pytest.mark.slow

INDEX = "model.safetensors.index.json"
GIGABYTES = 10 * 10**9


def refusal(artifacts) -> str:
    with pytest.raises(InspectionError) as caught:
        inspect(artifacts)
    return str(caught.value)


def entry(**changes) -> dict:
    return {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]} | changes


# --- safetensors headers -----------------------------------------------------------------------------------------


def test_a_header_of_ten_gigabytes_is_refused_before_it_is_read():
    # GIVEN a file that claims 20 GB, 10 of them header
    artifacts = model(model__safetensors=GIGABYTES.to_bytes(8, "little"))
    artifacts.sizes["model.safetensors"] = 2 * GIGABYTES

    # WHEN it is inspected THEN the length is named and nothing of it was read
    assert "announces a header of 10,000,000,000 bytes" in refusal(artifacts)
    assert artifacts.bytes_read < 10_000


def test_headers_within_the_limit_cannot_add_up_without_end():
    # GIVEN a hundred shards with the longest header that is allowed one by one
    length = 16 << 20
    shard = length.to_bytes(8, "little")
    names = [f"model-{number:05}-of-00100.safetensors" for number in range(1, 101)]
    artifacts = model(model__safetensors=None, **{INDEX: {"weight_map": {f"t{name}": name for name in names}}})
    artifacts.files |= dict.fromkeys(names, shard)
    artifacts.sizes |= dict.fromkeys(names, length * 2)

    # WHEN they are inspected THEN the sum is refused
    assert "this is no model" in refusal(artifacts)
    assert artifacts.bytes_read < MAX_TOTAL_BYTES


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 40])
def test_a_file_cut_inside_its_header_is_truncated(kept):
    assert "truncated" in refusal(model(model__safetensors=safetensors()[:kept]))


@pytest.mark.parametrize("lost", [1, 10, 100])
def test_a_file_that_lost_its_end_is_truncated(lost):
    assert "truncated" in refusal(model(model__safetensors=safetensors()[:-lost]))


def test_a_pickled_file_under_a_false_name_is_refused_and_never_loaded():
    # GIVEN a pickle that would raise when loaded
    class Bomb:
        def __reduce__(self):
            return exec, ("raise SystemExit",)

    artifacts = model(model__safetensors=pickle.dumps(Bomb()) * 50)

    # WHEN it is inspected THEN it is no safetensors file
    assert "not a safetensors file" in refusal(artifacts)


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b"[]",
        b"{" * 100_000,
        b'{"a":' + b"[" * 100_000,
        {"weight": 1},
        {"weight": entry(dtype="BF17")},
        {"weight": entry(dtype=["BF16"])},
        {"weight": entry(shape=[-2])},
        {"weight": entry(shape=[True, 2])},
        {"weight": entry(shape=[2.0])},
        {"weight": entry(shape=[1] * 100)},
        {"weight": entry(shape=[10**40, 10**40])},
        {"weight": entry(data_offsets=[4, 0])},
        {"weight": entry(data_offsets=[0])},
        {"weight": entry(data_offsets=[0, 3])},
        {"weight": entry(data_offsets=[2, 6])},
        {"weight": entry(data_offsets=[0, 10**15], shape=[10**15 // 2])},
        {"one": entry(), "two": entry()},
        b'{"weight": {"dtype": "BF16", "shape": [' + b"9" * 5000 + b'], "data_offsets": [0, 4]}}',
    ],
)
def test_a_false_header_is_refused(header):
    assert "model.safetensors" in refusal(model(model__safetensors=with_header(header) + bytes(4)))


# --- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd.safetensors",
        "/etc/passwd",
        "sub/model.safetensors",
        "..\\model.safetensors",
        "C:\\model.safetensors",
        "model.safetensors\x00.txt",
        "model.bin",
        "",
        ["model.safetensors"],
        None,
    ],
)
def test_the_index_may_name_only_files_beside_it(name):
    artifacts = model(**{INDEX: {"weight_map": dict.fromkeys(TENSORS, name)}})

    assert "not a plain file name" in refusal(artifacts)


@pytest.mark.parametrize("index", [{}, {"weight_map": []}, {"weight_map": {}}, [], b"\xff", b"nul"])
def test_a_false_index_is_refused(index):
    assert INDEX in refusal(model(**{INDEX: index}))


# --- JSON files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{", b'{"a":' * 100_000, b'{"a": ' + b"9" * 5000 + b"}"])
def test_a_json_file_that_cannot_be_read_is_named(name, content):
    assert name in refusal(model(**{name: content}))


def test_a_json_file_of_gigabytes_is_refused_before_it_is_read():
    artifacts = model()
    artifacts.sizes["config.json"] = GIGABYTES

    assert "config.json has 10,000,000,000 bytes" in refusal(artifacts)


def test_a_chat_template_of_gigabytes_is_refused_before_it_is_read():
    artifacts = model(chat_template__jinja=b"")
    artifacts.sizes["chat_template.jinja"] = GIGABYTES

    assert "chat_template.jinja has 10,000,000,000 bytes" in refusal(artifacts)


@pytest.mark.parametrize("source", ["chat_template.json", "tokenizer_config.json"])
def test_a_template_with_half_a_surrogate_pair_is_refused(source):
    broken = TOKENIZER_CONFIG | {"chat_template": "\ud800"}

    assert "chat_template must be text" in refusal(model(**{source: broken}))


def test_a_layer_number_out_of_all_proportion_costs_nothing():
    settings = CONFIG | {"num_hidden_layers": 10**18}

    assert "num_hidden_layers 1000000000000000000" in refusal(model(config__json=settings))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("num_hidden_layers", value) for value in (0, "2", None, 2.0, True, -1, [2])),
        *(("hidden_size", value) for value in (None, 1000.0, "4", 0)),
        *(("vocab_size", None), ("intermediate_size", {}), ("num_attention_heads", 0), ("num_attention_heads", 2.0)),
        *(
            ("num_key_value_heads", 0),
            ("head_dim", "8"),
            ("max_position_embeddings", 0),
            ("max_position_embeddings", "8"),
        ),
        *(("tie_word_embeddings", "true"), ("tie_word_embeddings", 1), ("attention_bias", "no"), ("mlp_bias", [])),
        *(("mlp_only_layers", "0"), ("mlp_only_layers", ["0"]), ("text_config", "x")),
    ],
)
def test_a_field_of_another_type_or_range_is_told_with_its_value(field, value):
    said = refusal(model(config__json={**CONFIG, field: value}))

    assert f"config.json: {field} must be" in said
    assert f"not {value!r}." in said


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_reads_as_a_number_is_refused(number):
    text = json.dumps(CONFIG).replace("10000.0", number)

    assert f"config.json is not valid JSON (it holds {number}" in refusal(model(config__json=text.encode()))


@pytest.mark.parametrize(
    "content", [{}, {"model": {}}, {"model": None}, {"model": {"vocab": {}}}, {"model": {"vocab": 5}}, {"model": []}]
)
def test_a_tokenizer_without_tokens_is_refused(content):
    assert "tokenizer.json holds no tokens" in refusal(model(tokenizer__json=content))


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff"])
def test_a_tokenizer_that_is_no_json_is_refused(content):
    assert "tokenizer.json" in refusal(model(tokenizer__json=content))


@pytest.mark.parametrize(
    "template",
    ["{% include 'a' %}", "{% import 'a' as a %}", "{% from 'a' import b %}", "{% extends 'a' %}",
     "{{ messages | pprint }}", "{{ messages | no_such }}", "{{ cycler }}{{ messages is no_such }}"],
)  # fmt: skip
@pytest.mark.parametrize("source", ["chat_template.jinja", "tokenizer_config.json"])
def test_a_template_that_uses_more_than_the_renderer_takes_is_told_in_a_sentence(template, source):
    files = {"chat_template.jinja": template.encode()}
    if source != "chat_template.jinja":
        files = {source: {"chat_template": template}}

    try:
        said = " ".join(inspect(model(**files)).warnings)
    except InspectionError as error:
        said = str(error)

    assert said.startswith(
        (f"{source}: Tollgate could not render it: ", f"{source}: the chat template does not compile")
    )


def test_a_source_that_fails_is_an_inspection_error():
    class Unreachable(MemoryArtifacts):
        def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
            raise ConnectionResetError("the bucket went away")

    assert "cannot be read: the bucket went away" in refusal(Unreachable(model().files))


# --- fuzzed ------------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CONFIG_KEYS = (*CONFIG, "text_config", "quantization_config", "auto_map", "rope_parameters", "n_positions")
TOKENIZER_KEYS = (*TOKENIZER_CONFIG, "model_max_length")
FILES = (
    "config.json",
    "tokenizer_config.json",
    "chat_template.json",
    "chat_template.jinja",
    INDEX,
    "model.safetensors",
)
ANY_CONTENT = JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=64)
fuzzed = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def ends_well(artifacts: MemoryArtifacts) -> None:
    try:
        inspect(artifacts)
    except InspectionError as error:
        sentences = error.problems
    else:
        sentences = ["accepted"]
    # The reasons are text that any terminal and any JSON answer can carry.
    assert "".join(sentences).encode()


@fuzzed
@given(st.dictionaries(st.sampled_from(CONFIG_KEYS), JSON), st.dictionaries(st.sampled_from(TOKENIZER_KEYS), JSON))
def test_any_values_in_the_configurations_end_well(config, tokenizer):
    ends_well(model(config__json=CONFIG | config, tokenizer_config__json=TOKENIZER_CONFIG | tokenizer))


@fuzzed
@given(st.dictionaries(st.sampled_from(FILES), ANY_CONTENT))
def test_any_files_end_well(files):
    ends_well(model(**files))


@fuzzed
@given(st.dictionaries(st.text(max_size=8), st.dictionaries(st.sampled_from(list(entry())), JSON), max_size=3))
def test_any_header_ends_well(header):
    ends_well(model(model__safetensors=with_header(header) + bytes(8)))


@fuzzed
@given(st.integers(0, len(safetensors()) - 1), st.binary(min_size=1, max_size=4))
def test_any_damage_to_the_weights_ends_well(at, damage):
    data = safetensors()
    ends_well(model(model__safetensors=data[:at] + damage + data[at + len(damage) :]))
