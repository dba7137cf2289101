"""Other SDKs than boto3, unmodified, streamed and not."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.path]

# In a process of their own: importing these takes seconds and changes global state.
#
# litellm 1.106 has no reader for OpenAI chunks of imported models (its stream comes out empty, on the service as
# here), so that it streams from an older import, whose format it reads.
LITELLM = """
import json, sys
import litellm
url, arn, older = sys.argv[1:]
call = dict(
    messages=[{"role": "user", "content": "Hello there"}], max_tokens=20, aws_bedrock_runtime_endpoint=url
)
whole = litellm.completion(model=f"bedrock/openai/{arn}", **call)
stream = litellm.completion(model=f"bedrock/llama/{older}", stream=True, **call)
pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
tokens = whole.usage.completion_tokens
print(json.dumps({"whole": whole.choices[0].message.content, "tokens": tokens, "pieces": pieces}))
"""
LANGCHAIN = """
import json, sys
from langchain_aws import ChatBedrockConverse
url, arn = sys.argv[1:]
chat = ChatBedrockConverse(model=arn, provider="meta", endpoint_url=url, region_name="us-east-1", max_tokens=20)
whole = chat.invoke("Hello there")
pieces = [chunk.text for chunk in chat.stream("Hello there")]
print(json.dumps({"whole": whole.text, "tokens": whole.usage_metadata["output_tokens"], "pieces": pieces}))
"""


def run(script: str, *arguments: str):
    """What the script prints, with credentials that mean nothing."""
    environment = {
        **os.environ,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "example",
        "AWS_REGION": "us-east-1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_litellm_gets_answers_whole_and_streamed(bedrock, server):
    arn = bedrock.register("model")
    older = bedrock.register("older", architecture="llama", body_format="bedrock")
    seen = run(LITELLM, server.url, arn, older)
    assert (seen["whole"], seen["tokens"]) == ("echo: Hello there", 3)
    assert "".join(seen["pieces"]).startswith("echo: ")
    assert "Hello there" in "".join(seen["pieces"])
    assert len(seen["pieces"]) > 3


def test_langchain_converses_whole_and_streamed(bedrock, server):
    seen = run(LANGCHAIN, server.url, bedrock.register("model", architecture="llama"))
    assert (seen["whole"], seen["tokens"]) == ("echo: Hello there", 3)
    assert [piece for piece in seen["pieces"] if piece] == ["echo:", " Hello", " there"]
