"""Report: the folder that holds what a study has found: tables, plots, and one page that answers the two claims."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from walkin.errors import WalkinError
from walkin.files.staging import staged_folder
from walkin.study import claims, plots
from walkin.study.data import Data
from walkin.study.page import TITLE, Section, filter_picture, page, strip
from walkin.study.tables import Row, csv_text, halfway, over_seeds, spread_rows, tables, title
from walkin.study.variants import VARIANTS

FOLDER = "report"
PAGE = "index.html"
# Table -> what its rows are told apart by, besides data, model, variant and seed, and what its figures are called.
COLUMNS = {
    "accuracy": ((), ("train", "test", "gap", "train, true part", "train, noise part")),
    "changes": (("set", "family", "strength"), ("accuracy", "agreement")),
    "spectra": (("of", "frequency"), ("share",)),
    "high": (("of",), ("share",)),
    "responses": (("family", "strength", "place", "layer"), ("distance",)),
    "halfway": (("set",), ("cutoff",)),
}
_PLOTS = ("accuracy", "filters-", "agreement-", "arrangement-", "spectra-", "responses-")
SEEN = {"finetuned": 0, "augmented": 1, "clean": 2, "noise": 3, "random": 4}


def check_place(out: Path) -> None:
    """WalkinError, before anything is measured, where something else than an earlier report lies in its place: that is
    removed for the new one, and nothing of anybody's may go with it."""
    place = out / FOLDER
    if not place.exists() and not place.is_symlink():
        return
    if place.is_symlink() or not place.is_dir():
        raise WalkinError(f"{place} is in the way of the report, and no folder: move it away")
    known = {"claims.csv", PAGE, *(f"{name}{ending}.csv" for name in COLUMNS for ending in ("", "-seeds"))}
    for entry in sorted(place.iterdir()):
        if entry.name.startswith(".") or entry.name in ("Thumbs.db", "desktop.ini"):
            continue  # of the programs that show folders
        plot = entry.suffix in (".svg", ".png") and entry.stem.startswith(_PLOTS)
        if not (entry.name in known or plot) or (entry.name == PAGE and TITLE not in entry.read_text(errors="replace")):
            raise WalkinError(f"the report would take the place of {entry}, which is nothing of ours: move it away")


def write_report(out: Path, found: Sequence[tuple[Data, list[Row]]], say: Callable[[str], None]) -> Path:
    """Write all into a new folder, which takes the place of an earlier report; its page."""
    classes = {data.kind.name: len(data.classes) for data, _ in found}
    measured = [one for _, some in found for one in some]
    made = tables(measured)
    for row in made["changes"]:
        row["classes"] = classes[row["data"]]
    made["halfway"] = [row for shown in ("train", "test") for row in halfway(made["changes"], shown)]
    chance = {name: 1 / count for name, count in classes.items()}
    first, second = claims.frequencies(made, halfway), claims.arrangements(made)
    sections = (
        Section(
            "Claim 1: high-frequency features",
            "Do networks that memorise have high-frequency features?",
            tuple(first),
            "Each network that memorises is compared with the clean one of the same seed, which began with the same "
            "weights. The spectrum of a picture is taken over all directions; what is above 0.25 cycles a pixel has "
            "periods of less than four pixels. Visualisations are made without anything that would keep fine structure "
            "out of them.",
        ),
        Section(
            "Claim 2: sensitivity to pixel arrangement",
            "Do answers of networks that memorise hang on where exactly pixels lie?",
            tuple(second),
            "On the pictures that each network was trained on: on test pictures a network that has learnt random "
            "labels has nothing to lose. The share of the pictures is given whose answer stays what it was before the "
            "change. How far responses move is asked of test pictures; 1 is as far as another picture is.",
        ),
    )
    figures = plots.plots(made, chance)
    destination = out / FOLDER
    with staged_folder(out / f".{FOLDER}-new") as staged:
        for name, rows in made.items():
            by, values = COLUMNS[name]
            (staged.partial / f"{name}-seeds.csv").write_text(csv_text(rows), encoding="utf-8")
            (staged.partial / f"{name}.csv").write_text(csv_text(spread_rows(rows, by, values)), encoding="utf-8")
        answers = claims.rows_of("high frequencies", first) + claims.rows_of("pixel arrangement", second)
        (staged.partial / "claims.csv").write_text(csv_text(answers), encoding="utf-8")
        drawn = {}
        for name, figure in figures.items():
            drawn[name] = plots.written(figure, "svg")
            (staged.partial / f"{name}.svg").write_bytes(drawn[name])
            (staged.partial / f"{name}.png").write_bytes(plots.written(figure, "png"))
        about = [line for data, some in found for line in _about(data, some)]
        text = page(sections, made, drawn, _strips(measured), about, chance)
        (staged.partial / PAGE).write_text(text, encoding="utf-8")
    check_place(out)
    if destination.exists():
        shutil.rmtree(destination)
    staged.path.rename(destination)
    for section in sections:
        say(f"{section.claim} {claims.summary(section.answers)}")
    for key, spread in over_seeds(made["accuracy"], (), "test").items():
        train = over_seeds(made["accuracy"], (), "train")[key]
        say(f"{key[1]}, {title(key[2])}: {train.text('%')} of training, {spread.text('%')} of test pictures")
    return destination / PAGE


