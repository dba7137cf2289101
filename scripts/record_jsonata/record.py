"""Record what the reference JSONata 2.0.6 makes of the state machine's expressions.

`npm install jsonata@2.0.6` in a directory of its own, then `python scripts/record_jsonata/record.py DIRECTORY`. Run it
again when an expression has changed. tests/emulators/step_functions/test_expressions.py compares.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tollgate.stack import Stack

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "emulators" / "step_functions" / "golden" / "expressions.json"
# What no recording can hold still.
FIXED = {"$millis()": "1795472023000", "$random()": "0.5"}

TEXT = 'it\'s "é 😀" \\ {% 1 %} ${x}\n'
REQUEST = {
    "request_id": "id-1",
    "key_id": "key-1",
    "route": "chat.completions",
    "body": json.dumps({"model": "m", "text": TEXT}),
}
CONTEXT = {
    "Execution": {"StartTime": "2026-11-23T22:13:43.120Z", "Name": "n"},
    "State": {"Name": "s", "RetryCount": 0, "EnteredTime": "2026-11-23T22:13:43.620Z"},
}
INVOCATION = {"model_id": "arn", "body": {"prompt": TEXT, "max_tokens": 5}}
VARIABLES: dict[str, Any] = {
    "request_id": "id-1",
    "key_id": "key-1",
    "deadline": 1795472048000,
    "attempts": 1,
    "invoked_at": 1795472023120,
    "most_attempts": 3,
    "invocation": INVOCATION,
    "spec": {"model": "m", "stop": [TEXT]},
}
RESULTS: list[Any] = [
    {"Payload": {"invocation": INVOCATION, "spec": None, "response": None}, "Item": {"record": {"S": "{}"}}},
    {"Payload": {"response": {"status": 400, "body": TEXT}}, "Body": {"generation": TEXT, "logprobs": None}},
    {"Payload": {}},
]
INPUTS: list[Any] = [
    REQUEST,
    {**REQUEST, "body": "{no"},
    {**REQUEST, "body": "[]"},
    {"response": None},
    {"failure": {"state": "InvokeModel", "error": "Bedrock.ThrottlingException"}},
    {"answer": {"choices": [{"text": TEXT}], "n": 1.5}},
    {},
]
PROBES = [
    "1/3",
    "10 % 4",
    "'a' & 1 & true & null",
    "[1..5][$ > 2]",
    "$count([])",
    "$exists($spec)",
    "$spec = null",
    "$missing = null",
    "$string({'a': [1, 'é', null]})",
    "$number('1e3')",
    "$substring('😀bc', 1)",
    "$length('😀')",
    "$split('a,b', ',')",
    "$join(['a', 'b'], '-')",
    "$merge([{'a': 1}, {'b': null}])",
    "$keys({'b': 1, 'a': 2})",
    "$lookup({'a': 1}, 'b')",
    "$map([1, 2], function($v) { $v * 2 })",
    "$filter([1, 2, 3], function($v) { $v > 1 })",
    "$sum([1, 2.5])",
    "$round(2.5)",
    "$floor(-1.5)",
    "$power(2, 10)",
    "$uppercase('ß')",
    "$replace('aab', /a+/, 'x')",
    "$contains('abc', 'b')",
    "$boolean([0])",
    "$not('')",
    "$type(null)",
    "$error('no')",
    "1 + 'a'",
    "$unknown(1)",
    "{'a': $missing}",
    "[$missing, null]",
    "$toMillis('2026-11-23T22:13:43.120Z')",
    "$fromMillis(0)",
    "$base64encode('a')",
    "($x := 1; $x + 1)",
    "$states.input.*",
    "$sort([3, 1, 2])",
    "$distinct([1, 1, 2])",
    "$append([1], 2)",
    "$max([])",
    "$parse('{\"a\": [1]}').a",
]


def expressions(node: Any) -> Iterator[str]:
    """The text of every `{% … %}` in a definition."""
    if isinstance(node, str) and node.startswith("{%"):
        yield node[2:-2].strip()
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from expressions(value)


def machine_expressions() -> list[str]:
    """The state machines' expressions, each once, with clock and chance held still."""
    found: set[str] = set()
    for machine in Stack.load(ROOT / "template.yaml").resources("AWS::StepFunctions::StateMachine").values():
        text = machine.properties["DefinitionString"]
        for name, value in machine.properties["DefinitionSubstitutions"].items():
            text = text.replace("${" + name + "}", str(value))
        for call, value in FIXED.items():
            text = text.replace(call, value)
        found.update(expressions(json.loads(text)))
    return sorted(found)


def bindings() -> Iterator[dict[str, Any]]:
    """Variables and `$states` as an execution may have them."""
    for index, data in enumerate(INPUTS):
        states = {"input": data, "context": CONTEXT, "result": RESULTS[index % len(RESULTS)]}
        states["errorOutput"] = {"Error": "Bedrock.ModelNotReadyException", "Cause": TEXT}
        yield {**VARIABLES, "attempts": index, "states": states}
    yield {
        **VARIABLES,
        "invocation": None,
        "invoked_at": None,
        "spec": None,
        "states": {"input": None, "context": CONTEXT},
    }


def main(directory: str) -> None:
    wanted = [{"expression": text, "bindings": known} for text in machine_expressions() for known in bindings()]
    wanted += [{"expression": text, "bindings": next(bindings())} for text in PROBES]
    script = Path(__file__).with_name("evaluate.mjs")
    done = subprocess.run(
        ["node", str(script)], cwd=directory, input=json.dumps(wanted).encode(), capture_output=True, check=True
    )
    answers = json.loads(done.stdout)
    golden = [{**case, **answer} for case, answer in zip(wanted, answers, strict=True)]
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
    print(f"{len(golden)} evaluations recorded in {GOLDEN.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1])
