"""Generates Apex snippets with a known finding.

python examples/apexguru-tiny/snippets.py --seed 7 --count 3
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from apex import random_layout, write
from findings import Finding
from names import TRAINING, Names, Vocabulary
from patterns import BAD, GOOD_IN_METHODS, GOOD_IN_TRIGGERS
from scene import Body, Scene, new_scene
from shells import class_of, trigger_of

if TYPE_CHECKING:
    from collections.abc import Callable

ORDER = list(Finding)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of Apex and the finding that a review of it has to name."""

    code: str
    finding: Finding


def generate(seed: int, *, vocabulary: Vocabulary = TRAINING, finding: Finding | None = None) -> Snippet:
    """The snippet of `seed`: the same one each time."""
    random = Random(seed)
    names = Names(random, vocabulary)
    finding = finding or random.choice(ORDER)
    in_trigger = finding is Finding.UNBULKIFIED_TRIGGER or random.random() < 0.2
    if in_trigger:
        [only] = _bodies(names, finding, 1, in_trigger=True)
        source = trigger_of(names, *only)
    else:
        source = class_of(names, _bodies(names, finding, random.choice((1, 1, 1, 2, 2, 3)), in_trigger=False))
    return Snippet(write(source, random_layout(random)), finding)


def _bodies(names: Names, finding: Finding, count: int, *, in_trigger: bool) -> list[tuple[Scene, Body]]:
    """`count` bodies, one of which has the finding; at times another has a lesser one."""
    random = names.random
    scenes = [new_scene(names, in_trigger=in_trigger) for _ in range(count)]
    good = GOOD_IN_TRIGGERS if in_trigger else GOOD_IN_METHODS
    writers: list[Callable[[Scene], Body]] = [random.choice(good) for _ in scenes]
    later = ORDER[ORDER.index(finding) + 1 :]
    lesser = [other for other in later if other in BAD and other is not Finding.UNBULKIFIED_TRIGGER]
    if count > 1 and lesser and random.random() < 0.2:
        writers[0] = random.choice(BAD[random.choice(lesser)])
        random.shuffle(writers)
    if finding in BAD:
        clean = [index for index, writer in enumerate(writers) if not any(writer in bad for bad in BAD.values())]
        writers[random.choice(clean)] = random.choice(BAD[finding])
    return [(scene, writer(scene)) for scene, writer in zip(scenes, writers, strict=True)]
