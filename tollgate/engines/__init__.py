"""Engines produce the tokens of a model: an echo, a numpy decoder, or another server.

    engine = NumpyEngine.load(Path("models/apexguru-tiny"))
    async for piece in engine.generate(generation): ...

An engine knows no service: whoever serves its models turns its errors (errors.py) into answers.
"""

from tollgate.engines.base import Delta, Engine, FinishReason, Generation, Token, TokenCounts

__all__ = ["Delta", "Engine", "FinishReason", "Generation", "Token", "TokenCounts"]
