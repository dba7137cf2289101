"""Strands: its OpenAI, Bedrock and SageMaker models."""

from __future__ import annotations

import os

from harness import ANSWER, KEY, URL, V1, run

os.environ |= {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= {"AWS_ENDPOINT_URL_BEDROCK_RUNTIME": URL, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": URL}

from strands import Agent, tool
from strands.models import BedrockModel
from strands.models.openai import OpenAIModel
from strands.models.sagemaker import SageMakerAIModel


@tool
def weather(city: str) -> str:
    """The weather of a city."""
    return "18"


def answer(model, *tools):
    return str(Agent(model=model, tools=list(tools), callback_handler=None)("Hello"))


def openai_model(model):
    return OpenAIModel(client_args={"base_url": V1, "api_key": KEY, "max_retries": 0}, model_id=model)


def plain(model):
    assert answer(openai_model(model))


def tools(model):
    assert ANSWER in answer(openai_model(model), weather)


def converse(model):
    assert answer(BedrockModel(model_id=model))
    assert ANSWER in answer(BedrockModel(model_id=model), weather)


def sagemaker(model):
    endpoint = {"endpoint_name": model, "region_name": "us-east-1"}
    assert answer(SageMakerAIModel(endpoint_config=endpoint, payload_config={"max_tokens": 100, "stream": True}))


if __name__ == "__main__":
    run("strands-agents", plain=plain, stream=plain, tools=tools, converse=converse, sagemaker=sagemaker)
