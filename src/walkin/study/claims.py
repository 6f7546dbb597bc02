"""Claims: the paper's two findings as questions, and what the figures of a study answer, whatever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from walkin.study.changes import ARRANGEMENTS, TITLES
from walkin.study.tables import Row, Spread
from walkin.study.variants import VARIANTS

YES, NO, OPEN = "yes", "no", "not decided"
CLEAN = "clean"


@dataclass(frozen=True)
class Answer:
    """One comparison: a network that memorises with one that generalises, trained from the same first weights."""

    question: str
    data: str
    model: str
    variant: str
    memorising: Spread
    clean: Spread
    difference: Spread
    """Seed by seed."""
    verdict: str
    unit: str = ""


def answer(question: str, rows: Sequence[Row], value: str, larger: bool, unit: str = "") -> list[Answer]:
    """For each data set, model and memorising variant: whether `value` is larger (or smaller) than the clean one's.

    It is, or the contrary is, where every seed says so; else it is not decided. One seed decides nothing.
    """
    held: dict[tuple[str, str, str], dict[int, float]] = {}
    for row in rows:
        if row.get(value) is not None:
            held.setdefault((row["data"], row["model"], row["variant"]), {})[row["seed"]] = float(row[value])
    found = []
    for (data, model, variant), by_seed in held.items():
        clean = held.get((data, model, CLEAN), {})
        seeds = sorted(set(by_seed) & set(clean))
        if not VARIANTS[variant].memorises or not seeds:
            continue
        differences = [by_seed[seed] - clean[seed] for seed in seeds]
        signs = {(difference > 0) - (difference < 0) for difference in differences}
        wanted = 1 if larger else -1
        verdict = OPEN if len(seeds) < 2 else YES if signs == {wanted} else NO if signs == {-wanted} else OPEN
        found.append(
            Answer(
                question, data, model, variant,
                Spread.of([by_seed[seed] for seed in seeds]), Spread.of([clean[seed] for seed in seeds]),
                Spread.of(differences), verdict, unit,
            )
        )  # fmt: skip
    return found


def frequencies(tables: dict[str, list[Row]], halfway: Callable[[Sequence[Row], str], list[Row]]) -> list[Answer]:
    """First claim: networks that generalise badly have high-frequency features."""
    found = []
    for what, words in (
        ("filters", "First filters: a larger share of their power above 0.25 cycles a pixel?"),
        ("visualisations", "Visualisations of the last layer: a larger share above 0.25?"),
        ("gradients, test", "Input gradients on test pictures: a larger share above 0.25?"),
        ("gradients, train", "Input gradients on training pictures: a larger share above 0.25?"),
    ):
        found += answer(words, [row for row in tables["high"] if row["of"] == what], "share", True, "%")
    words = "Low-pass on training pictures: is half of what was learnt gone at a higher cut-off (cycles a pixel)?"
    return found + answer(words, halfway(tables["changes"], "train"), "cutoff", True)


def arrangements(tables: dict[str, list[Row]]) -> list[Answer]:
    """Second claim: they are susceptible to how pixels are arranged."""
    found = []
    rows = [row for row in tables["changes"] if row["set"] == "train"]
    for family in ARRANGEMENTS:
        for strength in sorted({row["strength"] for row in rows if row["family"] == family}):
            some = [row for row in rows if row["family"] == family and row["strength"] == strength]
            how = "" if family == "pixels" else f" {strength:g}"
            words = f"{TITLES[family].capitalize()}{how}, training pictures: do fewer answers stay the same?"
            found += answer(words, some, "agreement", False, "%")
    for family in ARRANGEMENTS:
        moved = [row for row in tables["responses"] if row["family"] == family]
        last = {(row["data"], row["model"]): row["place"] for row in sorted(moved, key=lambda row: row["place"])}
        ends = [row for row in moved if row["place"] == last[row["data"], row["model"]]]
        for strength in sorted({row["strength"] for row in ends}):
            how = "" if family == "pixels" else f" {strength:g}"
            words = f"{TITLES[family].capitalize()}{how}, test pictures: do the last layer's responses move further?"
            found += answer(words, [row for row in ends if row["strength"] == strength], "distance", True)
    return found


def summary(answers: Sequence[Answer]) -> str:
    """All answers of a claim in one line."""
    counts = {verdict: sum(one.verdict == verdict for one in answers) for verdict in (YES, NO, OPEN)}
    total = len(answers)
    if not total:
        return "There are no networks to compare: clean ones and memorising ones of the same seeds are needed."
    return (
        f"Of {total} comparisons {counts[YES]} say yes and {counts[NO]} no, the same for every seed; "
        f"{counts[OPEN]} are not decided, as seeds disagree or there is one only."
    )


def rows_of(claim: str, answers: Sequence[Answer]) -> list[dict[str, Any]]:
    return [
        {
            "claim": claim, "question": one.question, "data": one.data, "model": one.model, "variant": one.variant,
            "memorising mean": one.memorising.mean, "memorising deviation": one.memorising.deviation,
            "clean mean": one.clean.mean, "clean deviation": one.clean.deviation,
            "difference mean": one.difference.mean, "difference least": one.difference.low,
            "difference most": one.difference.high, "seeds": one.difference.count, "answer": one.verdict,
        }
        for one in answers
    ]  # fmt: skip
