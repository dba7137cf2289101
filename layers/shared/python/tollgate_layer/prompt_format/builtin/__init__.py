"""The formats that need no template of the model's own, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ..capabilities import CallForm, Capabilities
from ..template_input import TemplateInput
from . import chatml, deepseek, llama, mistral, qwen3


class BuiltIn(NamedTuple):
    """One format."""

    render: Callable[[TemplateInput], str]
    special_tokens: Mapping[str, str]
    """The tokens it writes where the record names none."""
    capabilities: Capabilities
    """What `probing` would find of it. Stated here, so that the first request of a process need not probe;
    a test compares the two."""


_CHATML_TOKENS = {"eos_token": "<|im_end|>"}
_CHATML = Capabilities(frozenset({"<|im_start|>", "<|im_end|>"}), end_of_turn="<|im_end|>")
_QWEN = _CHATML._replace(
    control_tokens=_CHATML.control_tokens | {"<tool_response>", "</tool_response>"},
    offers_tools=True,
    call_form=CallForm(),
    call_syntax="hermes",
)
_QWEN_REASONING = _QWEN._replace(writes_reasoning=True)

_SENTENCEPIECE_TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
_LLAMA2 = Capabilities(
    frozenset({"[INST]", "[/INST]", "<<SYS>>", "<</SYS>>"}),
    keeps_system_alone=False,
    keeps_two_first_systems=False,
    silent_roles=frozenset({"tool"}),
)

_LLAMA3_TOKENS = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
_LLAMA3 = Capabilities(frozenset({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"}), end_of_turn="<|eot_id|>")
_LLAMA31 = _LLAMA3._replace(
    offers_tools=True,
    call_form=CallForm(one_call_per_message=True, text_in_own_message=True),
    call_syntax="llama3_json",
)

_MISTRAL1 = Capabilities(frozenset({"[INST]", "[/INST]"}), keeps_system_alone=False, keeps_two_first_systems=False)
_MISTRAL3 = _MISTRAL1._replace(
    control_tokens=_MISTRAL1.control_tokens
    | {"[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]"},
    keeps_system_before_answer=False,
    offers_tools=True,
    leaves_quotes=True,
    call_form=CallForm(nine_character_ids=True, text_in_answer=True),
    call_syntax="mistral",
)

_DEEPSEEK_TOKENS = {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>"}
# It shows calls of earlier messages, but has no place for tool definitions: so no call can be asked for.
_DEEPSEEK = Capabilities(
    frozenset(
        {
            *("<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"),
            *("<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁call▁end｜>", "<｜tool▁sep｜>"),
            *("<｜tool▁outputs▁begin｜>", "<｜tool▁outputs▁end｜>"),
            *("<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>"),
        }
    ),
    end_of_turn="<｜end▁of▁sentence｜>",
    keeps_two_first_systems=False,
    loses_later_system=True,
    call_form=CallForm(arguments_as_text=True, null_content=True, text_in_own_message=True),
    writes_reasoning=True,
)

BUILT_INS: Mapping[str, BuiltIn] = {
    "chatml": BuiltIn(chatml.chatml, _CHATML_TOKENS, _CHATML),
    "qwen2": BuiltIn(chatml.qwen2, _CHATML_TOKENS, _CHATML),
    "qwen2.5": BuiltIn(chatml.qwen25, _CHATML_TOKENS, _QWEN),
    "qwq": BuiltIn(chatml.qwq, _CHATML_TOKENS, _QWEN_REASONING),
    "qwen3": BuiltIn(qwen3.qwen3, _CHATML_TOKENS, _QWEN_REASONING),
    "qwen3-instruct": BuiltIn(qwen3.qwen3_instruct, _CHATML_TOKENS, _QWEN),
    "qwen3-thinking": BuiltIn(qwen3.qwen3_thinking, _CHATML_TOKENS, _QWEN_REASONING),
    "llama2": BuiltIn(llama.llama2, _SENTENCEPIECE_TOKENS, _LLAMA2),
    "llama3": BuiltIn(llama.llama3, _LLAMA3_TOKENS, _LLAMA3),
    "llama3.1": BuiltIn(llama.llama31, _LLAMA3_TOKENS, _LLAMA31),
    "llama3.2": BuiltIn(llama.llama32, _LLAMA3_TOKENS, _LLAMA31),
    "llama3.3": BuiltIn(llama.llama31, _LLAMA3_TOKENS, _LLAMA31),
    "mistral-v1": BuiltIn(mistral.mistral_v1, _SENTENCEPIECE_TOKENS, _MISTRAL1),
    "mixtral": BuiltIn(mistral.mistral_v1, _SENTENCEPIECE_TOKENS, _MISTRAL1),
    "mistral-v3": BuiltIn(mistral.mistral_v3, _SENTENCEPIECE_TOKENS, _MISTRAL3),
    "mistral-tekken": BuiltIn(mistral.mistral_tekken, _SENTENCEPIECE_TOKENS, _MISTRAL3),
    "deepseek-r1": BuiltIn(deepseek.deepseek_r1, _DEEPSEEK_TOKENS, _DEEPSEEK),
}
