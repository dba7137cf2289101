"""The format of TGI and of DJL's LMI, which containers on SageMaker endpoints speak: `inputs` and `parameters`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tollgate.emulators.bedrock.formats.fields import Fields, known_keys
from tollgate.engines.base import Delta, Generation, Token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tollgate.emulators.bedrock.formats.base import Answer, InvocationInfo

_DEFAULT_MAX_TOKENS = 100
_OTHER_KEYS = ("stop", "details", "do_sample", "return_full_text")


class TgiFormat:
    """Answers as TGI does, a list; with `is_lmi` as LMI does, an object, and with its spelling in streams."""

    def __init__(self, *, is_lmi: bool = False) -> None:
        self._is_lmi = is_lmi

    def parse(self, body: Mapping[str, Any]) -> Generation:
        fields = Fields(body)
        fields.allow_only({"inputs", "parameters", "stream"})
        asked = Fields(fields.mapping("parameters"))
        asked.allow_only(known_keys("tgi", _OTHER_KEYS))
        samples = asked.flag("do_sample")
        return Generation(
            prompt=fields.text("inputs"),
            messages=None,
            tools=None,
            max_tokens=asked.integer("max_new_tokens", _DEFAULT_MAX_TOKENS),
            # TGI refuses 0: whoever wants the likeliest tokens does not sample.
            temperature=max(asked.number("temperature", 1.0), 0.01) if samples else 0.0,
            top_p=asked.number("top_p", 1.0, maximum=1),
            top_k=asked.optional_integer("top_k"),
            stop=asked.strings("stop"),
            seed=asked.seed(),
            top_logprobs=None,
            body=body,
        )

    def whole(self, info: InvocationInfo, answers: list[Answer]) -> Any:
        (answer,) = answers
        told = {"generated_text": answer.text, "details": _details(answer)}
        return told if self._is_lmi else [told]

    def first_chunks(self, info: InvocationInfo) -> list[dict[str, Any]]:
        return []

    def chunk(self, info: InvocationInfo, answer: Answer, piece: Token | Delta) -> dict[str, Any]:
        text = piece.text if isinstance(piece, Token) else ""
        return {"token": self._token(text, special=False), "generated_text": None, "details": None}

    def last_chunks(self, info: InvocationInfo, answers: list[Answer]) -> list[dict[str, Any]]:
        (answer,) = answers
        end = self._token("</s>", special=True)
        return [{"token": end, "generated_text": answer.text, "details": _details(answer)}]

    def _token(self, text: str, *, special: bool) -> dict[str, Any]:
        return {"id": 0, "text": text, "log_prob" if self._is_lmi else "logprob": -0.1, "special": special}


def _details(answer: Answer) -> dict[str, Any]:
    reason = "length" if answer.finish_reason == "length" else "eos_token"
    return {"finish_reason": reason, "generated_tokens": answer.completion_tokens, "seed": None}
