"""Effects: what interventions do to the classes that a network finds."""

from __future__ import annotations

from torch import Tensor

from walkin.network.showing.labels import names_of
from walkin.readings import Effect

MOST = 6


def effects(
    before: Tensor | None, after: Tensor | None, labels: tuple[str, ...] | None, most: int = MOST
) -> tuple[Effect, ...]:
    """Of the classes that are likeliest without or with them, likelier ones first; () where there are none to compare.
    `before` and `after`: float (classes,) as labels.probabilities gives them."""
    if before is None or after is None or before.shape != after.shape:
        return ()
    best = (before.maximum(after)).topk(min(most, len(before))).indices.tolist()
    order = sorted(best, key=lambda index: -float(before[index]))
    names = names_of(order, len(before), labels)
    return tuple(
        Effect(name, float(before[index]), float(after[index])) for name, index in zip(names, order, strict=True)
    )
