"""Detail: how fine each wall is shown where not all texels fit. A pure function of mosaics and a budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from walkin.mosaic import Mosaic


def first_levels(mosaics: Mapping[str, Mosaic], budget_bytes: int | None) -> dict[str, int]:
    """The finest level of each mosaic that is kept: 0 is all of it, `levels` its means only; None: no budget.

    The most important first. Pictures of all walls come to about the same number of texels a side, doubled as long as
    there is room, wall after wall; so what is left over goes to the walls that come first.
    """
    kinds = Counter(mosaics.values())  # a thousand walls have some dozens
    if budget_bytes is None or sum(count * mosaic.bytes_from(0) for mosaic, count in kinds.items()) <= budget_bytes:
        return dict.fromkeys(mosaics, 0)
    found = {key: mosaic.levels for key, mosaic in mosaics.items()}
    left = budget_bytes
    widest = max((max(mosaic.height, mosaic.width) for mosaic in mosaics.values()), default=0)
    for doubled in range(widest.bit_length() + 1):
        for key, mosaic in mosaics.items():
            finer = found[key] - 1
            if finer < 0 or max(mosaic.height, mosaic.width) >> finer > 1 << doubled:
                continue
            height, width = mosaic.level_size(finer)
            if height * width <= left:
                found[key], left = finer, left - height * width
    return found
