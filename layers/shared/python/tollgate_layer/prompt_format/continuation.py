"""Continuing the last message: the prompt ends right after its text, without the end of the turn.

Templates do not know how to leave a turn open, so the last message is rendered with a mark behind its
text and the prompt is cut at the mark; transformers' `continue_final_message` works in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .builtin import BUILT_INS
from .errors import PromptFormatError

# Text that no message holds and no filter changes, and a space that shows whether the template trims.
_MARK = "~CONTINUE~FROM~HERE~"
_MARK_AND_SPACE = _MARK + " "


class Continuation:
    """The messages with the mark in the last one, and the cut at the mark once they are rendered.

    Raises:
        PromptFormatError: there is no last message, or no text in it, that could be continued.
    """

    def __init__(self, messages: Sequence[Mapping[str, Any]], template: str) -> None:
        if not messages:
            raise PromptFormatError("there is no message to continue.", param="messages")
        self._param = f"messages[{len(messages) - 1}].content"
        final = messages[-1]
        self._text, content = self._marked(final.get("content"))
        if template not in BUILT_INS and "content" not in template:
            raise PromptFormatError("the chat template does not read it, so it cannot continue it.", param=self._param)
        self.messages = [*messages[:-1], {**final, "content": content}]

    def _marked(self, content: Any) -> tuple[str, Any]:
        """The text to continue, and the content with the mark behind it."""
        if isinstance(content, str):
            return content, content + _MARK_AND_SPACE
        if isinstance(content, list):
            # The last part with a text; an image may stand behind it.
            for index in range(len(content) - 1, -1, -1):
                if "text" in content[index]:
                    text = content[index]["text"]
                    marked = {**content[index], "text": text + _MARK_AND_SPACE}
                    return text, [*content[:index], marked, *content[index + 1 :]]
        raise PromptFormatError("there is no text to continue.", param=self._param)

    def cut(self, prompt: str) -> str:
        """The prompt up to the mark, trimmed where the chat template trims messages.

        Raises:
            PromptFormatError: the template dropped or changed the message.
        """
        mark = prompt.rfind(_MARK)
        if mark < 0 or self._text.strip() not in prompt:
            raise PromptFormatError("the chat template drops it, so it cannot be continued.", param=self._param)
        trims = not prompt.startswith(_MARK_AND_SPACE, mark)
        if trims:
            return prompt[:mark].rstrip()
        return prompt[:mark]
