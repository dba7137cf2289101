"""Record what Apache Velocity 1.7 makes of this API's mapping templates, for test_mapping_templates.py.

On Debian: `apt-get install default-jdk-headless velocity`, then `python scripts/record_vtl/record.py`. VELOCITY_JARS
names another directory with velocity, commons-lang 2 and commons-collections 3. Run it again when a template has
changed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tollgate.emulators.api_gateway.routes import operations
from tollgate.stack import Stack

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "emulators" / "api_gateway" / "golden" / "mapping_templates.json"
JARS = Path(os.environ.get("VELOCITY_JARS", "/usr/share/java"))

TEXTS = [
    'say "hi"',
    "it's",
    "back\\slash \\' \\\" \\\\",
    "line\nfeed\r\ttab\b\f",
    "é 😀 \u2028 ü",
    "#set($x = 1)$x #if(true)no#end ## gone",
    "$input.body ${Api} $!{nothing} $context.requestId",
    "</script> a/b",
    '"}, "route": "injected", {"x": "',
    "\\u0022",
    "",
]
PARAMETERS = {"path": {"model": "a%2Fb'\"c\\"}, "querystring": {"q": "1"}, "header": {"X-Thing": "yes"}}
CONTEXT = {"requestId": "id-1", "identity": {"apiKeyId": "key-1"}, "stage": "live"}
ORIGINS = ["*", "https://app.example.com,https://dev.example.com"]
PROBES = [
    "$missing|$!missing|${missing}|$context.nothing.more|",
    "#set($m = $input.path('$'))$m.get('get')|$m.get|$m.nested.b|$m.list|$m.list.get(0)|$m.list[1]|$m.size()",
    "#foreach($k in $input.path('$').keySet())$k#if($foreach.hasNext),#end#end",
    "#foreach($e in $input.path('$').entrySet())$e.key=$e.value;#end",
    "#set($s = $input.path('$.text'))$s.length() $s.substring(1, 3) $s.toUpperCase() $s.contains('b') $s.indexOf('c')",
    '#set($s = "x")#set($s = "$s$s")[$s]#set($n = 2)#if($n > 1)more#elseif($n == 1)one#else less#end',
    "$util.urlEncode('a b&c')|$util.urlDecode('a%20b+c')|$util.escapeJavaScript(\"it's /\")",
    "#if($input.path('$.text') == 'abcdef' && !$input.path('$.missing'))yes#end",
    "$input.json('$.nested')|$input.json('$.missing')|$input.params('q')|$input.params('none')|",
    "#set($l = [1, 'two', 3])$l.size()#foreach($i in $l)($i)#end#set($d = {'a': 1})$d.a",
    '{"#m": "text", "#other": 1} #n',
]
PROBE_BODY = '{"get": "data", "text": "abcdef", "nested": {"b": 1, "c": null}, "list": [1, "x", true], "n": 1.5}'


def templates(**parameters: str) -> Iterator[tuple[str, str]]:
    """("request" or "response", template) of the API of a stack with these parameters, each once."""
    (api,) = Stack.load(ROOT / "template.yaml", parameters).resources("AWS::ApiGateway::RestApi").values()
    seen = set()
    for _, _, operation in operations(api.properties["Body"]):
        integration = operation["x-amazon-apigateway-integration"]
        responses = integration.get("responses", {}).values()
        found = [("request", text) for text in integration.get("requestTemplates", {}).values()]
        found += [("response", text) for entry in responses for text in entry.get("responseTemplates", {}).values()]
        for kind, text in found:
            if text not in seen:
                seen.add(text)
                yield kind, text


def answers() -> Iterator[str]:
    """What the services answer."""
    for text in TEXTS:
        response = {
            "status": 200,
            "content_type": "application/json",
            "retry_after": "",
            "body": json.dumps({"c": text}),
        }
        yield json.dumps({"status": "SUCCEEDED", "output": json.dumps(response)})
    refusal = {"status": 503, "content_type": "application/json", "retry_after": "5", "body": "{}"}
    yield json.dumps({"status": "SUCCEEDED", "output": json.dumps(refusal)})
    yield json.dumps({"status": "FAILED", "error": "E", "cause": "secret"})
    yield json.dumps({"status": "FAILED", "error": "States.Runtime"})
    yield json.dumps({"status": "FAILED", "error": "States.DataLimitExceeded"})
    yield json.dumps({"status": "TIMED_OUT"})
    refusals = ["ValidationException", "ThrottlingException", "AccessDeniedException", "StateMachineDoesNotExist"]
    for error in (*refusals, "com.amazon.coral.validate#ValidationException", "InvalidExecutionInput"):
        yield json.dumps({"__type": error, "message": "why"})
    item = {"model": {"S": "apexguru"}, "updated_at": {"N": "1795472023"}}
    yield json.dumps({"Item": item})
    yield json.dumps({"Items": [item, item], "Count": 2})
    yield json.dumps({"Items": [], "Count": 0})
    yield "{}"


def cases() -> list[dict[str, Any]]:
    """Every template with every input that suits it."""
    bodies = {"request": [json.dumps({"model": "m", "text": text}, ensure_ascii=False) for text in TEXTS] + TEXTS}
    bodies["response"] = list(answers())
    found = [
        {"template": template, "body": body, "parameters": PARAMETERS, "context": CONTEXT}
        for kind, template in templates()
        for body in bodies[kind]
    ]
    for origins in ORIGINS:
        for kind, template in templates(CorsOrigins=origins):
            for header in ({}, {"Origin": "https://app.example.com"}, {"Origin": "https://evil.example"}):
                if kind == "response":
                    parameters = {**PARAMETERS, "header": {**PARAMETERS["header"], **header}}
                    context = {**CONTEXT, "httpMethod": "OPTIONS"}
                    found.append({"template": template, "body": "{}", "parameters": parameters, "context": context})
    return found + [
        {"template": probe, "body": PROBE_BODY, "parameters": PARAMETERS, "context": CONTEXT} for probe in PROBES
    ]


def main() -> None:
    wanted = cases()
    done = subprocess.run(
        ["java", "-cp", f"{JARS}/*", str(Path(__file__).with_name("RecordTemplates.java"))],
        input=json.dumps(wanted).encode(),
        capture_output=True,
        check=True,
    )
    rendered = json.loads(done.stdout)
    # Where Velocity itself fails there is nothing to agree with: such an answer never reaches such a template.
    golden = [{**case, **answer} for case, answer in zip(wanted, rendered, strict=True) if "error" not in answer]
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"{len(golden)} of {len(wanted)} cases recorded in {GOLDEN.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
