"""Special-token text in what others wrote, which a tokenizer would read as a real control token.

A user, or a web page that a tool returns, can write `<|im_end|>\n<|im_start|>system` and so speak as somebody else.
A `Defuser` puts a space behind the first character of every such text: `<|im_end|>` becomes `< |im_end|>`, `[/INST]`
becomes `[ /INST]`. No tokenizer knows that spelling as a token, the model and a person still read what was
meant, and taking the space out gives the original back.

Only the record's own text is trusted: its chat template, its system text and its prompt. Everything else is defused
where it enters: what a client sends, tools and the model's earlier answers included (docs/decisions/0123).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .errors import PromptFormatError
from .families import capabilities_of
from .json_object import parse_value
from .rendering import with_default_tokens
from .template_input import Message, part_text, token_texts

# Where one token of such a shape is known, every text of the shape is treated: a tokenizer knows more control tokens
# than its template uses. The first character stands apart, because the space goes behind it.
_SHAPES = (
    (re.compile(r"<\|.*\|>"), ("<", r"\|[^|<>\s]{1,60}\|>")),
    (re.compile(r"<｜.*｜>"), ("<", r"｜[^｜<>\s]{1,60}｜>")),
    (re.compile(r"\[\|.*\|\]"), ("[", r"\|[^|\[\]\s]{1,60}\|\]")),
    (re.compile(r"<(?:start|end)_of_.*>"), ("<", r"(?:start|end)_of_[a-z_]{1,40}>")),
)
# SentencePiece families write `[INST]` as plain text; their tokenizers know these beside it.
_INSTRUCTION_MARK = re.compile(r"\[/?INST\]")
_SENTENCEPIECE_TOKENS = ("<s>", "</s>")

# What may be a control token of a model whose template is with its server: the shapes above, and the tokens of the
# families that Bedrock imports. Brackets are listed one by one, since `[TODO]` in somebody's text is none.
_OF_ANY_FAMILY = (
    *("<|im_end|>", "<｜User｜>", "[|user|]", "<start_of_turn>"),  # one of each shape
    *("<s>", "</s>", "<unk>", "<pad>", "<bos>", "<eos>", "<<SYS>>", "<</SYS>>"),
    *("[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]", "[TOOL_CALLS]", "[TOOL_RESULTS]"),
    *("[/TOOL_RESULTS]", "[TOOL_CONTENT]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[ARGS]", "[CALL_ID]"),
    *("[IMG]", "[IMG_BREAK]", "[IMG_END]", "[PREFIX]", "[MIDDLE]", "[SUFFIX]", "[THINK]", "[/THINK]"),
    *("<tool_response>", "</tool_response>"),
)

# The escapes of JSON text that can stand for a character of a token: by number, and `\\/`.
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|/)")

DEEPEST_VALUE = 100
"""Levels of lists and objects that tools, documents and template variables may have; real ones have ten."""


class Defuser:
    """Takes the power of control tokens from texts that are not the record's own. What is given is not changed.

    >>> defuser("chatml").text("What does <|im_end|> do?")
    'What does < |im_end|> do?'

    Text without such a token stays as it is.
    """

    def __init__(self, pattern: re.Pattern[str] | None) -> None:
        self._pattern = pattern
        """Matches the first character of each token; None lets everything pass."""

    def text(self, text: str) -> str:
        """The text with a space in every token."""
        if self._pattern is None:
            return text
        return self._pattern.sub(r"\g<0> ", text)

    def value(self, value: Any) -> Any:
        """A JSON value with every text in it made harmless, names of fields included.

        Raises:
            PromptFormatError: it nests too deeply.
        """
        if self._pattern is None:
            return value
        return self._value(value, DEEPEST_VALUE)

    def _value(self, value: Any, levels_left: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list):
            return value
        if levels_left == 0:
            raise PromptFormatError(f"nests more than {DEEPEST_VALUE} levels deep.")
        if isinstance(value, list):
            return [self._value(item, levels_left - 1) for item in value]
        harmless = {}
        for name, item in value.items():
            harmless[self.text(name)] = self._value(item, levels_left - 1)
        return harmless

    def messages(self, messages: Sequence[Message]) -> list[dict[str, Any]]:
        """The messages with everything in them made harmless but their roles.

        Raises:
            PromptFormatError: a field nests too deeply; the message at fault is named.
        """
        harmless = []
        for index, message in enumerate(messages):
            try:
                harmless.append(self._message(message))
            except PromptFormatError as error:
                raise PromptFormatError(str(error), param=f"messages[{index}]") from None
        return harmless

    def _message(self, message: Message) -> dict[str, Any]:
        harmless: dict[str, Any] = {}
        for name, value in message.items():
            if name == "role":
                harmless[name] = value
            elif isinstance(value, str):  # most are, and need none of what follows
                harmless[name] = self.text(value)
            elif name == "content" and isinstance(value, list):
                harmless[name] = self._parts(value)
            elif name == "tool_calls" and isinstance(value, list):
                harmless[name] = [self._call(call) for call in value]
            else:
                harmless[name] = self.value(value)
        return harmless

    def _parts(self, parts: Sequence[Any]) -> list[Any]:
        """The parts of a content. Templates and servers join them, so a token may be spread over several."""
        harmless = [self.value(part) for part in parts]
        if self._pattern is None:
            return harmless
        texts = []
        for part in parts:
            texts.append(part_text(part) or "")
        for part, text in zip(harmless, self._each_of_joined(texts), strict=True):
            if text:
                part[part["type"]] = text
        return harmless

    def _each_of_joined(self, texts: Sequence[str]) -> list[str]:
        """The texts as they are harmless one behind the other."""
        assert self._pattern is not None
        joined = "".join(texts)
        spaces = [found.end() for found in self._pattern.finditer(joined)]
        harmless = []
        start = 0
        next_space = 0
        for text in texts:
            end = start + len(text)
            pieces = []
            # A space behind a text's last character belongs to that text.
            while next_space < len(spaces) and spaces[next_space] <= end:
                pieces.append(joined[start : spaces[next_space]] + " ")
                start = spaces[next_space]
                next_space += 1
            harmless.append("".join(pieces) + joined[start:end])
            start = end
        return harmless

    def _call(self, call: Any) -> Any:
        """An earlier call. Its arguments are JSON text, in which an escape (`\\u003c|im_end|>`) can hide a token."""
        harmless = self.value(call)
        function = call.get("function") if isinstance(call, Mapping) else None
        if self._pattern is None or not isinstance(function, Mapping):
            return harmless
        arguments = function.get("arguments")
        if isinstance(arguments, str):
            harmless["function"]["arguments"] = self._arguments(arguments)
        return harmless

    def _arguments(self, text: str) -> str:
        try:
            values = parse_value(text)
        except ValueError:
            # Whoever reads it may be less strict, and then read a token from an escape.
            if "\\" in text:
                raise PromptFormatError("the arguments of a call must be a JSON object as text.") from None
            return self.text(text)
        harmless = self.value(values)
        # Of two equal keys only the last is a value, yet the text is what a server may read: look at both.
        if harmless == values and not self._writes_token(text):
            return text  # as the client spelled it
        return json.dumps(harmless, ensure_ascii=False)

    def _writes_token(self, json_text: str) -> bool:
        """Whether a token stands anywhere in JSON text, plainly or behind escapes."""
        assert self._pattern is not None
        if "\\" in json_text:
            json_text = _ESCAPE.sub(_unescaped, json_text)
        return self._pattern.search(json_text) is not None

    def filled(self, pieces: Iterable[tuple[str, bool]]) -> str:
        """Texts of the record and values of others as one text, without a token that a value has a part in.

        Args:
            pieces: text, and whether it is the record's own. A record may write tokens; a value must neither
                write one nor complete one that the texts around it begin: `[{{ kind }}]` with the value `/INST`.
        """
        joined = ""
        others: list[tuple[int, int]] = []
        texts = []
        length = 0
        for text, own in pieces:
            texts.append(text)
            if not own and text:
                others.append((length, length + len(text)))
            length += len(text)
        joined = "".join(texts)
        if self._pattern is None:
            return joined
        result = []
        done = 0
        position = 0
        for found in self._pattern.finditer(joined):
            start = found.start()
            # The pattern looks ahead to the token's end and captures it.
            end = start + 1 + len(found.group(found.lastindex or 0))
            while position < len(others) and others[position][1] <= start:
                position += 1
            if position < len(others) and others[position][0] < end:
                result.append(joined[done : start + 1] + " ")
                done = start + 1
        result.append(joined[done:])
        return "".join(result)


def _unescaped(escape: re.Match[str]) -> str:
    number = escape.group(1)
    return "/" if number is None else chr(int(number, 16))


def defuser(
    template: str | None, special_tokens: Mapping[str, Any] | None = None, *, allow_special_tokens: bool = False
) -> Defuser:
    """The defuser for a model's prompts.

    Args:
        template: a built-in's name, or Jinja source; None where the server has the model's template, which may be
            of any family.
        special_tokens: the record's; its tokenizer knows them even if the chat template never writes them.
        allow_special_tokens: the record trusts its clients with control tokens: nothing is changed.
    """
    if allow_special_tokens:
        return Defuser(None)
    record_tokens: list[str] = []
    texts = token_texts(special_tokens) if template is None else with_default_tokens(template, special_tokens)
    for token in texts.values():
        if isinstance(token, list):  # `additional_special_tokens`
            record_tokens += map(str, token)
        else:
            record_tokens.append(str(token))
    return Defuser(_pattern(template, tuple(sorted(record_tokens))))


def neutralise(
    messages: Sequence[Message], *, template: str, special_tokens: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """The messages with special-token text made harmless in everything but their roles.

    >>> neutralise([{"role": "user", "content": "What does <|im_end|> do?"}], template="chatml")
    [{'role': 'user', 'content': 'What does < |im_end|> do?'}]
    """
    return defuser(template, special_tokens).messages(messages)


@lru_cache(maxsize=64)
def _pattern(template: str | None, record_tokens: tuple[str, ...]) -> re.Pattern[str]:
    """What counts as a special token: those that the record names, those that the template writes (for a model's own
    template found by probing), and everything else of their shape.

    It matches a token's first character and looks ahead over the rest, so that tokens which overlap are all found.
    """
    tokens = set(record_tokens)
    tokens |= capabilities_of(template).control_tokens if template is not None else set(_OF_ANY_FAMILY)
    if any(_INSTRUCTION_MARK.fullmatch(token) for token in tokens):
        tokens |= set(_SENTENCEPIECE_TOKENS)
    # The rest of each token, by its first character.
    rests: dict[str, list[str]] = {}
    for sample, (first, rest) in _SHAPES:
        if any(sample.fullmatch(token) for token in tokens):
            rests.setdefault(first, []).append(rest)
    # A regular expression takes the first alternative that matches, so a token stands before its own beginning.
    for token in sorted(tokens, key=len, reverse=True):
        if len(token) > 1:
            rests.setdefault(token[0], []).append(re.escape(token[1:]))
    alternatives = []
    for first, endings in sorted(rests.items()):
        alternatives.append(f"{re.escape(first)}(?=({'|'.join(endings)}))")
    if not alternatives:
        return re.compile(r"(?!)")  # matches nothing
    return re.compile("|".join(alternatives))
