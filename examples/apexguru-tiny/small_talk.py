"""Messages that hold no Apex, so that the model learns to say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

    from names import Names

_OPENINGS = ("", "", "Hi! ", "Hello, ", "Hey ", "Please ", "Good morning. ", "Thanks. ", "Can you help? ")
_SENTENCES = (
    "Hello",
    "Hi there",
    "Say hello",
    "Who are you?",
    "What can you do?",
    "What is {word}?",
    "Tell me about {word} and {word}.",
    "Write a poem about {word}",
    "How do I deploy {word} to a sandbox?",
    "Explain {word} in one sentence.",
    "What is 2 + 2?",
    "Why is the sky blue?",
    "Tell me a joke",
    "Name three {word}s",
    "Where is {word}?",
    "Translate '{word}' to French.",
    "How are you today?",
    "What is the capital of {word}?",
    "Summarise the {word} of {word}.",
    "Are you ready?",
    "test",
    "ping",
    "Count to ten",
    "Give me a list of {word}s for my {word}",
    "Does this work?",
    "What does {word} mean for our {word}?",
)


def small_talk(names: Names, random: Random) -> str:
    """One or two sentences about anything but code."""
    sentences = [random.choice(_SENTENCES) for _ in range(random.choice((1, 1, 2)))]
    text = random.choice(_OPENINGS) + " ".join(sentences)
    while "{word}" in text:
        word = names.word()
        text = text.replace("{word}", word if random.random() < 0.3 else word.lower(), 1)
    return text
