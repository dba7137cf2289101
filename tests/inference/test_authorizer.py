"""The authorizer finds the client's key wherever a client can put one, and hands it to API Gateway."""

from __future__ import annotations

import pytest

from tests.inference.test_function_results import handler

ARN = "arn:aws:execute-api:us-east-1:123456789012:api/live/POST/endpoints/m/invocations"
SIGNED = "AWS4-HMAC-SHA256 Credential={}/20261126/us-east-1/sagemaker/aws4_request, SignedHeaders=host, Signature=00"

authorize = handler("authorizer")


def request(headers, path=None, identity=None):
    context = {"identity": identity or {"sourceIp": "192.0.2.1"}}
    return {"type": "REQUEST", "methodArn": ARN, "headers": headers, "pathParameters": path, "requestContext": context}


def key_in(event):
    answer = authorize(event, None)
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == "arn:aws:execute-api:us-east-1:123456789012:api/live/*"
    return answer["usageIdentifierKey"]


@pytest.mark.parametrize(
    "headers, path, key",
    [
        ({"Authorization": "Bearer k1"}, None, "k1"),
        ({"authorization": "bearer  k1 "}, {"key": "k2"}, "k1"),
        ({"Authorization": SIGNED.format("AKIA")}, {"model": "m", "key": "k2"}, "k2"),
        ({"Authorization": SIGNED.format("AKIA"), "X-Amz-Security-Token": "tg_k3"}, {"model": "m"}, "k3"),
        ({"Authorization": SIGNED.format("k4"), "X-Amz-Security-Token": "other"}, None, "k4"),
    ],
)
def test_a_key_is_found_in_each_of_its_places_in_this_order(headers, path, key):
    assert key_in(request(headers, path)) == key


@pytest.mark.parametrize("headers", [{}, None, {"Authorization": "Basic dTpw"}, {"Authorization": "Bearer "},
                                     {"Authorization": "AWS4-HMAC-SHA256 Credential=/x"}])  # fmt: skip
def test_a_request_without_a_key_is_unauthorized(headers):
    # Exactly this message makes API Gateway answer 401.
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        authorize(request(headers), None)


def test_whoever_comes_through_the_vpcs_endpoint_may_have_a_key_of_it(monkeypatch):
    through = {"vpceId": "vpce-1"}
    signed = {"Authorization": SIGNED.format("AKIA")}

    without = key_in(request(signed, identity=through))
    monkeypatch.setenv("TOLLGATE_VPC_ENDPOINT_KEY", "of-the-vpc")

    assert without == "AKIA"
    assert key_in(request(signed, identity=through)) == "of-the-vpc"
    assert key_in(request(signed, {"key": "mine"}, through)) == "mine"
    # AND nobody else has it
    assert key_in(request(signed)) == "AKIA"
