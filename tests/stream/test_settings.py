"""The function's environment variables."""

from __future__ import annotations

import pytest

from streaming.settings import SettingsError, read_settings
from tests.conftest import ROOT
from tollgate.stack import Stack

ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_ACCESS_KEY_ID": "AKIA",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "TOLLGATE_MODEL_TABLE": "models",
}


def test_endpoints_are_the_regions_unless_others_are_named():
    settings = read_settings(ENVIRONMENT)

    assert settings.bedrock_url == "https://bedrock-runtime.eu-central-1.amazonaws.com"
    assert settings.dynamodb_url == "https://dynamodb.eu-central-1.amazonaws.com"
    named = read_settings(ENVIRONMENT | {"AWS_ENDPOINT_URL": "http://a", "AWS_ENDPOINT_URL_DYNAMODB": "http://b"})
    assert (named.bedrock_url, named.dynamodb_url) == ("http://a", "http://b")


def test_the_template_sets_every_limit():
    stack = Stack.load(ROOT / "template.yaml", {"StreamTimeoutMillis": "60000", "ModelWaitSeconds": "7",
                       "CommentIntervalSeconds": "3", "RecordCacheSeconds": "4"})  # fmt: skip
    variables = stack.resources("AWS::Lambda::Function")["StreamFunction"].properties["Environment"]["Variables"]

    settings = read_settings(ENVIRONMENT | {name: str(value) for name, value in variables.items()})

    assert (settings.timeout_s, settings.model_wait_s) == (60, 7)
    assert (settings.comment_interval_s, settings.record_ttl_s) == (3, 4)
    assert settings.port == 8080
    assert settings.model_table != "models"


@pytest.mark.parametrize("name", ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TOLLGATE_MODEL_TABLE"])
def test_what_is_missing_is_named(name):
    with pytest.raises(SettingsError, match=name):
        read_settings({key: value for key, value in ENVIRONMENT.items() if key != name})


@pytest.mark.parametrize("value", ["ten", "-1", "nan", "inf"])
def test_a_number_that_is_none_is_named_with_its_value(value):
    with pytest.raises(SettingsError, match=f"TOLLGATE_MODEL_WAIT_S must be a number from 0 on, not '{value}'"):
        read_settings(ENVIRONMENT | {"TOLLGATE_MODEL_WAIT_S": value})
