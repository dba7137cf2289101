"""Whether a prompt says everything that the conversation says.

Templates drop what they have no place for without a word: Llama 2 a tool's result, many a message behind an odd role.
A model that answers to half of a conversation is worse than a refusal, so the prompt is searched for every text.
A role that a template never prints is refused whatever its text: a short one is easily found by chance.
"""

from __future__ import annotations

import json
from bisect import bisect, insort
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .builtin import BUILT_INS
from .errors import PromptFormatError
from .families import capabilities_of
from .template_input import Message, part_text

_MOST_RESTARTS = 16
"""How often the search may begin again at the front. Texts stand in the messages' order but for system texts, for which
there is an order of their own; this is for templates that move others. More would make long conversations slow."""


# The roles that are asked about: `normalise` moves system texts, and a template that drops users is none.
_MAY_BE_SILENT = ("assistant", "tool")


class _Text(NamedTuple):
    """What a message says, and which one it is."""

    number: int
    role: str
    text: str


def check_complete(messages: Sequence[Message], prompt: str, *, template: str) -> None:
    """Refuse a conversation of which the prompt lacks a text.

    Each message's text is looked for behind the text of the message before, so that a place in the prompt stands for
    one message only. A template that reads no messages at all, but only documents or variables, does so on purpose.

    Args:
        messages: as they were given to `render`, that is normalised and defused.
        prompt: what it made of them. White space around a text may be gone, the text may be written as JSON, and
            the reasoning in front of an earlier answer may be dropped, since reasoning families do so on purpose.
        template: what rendered it.

    Raises:
        PromptFormatError: it names the message.
    """
    if template not in BUILT_INS and "messages" not in template:
        return
    capabilities = capabilities_of(template)
    texts = []
    for index, message in enumerate(messages):
        role = message["role"]
        if role in _MAY_BE_SILENT and role in capabilities.silent_roles:
            raise PromptFormatError(
                f"this model's chat template has no place for this {role} message.", param=f"messages[{index}]"
            )
        text = _said(message)
        if text:
            texts.append(_Text(index, role, text))
    if _stand_plainly(texts, prompt) or _all_found(texts, prompt):
        return
    # Nearly never reached by a conversation that is complete, so that what follows may take its time.
    if _all_found(texts, prompt, earliest=True) or _all_found(_with_system_last(texts), prompt, earliest=True):
        return
    if not capabilities.keeps_order and _all_found(texts, prompt, earliest=True, restarts=_MOST_RESTARTS):
        return
    missing = _missing(texts, prompt)
    raise PromptFormatError(
        f"this model's chat template leaves out this {missing.role} message, or a part of it.",
        param=f"messages[{missing.number}]",
    )


def _stand_plainly(texts: Sequence[_Text], prompt: str) -> bool:
    """Whether the texts stand in the prompt as they are, in order: those of most conversations do."""
    position = 0
    for _, _, text in texts:
        found = prompt.find(text, position)
        if found < 0:
            return False
        position = found + len(text)
    return True


def _all_found(texts: Sequence[_Text], prompt: str, *, earliest: bool = False, restarts: int = 0) -> bool:
    """Whether every text has a place of its own in the prompt, in order but for so many restarts at the front."""
    places = _Places(prompt, earliest=earliest)
    position = 0
    for text in texts:
        end = places.take(text, position)
        if end is None and restarts:
            restarts -= 1
            end = places.take(text, 0)
        if end is None:
            return False
        position = end
    return True


def _missing(texts: Sequence[_Text], prompt: str) -> _Text:
    """The message to name where not all are found: the last that has no place of its own in front of the next one's.

    From the end, since templates that shorten a conversation drop its beginning.
    """
    position = len(prompt)
    for text in reversed(texts):
        found = prompt.rfind(text.text, 0, position)
        if found < 0:
            found = prompt.rfind(json.dumps(text.text, ensure_ascii=False)[1:-1], 0, position)
        if found < 0:
            return text
        position = found
    return texts[0]


class _Places:
    """The places of a prompt, each of which is taken for one text only."""

    def __init__(self, prompt: str, *, earliest: bool) -> None:
        self._prompt = prompt
        self._earliest = earliest
        """Take the first place of any spelling, not that of the likelier one: a later message may quote the other."""
        self._taken: list[tuple[int, int]] = []
        """Beginning and end of each place, in order."""
        self._as_json: dict[str, bool] = {}
        """By role: whether the template wrote the last text, where that made a difference, as JSON."""

    def take(self, said: _Text, position: int) -> int | None:
        """Take the first free place of a text behind a position, and return its end; None where there is none."""
        spelling = self._spelling(said)
        place = self._free(spelling, position)
        if place is None or self._earliest:
            other = said.text if spelling != said.text else json.dumps(said.text, ensure_ascii=False)[1:-1]
            other_place = self._free(other, position) if other != spelling else None
            if other_place is not None and (place is None or other_place < place):
                place = other_place
                self._as_json[said.role] = other != said.text
        if place is None:
            return None
        if self._taken and self._taken[-1] > place:
            insort(self._taken, place)
        else:
            self._taken.append(place)
        return place[1]

    def _spelling(self, said: _Text) -> str:
        """The likelier spelling: the other one is then looked for through all of the prompt, which should be rare."""
        if self._as_json.get(said.role, False):
            return json.dumps(said.text, ensure_ascii=False)[1:-1]
        return said.text

    def _free(self, text: str, position: int) -> tuple[int, int] | None:
        """The first place of the text that overlaps none that is taken."""
        for start, end in self._taken[bisect(self._taken, (position, -1)) :]:
            found = self._prompt.find(text, position, start)
            if found >= 0:
                return found, found + len(text)
            position = end
        found = self._prompt.find(text, position)
        return (found, found + len(text)) if found >= 0 else None


def _with_system_last(texts: Sequence[_Text]) -> list[_Text]:
    """The texts with system texts in front of the last user's, where Mistral's templates write them."""
    systems: list[_Text] = []
    others: list[_Text] = []
    last_user = 0
    for text in texts:
        if text.role == "system":
            systems.append(text)
            continue
        if text.role == "user":
            last_user = len(others)
        others.append(text)
    return [*others[:last_user], *systems, *others[last_user:]]


def _said(message: Mapping[str, Any]) -> str:
    """The text that the prompt must hold for a message; empty where it may say nothing of it.

    Earlier reasoning is none: families drop it on purpose. An answer that was cut off in its thoughts is an empty turn,
    since a refusal would end a chat for a limit that was too small.
    """
    text = _text(message.get("content")).strip()
    if message["role"] == "assistant" and "</think>" in text:
        return text.rpartition("</think>")[2].strip()
    return text


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for part in content or ():
        texts.append(part_text(part) or "")
    return "".join(texts)
