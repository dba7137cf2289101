"""Asks two variants of a model the same prompts, and says in numbers how their answers differ.

Each request goes through the stack's inference machine, as every client's does, and names its variant: what is compared
is what clients would get, whatever the weights are. Requests are counted nowhere.
"""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import median
from typing import TYPE_CHECKING, Any

from tollgate_layer.inference.similarity import similarity_of
from tollgate_release.invoking import OwnAnswer, ask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tollgate_release.golden import GoldenPrompt
    from tollgate_release.services import Services

_PAUSE_S = 2.0
_FIFTHS = ("below 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "from 0.8")
"""The bars of the chart of similarities, which reach from 0 to 1."""


@dataclass(frozen=True, slots=True)
class Said:
    """One variant's answer to a prompt. `code` is the failure's, empty where there is an answer."""

    code: str
    seconds: float
    text: str
    finish_reason: str | None
    completion_tokens: int | None


@dataclass(frozen=True)
class Pair:
    """Both variants' answers to a prompt, compared once, since long answers take a while."""

    name: str
    first: Said
    second: Said

    @property
    def is_answered(self) -> bool:
        """Whether both variants answered."""
        return not self.first.code and not self.second.code

    @cached_property
    def is_same(self) -> bool:
        """Whether both said the same, to the character or as JSON."""
        if not self.is_answered:
            return False
        if self.first.text == self.second.text:
            return True
        if not (is_json(self.first.text) and is_json(self.second.text)):
            return False
        return bool(json.loads(self.first.text) == json.loads(self.second.text))

    @cached_property
    def similarity(self) -> float | None:
        """The share of words that both answers have in the same order, from 0 to 1; None where one is missing."""
        if not self.is_answered:
            return None
        if self.is_same:  # also two texts that are the same JSON
            return 1.0
        return similarity_of(self.first.text, self.second.text)


def compare(
    services: Services,
    model: str,
    variants: tuple[str, str],
    prompts: Sequence[GoldenPrompt],
    *,
    clients: int,
    patience_s: float,
    report: Callable[[int], None],
) -> list[Pair]:
    """Ask both variants every prompt, and pair the answers in the order of the prompts.

    Args:
        services: the stack.
        model: the model's name.
        variants: the names of its two variants.
        prompts: what is asked; without a `temperature` of its own, a request gets 0, so that chance is no difference.
        clients: how many prompts are asked at once; of each, the first variant before the second.
        patience_s: how long a prompt is asked again while its variant is cold or throttled.
        report: is told after each prompt how many are done.
    """

    def both(prompt: GoldenPrompt) -> Pair:
        request = {"temperature": 0, **prompt.request}
        first, second = (_said(_patiently(services, f"{model}@{name}", request, patience_s)) for name in variants)
        return Pair(prompt.name, first, second)

    services.client("stepfunctions")  # made before threads share it, since making one is not safe there
    with ThreadPoolExecutor(clients) as pool:
        waiting = [pool.submit(both, prompt) for prompt in prompts]
        try:
            for done, _ in enumerate(as_completed(waiting), 1):
                report(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        return [future.result() for future in waiting]


def summary(pairs: Sequence[Pair]) -> dict[str, Any]:
    """What all answers together say: counts; of each variant, medians of its answers, and its failures by code."""
    answered = [pair for pair in pairs if pair.is_answered]
    return {
        "prompts": len(pairs),
        "answered_by_both": len(answered),
        "same": sum(pair.is_same for pair in answered),
        "similarity_p50": _median([pair.similarity for pair in answered if pair.similarity is not None]),
        "first": _of_one([pair.first for pair in pairs]),
        "second": _of_one([pair.second for pair in pairs]),
    }


def as_json(pair: Pair, *, with_texts: bool) -> dict[str, Any]:
    """A pair for scripts; the answers' texts only where they are wanted."""
    sides = {}
    for name in ("first", "second"):
        side = asdict(getattr(pair, name))
        text = side.pop("text")
        sides[name] = {**side, "characters": len(text), "is_json": is_json(text)}
        if with_texts:
            sides[name]["text"] = text
    return {"name": pair.name, "same": pair.is_same, "similarity": pair.similarity, **sides}


def histogram(pairs: Sequence[Pair], width: int = 40) -> Iterator[str]:
    """Lines of a bar chart: how many answers are how similar."""
    counts = dict.fromkeys((*_FIFTHS, "the same"), 0)
    for pair in pairs:
        if pair.is_same:
            counts["the same"] += 1
        elif pair.similarity is not None:
            fifth = min(int(pair.similarity * len(_FIFTHS)), len(_FIFTHS) - 1)
            counts[_FIFTHS[fifth]] += 1
    most = max(counts.values()) or 1
    for label, count in counts.items():
        yield f"{label:<10}  {count:>4}  {'#' * round(width * count / most)}".rstrip()


def is_json(text: str) -> bool:
    """Whether a text is a JSON object or array: what a program reads, and not a word that happens to be JSON."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _patiently(services: Services, model: str, request: dict[str, Any], patience_s: float) -> OwnAnswer:
    """An answer; what may pass, such as a cold model, is asked again until patience ends."""
    until = time.monotonic() + patience_s
    answer = ask(services, model, request)
    while answer.may_pass and time.monotonic() < until:
        time.sleep(_PAUSE_S)
        answer = ask(services, model, request)
    return answer


def _said(answer: OwnAnswer) -> Said:
    if answer.code:
        return Said(answer.code, answer.seconds, "", None, None)
    completion = json.loads(answer.body)
    choice = completion["choices"][0]
    message = choice["message"]
    pieces = [message.get("content") or "", message.get("refusal") or ""]
    for call in message.get("tool_calls") or ():
        # A call's id is random; its arguments are compared by the text that the model gave.
        pieces.append(f"{call['function']['name']}({call['function']['arguments']})")
    text = "\n".join(piece for piece in pieces if piece)
    tokens = (completion.get("usage") or {}).get("completion_tokens")
    return Said("", answer.seconds, text, choice["finish_reason"], tokens)


def _of_one(answers: Sequence[Said]) -> dict[str, Any]:
    failures: dict[str, int] = {}
    for said in answers:
        if said.code:
            failures[said.code] = failures.get(said.code, 0) + 1
    good = [said for said in answers if not said.code]
    tokens = [said.completion_tokens for said in good if said.completion_tokens is not None]
    return {
        "seconds_p50": _median([said.seconds for said in good]),
        "characters_p50": _median([len(said.text) for said in good]),
        "completion_tokens_p50": _median(tokens),
        "cut_by_length": sum(said.finish_reason == "length" for said in good),
        "failures": failures,
    }


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 3) if values else None
