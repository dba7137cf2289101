"""Usage plans and authorizers on their own, with a clock and a function that the test holds."""

from __future__ import annotations

import pytest

from tollgate.emulators.api_gateway.authorizer import Authorizer
from tollgate.emulators.api_gateway.messages import ApiRequest, ApiSettings, new_context
from tollgate.emulators.api_gateway.refusals import RefusalError
from tollgate.emulators.api_gateway.usage_plans import ApiKey, UsagePlan, UsagePlans

SETTINGS = ApiSettings("api", "live", "123456789012", "us-east-1")


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def _plans(clock, **plan):
    return UsagePlans([ApiKey("id", "secret", UsagePlan(**plan))], clock)


def _refusal(action):
    with pytest.raises(RefusalError) as caught:
        action()
    return caught.value.type


def test_a_key_that_nobody_issued_is_refused():
    plans = _plans(Clock())

    assert plans.admit("secret").id == "id"
    assert _refusal(lambda: plans.admit("guess")) == "INVALID_API_KEY"
    assert _refusal(lambda: plans.admit(None)) == "INVALID_API_KEY"


def test_a_burst_is_let_through_and_then_the_rate_holds():
    clock = Clock()
    plans = _plans(clock, rate=2, burst=3)
    for _ in range(3):
        plans.admit("secret")

    assert _refusal(lambda: plans.admit("secret")) == "THROTTLED"
    clock.now += 0.5
    plans.admit("secret")
    assert _refusal(lambda: plans.admit("secret")) == "THROTTLED"


def test_a_quota_is_used_up_until_its_period_ends():
    clock = Clock()
    plans = _plans(clock, quota=2, period="DAY")
    plans.admit("secret")
    plans.admit("secret")

    assert _refusal(lambda: plans.admit("secret")) == "QUOTA_EXCEEDED"
    clock.now += 86_400
    plans.admit("secret")


def _request(token="Bearer t", path="/a"):
    headers = [("Authorization", token)] if token else []
    return ApiRequest("POST", path, "q=1", headers, b"", "127.0.0.1")


def _authorizer(invoke, **definition):
    scheme = {
        "name": "Authorization",
        "x-amazon-apigateway-authorizer": {"type": "token", "authorizerUri": "x", **definition},
    }
    return Authorizer(scheme, invoke, SETTINGS, "test")


def _authorize(authorizer, request):
    context = new_context(request, SETTINGS, "/a")
    authorizer.authorize(request, "/a", context)
    return context


def _allow(resource, **more):
    statement = {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": resource}
    return {"principalId": "p", "policyDocument": {"Statement": [statement]}, **more}


def test_the_policy_is_matched_against_the_method_even_from_the_cache():
    # GIVEN an authorizer that allows one path
    asked = []

    def invoke(event):
        asked.append(event)
        return _allow("arn:aws:execute-api:us-east-1:123456789012:api/live/POST/a", context={"n": 1})

    authorizer = _authorizer(invoke)

    # WHEN it is asked for two paths with one token
    context = _authorize(authorizer, _request())

    # THEN the second is denied without asking again
    assert _refusal(lambda: _authorize(authorizer, _request(path="/b"))) == "ACCESS_DENIED"
    assert context["authorizer"] == {"principalId": "p", "n": 1}
    assert asked == [
        {
            "type": "TOKEN",
            "authorizationToken": "Bearer t",
            "methodArn": "arn:aws:execute-api:us-east-1:123456789012:api/live/POST/a",
        }
    ]


def test_a_time_to_live_of_zero_asks_every_time():
    asked = []

    def invoke(event):
        asked.append(event)
        return _allow("*")

    authorizer = _authorizer(invoke, authorizerResultTtlInSeconds=0)
    _authorize(authorizer, _request())
    _authorize(authorizer, _request())

    assert len(asked) == 2


def test_a_deny_beats_an_allow():
    def invoke(event):
        answer = _allow("*")
        answer["policyDocument"]["Statement"].append({"Action": "*", "Effect": "Deny", "Resource": "*/POST/a"})
        return answer

    assert _refusal(lambda: _authorize(_authorizer(invoke), _request())) == "ACCESS_DENIED"


@pytest.mark.parametrize("token", [None, "", "Basic x", "Bearer a b"])
def test_a_token_of_the_wrong_form_never_reaches_the_function(token):
    def invoke(event):
        raise AssertionError("it was asked")

    authorizer = _authorizer(invoke, identityValidationExpression=r"Bearer \S+")

    assert _refusal(lambda: _authorize(authorizer, _request(token))) == "UNAUTHORIZED"


def test_a_request_authorizer_sees_the_whole_request():
    events = []

    def invoke(event):
        events.append(event)
        return _allow("*")

    authorizer = _authorizer(invoke, type="request", identitySource="method.request.header.Authorization")
    _authorize(authorizer, _request())

    assert events[0]["queryStringParameters"] == {"q": "1"}
    assert events[0]["headers"] == {"Authorization": "Bearer t"}
