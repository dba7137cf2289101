"""Tells to which tool call each piece of a stream belongs."""

from __future__ import annotations

from tollgate_layer.inference.backends.body_format import CallPiece
from tollgate_layer.inference.failures.errors import AnswerError
from tollgate_layer.inference.sound_pieces import SoundPieces
from tollgate_layer.prompt_format.completion_parser import openai_id


class CallOrder:
    """Numbers the tool calls of one choice from 0, in the order in which the model began them.

    OpenAI's servers and vLLM number their calls themselves. Others do not, or give every call the number 0
    (https://github.com/ollama/ollama/issues/7881 and 15457); they send a call whole, and with an id of its own. So a
    piece goes on with the call of its number, unless it brings the id of another one; and without a number, an id or a
    name begins a call.
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
            position = len(self._begun)
            self._begun.append(_BegunCall())
        self._latest[piece.position] = self._latest[None] = position
        call = self._begun[position]
        call.id = call.id or piece.id
        call.has_arguments = call.has_arguments or bool(piece.arguments)
        arguments = self._arguments.feed(position, piece.arguments)
        if call.name is not None:
            return CallPiece(position, arguments=arguments)
        call.before_name.append(arguments)
        if piece.name is None:
            return None
        call.name = piece.name
        # Clients answer a call by its id, so that one without would end the conversation.
        call.id = call.id or openai_id()
        return CallPiece(position, call.id, call.name, "".join(call.before_name))

    def _begins_another(self, piece: CallPiece, call: _BegunCall) -> bool:
        """Whether a piece does not go on with the call that had its number before."""
        if piece.id is not None and call.id is not None:
            return piece.id != call.id
        return piece.position is None and piece.name is not None and call.name is not None

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


class _BegunCall:
    """What is known of a call so far."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: str | None = None
        self.has_arguments = False
        self.before_name: list[str] = []
