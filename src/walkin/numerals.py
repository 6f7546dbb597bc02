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


def drawn(caption: tuple[str, ...]) -> tuple[str, ...]:
    """A picture's caption with negative numbers as they are drawn, `values −3 to 2e−05`; its name, the first line, and
    `2024-05-01`, `3-5`, `a-1` stay as they are."""
    return (*caption[:1], *(_SIGN.sub(MINUS, line) for line in caption[1:]))
