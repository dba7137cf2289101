"""SageMaker's runtime: `POST /endpoints/{name}/invocations` and `…/invocations-response-stream`.

    {"inputs": "Review this class: …", "parameters": {"max_new_tokens": 256}}

A body is whatever the container behind an endpoint takes. Three are known by what they hold: `inputs` is that of TGI
and DJL's LMI, `messages` and `prompt` are OpenAI's, which both take, too. The model is named by the path, a variant by
the header of TargetVariant.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html
https://huggingface.co/docs/text-generation-inference/reference/api_reference
https://github.com/deepjavalibrary/djl-serving/blob/master/serving/docs/lmi/user_guides/lmi_input_output_schema.md
"""

from __future__ import annotations

from tollgate_layer.inference.aws_frames import event_frame
from tollgate_layer.inference.completion import Completion
from tollgate_layer.inference.completion_spec import CompletionSpec
from tollgate_layer.inference.dialects import EventWriter, aws, openai
from tollgate_layer.inference.dialects.sagemaker_events import EndpointEvents, streams_lines
from tollgate_layer.inference.dialects.sagemaker_text import generated_text
from tollgate_layer.inference.failures.errors import ApiError, RequestError
from tollgate_layer.inference.json_text import JsonObject, to_json
from tollgate_layer.inference.request import IncomingRequest, Request


class SageMakerRuntime(aws.AwsDialect):
    """The dialect of endpoints. `dialects.Dialect` says what each method does."""

    message_field = "Message"

    def read(self, incoming: IncomingRequest) -> Request:
        document = openai.parse_body(incoming.body)
        if "messages" in document:
            shape = "chat"
            request = aws.read_chat(document, incoming, streams=self.streams)
        elif "inputs" in document:
            shape = "text"
            request = aws.read_completion(_as_completion(document), incoming, streams=self.streams)
        elif "prompt" in document:
            shape = "completion"
            request = aws.read_completion(document, incoming, streams=self.streams)
        else:
            raise RequestError("invalid_parameter", "The body must have inputs, messages or prompt.", param="inputs")
        kept: JsonObject = {"shape": shape}
        if shape == "text" and _parameters(document).get("details"):
            kept["details"] = True
        if shape == "text" and _parameters(document).get("return_full_text"):
            kept["prompt"] = document["inputs"]
        for name in ("accept", "custom_attributes"):
            if incoming.given.get(name):
                kept[name] = incoming.given[name]
        return request._replace(kept=kept)

    def write(self, spec: CompletionSpec, completion: Completion) -> str:
        openais = aws.in_openais_shape(spec)
        if openais is not None:
            dialect, spec = openais
            return dialect.write(spec, completion)
        answers = [generated_text(choice, spec, completion.usage) for choice in completion.choices]
        # TGI answers a list, LMI an object: their clients look for the one or the other.
        return to_json(answers[0] if spec.container == "lmi" else answers)

    def answer_headers(self, spec: CompletionSpec) -> dict[str, str]:
        headers = {"variant": spec.variant}
        attributes = (spec.kept or {}).get("custom_attributes")
        if attributes:
            headers["custom_attributes"] = attributes
        if self.streams:
            headers["streamed_type"] = "application/jsonlines" if streams_lines(spec) else "text/event-stream"
        return headers

    def event_writer(self, spec: CompletionSpec) -> EventWriter:
        return EndpointEvents(spec)

    def whole_event(self, body: str) -> bytes:
        return event_frame("PayloadPart", body.encode(), "application/octet-stream")

    def aws_error(self, error: ApiError) -> aws.AwsError:
        status, name = _ERRORS.get(error.code, (424, "ModelError"))
        if name != "ModelError":
            return aws.AwsError(status, name, {})
        # A container's own failure. Clients repeat no ModelError, so that what takes too long is not made three times.
        original = _ORIGINAL_STATUS.get(error.code, 400)
        words = to_json(error.body("")["error"])
        fields = {"OriginalStatusCode": original, "OriginalMessage": words, "LogStreamArn": ""}
        return aws.AwsError(status, name, fields)


INVOKE = SageMakerRuntime()
STREAM = SageMakerRuntime(streams=True)

_ERRORS = {
    "model_not_found": (400, "ValidationError"),
    "request_too_large": (400, "ValidationError"),
    "not_found": (400, "ValidationError"),
    "method_not_allowed": (400, "ValidationError"),
    "unsupported_media_type": (400, "ValidationError"),
    "model_not_ready": (429, "ModelNotReadyException"),
    "model_throttled": (429, "ThrottlingException"),
    "rate_limit_exceeded": (429, "ThrottlingException"),
    "model_unavailable": (503, "ServiceUnavailable"),
    "internal_error": (500, "InternalFailure"),
}
"""Our errors → SageMaker's, as InvokeEndpoint documents them. Every other one is the container's, a ModelError."""
_ORIGINAL_STATUS = {"model_error": 500, "model_misconfigured": 500, "hook_failed": 500, "timeout": 0}
"""The status that the container would have had; 0 where it did not answer in time."""


def _parameters(document: JsonObject) -> JsonObject:
    parameters = document.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise RequestError("invalid_parameter", "parameters: should be an object.", param="parameters")
    return parameters


_NAMES = {
    "max_new_tokens": "max_tokens",
    "stop": "stop",
    "stop_sequences": "stop",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "seed": "seed",
    "repetition_penalty": "repetition_penalty",
    "frequency_penalty": "frequency_penalty",
    "presence_penalty": "presence_penalty",
    "n": "n",
}
"""TGI's and LMI's parameters → OpenAI's names for them."""
_SHAPE_THE_ANSWER = ("details", "return_full_text", "do_sample")
_WITHOUT_EFFECT = ("decoder_input_details", "watermark", "truncate", "skip_special_tokens", "stream", "best_of")


def _as_completion(document: JsonObject) -> JsonObject:
    """The text completion that a body with `inputs` asks for.

    Raises:
        RequestError: a parameter is not known here.
    """
    inputs = document["inputs"]
    if not isinstance(inputs, str):
        raise RequestError("invalid_parameter", "inputs: should be one text.", param="inputs")
    completion: JsonObject = {"prompt": inputs}
    parameters = _parameters(document)
    for name, value in parameters.items():
        if value is None or name in _SHAPE_THE_ANSWER or name in _WITHOUT_EFFECT:
            continue
        if name not in _NAMES:
            raise RequestError("unsupported_parameter", f"parameters.{name}: is not supported.", param=name)
        completion[_NAMES[name]] = value
    if parameters.get("do_sample") is False:
        completion["temperature"] = 0  # the likeliest tokens, as these containers take them unless they are asked
    return completion
