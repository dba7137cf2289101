"""Our signatures are botocore's."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from streaming.aws.signature import Credentials, Signer

ARN = "arn:aws:bedrock:us-east-1:123456789012:imported-model/abcdefghijkl"
HEADERS = {"host": "bedrock-runtime.us-east-1.amazonaws.com", "content-type": "application/json"}


def signed_by_botocore(path, body, token=None, headers=HEADERS):
    """The headers, and the time that it took from the clock."""
    request = AWSRequest("POST", f"https://{headers['host']}{path}", headers=headers, data=body)
    SigV4Auth(BotocoreCredentials("AKIA", "secret", token), "bedrock", "us-east-1").add_auth(request)
    signed = {name.lower(): value for name, value in request.headers.items()}
    return signed, datetime.strptime(signed["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def signed_by_us(path, body, now, token=None, headers=HEADERS):
    return Signer("bedrock", "us-east-1", Credentials("AKIA", "secret", token)).sign(path, headers, body, now)


def test_an_invocation_is_signed_as_botocore_does():
    path = f"/model/{quote(ARN, safe='')}/invoke"

    signed, now = signed_by_botocore(path, b"{}", "a token")

    assert signed_by_us(path, b"{}", now, "a token") == signed


@given(
    body=st.binary(max_size=300),
    model=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(lambda name: name not in (".", "..")),
    token=st.none() | st.text("abcXYZ+/=09", min_size=1),
    value=st.text("ab  c", min_size=1),
)
def test_any_request_is_signed_as_botocore_does(body, model, token, value):
    path = f"/model/{quote(model, safe='')}/invoke"
    headers = HEADERS | {"x-amz-target": value}

    signed, now = signed_by_botocore(path, body, token, headers)

    assert signed_by_us(path, body, now, token, headers) == signed


def test_a_new_day_has_a_new_key():
    today, tomorrow = (signed_by_us("/", b"", now)["authorization"] for now in (86_400 * 20_000, 86_400 * 20_001))

    assert today.split("Signature=")[1] != tomorrow.split("Signature=")[1]
