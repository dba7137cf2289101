"""Runs an unchanged `model.py` of SageMaker's inference toolkits as hooks of Tollgate.

The toolkit keeps a model in the process and calls the script's functions around it:

    model_fn(model_dir)                   → model
    input_fn(body, content_type)          → data
    predict_fn(data, model)               → prediction
    output_fn(prediction, accept)         → body, or (body, content_type)
    transform_fn(model, body, content_type, accept)   in place of the last three

Here the model is on Bedrock, and nobody waits in a function while it thinks. So the script is run twice. Before the
model, it runs until it calls the model: what it would have asked becomes the request. After the model, it runs again
from its beginning, its call is answered at once, and what it returns goes to the client. `model_fn` never runs.

That works for scripts that call the model once, and do the same both times up to there: `tollgate hooks check` tries.

A function with this module as its handler (`tollgate_hooks.handler`) and the script beside it needs no code of its own;
the environment variable MODEL_PY names the script's module, `model` by default. This file has no dependencies.
https://github.com/aws/sagemaker-inference-toolkit has the script's functions, docs/hooks.md the contract of hooks.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
from collections.abc import Callable
from typing import Any

Event = dict[str, Any]
Answer = dict[str, Any]
Hook = Callable[[Event, object], Answer]

_CHAT_PARAMETERS = {"max_new_tokens": "max_tokens", "max_length": "max_tokens", "stop_sequences": "stop"}
"""Names of generation parameters in the script's world → OpenAI's."""
_NOT_PARAMETERS = ("return_full_text", "details", "do_sample", "num_return_sequences", "return_tensors")
"""Arguments that shape what a pipeline returns, or that have no effect on a served model."""


class NeedsModel(BaseException):
    """Raised where the script calls its model; a BaseException, so that its own `except Exception` lets it through."""

    def __init__(self, request: Answer) -> None:
        super().__init__("the script calls its model")
        self.request = request


class SplitError(Exception):
    """Raised when a script cannot be split at its model call; the message says why."""


class Ask:
    """Stands where the script expects its model. It is called as transformers' pipelines are, or as boto3's clients.

        model("Review this class: …", max_new_tokens=200)          → [{"generated_text": "…"}]
        model([{"role": "user", "content": "…"}])                  → [{"generated_text": [… , {"role": …}]}]
        model.predict("…"), model.generate("…")                    → as above
        model.invoke_model(modelId=…, body=json.dumps({…}))        → {"body": a stream of JSON}
        model.invoke_endpoint(EndpointName=…, Body=json.dumps({…})) → {"Body": a stream of JSON}

    `completion` is OpenAI's object when the model has answered, and None before.
    """

    def __init__(self, completion: Answer | None = None) -> None:
        self._completion = completion
        self.calls = 0

    def __call__(self, inputs: Any, **parameters: Any) -> Any:
        """Ask for one text, or for a conversation's next message."""
        text = self._ask(_request(inputs, parameters))
        if isinstance(inputs, list):
            return [{"generated_text": [*inputs, {"role": "assistant", "content": text}]}]
        return [{"generated_text": text}]

    predict = __call__
    generate = __call__

    def invoke_model(self, **arguments: Any) -> Any:
        """As boto3's client of Bedrock's runtime has it: the body is JSON, of OpenAI's shapes or Llama's."""
        return self._invoke(arguments.get("body"), "body", "contentType")

    def invoke_endpoint(self, **arguments: Any) -> Any:
        """As boto3's client of SageMaker's runtime has it: the body is JSON, of OpenAI's shapes or with `inputs`."""
        return self._invoke(arguments.get("Body"), "Body", "ContentType")

    def _invoke(self, body: Any, body_name: str, type_name: str) -> Any:
        document = json.loads(body)
        if "messages" in document:
            self._ask(document)
            answer: Any = self._completion
        elif "inputs" in document:
            answer = [{"generated_text": self._ask(_request(document["inputs"], document.get("parameters") or {}))}]
        else:
            renamed = dict(document)
            if "max_gen_len" in renamed:
                renamed["max_tokens"] = renamed.pop("max_gen_len")
            text = self._ask(renamed)
            answer = {"generation": text, "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}
        return {body_name: _Body(json.dumps(answer).encode()), type_name: "application/json"}

    def _ask(self, request: Answer) -> str:
        """The model's text for a request. Raises NeedsModel: it has not answered yet."""
        self.calls += 1
        if self.calls > 1:
            raise SplitError("the script calls its model more than once")
        if self._completion is None:
            raise NeedsModel(request)
        return str(self._completion["choices"][0]["message"]["content"] or "")


class _Body:
    """A body as botocore gives it."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self) -> bytes:
        """All of it."""
        return self._data


def _request(inputs: Any, parameters: dict[str, Any]) -> Answer:
    """The body of a chat or text completion in OpenAI's shape."""
    request: Answer = {}
    for name, value in parameters.items():
        if name not in _NOT_PARAMETERS and value is not None:
            request[_CHAT_PARAMETERS.get(name, name)] = value
    if parameters.get("do_sample") is False:
        request["temperature"] = 0
    if isinstance(inputs, list):
        return {**request, "messages": inputs}
    if not isinstance(inputs, str):
        raise SplitError(f"the script calls its model with {type(inputs).__name__}, and not with a text or messages")
    return {**request, "prompt": inputs}


class Script:
    """A `model.py`, by the functions that it has; the toolkit's own ones take the place of those that it has not.

    Raises:
        SplitError: it has both transform_fn and one of the others, or a function that is asynchronous.
    """

    def __init__(self, module: Any) -> None:
        self._functions = {}
        for name in ("input_fn", "predict_fn", "output_fn", "transform_fn"):
            function = getattr(module, name, None)
            if function is not None:
                if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
                    raise SplitError(f"{name} is asynchronous or a generator")
                self._functions[name] = function
        if "transform_fn" in self._functions and len(self._functions) > 1:
            raise SplitError("transform_fn cannot stand beside input_fn, predict_fn or output_fn")
        if not self._functions:
            raise SplitError("it has none of input_fn, predict_fn, output_fn and transform_fn")

    def run(self, model: Ask, body: str, content_type: str, accept: str) -> tuple[str, str]:
        """The body and content type that the script answers with. Raises NeedsModel, SplitError, and what it raises."""
        if "transform_fn" in self._functions:
            result = self._call("transform_fn", model, body, content_type, accept)
        else:
            data = self._call("input_fn", body, content_type)
            prediction = self._call("predict_fn", data, model)
            result = self._call("output_fn", prediction, accept)
        if isinstance(result, tuple):
            result, accept = result[0], result[1]
        text = result.decode() if isinstance(result, bytes) else result
        if not isinstance(text, str):
            text = json.dumps(text)
        return text, accept

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call a function of the script; it may take the toolkit's context as a last argument, which is None here."""
        function = self._functions.get(name, _DEFAULTS.get(name))
        assert function is not None
        if len(inspect.signature(function).parameters) == len(arguments) + 1:
            return function(*arguments, None)
        return function(*arguments)


def _input_fn(body: str, content_type: str) -> Any:
    return json.loads(body) if "json" in content_type else body


def _predict_fn(data: Any, model: Ask) -> Any:
    if isinstance(data, dict) and "inputs" in data:
        return model(data["inputs"], **(data.get("parameters") or {}))
    return model(data)


def _output_fn(prediction: Any, accept: str) -> tuple[str, str]:
    return json.dumps(prediction), "application/json"


_DEFAULTS: dict[str, Callable[..., Any]] = {
    "input_fn": _input_fn,
    "predict_fn": _predict_fn,
    "output_fn": _output_fn,
}
"""What the toolkit does where the script has no function of its own."""


def from_model_py(module: Any) -> tuple[Hook, Hook]:
    """The hooks before and after the model that a script comes to; `module` is the script, or its module's name.

    Example, as the whole of a function's code beside the script:

        from tollgate_hooks import from_model_py
        before, after = from_model_py("model")
    """
    script = Script(importlib.import_module(module) if isinstance(module, str) else module)

    def before(event: Event, context: object = None) -> Answer:
        try:
            body, content_type = script.run(Ask(), event["body"], event["content_type"], _accepted(event))
        except NeedsModel as call:
            return {"request": call.request}
        # It did not need the model: an answer from a cache, or a refusal of its own.
        return {"response": {"body": body, "content_type": content_type}}

    def after(event: Event, context: object = None) -> Answer:
        model = Ask(event["completion"])
        body, content_type = script.run(model, event["body"], event["content_type"], _accepted(event))
        return {"response": {"body": body, "content_type": content_type}}

    return before, after


def _accepted(event: Event) -> str:
    return event["accept"] or "application/json"


_hooks: dict[str, Hook] = {}


def handler(event: Event, context: object) -> Answer:
    """Both hooks of the script that MODEL_PY names, as one Lambda function."""
    if not _hooks:
        _load()
    return _hooks[event["hook"]](event, context)


def _load() -> None:
    before, after = from_model_py(os.environ.get("MODEL_PY", "model"))
    _hooks.update(before=before, after=after)


if os.environ.get("MODEL_PY"):
    _load()  # while Lambda starts the function, and not while its first request waits
