"""Closest: which of the names that there are somebody may have meant who wrote another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher

_PARTS = re.compile(r"[./:]")


def closest(wanted: str, names: Iterable[str], count: int = 3, least: float = 0.4) -> list[str]:
    """The likeliest first: names that differ in capitals only, those that begin or end with all that was written or
    that it begins with, those with the same last part, and then whatever is spelt alike.
    least: how much so, from 0 to 1, as difflib's ratio."""
    asked = wanted.strip().lower()
    if not asked:
        return []
    matcher, last = SequenceMatcher(b=asked, autojunk=False), _PARTS.split(asked)[-1]
    found: list[tuple[int, float, int, str]] = []
    for number, name in enumerate(dict.fromkeys(names)):
        low = name.lower()
        matcher.set_seq1(low)
        if (rank := _rank(asked, last, low)) < 3:
            # Of what begins or ends alike, the order of the network says more than the length of the rest; of what is
            # too long, most should be kept.
            found.append((rank, -float(len(low)) if asked.startswith(low) else 0.0, number, name))
        elif matcher.real_quick_ratio() >= least and matcher.quick_ratio() >= least:
            if (ratio := matcher.ratio()) >= least:
                found.append((rank, -ratio, number, name))
    return [name for *_, name in sorted(found)[:count]]


def _rank(asked: str, last: str, name: str) -> int:
    if name == asked:
        return 0
    before, after = name[: -len(asked)], name[len(asked) :]
    begins, ends = name.startswith(asked), name.endswith(asked)
    if (begins and _PARTS.match(after)) or (ends and _PARTS.match(before[-1:])):
        return 1
    if asked.startswith(name) and _PARTS.match(asked[len(name) :]):
        return 1
    if begins or ends:
        return 2
    return 3 if _PARTS.split(name)[-1] == last else 4
