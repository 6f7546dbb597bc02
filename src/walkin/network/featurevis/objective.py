"""Objective: what a picture is to make large, as text and as plain data. Knows no torch and no network.

layer4.1/7              mean of channel 7
layer4.1/7@12,5         its value at row 12, column 5; @centre: in the middle
layer4.1/7%10           mean of its largest tenth
layer4.1/7:1,9:-0.5     direction: 1 x channel 7 - 0.5 x channel 9; with ^2 at the end times the cosine's square
layer4.1, dream:layer4.1   the whole node: mean of all squares (deep dream)
class:tabby, class:281  a class, before the softmax
2*a/1 - b/3             sums and differences, with spaces around the sign
layer4.1/7 ~4           four pictures that are unlike each other
layer4.1/7 from F.jpg   what is in a photo of it, exaggerated (accentuation)
layer4.1 from F.jpg     the whole photo, exaggerated (caricature)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from walkin.errors import WalkinError

MOST_COPIES = 16
_SIGNS = re.compile(r"\s+([+-])\s+")
_WEIGHT = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*\*\s*(.+)$", re.IGNORECASE)
_COPIES = re.compile(r"^(.*\S)\s*~\s*(\d+)$")
_PHOTO = re.compile(r"^(.*\S)\s+from\s+(\S.*)$")
_UNIT = re.compile(
    r"^(?P<address>\S+?)/(?:(?P<direction>\d+:[^,^\s]+(?:,\d+:[^,^\s]+)*)(?:\^(?P<power>\d+))?|(?P<channel>\d+))"
    r"(?:@(?P<at>[^\s%]+))?(?:%(?P<share>[\d.]+))?$"
)


@dataclass(frozen=True)
class Term:
    """One summand."""

    kind: str
    """channel, neuron, top, layer, direction, class or caricature."""
    address: str
    channel: int = -1
    at: tuple[int, int] | None = None
    """(row, column) of a neuron; (-1, -1) is the middle."""
    share: float = 1.0
    """top: of the places, those that count."""
    direction: tuple[tuple[int, float], ...] = ()
    """(channel, weight) of each that is not 0."""
    power: int = 0
    """direction: of the cosine that it is multiplied with."""
    class_name: str = ""
    weight: float = 1.0

    def __str__(self) -> str:
        if self.kind == "class":
            return f"class:{self.class_name}"
        if self.kind in ("layer", "caricature"):
            return self.address
        if self.kind == "direction":
            parts = ",".join(f"{channel}:{weight:g}" for channel, weight in self.direction)
            return f"{self.address}/{parts}{f'^{self.power}' if self.power else ''}"
        text = f"{self.address}/{self.channel}"
        if self.at is not None:
            text += "@centre" if self.at == (-1, -1) else f"@{self.at[0]},{self.at[1]}"
        return text + (f"%{self.share * 100:g}" if self.kind == "top" else "")


@dataclass(frozen=True)
class Objective:
    """A sum of terms, of which one picture or several that differ are made."""

    terms: tuple[Term, ...]
    copies: int = 1
    photo: str = ""
    """File of the photo that it begins with."""

    def __str__(self) -> str:
        """Its text, written in the one way that all ways to write it lead to."""
        text = ""
        for number, term in enumerate(self.terms):
            size = abs(term.weight)
            sign = ("-" if term.weight < 0 else "") if not number else (" - " if term.weight < 0 else " + ")
            text += f"{sign}{'' if size == 1 else f'{size:.9g}*'}{term}"
        return text + (f" ~{self.copies}" if self.copies > 1 else "") + (f" from {self.photo}" if self.photo else "")

    @property
    def address(self) -> str:
        """Node of the first term, '' for a class."""
        return self.terms[0].address

    @property
    def has_class(self) -> bool:
        return any(term.kind == "class" for term in self.terms)

    @property
    def channel(self) -> int:
        """Of the first term; -1 where it has none of its own."""
        return self.terms[0].channel


def channel(address: str, number: int) -> Objective:
    return Objective((Term("channel", address, number),))


def parse(text: str) -> Objective:
    """WalkinError says what is wrong with it."""
    rest, photo, copies = text.strip(), "", 1
    if match := _PHOTO.match(rest):
        rest, photo = match.groups()
    if match := _COPIES.match(rest):
        rest, copies = match[1], int(match[2])
        if not 1 <= copies <= MOST_COPIES:
            raise _wrong(text, f"~{copies}: 1 to {MOST_COPIES} pictures are possible")
    if not rest:
        raise _wrong(text, "nothing is named")
    parts = _SIGNS.split(rest)
    terms = [_term(text, parts[0], 1.0)]
    for sign, part in zip(parts[1::2], parts[2::2], strict=True):
        terms.append(_term(text, part, -1.0 if sign == "-" else 1.0))
    if photo and len(terms) == 1 and terms[0].kind == "layer":
        terms = [replace(terms[0], kind="caricature")]
    return Objective(tuple(terms), copies, photo)


def _term(text: str, part: str, weight: float) -> Term:
    part = part.strip()
    if match := _WEIGHT.match(part):
        weight, part = weight * float(match[1]), match[2]
    elif part.startswith("-"):
        weight, part = -weight, part[1:].strip()
    if weight == 0 or abs(weight) > 1e6:
        raise _wrong(text, f"the weight of {part} is {weight:g}")
    if part.startswith("class:"):
        name = part.removeprefix("class:").strip()
        if not name:
            raise _wrong(text, "class: needs a name or a number")
        return Term("class", "", class_name=name, weight=weight)
    if part.startswith("dream:"):
        part = part.removeprefix("dream:").strip()
        if part and " " not in part:
            return Term("layer", part, weight=weight)
    if not part or " " in part:
        raise _wrong(text, f"{part!r} is no node; signs need spaces around them")
    match = _UNIT.match(part)
    if match is None:
        if "@" in part or "%" in part:
            raise _wrong(text, f"{part!r}: write ADDRESS/CHANNEL@ROW,COLUMN or ADDRESS/CHANNEL%PERCENT")
        return Term("layer", part, weight=weight)
    if match["direction"]:
        if match["at"] or match["share"]:
            raise _wrong(text, "a direction is taken over the whole node")
        try:
            pairs = [pair.split(":") for pair in match["direction"].split(",")]
            direction = tuple((int(number), float(value)) for number, value in pairs)
        except ValueError:
            raise _wrong(text, f"{match['direction']!r}: write CHANNEL:WEIGHT,CHANNEL:WEIGHT") from None
        return Term("direction", match["address"], direction=direction, power=int(match["power"] or 0), weight=weight)
    term = Term("channel", match["address"], int(match["channel"]), weight=weight)
    if match["at"] and match["share"]:
        raise _wrong(text, "one place, or a share of all places")
    if match["at"]:
        return replace(term, kind="neuron", at=_at(text, match["at"]))
    if match["share"]:
        share = float(match["share"]) / 100 if match["share"].count(".") < 2 else 0.0
        if not 0 < share <= 1:
            raise _wrong(text, f"%{match['share']}: a percentage above 0 and up to 100 is wanted")
        return replace(term, kind="top", share=share)
    return term


def _at(text: str, where: str) -> tuple[int, int]:
    if where in ("centre", "center"):
        return -1, -1
    try:
        row, column = (int(part) for part in where.split(","))
    except ValueError:
        row = column = -1
    if row < 0 or column < 0:
        raise _wrong(text, f"@{where}: ROW,COLUMN or centre is wanted")
    return row, column


def _wrong(text: str, reason: str) -> WalkinError:
    return WalkinError(f"{text!r} is no objective: {reason}", code=2)
