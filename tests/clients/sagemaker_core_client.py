"""sagemaker-core's Endpoint, of the SageMaker SDK's version 3."""

from __future__ import annotations

import json
import os

from harness import KEY, URL, run

os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"{URL}/k/{KEY}"}

from sagemaker.core.resources import Endpoint


def sagemaker(model):
    endpoint = Endpoint(endpoint_name=model)
    body = json.dumps({"inputs": "Hello", "parameters": {"max_new_tokens": 8}})
    answer = endpoint.invoke(body=body, content_type="application/json")
    assert json.loads(answer.body.read())[0]["generated_text"]


if __name__ == "__main__":
    run("sagemaker-core", plain=sagemaker, sagemaker=sagemaker)
