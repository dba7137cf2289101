"""What produces the tokens of an imported model, chosen per model."""

from tollgate.engines.base import Delta, Engine, FinishReason, Generation, Token, Usage

__all__ = ["Delta", "Engine", "FinishReason", "Generation", "Token", "Usage"]
