"""Measures a server with llmeter: `llmeter_measure.py PROMPTS MODEL MAX_TOKENS CLIENTS REQUESTS`.

Each client sends that many requests. It prints JSON: the seconds of each answer, and to each first token, and the
requests a minute: all requests over the whole time.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from harness import KEY, STREAM
from llmeter.endpoints import OpenAICompletionStreamEndpoint
from llmeter.runner import Runner


def main():
    file, model, max_tokens, clients, requests = sys.argv[1:]
    endpoint = OpenAICompletionStreamEndpoint(model_id=model, base_url=STREAM, api_key=KEY)
    payloads = []
    for line in Path(file).read_text(encoding="utf-8").splitlines():
        (message,) = json.loads(line)["messages"]
        payloads.append(endpoint.create_payload(message["content"], max_tokens=int(max_tokens)))
    endpoint.invoke(payloads[0])  # what the client's library loads late is no part of an answer's time
    result = asyncio.run(
        Runner(endpoint).run(payload=payloads, n_requests=int(requests), clients=int(clients), run_name="compared")
    )
    found = {
        "failed": result.stats["failed_requests"],
        "total_s": [response.time_to_last_token for response in result.responses],
        "first_s": [response.time_to_first_token for response in result.responses],
        # Its own figure of this name is higher than so many clients can come to: it leaves out the first answers' time.
        "requests_per_minute": result.total_requests / result.total_test_time * 60,
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
