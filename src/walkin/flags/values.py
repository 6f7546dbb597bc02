"""Values: flags' texts made into numbers; what is none gets one line that says what is wanted."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from walkin.errors import WalkinError


def size(text: str) -> tuple[int, ...]:
    """(height, width) or (channels, height, width)."""
    channels, comma, rest = text.rpartition(",")
    try:
        height, width = (int(part) for part in rest.lower().split("x"))
        found = (int(channels), height, width) if comma else (height, width)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not [C,]HxW, for example 224x224 or 1,28x28") from None
    if min(found) < 1 or max(found) > 16384:
        raise argparse.ArgumentTypeError(f"{text!r}: sizes are between 1 and 16384")
    return found


def window(text: str) -> tuple[int, int]:
    """(width, height) in pixels."""
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, for example 1280x720") from None
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise argparse.ArgumentTypeError(f"{text!r}: sides are between 16 and 8192 pixels")
    return width, height


def memory(text: str) -> int:
    """Bytes."""
    from walkin.sizes import LEAST_MEMORY, size_from, size_text

    try:
        found = size_from(text)
    except WalkinError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    if found < LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text!r} is too little: walls need {size_text(LEAST_MEMORY)} at least")
    return found


def count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def channels(text: str) -> tuple[int, ...]:
    """Each once, in the order given."""
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = count(first), count(last) if dash else count(first)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(f"{text!r} is not channels, for example 0,5,10-20") from None
        if high < low or high - low > 100_000:
            raise argparse.ArgumentTypeError(f"{text!r}: {part.strip()} is no range")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def rate(text: str) -> int:
    """Pictures a second."""
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 240):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 240")
    return int(text)


def numbers(text: str) -> tuple[float, ...]:
    try:
        found = tuple(float(part) for part in text.replace(",", " ").split())
        if not found or not all(abs(number) < 1e9 for number in found):
            raise ValueError(text)
        return found
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers, for example 0.485,0.456,0.406") from None


def _number(what: str, allowed: Callable[[float], bool]) -> Callable[[str], float]:
    """what: in words, what is wanted; allowed: whether a number is that."""

    def number(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = float("nan")  # which is in no range
        if not allowed(found):
            raise argparse.ArgumentTypeError(f"{text!r} is not {what}")
        return found

    return number


seconds = _number("a number of seconds above 0", lambda number: 0 < number < 1e9)
positive = _number("a number above 0", lambda number: 0 < number < 1e6)
speed = _number("a number of metres a second between 0.1 and 50", lambda number: 0.1 <= number <= 50)
scale = _number("a number between 0.1 and 4", lambda number: 0.1 <= number <= 4)
