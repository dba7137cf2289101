"""A team's own script as it ran behind a SageMaker endpoint: Apex in by JSON of the team's, findings out.

    {"apex": "for (Account a : accounts) { update a; }", "severity": "high"}
    {"findings": [{"rule": "DML statement in a loop", "severity": "high", "fix": "…"}], "count": 1}

Nothing in it is written for Tollgate. `tollgate hooks check` says whether it can run as hooks.
"""

import json
import re

SEVERITIES = {"DML": "high", "SOQL": "high", "Trigger": "high", "null": "medium", "Hard-coded": "low"}
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)


def model_fn(model_dir):
    """Load the model; not called where the model is on Bedrock."""
    from transformers import pipeline

    return pipeline("text-generation", model=model_dir)


def input_fn(body, content_type):
    """Read the request: Apex without its comments."""
    if not content_type.startswith("application/json"):
        raise ValueError(f"this model takes application/json, not {content_type}")
    request = json.loads(body)
    return {"apex": COMMENT.sub("", request["apex"]).strip(), "severity": request.get("severity")}


def predict_fn(data, model):
    """Ask the model once, and read its three lines: the finding, why it matters, how to fix it."""
    messages = [{"role": "user", "content": data["apex"]}]
    answer = model(messages, max_new_tokens=200, do_sample=False)
    told = {}
    for line in answer[0]["generated_text"][-1]["content"].splitlines():
        name, _, text = line.partition(": ")
        told[name] = text.rstrip(".")
    rule = told.get("Finding", "No finding")
    severity = "none"
    for word, known in SEVERITIES.items():
        if word in rule:
            severity = known
    if severity == "none" or data["severity"] not in (None, severity):
        return []
    return [{"rule": rule, "severity": severity, "fix": told.get("Fix", "")}]


def output_fn(findings, accept):
    """Write the answer."""
    return json.dumps({"findings": findings, "count": len(findings)}), "application/json"
