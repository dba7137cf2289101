"""What a model's own chat template does, found by asking it: short made-up conversations are rendered and read.

Chat templates differ in small ways that no name or pattern tells reliably, and a model's own one may be of any family
(docs/decisions/0022). Each question is asked once per process and template, and only when a conversation needs
the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from .builtin import BUILT_INS
from .capabilities import CallForm
from .errors import PromptFormatError
from .rendering import render

# Tokens, roles and words of the probes. Each word occurs in no template, so where it stands in the prompt is certain.
# The tokens do not look like any, so that whatever looks like one is the template's own.
_TOKENS = {"bos_token": "bostau", "eos_token": "eosphi", "unk_token": "unkchi", "pad_token": "padpsi"}
_SYSTEM = {"role": "system", "content": "sysalpha"}
_SYSTEM_AS_PARTS = {"role": "system", "content": [{"type": "text", "text": "sysalpha"}]}
_LATER_SYSTEM = {"role": "system", "content": "sysomega"}
_USER = {"role": "user", "content": "userbeta"}
_ANSWER = {"role": "assistant", "content": "answergamma"}
_NEXT_USER = {"role": "user", "content": "userdelta"}
# Another name than the call's key, so that the one is not taken for the other.
_PARAMETERS = {"type": "object", "properties": {"keysigma": {"type": "string"}}}
_TOOL = {
    "type": "function",
    "function": {"name": "toolkappa", "description": "does", "parameters": _PARAMETERS},
}
_TOOL_WITH_QUOTES = {
    "type": "function",
    "function": {"name": "toolkappa", "description": 'one "two"', "parameters": _PARAMETERS},
}
_TOOL_WITHOUT_DESCRIPTION = {"type": "function", "function": {"name": "toolkappa"}}
_ARGUMENTS = '{"keylambda": "valuenu"}'
_CALL_ID = "a1b2c3d4e"
_OTHER_CALL_ID = "f6g7h8i9j"
_LONG_CALL_ID = "call_0123456789abcdef"

# Arguments as Python writes an object, and JSON text that was escaped once more: models were not trained on either.
_MISSPELLED = re.compile(r"""'keylambda'|\\"keylambda""")

# What control tokens look like in the families that Bedrock imports: `<|im_end|>`, `</s>`, `[/INST]` …
_CONTROL_TOKEN = re.compile(
    r"<\|[^|<>\s]{1,60}\|>|<｜[^｜<>\s]{1,60}｜>|<<?/?SYS>>|</?s>|<(?:start|end)_of_turn>"
    r"|<(?:bos|eos|unk|pad)>|\[/?[A-Z][A-Z_]{2,}\]"
)
# What a template writes around plain messages in brackets of any kind, such as `<extra_id_1>` or `[|user|]`, marks its
# turns; only a think block is none.
_TURN_MARK = re.compile(r"(?<!<)<(?!/?think>)[^<>\s]{1,60}>(?!>)|\[[^\[\]\s]{1,60}\]")


