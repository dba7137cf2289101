#!/bin/sh
# The Lambda Web Adapter starts this and turns each invocation into an HTTP request to AWS_LWA_PORT.
# Lambda puts layers' packages at /opt/python, which only its own runtimes add to Python's path.
cd "$(dirname "$0")" || exit 1
PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}/opt/python" exec python -m streaming
