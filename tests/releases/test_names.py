"""Names of a release, against the patterns that botocore has for them."""

from __future__ import annotations

import re

import pytest
from botocore.loaders import create_loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from tollgate_release.names import (
    digest,
    execution_name,
    imported_model_name,
    job_name,
    parse_s3_uri,
    slug,
    variant_name,
)
from tollgate_release.problems import Problem

BEDROCK = ServiceModel(create_loader().load_service_model("bedrock", "service-2"), "bedrock")
INPUT = BEDROCK.operation_model("CreateModelImportJob").input_shape.members
MODELS = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
DIGEST = "0123456789ab"


def takes(member, text):
    pattern, longest = INPUT[member].metadata["pattern"], INPUT[member].metadata.get("max", 255)
    return re.fullmatch(pattern, text) is not None and len(text) <= longest


@given(MODELS, st.integers(1, 99))
def test_bedrock_takes_the_names_of_every_model(model, attempt):
    assert takes("importedModelName", imported_model_name(model, DIGEST))
    assert takes("jobName", job_name(model, DIGEST, attempt))
    assert takes("clientRequestToken", job_name(model, DIGEST, attempt))


@pytest.mark.parametrize("model", ["a..b", "a__b", "a_-b", "a.-_b", "0", "a" * 63])
def test_names_that_once_were_refused_are_taken(model):
    assert takes("importedModelName", imported_model_name(model, DIGEST))


@given(MODELS, st.text(min_size=1, max_size=70))
def test_an_executions_name_is_short(model, variant):
    assert len(execution_name(model, variant, 12)) <= 80


def test_the_digest_tells_names_sizes_and_contents():
    files = [("b", 2, "y"), ("a", 1, "x")]
    assert digest(files) == digest(reversed(files))
    assert len({digest(files), digest([("b", 2, "y"), ("a", 1, "z")]), digest(files[:1])}) == 3
    assert re.fullmatch(r"[0-9a-f]{12}", digest(files))


@pytest.mark.parametrize(
    "uri, parsed",
    [("s3://bucket/a/b/", ("bucket", "a/b/")), ("s3://bucket/a", ("bucket", "a/")), ("s3://bucket", ("bucket", ""))],
)
def test_an_s3_uri_is_a_bucket_and_a_prefix(uri, parsed):
    assert parse_s3_uri(uri) == parsed


@pytest.mark.parametrize("character", ["=", "+", "@", " ", "%", "é"])
def test_what_bedrock_would_refuse_is_named(character):
    with pytest.raises(Problem, match=re.escape(repr(character))):
        parse_s3_uri(f"s3://bucket/model{character}apexguru/")


@pytest.mark.parametrize("uri", ["bucket/a", "s3://Bucket/a", "s3:///a", "https://bucket/a"])
def test_what_is_no_s3_uri_is_refused(uri):
    with pytest.raises(Problem, match="takes no such S3 URI"):
        parse_s3_uri(uri)


def test_a_variant_is_named_by_its_folder():
    assert variant_name(None, "apexguru/2026-11-25/", DIGEST) == "2026-11-25"
    assert variant_name(None, "", DIGEST) == DIGEST
    assert variant_name("blue", "apexguru/2026-11-25/", DIGEST) == "blue"
    assert slug("..a//b..", 10) == "a-b"
