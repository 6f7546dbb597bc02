"""Showing: the trained networks as the room opens them, with the pictures that they are tested with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from walkin.errors import WalkinError
from walkin.requests import Open
from walkin.study.layouts import KINDS, Listing, listed
from walkin.study.plan import Study, begun, read_study, trained
from walkin.study.split import stratified
from walkin.study.variants import chosen

USUAL = "clean,noise,random"  # side by side, as DeepVisionVR's scenes had them


def networks(
    out: Path,
    models: str | None = None,
    variants: str | None = None,
    seed: int = 0,
    *,
    kind: str | None = None,
    data: Path | None = None,
    image: str | None = None,
    device: str = "auto",
    fold: str = "layers",
) -> list[Open]:
    """What opens the trained networks of one data set of a study, of the first that has some if none is named, and of
    one model if none is named. data: where its pictures are now, if they were moved; image: what is fed first, None:
    one of those that are tested with. WalkinError if a network that is named is not trained."""
    folder, study, there = _of_kind(out, kind, seed)
    known = {name for name, _ in there}
    usual = next((name for name in study.setting.models if name in known), min(known))
    wanted: list[tuple[str, str]] = []
    for name in [name.strip() for name in models.split(",")] if models else [usual]:
        own = [(name, variant.name) for variant in chosen(variants or USUAL)]
        if variants is None:  # of the usual ones those that there are, else what there is
            own = [pair for pair in own if pair in there] or sorted(pair for pair in there if pair[0] == name) or own
        for pair in own:
            if pair not in there:
                held = ", ".join(map(" ".join, sorted(there)))
                raise WalkinError(f"{' '.join(pair)} with seed {seed} is not trained; there is {held}", code=2)
        wanted += own
    place = (str(folder), *([] if data is None else [str(data)]))
    first = TestSet(*place).files[0]
    images = f"walkin.study.showing:TestSet({', '.join(map(repr, place))})"
    common = Open("", image=image or first, images=images, device=device, fold=fold)
    return [replace(common, spec=pair[0], weights=str(there[pair])) for pair in wanted]


def _of_kind(out: Path, kind: str | None, seed: int) -> tuple[Path, Study, dict[tuple[str, str], Path]]:
    """A data set's folder, what it was begun with, and its networks with this seed by (model, variant)."""
    studies = begun(out)
    known = [study.kind for _, study in studies]
    if kind is not None and kind not in known:
        raise WalkinError(f"--kind {kind} is not in {out}: there is {', '.join(known)}", code=2)
    for folder, study in studies:
        if kind in (None, study.kind):
            some = [one for one in trained(folder, study) if one.recipe.seed == seed]
            if some:
                return folder, study, {(one.recipe.model, one.recipe.variant): one.path for one in some}
    where = out / kind if kind else out
    raise WalkinError(f"no network with seed {seed} is trained in {where}: walkin study train --out {out}")


class TestSet:
    """The pictures that networks of a study are tested with, for the room's shelf: (file, class) by number."""

    __test__ = False  # no test of pytest's

    def __init__(self, folder: str, data: str | None = None):
        place = Path(folder)
        study = read_study(place)
        listing: Listing = listed(KINDS[study.kind], Path(data) if data else study.root or place / "pictures")
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
