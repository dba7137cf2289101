"""Authorizer: hands the client's key to API Gateway as its usage-plan key.

API Gateway itself decides whether the key exists and what it may do: no key is kept or compared here.
https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-api-key-source.html
"""

from __future__ import annotations

import os
from typing import Any


def lambda_handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Turn the event of an authorizer into a policy that allows every route, with the client's key as API key.

    A TOKEN authorizer's event holds `authorizationToken`, the Authorization header, and `methodArn`, the route that was
    called. A REQUEST authorizer's holds the whole request instead, in which clients of AWS's SDKs hide their key.
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html

    Raises:
        Exception: "Unauthorized", if there is no key.
    """
    if event["type"] == "REQUEST":
        token = _key_of_aws_client(event)
    else:
        token = _bearer(event["authorizationToken"])
    if not token:
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


def _bearer(authorization: str) -> str:
    scheme, _, token = authorization.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _key_of_aws_client(event: dict[str, Any]) -> str:
    """The key in a request of one of AWS's SDKs, which sign with credentials that nobody here can check.

    So the key is where they can put one: in a bearer token (AWS_BEARER_TOKEN_BEDROCK), in the path of the endpoint URL
    (…/k/KEY), in place of the session's token, as `tg_` and the key, or of the access key's id, which signatures name.
    Clients in the VPC of a private API need none where the deployment has one for them.
    """
    headers = {}
    for name, value in (event.get("headers") or {}).items():
        headers[name.lower()] = value
    authorization = headers.get("authorization", "")
    if _bearer(authorization):
        return _bearer(authorization)
    in_path: str = (event.get("pathParameters") or {}).get("key", "")
    if in_path:
        return in_path
    session_token: str = headers.get("x-amz-security-token", "")
    if session_token.startswith("tg_"):
        return session_token.removeprefix("tg_")
    # An endpoint of a VPC, which only a private API's context has: who comes through it, its rules have let in.
    of_endpoint = os.environ.get("TOLLGATE_VPC_ENDPOINT_KEY", "")
    if of_endpoint and event["requestContext"].get("identity", {}).get("vpceId"):
        return of_endpoint
    _, signed, credential = authorization.partition("Credential=")
    return credential.split("/")[0].strip() if signed else ""


def _all_routes(method_arn: str) -> str:
    """Return the ARN of every route of the stage.

    API Gateway caches the policy by token and uses it for the next route too, so that one for a single route would
    refuse the others. `method_arn` is `arn:aws:execute-api:REGION:ACCOUNT:API/STAGE/METHOD/PATH`.
    """
    api, stage = method_arn.split("/")[:2]
    return f"{api}/{stage}/*"
