"""Interventions: what somebody changes of the values that a network computes, as data and in words."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from walkin.errors import WalkinError
from walkin.numerals import numeral

ACTS = ("scale", "clamp", "swap")
GRAMMAR = (
    "ADDRESS=0 takes a wall out, ADDRESS/17=0 one channel, ADDRESS/0,3,5-9=0 several; =*0.5 scales, =clamp:-1,1 "
    "cuts off below and above (either may be left out), =swap:FILE takes the values of another picture"
)
_CHANNELS = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")
MOST_CHANNELS = 1 << 20


@dataclass(frozen=True)
class Intervention:
    """Other values for some channels of one node, put in place of its own before the network goes on with them."""

    address: str
    """Of the node: what its wall shows is changed."""
    channels: tuple[int, ...] = ()
    """(): all of them."""
    act: str = "scale"
    """One of ACTS."""
    factor: float = 0.0
    """Of scale; 0 takes the channels out."""
    low: float | None = None
    """Of clamp: nothing stays below; None: no bound."""
    high: float | None = None
    picture: object | None = None
    """Of swap: walkin.picture_source.Source of the picture whose values are taken."""

    def __post_init__(self) -> None:
        problem = ""
        if not self.address:
            problem = "it names no node"
        elif self.act not in ACTS:
            problem = f"there is no {self.act!r}, but {', '.join(ACTS)}"
        elif any(channel < 0 for channel in self.channels):
            problem = "channels are counted from 0 on"
        elif not all(math.isfinite(value) for value in (self.factor, self.low or 0.0, self.high or 0.0)):
            problem = "its numbers are not finite"
        elif self.act == "clamp" and self.low is None and self.high is None:
            problem = "clamp needs a bound, clamp:LOW,HIGH"
        elif self.act == "clamp" and self.low is not None and self.high is not None and self.low > self.high:
            problem = f"{self.low:g} is above {self.high:g}"
        elif self.act == "swap" and self.picture is None:
            problem = "swap needs a picture, swap:FILE"
        if problem:
            raise WalkinError(f"no intervention on {self.address or '?'}: {problem}", code=2)

    @property
    def about(self) -> tuple[str, tuple[int, ...]]:
        """What it is done to: of two with the same, the later one takes the place of the other."""
        return self.address, self.channels

    @property
    def where(self) -> str:
        """`layer3.2/17`, `layer3.2` of a whole wall."""
        return f"{self.address}/{channels_text(self.channels)}" if self.channels else self.address

    @property
    def what(self) -> str:
        """`0`, `*0.5`, `clamp:-1,1`, `swap:dog.jpg`."""
        if self.act == "scale":
            return "0" if self.factor == 0 else f"*{self.factor:.6g}"
        if self.act == "clamp":
            low, high = ("" if bound is None else f"{bound:.6g}" for bound in (self.low, self.high))
            return f"clamp:{low},{high}"
        path = getattr(self.picture, "path", None)
        return f"swap:{path if path is not None else self.picture_name}"

    @property
    def words(self) -> str:
        """What it does, for those who read it in the room."""
        return self._words(numeral)

    @property
    def plain_words(self) -> str:
        """The same for files."""
        return self._words("{:.3g}".format)

    def _words(self, number: Callable[[float], str]) -> str:
        if self.act == "scale":
            return "off" if self.factor == 0 else f"× {number(self.factor)}"
        if self.act == "clamp":
            low, high = self.low, self.high
            if low is None or high is None:
                return f"≤ {number(high)}" if high is not None else f"≥ {number(low or 0.0)}"
            return f"from {number(low)} to {number(high)}"
        return f"as of {self.picture_name}"

    @property
    def picture_name(self) -> str:
        """Of the picture that it takes its values from."""
        picture = self.picture
        path = getattr(picture, "path", "")
        if path:
            return re.split(r"[\\/]", path)[-1]
        named = [
            str(getattr(picture, name)) for name in ("caption", "kind", "address", "dataset") if hasattr(picture, name)
        ]
        return next((name for name in named if name), "another picture")

    def __str__(self) -> str:
        return f"{self.where}={self.what}"


def channels_text(channels: tuple[int, ...]) -> str:
    """`0,3,5-9`"""
    parts: list[str] = []
    first = last = -2
    for channel in (*sorted(set(channels)), -1):
        if channel == last + 1 and channel >= 0:
            last = channel
            continue
        if first >= 0:
            parts.append(str(first) if first == last else f"{first}-{last}" if last > first + 1 else f"{first},{last}")
        first = last = channel
    return ",".join(parts)


def parsed(text: str, picture_of: Callable[[str], object]) -> Intervention:
    """What `ADDRESS/CHANNELS=0`, `=*0.5`, `=clamp:-1,1` or `=swap:FILE` says; WalkinError, with the grammar, for what
    says nothing. `picture_of`: what makes the source of a picture from the name of its file."""
    where, sign, what = text.strip().partition("=")
    where, what = where.strip(), what.strip()
    if not sign or not where or not what:
        raise _refusal(text)
    head, slash, tail = where.rpartition("/")
    channels = _channels(tail, text) if slash and head and _CHANNELS.fullmatch(tail) else None
    address = where if channels is None else head
    about = (address, channels or ())
    if what.startswith("clamp:"):
        low, comma, high = what.removeprefix("clamp:").partition(",")
        if not comma:
            raise _refusal(text)
        return Intervention(*about, "clamp", low=_bound(low, text), high=_bound(high, text))
    if what.startswith("swap:"):
        file = what.removeprefix("swap:").strip()
        if not file:
            raise _refusal(text)
        return Intervention(*about, "swap", picture=picture_of(file))
    if what.startswith("*"):
        return Intervention(*about, "scale", _number(what[1:], text))
    if _number(what, text) != 0:
        raise _refusal(text)
    return Intervention(*about)


def added(before: tuple[Intervention, ...], new: Intervention) -> tuple[Intervention, ...]:
    """With one more; what was done to the same channels of the same node makes way for it, and keeps its place."""
    if any(each.about == new.about for each in before):
        return tuple(new if each.about == new.about else each for each in before)
    return (*before, new)


def _channels(text: str, whole: str) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for part in text.split(","):
        first, _, last = part.partition("-")
        if len(first) > 9 or len(last) > 9 or int(last or first) - int(first) > MOST_CHANNELS:
            raise _refusal(whole)
        found |= dict.fromkeys(range(int(first), int(last or first) + 1))
    if not found:
        raise _refusal(whole)
    return tuple(sorted(found))


def _bound(text: str, whole: str) -> float | None:
    return _number(text, whole) if text.strip() else None


def _number(text: str, whole: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _refusal(whole) from None


def _refusal(text: str) -> WalkinError:
    return WalkinError(f"{text!r} says nothing of what is to be changed: {GRAMMAR}", code=2)
