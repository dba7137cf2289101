"""What a chat template can do, and what it does wrong.

Public templates silently drop, double or garble parts of what OpenAI clients send, each in its own way. `normalise`
works around that; these are the facts it needs. A built-in format states them in its row of `BUILT_INS`; for a
model's own chat template `probing` finds them.
"""

from __future__ import annotations

from typing import NamedTuple


class CallForm(NamedTuple):
    """How a chat template wants an earlier tool call to be handed over."""

    arguments_as_text: bool = False
    """Arguments as JSON text rather than as an object."""
    null_content: bool = False
    """The call's message has null content rather than empty text."""
    nine_character_ids: bool = False
    """Call ids must have exactly nine letters and digits."""
    one_call_per_message: bool = False
    """Parallel calls must stand in a message each."""
    text_in_own_message: bool = False
    """Text beside a call would be lost: it must stand in a message of its own before the call."""
    text_in_answer: bool = False
    """Text beside a call would be lost, and a message of its own may have no other behind it in its turn: the text must
    stand in front of the turn's answer."""


class Capabilities(NamedTuple):
    """The facts about one chat template. The defaults are those of plain ChatML, which shows everything as it is."""

    control_tokens: frozenset[str]
    """The control tokens that the chat template itself writes around messages, tools and calls; not those that it is
    given by name, such as `bos_token`."""
    end_of_turn: str | None = None
    """The control token that the chat template itself writes behind an answer; None where that is `eos_token`."""

    takes_system: bool = True
    """A first system message reaches the prompt."""
    takes_system_as_parts: bool = False
    """A first system message reaches the prompt if its content is a list of parts."""
    keeps_system_before_answer: bool = True
    """The system text still reaches the prompt when the last message is not a user's."""
    keeps_system_alone: bool = True
    """The system text still reaches the prompt when there is no other message."""
    keeps_two_first_systems: bool = True
    """A second system message right behind the first is kept."""
    loses_later_system: bool = False
    """A system message in mid-conversation is silently dropped or moved."""

    silent_roles: frozenset[str] = frozenset()
    """Roles whose messages are silently left out."""
    keeps_order: bool = True
    """Messages other than the system's stand in the prompt in their order."""
    offers_tools: bool = False
    """Tool definitions reach the prompt."""
    needs_descriptions: bool = False
    """A tool without a description is refused."""
    leaves_quotes: bool = False
    """Descriptions are put between quotes without escaping the quotes in them."""
    call_form: CallForm | None = None
    """How earlier calls are handed over; None if the chat template does not show them."""
    call_syntax: str | None = None
    """How the model writes its calls, a `CompletionParser` syntax; None if it makes none that can be read."""

    writes_reasoning: bool = False
    """The model may write a `<think>` block."""
