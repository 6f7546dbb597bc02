"""Studio: a network as one recipe needs it, traced with what it is shown; where pictures are judged, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from walkin.errors import WalkinError
from walkin.network.featurevis import aim as aims_of
from walkin.network.featurevis import parametrisation, transforms
from walkin.network.featurevis.aim import Aim, aim
from walkin.network.featurevis.objective import Objective
from walkin.network.featurevis.reach import Reach, input_side
from walkin.network.featurevis.recipe import Recipe
from walkin.network.featurevis.spectrum import measured
from walkin.network.feeding.pictures import read_picture
from walkin.network.loading.loaded import Loaded
from walkin.network.tracing.recording import Place


@dataclass(frozen=True)
class Request:
    """One picture that is wanted."""

    objective: Objective
    copy: int = 0
    """Which of several pictures of one objective."""
    rate: float = 1.0
    """Share of the recipe's rate: less after it has failed."""
    tries: int = 0
    group: int = 0
    """Pictures of one group are to differ."""


@dataclass
class Studio:
    """A network as one recipe needs it: traced with what each phase shows it."""

    loaded: Loaded
    recipe: Recipe
    whole: Reach
    """Given inputs of the recipe's size."""
    judge: Reach
    """Given inputs of the network's own size: pictures are judged there."""
    picture: tuple[int, int, int]
    """(channels, height, width) of the pictures."""
    statistics: tuple[Tensor, Tensor]
    table: np.ndarray | None
    half: bool
    photos: dict[str, np.ndarray] = field(default_factory=dict)
    """Path -> uint8 (H, W, 3), where the files themselves may not be: on another machine."""
    _aims: dict[tuple[int, Objective], Aim] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        loaded: Loaded,
        recipe: Recipe,
        half: bool | None,
        reaches: Reaches | None = None,
        table: np.ndarray | None = None,
    ) -> Studio:
        """table: what `measured` gave where the recipe's folder of pictures is."""
        reaches = Reaches(loaded) if reaches is None else reaches
        own = input_side(loaded)
        judge = reaches.of(own)
        whole = judge
        if recipe.input_side and recipe.input_side < min(own):
            whole = reaches.if_it_takes(recipe.input_side, judge) or judge
        side = (recipe.size, recipe.size) if recipe.size else own
        if recipe.input_side and not recipe.views > 1 and whole is judge:
            side = own  # it takes no smaller input: then the picture is as large as that
        channels = loaded.preprocess.size[0]
        if table is None and recipe.spectrum and recipe.parametrisation == "maco":
            table = measured(recipe.spectrum, channels)
        mean, std = loaded.preprocess.statistics(channels)
        gains = loaded.device.type == "cuda" and loaded.dtype == torch.float32
        return cls(
            loaded, recipe, whole, judge, (channels, *side), (mean, std), table,
            gains if half is None else half and loaded.device.type == "cuda",
        )  # fmt: skip

    def check(self, objectives: Sequence[Objective]) -> None:
        """Refuse now what could not be done later."""
        for objective in objectives:
            self.aim(objective, self.judge)
            if objective.photo:
                read_picture(objective.photo)
            if any(term.kind == "caricature" for term in objective.terms) and not objective.photo:
                raise WalkinError(f"{objective}: a caricature needs a photo: ADDRESS from FILE", code=2)

    def aim(self, objective: Objective, reach: Reach) -> Aim:
        key = (id(reach), objective)
        if key not in self._aims:
            self._aims[key] = aim(objective, reach)
        return self._aims[key]

    def nodes(self, objective: Objective) -> tuple[Place, ...]:
        """What pictures of one batch must have in common."""
        return self.aim(objective, self.judge).places("node")

    def normalised(self, planes: Tensor) -> Tensor:
        mean, std = (one.to(planes.device) for one in self.statistics)
        return torch.addcmul(-mean / std, planes, 1 / std)  # one pass over the values

    def judged(self, requests: Sequence[Request], planes: Tensor) -> list[tuple[float, float | None]]:
        """How large each objective is for pictures as they are written, uint8 (B, C, H, W), without transforms; and
        the largest value over space of the channel that it names, None where it names none."""
        found: list[tuple[float, float | None]] = []
        for request, one in zip(requests, planes, strict=True):
            some = [self.aim(request.objective, self.judge)]
            x = transforms.resized(one[None].to(self.loaded.device).float() / 255, self.judge.side)
            with self.judge.with_gradients(), torch.no_grad():
                values = self.judge.run(self.normalised(x), (*some[0].places("node"), aims_of.peak_place(some[0])))
                value = aims_of.values(some, values, "node", self.photo_values([request], self.judge, "node"))[0]
                found.append((float(value), aims_of.peak(some[0], values)))
        return found

    def photo_values(
        self, requests: Sequence[Request], reach: Reach, phase: aims_of.Phase
    ) -> dict[tuple[int, Place], Tensor]:
        """What the photos of caricatures give, by number of the request and place of the node."""
        result: dict[tuple[int, Place], Tensor] = {}
        for number, request in enumerate(requests):
            if not any(term.kind == "caricature" for term in request.objective.terms):
                continue
            some = self.aim(request.objective, reach)
            x = self.photo(request.objective)[None].to(self.loaded.device)
            with reach.with_gradients(), torch.no_grad():
                values = reach.run(self.normalised(transforms.resized(x, reach.side)), some.places(phase))
            result.update({(number, part.place): part.taken(values, phase).float() for part in some.parts})
        return result

    def photo(self, objective: Objective) -> Tensor:
        pixels = self.photos.get(objective.photo)
        return parametrisation.fitted(read_picture(objective.photo).pixels if pixels is None else pixels, self.picture)


@dataclass
class Reaches:
    """One network, traced once for each size of its input."""

    loaded: Loaded
    _by_side: dict[tuple[int, int], Reach | None] = field(default_factory=dict)

    def of(self, side: tuple[int, int]) -> Reach:
        found = self._by_side.get(side)
        if found is None:
            found = self._by_side[side] = Reach.of(self.loaded, side)
        return found

    def if_it_takes(self, side: int, judge: Reach) -> Reach | None:
        """With a smaller input; None if the network takes none, or has no such nodes then."""
        if (side, side) not in self._by_side:
            try:
                self._by_side[side, side] = Reach.of(self.loaded, (side, side))
            except WalkinError:
                self._by_side[side, side] = None
        reach = self._by_side[side, side]
        same = reach is not None and (
            reach.networks["layers"].by_address.keys() == judge.networks["layers"].by_address.keys()
        )
        return reach if same else None


@dataclass
class Studios:
    """What is kept of one network between two jobs: tracing it takes longer than a step of many pictures."""

    reaches: Reaches | None = None
    last: Studio | None = None
    half: bool | None = None
    """As it was asked for."""

    def of(self, loaded: Loaded, recipe: Recipe, half: bool | None) -> Studio:
        if self.reaches is None or self.reaches.loaded is not loaded:
            self.reaches, self.last = Reaches(loaded), None
        if self.last is None or self.last.recipe != recipe or self.half != half or recipe.spectrum:
            self.last, self.half = Studio.of(loaded, recipe, half, self.reaches), half
        return self.last
