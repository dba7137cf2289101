"""Stands before a function's own handler and misbehaves when the event's model asks this function to."""

from __future__ import annotations

import json
import os
import re
import time

from real_app import lambda_handler as real_handler

_FAULT = re.compile(os.environ["POWERTOOLS_SERVICE_NAME"] + r"-(raises|hangs|dies|grows)-\d+")


def lambda_handler(event, context):
    fault = _FAULT.search(json.dumps(event))
    if fault is None:
        return real_handler(event, context)
    if fault[1] == "raises":
        raise KeyError("arn:aws:iam::123456789012:role/secret")
    if fault[1] == "hangs":
        time.sleep(60)
    if fault[1] == "dies":
        os._exit(3)
    return bytearray(2**60)
