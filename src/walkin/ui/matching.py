"""Matching: which names fit what was typed, best first. Letters in order are enough; whole words rank higher."""

from __future__ import annotations

from collections.abc import Sequence

BORDERS = " ./_-:"


def score(query: str, text: str) -> float | None:
    """How well a lower-case word fits a lower-case text; None: not at all. Larger is better."""
    at = text.find(query)
    if at >= 0:
        # The whole text, its beginning, the beginning of a word, anywhere: in this order, whatever the lengths.
        rank = 4.0 if text == query else 3.0 if at == 0 else 2.5 if text[at - 1] in BORDERS else 2.0
        if at > 0 and rank < 2.5 and any(text.find(border + query) >= 0 for border in BORDERS):
            rank = 2.5
        return rank - min(len(text), 400) / 1000
    at, first, jumps, heads = -1, -1, 0, 0
    for letter in query:
        found = text.find(letter, at + 1)
        if found < 0:
            return None
        if first < 0:
            first = found
        elif found > at + 1:
            jumps += 1
        heads += found == 0 or text[found - 1] in BORDERS
        at = found
    # Letters that begin words (`l32c` for `layer3.2.conv`) count for more than letters that lie close.
    return 1.0 * heads / len(query) - 0.5 * jumps / len(query) - (at - first) / 2000


class Matcher:
    """A list that is searched while somebody types: a longer query looks only through what fitted the shorter."""

    def __init__(self, texts: Sequence[str]):
        self._texts = [text.lower() for text in texts]
        self._query = ""
        self._fitting = list(range(len(texts)))

    def find(self, query: str) -> list[int]:
        """Numbers of the texts that every word of the query fits, best first; all in their order for an empty query."""
        query = " ".join(query.lower().split())
        if not query.startswith(self._query) or not self._query:
            self._fitting = list(range(len(self._texts)))
        self._query = query
        words = query.split()
        if not words:
            return self._fitting
        scored = []
        for number in self._fitting:
            total = 0.0
            for word in words:
                fits = score(word, self._texts[number])
                if fits is None:
                    break
                total += fits
            else:
                scored.append((-total, number))
        # In their own order, for a query that is still to grow; ranked, for now.
        self._fitting = [number for _, number in scored]
        return [number for _, number in sorted(scored)]
