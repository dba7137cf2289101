"""Hugging Face's TGI and DJL's LMI on SageMaker endpoints: `inputs` with `parameters`, answered by `generated_text`.

The two differ in answers alone: a list or an object, `logprob` or `log_prob`, server-sent events or lines of JSON, and
each is read here. Neither applies a chat template to `inputs`, so that the prompt is always ours.
https://huggingface.co/docs/text-generation-inference/reference/api_reference
https://github.com/deepjavalibrary/djl-serving/blob/master/serving/docs/lmi/user_guides/lmi_input_output_schema.md
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tollgate_layer.inference.backends.body_format import (
    Answer,
    BodyFormat,
    Part,
    Usage,
    object_or_empty,
    text,
    usage,
    word_or_none,
)
from tollgate_layer.inference.json_text import JsonObject


class TgiBody(BodyFormat):
    """The body of a container that knows `inputs`. What asks of it stands below `parameters`."""

    name = "tgi"
    prompt_field = "inputs"

    def build(self, prompt: Any, parameters: JsonObject, stop: Sequence[str]) -> JsonObject:
        """The body of an invocation; it asks for details, which say why an answer ended and how long it is."""
        body = super().build(prompt, parameters, stop)
        asked = {name: value for name, value in body.items() if name not in ("inputs", "stop")}
        # These containers take the likeliest tokens unless they are told to sample, and refuse a temperature of 0.
        temperature = asked.get("temperature")
        if temperature == 0:
            del asked["temperature"]
        asked["do_sample"] = temperature not in (None, 0) or "top_p" in asked or "top_k" in asked
        asked["details"] = True
        if stop:
            asked["stop"] = list(stop)
        return {"inputs": body["inputs"], "parameters": asked}

    def read(self, answer: Any, *, whole: bool = False) -> Answer:
        """See `BodyFormat.read`. TGI's whole answers are lists of one."""
        if isinstance(answer, list) and len(answer) == 1:
            (answer,) = answer
        return super().read(answer, whole=whole)

    def _read(self, answer: Any, *, whole: bool) -> Answer:
        if whole:
            found = object_or_empty(answer.get("details"))
            reason = word_or_none(found.get("finish_reason"))
            return Answer([Part(0, text(answer["generated_text"]), stop_reason=reason)], _usage(found))
        token = answer["token"]
        found = object_or_empty(answer.get("details"))
        # The last event has the whole text once more; that of a control token is no part of it.
        said = "" if token.get("special") is True else text(token["text"])
        reason = word_or_none(found.get("finish_reason"))
        if reason is None and answer.get("generated_text") is not None:
            reason = "stop"  # LMI's last event may have no details
        return Answer([Part(0, said, stop_reason=reason)], _usage(found))


def _usage(details: JsonObject) -> Usage:
    """Token counts. The prompt's stands nowhere but in TGI's prefill, which is empty unless it is asked for."""
    return usage(None, details.get("generated_tokens"))
