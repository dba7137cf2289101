"""The formats that need no template of the model's own, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..conversation import Conversation
from . import chatml, deepseek, llama, mistral, qwen3


class BuiltIn(NamedTuple):
    """A format, and the special tokens it writes where the record names none."""

    render: Callable[[Conversation], str]
    special_tokens: Mapping[str, str]


_CHATML = {"eos_token": "<|im_end|>"}
_SENTENCEPIECE = {"bos_token": "<s>", "eos_token": "</s>"}
_LLAMA3 = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
_DEEPSEEK = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}

BUILT_INS: Mapping[str, BuiltIn] = {
    "chatml": BuiltIn(chatml.chatml, _CHATML),
    "qwen2": BuiltIn(chatml.qwen2, _CHATML),
    "qwen2.5": BuiltIn(chatml.qwen25, _CHATML),
    "qwq": BuiltIn(chatml.qwq, _CHATML),
    "qwen3": BuiltIn(qwen3.qwen3, _CHATML),
    "qwen3-instruct": BuiltIn(qwen3.qwen3_instruct, _CHATML),
    "qwen3-thinking": BuiltIn(qwen3.qwen3_thinking, _CHATML),
    "llama2": BuiltIn(llama.llama2, _SENTENCEPIECE),
    "llama3": BuiltIn(llama.llama3, _LLAMA3),
    "llama3.1": BuiltIn(llama.llama31, _LLAMA3),
    "llama3.2": BuiltIn(llama.llama32, _LLAMA3),
    "llama3.3": BuiltIn(llama.llama31, _LLAMA3),
    "mistral-v1": BuiltIn(mistral.mistral_v1, _SENTENCEPIECE),
    "mixtral": BuiltIn(mistral.mistral_v1, _SENTENCEPIECE),
    "mistral-v3": BuiltIn(mistral.mistral_v3, _SENTENCEPIECE),
    "mistral-tekken": BuiltIn(mistral.mistral_tekken, _SENTENCEPIECE),
    "deepseek-r1": BuiltIn(deepseek.deepseek_r1, _DEEPSEEK),
}
