"""Tells to which tool call each piece of a stream belongs."""

from __future__ import annotations

import re

from tollgate_layer.inference.backends.body_format import CallPiece
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.sound_pieces import SoundPieces
from tollgate_layer.prompt_format.completion_parser import openai_id


class CallOrder:
    """Numbers the tool calls of one choice from 0, in the order in which the model began them.

    OpenAI's servers and vLLM number their calls themselves. Others do not, or give every call the number 0
    (https://github.com/ollama/ollama/issues/7881 and 15457); they send a call whole, mostly with an id of its own. So
    a piece goes on with the call of its number, unless it brings the id or the name of another one, or a name and more
    arguments where that call's are complete; and without a number, an id or a name begins a call.
    """

    def __init__(self) -> None:
        self._latest: dict[int | None, int] = {}  # a server's number → the last call that had it
        self._begun: list[_BegunCall] = []
        self._arguments = SoundPieces()

    def place(self, piece: CallPiece) -> CallPiece | None:
        """The piece with the position of its call; None while the call has no name yet.

        A call's first piece has its id and name, and no later one has.
        """
        position = self._latest.get(piece.position)
        if position is None or self._begins_another(piece, self._begun[position]):
            if position is not None:
                piece = self._named_before(piece, self._begun[position])
            position = len(self._begun)
            self._begun.append(_BegunCall())
        elif piece.name is not None:
            self._begun[position].note_name()
        self._latest[piece.position] = self._latest[None] = position
        call = self._begun[position]
        call.id = call.id or piece.id
        call.add(piece.arguments)
        arguments = self._arguments.feed(position, piece.arguments)
        if call.name is not None:
            return CallPiece(position, arguments=arguments)
        call.before_name.append(arguments)
        if piece.name is None:
            return None
        call.name = piece.name
        # Clients answer a call by its id, so that one without would end the conversation.
        return CallPiece(position, call.id or openai_id(), call.name, "".join(call.before_name))

    def _begins_another(self, piece: CallPiece, call: _BegunCall) -> bool:
        """Whether a piece does not go on with the call that had its number before."""
        if piece.id is not None and call.id is not None and piece.id != call.id:
            return True
        if piece.name is not None and call.name is not None:
            if piece.name != call.name:
                return True
            if piece.position is None and (piece.id is None or piece.id != call.id):
                return True
        elif not call.named_again:
            return False
        # Some servers repeat a call's id and name with each piece of it, and the last piece may have nothing to add:
        # only arguments behind complete ones are another call's.
        return bool(piece.arguments.strip()) and call.is_complete()

    def _named_before(self, piece: CallPiece, call: _BegunCall) -> CallPiece:
        """The first piece of a call, with the id and name that an empty piece said before it."""
        if not call.named_again or piece.id not in (None, call.id):
            return piece
        return piece._replace(id=call.id, name=piece.name or call.name)

    def finish(self) -> tuple[CallPiece, ...]:
        """The last pieces: calls without arguments get an empty object, since no arguments are no JSON.

        Raises:
            AnswerError: a call has no name.
        """
        pieces = []
        for position, call in enumerate(self._begun):
            if call.name is None:
                raise AnswerError
            rest = self._arguments.finish(position) if call.has_arguments else "{}"
            if rest:
                pieces.append(CallPiece(position, arguments=rest))
        return tuple(pieces)


# A bracket, a quotation mark, or a backslash with what it escapes, which may be yet to come.
_MARK = re.compile(r'["\[{\]}]|\\.?', re.DOTALL)


class _BegunCall:
    """What is known of a call so far."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.has_arguments = False
        self.before_name: list[str] = []
        self.named_again = False
        """Whether its name came once more when it was complete: if arguments follow, they are another call's."""
        self._unread: list[str] = []
        self._depth: int | None = None  # of brackets that are open; None before the first
        self._in_string = False

    def note_name(self) -> None:
        """Take in that a piece has a name, which is this call's."""
        self.named_again = self.name is not None and self.is_complete()

    def add(self, arguments: str) -> None:
        """Take in the next piece of the arguments."""
        if arguments:
            self.has_arguments = True
            self._unread.append(arguments)

    def is_complete(self) -> bool:
        """Whether the arguments end in what closes them: every bracket that was opened is closed.

        Pieces are read when somebody asks, which is seldom, and each but once.
        """
        text = "".join(self._unread)
        self._unread = []
        for found in _MARK.finditer(text):
            mark = found.group()
            if mark == "\\" and self._in_string:
                self._unread = [mark]  # at the very end: what it escapes is yet to come
            elif mark == '"':
                self._in_string = not self._in_string
            elif not self._in_string and mark in "{[":
                self._depth = (self._depth or 0) + 1
            elif not self._in_string and mark in "}]":
                self._depth = (self._depth or 0) - 1
        return self._depth is not None and self._depth <= 0
