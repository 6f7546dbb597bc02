"""Sizes: amounts of memory, and of anything, as people write them."""

from __future__ import annotations

import re

from walkin.errors import WalkinError

LEAST_MEMORY = 16 * 10**6
"""Bytes for what walls show: less would not hold the means of a large network and one wall beside them."""
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def size_from(text: str) -> int:
    """`500MB` or `2 GB` in bytes."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?b?)\s*", text, re.IGNORECASE)
    unit = (match[2].upper() + ("B" if len(match[2]) == 1 and match[2].upper() != "B" else "")) if match else ""
    if match is None or unit not in _UNITS:
        raise WalkinError(f"{text!r} is no size: write 500MB or 2GB", code=2)
    return int(float(match[1]) * _UNITS[unit])


def size_text(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} GB"


def counted(count: int, what: str) -> str:
    """`1 map`, `1,280 maps`."""
    return f"{count:,} {what}{'s' * (count != 1)}"
