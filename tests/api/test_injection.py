"""The mapping template makes an execution's input: no string of a client's changes its structure."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.api.conftest import FUZZ, MODELS

pytestmark = pytest.mark.path

HOSTILE = (
    '", "dialect": "completions", "x": "',
    '\\", \\"key_id\\": \\"root',
    "\\\\\\",
    "'\\''",
    "$input.body #set($id = 1) ${context.requestId} $util.parseJson('{}')",
    "#if(true)#end #foreach($a in [1..9])#end ## comment #* *# #[[ ]]#",
    "\x00\x01\x1f\x7f\u2028\u2029\ufeff",
    '{% $eval("1") %} ${ModelTable}',
    "</script><!--",
    "\r\n\t\b\f",
)
strings = st.text(max_size=60) | st.sampled_from(HOSTILE) | st.lists(st.sampled_from(HOSTILE)).map("".join)
header_values = strings.map(lambda value: value.encode("ascii", "ignore").decode()).map(
    lambda value: "".join(char for char in value if char.isprintable()).strip()
)


def execution_of(local, http, path, **request):
    """The execution's input for one request."""
    local.executions.clear()
    answer = http.post(path, headers={"content-type": "application/json", **request.pop("headers", {})}, **request)
    (execution,) = local.executions
    assert answer.headers["x-request-id"] == execution.input["request_id"]
    return execution.input


@given(body=strings)
@example(body=HOSTILE[0])
@example(body=HOSTILE[1])
@FUZZ
def test_a_body_arrives_as_one_string(local, http, body):
    received = execution_of(local, http, "/v1/chat/completions", content=body.encode())

    assert set(received) == {"dialect", "request_id", "key_id", "body"}
    assert received["dialect"] == "chat.completions"
    assert received["body"] == body


@given(content=strings, model=strings)
@FUZZ
def test_strings_in_json_arrive_as_they_were(local, http, content, model):
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": content}]}, ensure_ascii=False)

    received = execution_of(local, http, "/v1/chat/completions", content=body.encode("utf-8", "replace"))

    assert json.loads(received["body"]) == json.loads(body)
    assert received["dialect"] == "chat.completions"


@given(query=st.dictionaries(strings, strings, max_size=3), header=header_values, request_id=header_values)
@FUZZ
def test_query_and_headers_change_nothing(local, http, query, header, request_id):
    plain = execution_of(local, http, "/v1/completions", content=b"{}")
    headers = {"x-route": header, "x-amzn-requestid": request_id, "user-agent": header, "accept": header or "*/*"}

    received = execution_of(local, http, "/v1/completions", content=b"{}", params=query, headers=headers)

    assert {**received, "request_id": ""} == {**plain, "request_id": ""}


@given(name=strings.filter(lambda name: name not in ("", ".", "..") and name not in MODELS) | st.just("a" * 3000))
@example(name='x"}}, "TableName": "other')
@FUZZ
def test_a_name_in_the_path_finds_its_model_or_none(http, name):
    answer = http.get("/v1/models/" + quote(name, safe=""))

    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "model_not_found"), answer.text
