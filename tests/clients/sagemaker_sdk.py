"""The SageMaker Python SDK's predictors (version 2)."""

from __future__ import annotations

import os

from harness import KEY, URL, run

os.environ |= {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "us-east-1"}
os.environ |= {"AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": f"{URL}/k/{KEY}"}

from sagemaker.deserializers import JSONDeserializer
from sagemaker.iterators import ByteIterator
from sagemaker.predictor import Predictor
from sagemaker.serializers import JSONSerializer
from sagemaker.session import Session

BODY = {"inputs": "Hello", "parameters": {"max_new_tokens": 8}}


def predictor(model):
    import boto3

    session = Session(boto_session=boto3.Session(), default_bucket="unused")
    return Predictor(model, session, serializer=JSONSerializer(), deserializer=JSONDeserializer())


def sagemaker(model):
    assert predictor(model).predict(BODY)[0]["generated_text"]


def stream(model):
    assert b"generated_text" in b"".join(predictor(model).predict_stream(BODY, iterator=ByteIterator))


if __name__ == "__main__":
    run("sagemaker", plain=sagemaker, stream=stream, sagemaker=sagemaker)
