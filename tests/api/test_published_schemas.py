"""The published contract says all that a request may hold, in words that API Gateway takes."""

from __future__ import annotations

import pytest
import yaml
from openai.types.responses.response_create_params import ResponseCreateParamsBase

from api.__main__ import REQUESTS
from tests.conftest import ROOT
from tollgate_layer.inference.schemas import parameters

SCHEMAS = yaml.safe_load((ROOT / "api" / "openapi.yaml").read_text())["components"]["schemas"]

TAKEN_BY_API_GATEWAY = {"type", "description", "enum", "required", "minLength", "maxLength", "minItems", "maxItems",
                        "minimum", "maximum", "nullable", "items", "properties"}  # fmt: skip


def fields_of(schema, path=""):
    """Every field of a schema, however deep, by its path."""
    for name, field in schema.get("properties", {}).items():
        yield f"{path}{name}", field
        yield from fields_of(field, f"{path}{name}.")
    if "items" in schema:
        yield from fields_of(schema["items"], f"{path}[].")


@pytest.mark.parametrize("model", REQUESTS.values(), ids=lambda model: model.__name__)
def test_every_parameter_is_published_with_its_meaning(model):
    schema = SCHEMAS[model.__name__]

    assert set(schema["properties"]) == set(model.model_fields)
    for path, field in fields_of(schema):
        assert field.get("description"), path


def test_every_parameter_of_the_table_is_a_published_field():
    published = {
        name for route in ("ChatCompletionRequest", "CompletionRequest") for name in SCHEMAS[route]["properties"]
    }

    assert set(parameters()) == published


def test_every_parameter_that_openais_sdk_can_send_for_a_response_is_known_by_name():
    known = SCHEMAS["ResponseRequest"]["properties"].keys()

    assert ResponseCreateParamsBase.__annotations__.keys() - known == set()


@pytest.mark.parametrize("model", REQUESTS.values(), ids=lambda model: model.__name__)
def test_only_keywords_that_api_gateway_takes_are_published(model):
    for path, field in fields_of(SCHEMAS[model.__name__]):
        assert field.keys() <= TAKEN_BY_API_GATEWAY, path


def test_limits_choices_and_null_are_published():
    fields = dict(fields_of(SCHEMAS["ChatCompletionRequest"]))

    assert (fields["temperature"]["minimum"], fields["temperature"]["maximum"]) == (0, 2)
    assert fields["seed"]["maximum"] == 2**63 - 1
    assert fields["verbosity"]["enum"] == ["low", "medium", "high"]
    assert fields["tools"]["maxItems"] == 128
    assert fields["max_tokens"]["nullable"] is True
    assert fields["messages.[].role"]["enum"] == ["system", "developer", "user", "assistant", "tool"]
    assert "nullable" not in fields["messages.[].role"]
    assert "type" not in fields["messages.[].content"]


def test_models_inside_of_a_request_are_written_out():
    fields = dict(fields_of(SCHEMAS["ChatCompletionRequest"]))

    assert {"tools.[].function.parameters", "messages.[].tool_calls.[].function.arguments"} <= set(fields)
    assert SCHEMAS["ChatCompletionRequest"]["required"] == ["model"]
    assert set(SCHEMAS["CompletionRequest"]["required"]) == {"model", "prompt"}
