"""A hook that does what the client's body asks for: `{"before": {"raise": "…"}, "after": {"answer": {…}}, …}`.

It runs as a function of its own, so it imports nothing of the project's.
"""

import json
import os
import time


def before(event, context):
    return _obey(event, lambda: {"request": _request(json.loads(event["body"])), "state": {"seen": event["model"]}})


def after(event, context):
    return _obey(event, dict)


def _obey(event, otherwise):
    body = json.loads(event["body"])
    orders = {**body, **body.get("additionalModelRequestFields", {})}
    if "metadata" in body:  # a label, which every model takes
        orders |= json.loads(body["metadata"]["orders"])
    order = orders.get(event["hook"], {})
    if "raise" in order:
        raise LookupError(f"cannot do this to {event['body']}")
    if "exit" in order:
        os._exit(3)
    if "sleep_s" in order:
        time.sleep(order["sleep_s"])
    if "letters" in order:
        return {"response": {"body": "x" * order["letters"]}}
    if "event" in order:
        return {"response": {"body": json.dumps(event)}}
    if "environment" in order:
        return {"response": {"body": json.dumps(sorted(os.environ))}}
    if "upper" in order:
        completion = event["completion"]
        for choice in completion["choices"]:
            choice["message"]["content"] = choice["message"]["content"].upper()
        return {"completion": completion}
    return order["answer"] if "answer" in order else otherwise()


def _request(body):
    if "additionalModelRequestFields" in body:
        return {"messages": [{"role": "user", "content": body["messages"][0]["content"][0]["text"]}]}
    if "apex" not in body:
        return {name: value for name, value in body.items() if name not in ("before", "after")}
    return {"messages": [{"role": "user", "content": body["apex"]}]}
