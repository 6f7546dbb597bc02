"""Numerals: numbers as they are drawn in the room and on the panel: few digits, and a minus sign that is no hyphen.

What is written to files and terminals keeps the hyphen, which other programs read as a minus.
"""

from __future__ import annotations

import re

MINUS = "\N{MINUS SIGN}"
_SIGN = re.compile(r"(?<![\w.)\]-])-(?=\.?\d)|(?<=\de)-(?=\d)")


def numeral(value: float, digits: int = 3) -> str:
    """`−42.4`, `1.23e+04`, `3e−07`."""
    return f"{value:.{digits}g}".replace("-", MINUS)


def percent(share: float, digits: int = 0) -> str:
    """`84 %`, `3.1 %`: a share of one, with so many digits after the point."""
    return f"{100 * share:.{digits}f} %"


def bounded_percent(share: float) -> str:
    """Whole per cent; what is nearly nothing or nearly all does not become it."""
    if 0 < share < 0.005:
        return "< 1 %"
    return "> 99 %" if 0.995 <= share < 1 else percent(share)


def fine_percent(share: float) -> str:
    """As many digits as are worth reading: `84 %`, `3.1 %`, `0.02 %`, `0 %`."""
    value = 100 * share
    if value == 0 or value >= 9.95:
        return percent(share)
    return percent(share, 1) if value >= 0.095 else f"{value:.2g} %"


def drawn(caption: tuple[str, ...]) -> tuple[str, ...]:
    """A picture's caption with negative numbers as they are drawn, `values −3 to 2e−05`; its name, the first line, and
    `2024-05-01`, `3-5`, `a-1` stay as they are."""
    return (*caption[:1], *(_SIGN.sub(MINUS, line) for line in caption[1:]))
