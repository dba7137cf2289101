"""The one error of this package."""

from __future__ import annotations


class PromptFormatError(ValueError):
    """A conversation that the model's prompt format refuses, or a chat template that cannot be used.

    The text is a sentence meant for the client; `param` names the part of the request at fault
    (`messages[2].content`, `tools`, `variables`), or is None where it is the chat template itself. `broken` tells that
    the template failed without meaning to, which a refusal by `raise_exception` does not: it does not compile, an
    operation in it cannot be done, or it ran into its limits.
    """

    def __init__(self, message: str, *, param: str | None = None, broken: bool = False) -> None:
        if param:
            message = f"{param}: {message}"
        super().__init__(message)
        self.param = param
        self.broken = broken
