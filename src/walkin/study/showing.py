"""Showing: the trained networks as the room opens them, with the pictures that they are tested with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from walkin.errors import WalkinError
from walkin.requests import Open
from walkin.study.layouts import KINDS, Listing, listed
from walkin.study.plan import begun, read_study, trained
from walkin.study.split import stratified
from walkin.study.variants import chosen

USUAL = "clean,noise,random"  # side by side, as DeepVisionVR's scenes had them


def networks(
    out: Path,
    models: str | None = None,
    variants: str | None = None,
    seed: int = 0,
    *,
    image: str | None = None,
    device: str = "auto",
    fold: str = "layers",
) -> list[Open]:
    """What opens the trained networks of a study's first data set, of one model if none is named, with `image` or one
    of those that are tested with. WalkinError if one of them is not trained."""
    folder, study = begun(out)[0]
    there = {(one.recipe.model, one.recipe.variant): one.path for one in trained(folder) if one.recipe.seed == seed}
    if not there:
        raise WalkinError(f"no network with seed {seed} is trained in {folder}: walkin study train --out {out}")
    names = [name.strip() for name in models.split(",")] if models else [next(iter(sorted(there)))[0]]
    for model in study.setting.models:
        if not models and any(name == model for name, _ in there):
            names = [model]
            break
    wanted = [(name, variant.name) for name in names for variant in chosen(variants or USUAL)]
    for name, variant in wanted:
        if variants is None and models is None and (name, variant) not in there:
            continue
        if (name, variant) not in there:
            known = ", ".join(f"{model} {kind}" for model, kind in sorted(there))
            raise WalkinError(f"{name} {variant} with seed {seed} is not trained; there is {known}", code=2)
    found = [pair for pair in wanted if pair in there] or sorted(there)
    tested = TestSet(str(folder))
    images = f"walkin.study.showing:TestSet({str(folder)!r})"
    common = Open("", image=image or tested.files[0], images=images, device=device, fold=fold)
    return [replace(common, spec=name, weights=str(there[name, kind])) for name, kind in found]


class TestSet:
    """The pictures that networks of a study are tested with, for the room's shelf: (file, class) by number."""

    __test__ = False  # no test of pytest's

    def __init__(self, folder: str):
        place = Path(folder)
        study = read_study(place)
        listing: Listing = listed(KINDS[study.kind], study.root or place / "pictures")
        split = stratified(listing.labels, listing.subjects if study.by_subject else None)
        self.classes = listing.classes
        self.files = [str(listing.files[number]) for number in split.test]
        self.image_files = self.files
        """Under the name that names and labels are looked for."""
        self.targets = [listing.labels[number] for number in split.test]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> tuple[str, int]:
        return self.files[number], self.targets[number]