def _about(data: Data, measured: Sequence[Row]) -> list[str]:
    recipes = [one["recipe"] for one in measured]
    made = [one["made"] for one in measured]
    seeds = len({recipe["seed"] for recipe in recipes})
    names = ", ".join(sorted({recipe["model"] for recipe in recipes}))
    height, width = data.preprocess.size[1:]
    split = "by subject" if data.by_subject else "by picture"
    seconds = sum(one["seconds"] for one in made)
    device, precision = (", ".join(sorted({one[name] for one in made})) for name in ("device", "precision"))
    noisy = [recipe for recipe in recipes if VARIANTS[recipe["variant"]].noise_copies]
    noise = f"; noise of deviation {_all(noisy, 'alpha')} on {_all(noisy, 'ratio')} copies of each picture"
    lines = [
        f"{data.kind.title}: {len(data.files)} pictures of {len(data.classes)} classes at {height}x{width} pixels, "
        f"{len(data.split.train)} for training and {len(data.split.test)} for tests, split {split} with seed 42.",
        f"{len(recipes)} networks, {seeds} seed{'s' * (seeds != 1)}: {names}; AdamW, largest rate "
        f"{_all(recipes, 'rate')}, {_all(recipes, 'epochs')} epochs, batches of {_all(recipes, 'batch')}"
        f"{noise if noisy else ''}; {seconds:.0f} s of training on {device} in {precision}.",
    ]
    if any(len({recipe[name] for recipe in recipes}) > 1 for name in ("rate", "batch", "decay")):
        lines.append(
            "Note: not all networks were trained with the same numbers; what tells them apart may come from that."
        )
    return [*lines, *(f"Note: {note}." for note in data.notes)]


def _all(recipes: Sequence[Row], name: str) -> str:
    """Every number that there is of a kind."""
    return " or ".join(f"{number:g}" for number in sorted({recipe[name] for recipe in recipes}))


def _strips(measured: Sequence[Row]) -> list[tuple[str, np.ndarray]]:
    """Visualisations and first filters of one seed, those that generalise first."""
    found = []
    seed = min((one["recipe"]["seed"] for one in measured), default=0)
    some = [one for one in measured if one["recipe"]["seed"] == seed]
    for one in sorted(some, key=lambda one: (one["recipe"]["model"], SEEN[one["recipe"]["variant"]])):
        who = f"{one['recipe']['model']}, {title(one['recipe']['variant'])}"
        grown = one["spectra"].get("visualisations", {})
        if grown.get("pictures"):
            pictures = [np.asarray(picture, np.uint8) for picture in grown["pictures"]]
            found.append((f"{who}: channels of {grown['of']}", strip(pictures, 4)))
        if filters := one["spectra"]["filters"].get("pictures"):
            enlarged = [filter_picture(weight).repeat(4, 0).repeat(4, 1) for weight in filters]
            found.append((f"{who}: first filters", strip(enlarged)))
    return found