class ProbedCapabilities:
    """`Capabilities` of a chat template that does not state them. Each is found when it is first read.

    >>> ProbedCapabilities("{% for message in messages %}{{ message.content }}{% endfor %}").offers_tools
    False
    """

    def __init__(self, template: str) -> None:
        self._template = template

    def end_of_turn(self, special_tokens: Mapping[str, str]) -> str | None:
        """The control token right behind an answer; it may be one of the record's own special tokens."""
        prompt = self._ask([_USER, _ANSWER, _NEXT_USER], special_tokens=special_tokens, add_generation_prompt=False)
        _, _, behind = prompt.partition("answergamma")
        found = _CONTROL_TOKEN.match(behind.lstrip())
        if found is None:
            return None
        return found.group()

    @cached_property
    def control_tokens(self) -> frozenset[str]:
        """The control tokens in the chat template's source and in what it writes."""
        written = self._prompt_with_answer
        text = f"{self._template}\n{written}\n{self._prompt_with_call}"
        tokens = set(_CONTROL_TOKEN.findall(text)) | set(_TURN_MARK.findall(written))
        # Written like XML, so the pattern leaves them out, but Qwen's tokenizers know them as tokens.
        for tag in ("<tool_response>", "</tool_response>"):
            if tag in text:
                tokens.add(tag)
        return frozenset(tokens)

    @cached_property
    def takes_system(self) -> bool:
        """See `Capabilities`."""
        return self._shows_system(_SYSTEM)

    @cached_property
    def takes_system_as_parts(self) -> bool:
        """See `Capabilities`."""
        return self._shows_system(_SYSTEM_AS_PARTS)

    def _shows_system(self, message: Mapping[str, Any]) -> bool:
        prompt = self._ask([message, _USER])
        # A template that expects text prints a list of parts as Python does, with its brackets.
        return "sysalpha" in prompt and "[{" not in prompt

    @cached_property
    def keeps_system_before_answer(self) -> bool:
        """See `Capabilities`."""
        return "sysalpha" in self._ask([_SYSTEM, _USER, _ANSWER], add_generation_prompt=False)

    @cached_property
    def keeps_system_alone(self) -> bool:
        """See `Capabilities`. True where such a conversation is refused: the client then hears of it."""
        prompt = self._try([_SYSTEM])
        return prompt is None or "sysalpha" in prompt

    @cached_property
    def keeps_two_first_systems(self) -> bool:
        """See `Capabilities`."""
        prompt = self._ask([_SYSTEM, _LATER_SYSTEM, _USER])
        return "sysalpha" in prompt and "sysomega" in prompt

    @cached_property
    def loses_later_system(self) -> bool:
        """See `Capabilities`. False where such a message is refused: the client then hears of it."""
        prompt = self._ask([_SYSTEM, _USER, _ANSWER, _LATER_SYSTEM, _NEXT_USER])
        if not prompt:
            return False
        in_order = 0 <= prompt.find("sysalpha") < prompt.find("answergamma") < prompt.find("sysomega")
        return not in_order

    @cached_property
    def silent_roles(self) -> frozenset[str]:
        """See `Capabilities`. A role that is refused is not among them: the client then hears of it."""
        silent: set[str] = set()
        if self._template not in BUILT_INS and "messages" not in self._template:
            return frozenset()  # it reads documents or variables only, on purpose
        if self._prompt_with_answer and "answergamma" not in self._prompt_with_answer:
            silent.add("assistant")
        if not self._prompt_with_call:
            # Without tools, too: a template may print results as any other message.
            prompts = [self._try([_USER, _result(), _NEXT_USER]), self._try([_USER, _call(CallForm()), _result()])]
            rendered = [prompt for prompt in prompts if prompt is not None]
            if rendered and not any("resultmu" in prompt for prompt in rendered):
                silent.add("tool")
        return frozenset(silent)

    @cached_property
    def keeps_order(self) -> bool:
        """See `Capabilities`. What a probe does not show has no order."""
        for prompt, words in (
            (self._prompt_with_answer, ("userbeta", "answergamma", "userdelta")),
            (self._prompt_with_call, ("userbeta", "valuenu", "resultmu")),
        ):
            places = [prompt.find(word) for word in words if word in prompt]
            if places != sorted(places):
                return False
        return True

    @cached_property
    def _prompt_with_answer(self) -> str:
        """A prompt with an earlier answer. Not every template takes a system message."""
        return self._ask([_SYSTEM, _USER, _ANSWER, _NEXT_USER]) or self._ask([_USER, _ANSWER, _NEXT_USER])

    @cached_property
    def offers_tools(self) -> bool:
        """See `Capabilities`."""
        return "toolkappa" in self._ask([_USER], [_TOOL])

    @cached_property
    def needs_descriptions(self) -> bool:
        """See `Capabilities`."""
        return not self._ask([_USER], [_TOOL_WITHOUT_DESCRIPTION])

    @cached_property
    def leaves_quotes(self) -> bool:
        """See `Capabilities`."""
        return '"one "two""' in self._ask([_USER], [_TOOL_WITH_QUOTES])

    @cached_property
    def call_form(self) -> CallForm | None:
        """See `Capabilities`. Every combination is tried until the call and its result show in the prompt."""
        forms = []
        for null_content in (False, True):
            for arguments_as_text in (False, True):
                forms.append(CallForm(arguments_as_text=arguments_as_text, null_content=null_content))
        showing = [form for form in forms if self._shows_call([_USER, _call(form), _result()])]
        for form in showing:
            if not _MISSPELLED.search(self._ask([_USER, _call(form), _result()])):
                return self._with_restrictions(form)
        if showing:  # it misspells whatever it is given
            return self._with_restrictions(showing[0])
        return None

    def _with_restrictions(self, form: CallForm) -> CallForm:
        """The form with what the template refuses or loses beside a plain call."""
        takes_long_ids = self._shows_call([_USER, _call(form, ids=(_LONG_CALL_ID,)), _result(_LONG_CALL_ID)])
        takes_two_calls = self._shows_call(
            [_USER, _call(form, ids=(_CALL_ID, _OTHER_CALL_ID)), _result(), _result(_OTHER_CALL_ID)]
        )
        text = {"role": "assistant", "content": "besidepi"}
        keeps_text_beside = self._shows_call([_USER, {**_call(form), **text}, _result()], "besidepi")
        keeps_text_before = self._shows_call([_USER, text, _call(form), _result(), _ANSWER], "besidepi")
        return form._replace(
            nine_character_ids=not takes_long_ids,
            one_call_per_message=not takes_two_calls,
            text_in_own_message=keeps_text_before and not keeps_text_beside,
            text_in_answer=not keeps_text_before and not keeps_text_beside,
        )

    @cached_property
    def call_syntax(self) -> str | None:
        """See `Capabilities`. Models are trained to write calls as their chat template shows earlier ones."""
        before, key, _ = self._prompt_with_call.partition("keylambda")
        if re.search(r"<function=toolkappa>\s*<parameter=$", before):
            return "qwen3_coder"
        before = before.rstrip('{ \t\n"')  # up to the arguments, in whatever way their JSON is indented
        if not key:
            return None
        if "[TOOL_CALLS]" in before:
            return "mistral"
        if re.search(r"<tool_call>\s*\{[^{}]*$", before):
            return "hermes"
        if before.endswith('"parameters":'):
            return "llama3_json"
        return None

    @cached_property
    def writes_reasoning(self) -> bool:
        """See `Capabilities`."""
        return "</think>" in self._template or "<think>" in self._template

    @cached_property
    def _prompt_with_call(self) -> str:
        """A prompt with a tool, a call of it and its result; empty if the template shows no calls."""
        if self.call_form is None:
            return ""
        return self._ask([_USER, _call(self.call_form), _result()], [_TOOL])

    def _shows_call(self, messages: Sequence[Mapping[str, Any]], *words: str) -> bool:
        """Whether the prompt holds a call's key and value in order, in any spelling, its result, and `words`."""
        prompt = self._ask(messages, [_TOOL])
        in_order = 0 <= prompt.find("keylambda") < prompt.find("valuenu")
        return in_order and all(word in prompt for word in ("resultmu", *words))

    def _ask(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        *,
        special_tokens: Mapping[str, str] = _TOKENS,
        add_generation_prompt: bool = True,
    ) -> str:
        """The prompt for a probe, empty where the template refuses it."""
        return self._try(messages, tools, special_tokens, add_generation_prompt=add_generation_prompt) or ""

    def _try(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] | None = None,
        special_tokens: Mapping[str, str] = _TOKENS,
        *,
        add_generation_prompt: bool = True,
    ) -> str | None:
        try:
            return render(
                messages,
                template=self._template,
                tools=tools,
                special_tokens=special_tokens,
                add_generation_prompt=add_generation_prompt,
            )
        except PromptFormatError:
            return None


def _call(form: CallForm, *, ids: Sequence[str] = (_CALL_ID,)) -> dict[str, Any]:
    """An assistant message with one call per id."""
    arguments: Any = {"keylambda": "valuenu"}
    if form.arguments_as_text:
        arguments = _ARGUMENTS
    function = {"name": "toolkappa", "arguments": arguments}
    calls = [{"id": call_id, "type": "function", "function": function} for call_id in ids]
    return {"role": "assistant", "content": None if form.null_content else "", "tool_calls": calls}


def _result(call_id: str = _CALL_ID) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call_id, "name": "toolkappa", "content": "resultmu"}
