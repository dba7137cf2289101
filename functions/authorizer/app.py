"""Authorizer: hands the client's bearer token to API Gateway as its usage-plan key.

Whether the key exists, and what it may do, is API Gateway's to say: nothing is kept or compared here.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
"""

from __future__ import annotations

from typing import Any


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Event: a TOKEN authorizer's; result: leave to call any route of this stage, under the token as key.

    Raises:
        Exception: "Unauthorized", which API Gateway turns into its UNAUTHORIZED response.
    """
    scheme, _, token = event["authorizationToken"].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise Exception("Unauthorized")  # the one word that API Gateway knows
    return {
        "principalId": "key",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": _stage(event)}],
        },
        "usageIdentifierKey": token,
    }


def _stage(event: dict[str, Any]) -> str:
    """Every route of the stage: the answer is cached by token, and serves the next route too."""
    api, stage = event["methodArn"].split("/")[:2]
    return f"{api}/{stage}/*"
