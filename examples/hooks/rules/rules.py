"""Hooks that are written for Tollgate: a house rule, an answer without the model, and redaction.

`before` refuses requests about secrets, and answers a greeting itself. `after` takes e-mail addresses out of what the
model says. docs/hooks.md has the contract.
"""

import json
import re

SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----")
ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
GREETINGS = {"hi", "hello", "good morning"}


def before(event, context=None):
    """Look at the client's body before anybody else does."""
    if SECRET.search(event["body"]):
        return {"error": {"message": "The request holds a private key, which must not leave your machine."}}
    try:
        last = json.loads(event["body"])["messages"][-1]["content"]
    except (ValueError, LookupError, TypeError):
        return {}  # it is not for this rule to say what a request must look like
    if isinstance(last, str) and last.strip(" .!").lower() in GREETINGS:
        message = {"role": "assistant", "content": "Hello! Send me some Apex."}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = {"object": "chat.completion", "model": event["model"], "choices": [choice]}
        return {"response": {"body": json.dumps(body)}}
    return {"state": {"length": len(event["body"])}}


def after(event, context=None):
    """Look at the model's completion before the client does."""
    completion = event["completion"]
    changed = False
    for choice in completion["choices"]:
        text = choice["message"]["content"] or ""
        redacted = ADDRESS.sub("[address]", text)
        changed = changed or redacted != text
        choice["message"]["content"] = redacted
    return {"completion": completion} if changed else {}


def handler(event, context):
    """Both hooks, as one function."""
    return before(event) if event["hook"] == "before" else after(event)
