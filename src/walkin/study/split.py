"""Split: which pictures a network is trained on, and which it is tested with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SEED = 42  # DeepVisionVR's
TEST_SHARE = 0.2


@dataclass(frozen=True)
class Split:
    """Numbers of pictures, ascending."""

    train: tuple[int, ...]
    test: tuple[int, ...]
    single: tuple[int, ...] = ()
    """Classes with one picture, or one subject: it is trained on, and nothing of the class is tested."""


def stratified(labels: Sequence[int], subjects: Sequence[str] | None = None, seed: int = SEED) -> Split:
    """Four fifths and one fifth of each class. With `subjects`, one for each picture, all pictures of a subject come
    to lie on one side: subjects are drawn until a fifth of the class's pictures is reached.

    Each class has random numbers of its own, so that a class that is missing changes no other.
    """
    classes = np.asarray(labels)
    train, test, single = [], [], []
    for label in np.unique(classes).tolist():
        rng = np.random.default_rng([seed, label])
        members = np.flatnonzero(classes == label)
        groups = _groups(members, subjects)
        order = [groups[place] for place in rng.permutation(len(groups))]
        if len(groups) < 2:
            single.append(label)
            train += members.tolist()
            continue
        wanted, taken = max(1, round(len(members) * TEST_SHARE)), 0
        for number, group in enumerate(order):
            # The last subject is always left for training.
            to_test = taken < wanted and number < len(order) - 1
            (test if to_test else train).extend(group)
            taken += len(group) if to_test else 0
    return Split(tuple(sorted(train)), tuple(sorted(test)), tuple(single))


def _groups(members: np.ndarray, subjects: Sequence[str] | None) -> list[list[int]]:
    if subjects is None:
        return [[member] for member in members.tolist()]
    found: dict[str, list[int]] = {}
    for member in map(int, members):
        found.setdefault(subjects[member], []).append(member)
    return list(found.values())
