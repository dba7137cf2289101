"""Authorizer: hands the client's bearer token to API Gateway as its usage-plan key.

API Gateway itself decides whether the key exists and what it may do: no key is kept or compared here.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
"""

from __future__ import annotations

from typing import Any


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Turn the event of a TOKEN authorizer into a policy that allows every route, with the token as API key.

    The event holds `authorizationToken`, the Authorization header, and `methodArn`, the route that was called.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html

    Raises:
        Exception: "Unauthorized", if the header holds no bearer token.
    """
    scheme, _, token = event["authorizationToken"].strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        # With exactly this message API Gateway sends its UNAUTHORIZED response; any other would be a 500.
        raise Exception("Unauthorized")
    return {
        # Required, and used nowhere: the key tells who calls.
        "principalId": "key",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": _all_routes(event["methodArn"])}
            ],
        },
        "usageIdentifierKey": token,
    }


def _all_routes(method_arn: str) -> str:
    """Return the ARN of every route of the stage.

    API Gateway caches the policy by token and uses it for the next route too, so that one for a single route would
    refuse the others. `method_arn` is `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    """
    api, stage = method_arn.split("/")[:2]
    return f"{api}/{stage}/*"
