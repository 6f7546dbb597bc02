"""Plan: which networks a study trains, and where they lie."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from walkin import models
from walkin.errors import WalkinError
from walkin.files.safe import read_json
from walkin.study import keeping
from walkin.study.data import Data
from walkin.study.layouts import KINDS
from walkin.study.recipe import Recipe, Setting
from walkin.study.variants import VARIANTS, Variant

FILE = "study.json"


@dataclass(frozen=True)
class Planned:
    """One network to train."""

    recipe: Recipe
    path: Path


def planned(
    data: Data,
    folder: Path,
    setting: Setting,
    names: Sequence[str],
    variants: Sequence[Variant],
    seeds: int,
    **numbers: Any,
) -> tuple[Planned, ...]:
    """All networks, the first seed of each before the second of any: what a study that was stopped has, is complete
    for some seeds. numbers: alpha and ratio."""
    found = []
    for seed in range(seeds):
        for name in names:
            for variant in variants:
                epochs = round(setting.epochs * (setting.more_epochs if variant.memorises else 1))
                recipe = Recipe(
                    data.kind.name, data.digest, data.by_subject, name, variant.name, seed, epochs, setting.batch,
                    setting.rate, setting.decay, numbers["alpha"], numbers["ratio"],
                )  # fmt: skip
                found.append(Planned(recipe, folder / f"{recipe.name}{keeping.ENDING}"))
    return tuple(found)


@dataclass(frozen=True)
class Study:
    """What one data set's folder of a study was begun with: the report and the room need no more."""

    kind: str
    data: str
    """Folder; '': the stand-in's, inside the study's."""
    by_subject: bool
    setting: Setting
    digest: str

    @property
    def root(self) -> Path | None:
        return Path(self.data) if self.data else None


def write_study(folder: Path, study: Study) -> None:
    keeping.write_bytes(folder / FILE, json.dumps(asdict(study), indent=1).encode())


def read_study(folder: Path) -> Study:
    held = read_json(folder / FILE)
    try:
        setting = held.pop("setting")
        for name in ("models", "variants"):
            setting[name] = tuple(setting[name])
        return Study(setting=Setting(**setting), **held)
    except (TypeError, KeyError, AttributeError) as problem:
        raise WalkinError(
            f"{folder / FILE} is of another version of walkin, or damaged: name another --out"
        ) from problem


def begun(out: Path) -> tuple[tuple[Path, Study], ...]:
    """The data sets of a study: each has a folder in `out`; WalkinError if there is none."""
    found = tuple((out / kind, read_study(out / kind)) for kind in KINDS if (out / kind / FILE).is_file())
    if not found:
        raise WalkinError(f"there is no study in {out}: walkin study train --out {out} makes one", code=2)
    return found


def trained(folder: Path, study: Study) -> tuple[Planned, ...]:
    """The networks of a study in its folder that are finished, by their own recipes. WalkinError for what came there in
    another way: a copy would count as one more seed, and another split has trained on what is tested with here."""
    found = []
    for path in sorted(folder.glob(f"*{keeping.ENDING}")):
        if path.name.endswith(keeping.STATE) or path.name.startswith("."):  # ._NAME beside NAME is a Mac's
            continue
        kept = keeping.read(path, weights=False)
        try:
            recipe = Recipe(**kept.recipe)
        except TypeError as problem:
            raise _of_another_version(path) from problem
        if recipe.model not in models.NAMED or recipe.variant not in VARIANTS:
            raise _of_another_version(path)
        if (recipe.data, recipe.digest, recipe.by_subject) != (study.kind, study.digest, study.by_subject):
            raise WalkinError(f"{path} was trained with other pictures, or another split of them: take it out of there")
        if path.name != f"{recipe.name}{keeping.ENDING}":
            raise WalkinError(f"{path} holds {recipe.name}, and its name says otherwise: rename it, or take it out")
        found.append(Planned(recipe, path))
    return tuple(found)


def _of_another_version(path: Path) -> WalkinError:
    return WalkinError(f"{path} is of another version of walkin: name another --out")
