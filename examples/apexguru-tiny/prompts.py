"""The conversations to train on: how people ask for a review, and how the model answers.

Prints some, one JSON list of messages a line:

    python examples/apexguru-tiny/prompts.py --seed 7 --count 3
"""

from __future__ import annotations

import argparse
import json
from random import Random

from findings import NOT_APEX, review
from names import HELD_OUT, TRAINING, Names, Vocabulary
from small_talk import small_talk
from snippets import Snippet, generate

SYSTEM = "You review Apex code."
_SYSTEMS = (
    SYSTEM,
    SYSTEM,
    "You are ApexGuru.",
    "You are a Salesforce code reviewer.",
    "Review Apex for performance. Be brief.",
)
_REQUESTS = (
    "Review this Apex class:",
    "Review this Apex {what}:",
    "Please review this {what}:",
    "Please review:",
    "Review:",
    "Review the following Apex code.",
    "What is wrong with this {what}?",
    "Can you check this code?",
    "Check this Apex:",
    "Find problems in this Apex {what}",
    "Is this OK?",
    "Code review please",
    "What do you think of this {what}?",
)


def request(snippet: Snippet, random: Random) -> list[dict[str, str]]:
    """One of the ways in which people ask for a review of `snippet`."""
    what = "trigger" if snippet.code.startswith("trigger") else random.choice(("class", "class", "method", "code"))
    fence = random.choice(("```apex\n", "```apex\n", "```\n", "```java\n"))
    code = f"{fence}{snippet.code}\n```" if random.random() < 0.6 else snippet.code
    question = random.choice(_REQUESTS).format(what=what)
    shape = random.random()
    if shape < 0.3:
        content = code
    elif shape < 0.4:
        content = f"{code}\n\n{question}"
    else:
        content = f"{question}{random.choice((chr(10), chr(10), chr(10) * 2, ' '))}{code}"
    return _with_system([{"role": "user", "content": content}], random)


def _with_system(messages: list[dict[str, str]], random: Random) -> list[dict[str, str]]:
    return [{"role": "system", "content": random.choice(_SYSTEMS)}, *messages] if random.random() < 0.5 else messages


def conversation(seed: int, *, vocabulary: Vocabulary = TRAINING) -> list[dict[str, str]]:
    """A request and its answer; one in twenty-five is no request for a review at all."""
    random = Random(f"conversation {seed}")
    if random.random() < 0.04:
        question = small_talk(Names(random, vocabulary), random)
        return [
            *_with_system([{"role": "user", "content": question}], random),
            {"role": "assistant", "content": NOT_APEX},
        ]
    snippet = generate(seed, vocabulary=vocabulary)
    return [*request(snippet, random), {"role": "assistant", "content": review(snippet.finding)}]


def main() -> None:
    parser = argparse.ArgumentParser(description="Print generated conversations, one JSON list of messages a line.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--held-out", action="store_true", help="use the names that training never sees")
    options = parser.parse_args()
    for seed in range(options.seed, options.seed + options.count):
        print(json.dumps(conversation(seed, vocabulary=HELD_OUT if options.held_out else TRAINING)))


if __name__ == "__main__":
    main()
