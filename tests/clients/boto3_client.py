"""boto3's sagemaker-runtime and bedrock-runtime, with environment variables alone."""

from __future__ import annotations

import json
import os

from harness import KEY, URL, run

os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= {
    "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"{URL}/k/{KEY}",
    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": f"{URL}/k/{KEY}",
}

import boto3

HELLO = [{"role": "user", "content": [{"text": "Hello"}]}]
TOOL = {"toolSpec": {"name": "weather", "description": "Weather", "inputSchema": {"json": {"type": "object"}}}}


def sagemaker(model):
    client = boto3.client("sagemaker-runtime")
    body = json.dumps({"inputs": "Hello", "parameters": {"max_new_tokens": 8}})
    assert json.loads(client.invoke_endpoint(EndpointName=model, Body=body)["Body"].read())[0]["generated_text"]
    events = client.invoke_endpoint_with_response_stream(EndpointName=model, Body=body)["Body"]
    assert b"generated_text" in b"".join(event["PayloadPart"]["Bytes"] for event in events)


def converse(model):
    client = boto3.client("bedrock-runtime")
    called = client.converse(modelId=model, messages=HELLO, toolConfig={"tools": [TOOL]})
    use = called["output"]["message"]["content"][-1]["toolUse"]
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"text": "18"}]}}
    messages = [*HELLO, called["output"]["message"], {"role": "user", "content": [result]}]
    events = client.converse_stream(modelId=model, messages=messages, toolConfig={"tools": [TOOL]})["stream"]
    assert "metadata" in list(events)[-1]


def invoke(model):
    client = boto3.client("bedrock-runtime")
    body = json.dumps({"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20})
    assert json.loads(client.invoke_model(modelId=model, body=body)["body"].read())["choices"]
    assert list(client.invoke_model_with_response_stream(modelId=model, body=body)["body"])


if __name__ == "__main__":
    run("boto3", plain=invoke, stream=sagemaker, tools=converse, converse=converse, sagemaker=sagemaker)
