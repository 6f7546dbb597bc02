"""Tables: measures of many networks as rows, and what they come to over seeds."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from walkin.study.changes import FREQUENCIES
from walkin.study.spectra import centres
from walkin.study.variants import VARIANTS

Row = dict[str, Any]
WHO = ("data", "model", "variant")
LEAST_KNOWN = 0.2


@dataclass(frozen=True)
class Spread:
    """One figure over seeds."""

    mean: float
    deviation: float
    """Standard deviation over seeds, with n - 1; nan for one seed."""
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        mean = math.fsum(values) / len(values)
        if len(values) == 1:
            return cls(mean, math.nan, mean, mean, 1)
        variance = math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1)
        return cls(mean, math.sqrt(variance), min(values), max(values), len(values))

    def text(self, unit: str = "") -> str:
        """`0.97 ± 0.01`; with unit %, `97.2 ± 0.8 %`."""
        scale, digits = (100, 1) if unit == "%" else (1, 3)
        mean = f"{self.mean * scale:.{digits}f}"
        spread = "" if math.isnan(self.deviation) else f" ± {self.deviation * scale:.{digits}f}"
        return f"{mean}{spread}{f' {unit}' if unit else ''}"


def tables(measured: Iterable[Row]) -> dict[str, list[Row]]:
    """Name of a table -> rows, one for each network and figure."""
    found: dict[str, list[Row]] = {"accuracy": [], "changes": [], "spectra": [], "high": [], "responses": []}
    for one in measured:
        recipe = one["recipe"]
        who = {name: recipe[name] for name in (*WHO, "seed")}
        accuracy = one["accuracy"]
        found["accuracy"].append({**who, **accuracy, "gap": accuracy["train"] - accuracy["test"]})
        found["changes"] += [{**who, **row} for row in one["changes"]]
        for what, spectrum in one["spectra"].items():
            rings = zip(centres(), spectrum["shares"], strict=True)
            found["spectra"] += [{**who, "of": what, "frequency": f, "share": share} for f, share in rings]
            found["high"].append({**who, "of": what, "share": spectrum["high"]})
        found["responses"] += [{**who, **row} for row in one["responses"]]
    return found


def over_seeds(rows: Iterable[Row], by: Sequence[str], value: str) -> dict[tuple[Any, ...], Spread]:
    """(who..., by...) -> the spread of `value`, where rows have one."""
    groups: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        if row.get(value) is not None:
            groups.setdefault(tuple(row[name] for name in (*WHO, *by)), []).append(float(row[value]))
    return {key: Spread.of(values) for key, values in groups.items()}


def spread_rows(rows: Sequence[Row], by: Sequence[str], values: Sequence[str]) -> list[Row]:
    """One row for each group, with mean, deviation, least and most of each value, and how many seeds there are."""
    found: dict[tuple[Any, ...], Row] = {}
    for value in values:
        for key, spread in over_seeds(rows, by, value).items():
            row = found.setdefault(key, dict(zip((*WHO, *by), key, strict=True)))
            row["seeds"] = spread.count
            row |= {
                f"{value} mean": spread.mean,
                f"{value} deviation": "" if math.isnan(spread.deviation) else spread.deviation,
                f"{value} least": spread.low,
                f"{value} most": spread.high,
            }
    return list(found.values())


def csv_text(rows: Sequence[Row]) -> str:
    """Rows with the names of all their columns on top."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _rounded(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _rounded(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def halfway(rows: Sequence[Row], shown: str) -> list[Row]:
    """At which low-pass cut-off a network's accuracy falls below the middle between what it was and chance, between
    two cut-offs along a straight line over their logarithm: the higher, the more it needs fine structure."""
    found = []
    networks: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        if row["set"] == shown:
            networks.setdefault(tuple(row[name] for name in (*WHO, "seed")), []).append(row)
    for key, own in networks.items():
        before = next(row["accuracy"] for row in own if row["family"] == "none")
        chance = 1 / own[0]["classes"]
        steps = sorted((row["strength"], row["accuracy"]) for row in own if row["family"] == FREQUENCIES[0])
        # Who knows little more than chance has no half of it to lose.
        cutoff = _crossing(steps, (before + chance) / 2) if before > chance + LEAST_KNOWN else None
        found.append({**dict(zip((*WHO, "seed"), key, strict=True)), "set": shown, "cutoff": cutoff})
    return found


def _crossing(steps: Sequence[tuple[float, float]], wanted: float) -> float | None:
    """The frequency at which accuracy reaches `wanted` from below for the last time; None if it never does."""
    above = steps[-1][1] >= wanted
    if not above:
        return None
    for (low, less), (high, more) in zip(reversed(steps[:-1]), reversed(steps[1:]), strict=True):
        if less < wanted <= more:
            share = (wanted - less) / (more - less)
            return math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    return steps[0][0]


def title(variant: str) -> str:
    return VARIANTS[variant].title
