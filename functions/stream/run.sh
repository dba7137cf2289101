#!/bin/sh
# The Lambda Web Adapter starts this and turns each invocation into an HTTP request to AWS_LWA_PORT.
# Lambda puts layers' packages at /opt/python, which only its own runtimes add to Python's path.
# -u: the output is a pipe, which Python would fill in blocks. What Lambda's own runtimes write comes at once, too.
cd "$(dirname "$0")" || exit 1
PYTHONPATH="${PYTHONPATH:+$PYTHONPATH:}/opt/python" exec python -u -m streaming
