"""Growing: the job that makes pictures, batch by batch, and hands them out while they form. The worker, the command
line and Python use this one generator."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from walkin.errors import WalkinError
from walkin.network.featurevis import aim as aims_of
from walkin.network.featurevis import optimiser, parametrisation, transforms
from walkin.network.featurevis.aim import Aim, aim
from walkin.network.featurevis.cache import Cache, Entry, Keys
from walkin.network.featurevis.memory import Budget, is_out_of_memory
from walkin.network.featurevis.objective import Objective, parse
from walkin.network.featurevis.reach import Reach, input_side, where_it_stops
from walkin.network.featurevis.recipe import Recipe, named
from walkin.network.featurevis.spectrum import measured
from walkin.network.featurevis.transforms import Sight, views
from walkin.network.loaded import Loaded
from walkin.network.pictures import read_picture
from walkin.network.recording import Place
from walkin.results import Grown, Notice, Progress

if TYPE_CHECKING:
    from walkin.network.featurevis.cluster import Asked
    from walkin.network.featurevis.sharing import Far

JOB = "featurevis"
TRIES = 4  # a picture that meets a value that is not finite begins again, each time with a quarter of the rate
_SCALE = {torch.float16: 1024.0}  # of the objective, so that small gradients do not become 0 in half precision


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
class Clock:
    """How long all of it will take, from what has been done."""

    total: int
    done: float = 0.0
    spent_s: float = 0.0
    began_s: float = field(default_factory=time.monotonic)

    def progress(self, label: str, network: str, under_way: float = 0.0) -> Progress:
        done = self.done + under_way
        spent_s = time.monotonic() - self.began_s
        eta_s = spent_s / done * (self.total - done) if done > 0 else None
        return Progress(JOB, label, min(1.0, done / max(1, self.total)), eta_s, network)


Results = Generator[Grown | Progress | Notice | None, None, None]


def visualise(
    loaded: Loaded,
    requests: Sequence[Objective | str],
    recipe: Recipe | str = "fourier",
    seed: int = 0,
    *,
    cache: Cache | None = None,
    network: str = "",
    batch: int = 0,
    half: bool | None = None,
    ray: Asked | None = None,
) -> Results:
    """Pictures for all that is wanted, in that order as far as batches allow. Can be given up at every result.

    What is wrong with a request (an unknown node, a channel that is not there) is raised before anything is computed.
    batch: pictures at a time; 0: as many as is fast, and as memory has room for. half: half precision; None: where it
    gains. network: key of the exhibit, for all results. ray: batches are made by the workers of a Ray cluster, and only
    finished pictures come back; `loaded` is then on the CPU.
    """
    recipe = named(recipe)
    objectives = [parse(one) if isinstance(one, str) else one for one in requests]
    if not objectives:
        return
    yield Progress(JOB, f"{loaded.name}: looking where the nodes are", None, network=network)
    studio = Studio.of(loaded, recipe, seed, half)
    studio.check(objectives)
    if ray is None:
        yield from _all(studio, objectives, seed, cache, batch, network, None)
        return
    from walkin.network.featurevis.sharing import Far

    with closing(Far.of(ray, studio, half)) as far:
        yield from _all(studio, objectives, seed, cache, batch, network, far)


def _all(
    studio: Studio,
    objectives: Sequence[Objective],
    seed: int,
    cache: Cache | None,
    batch: int,
    network: str,
    far: Far | None,
) -> Results:
    """What the cache has, and then the rest, here or far away."""
    recipe, keys = studio.recipe, None
    if cache is not None or far is not None:
        half = studio.half if far is None else far.half
        keys = yield from Keys.of(studio.loaded, studio.whole.trace, seed, half=half, measured=studio.table)
    wanted = [Request(one, copy, group=number) for number, one in enumerate(objectives) for copy in range(one.copies)]
    clock = Clock(len(wanted))
    missing: list[Request] = []
    for request in wanted:
        entry = None
        if cache is not None and keys is not None:
            entry, notice = cache.get(keys.key(recipe, request.objective, request.copy))
            if notice:
                yield Notice(notice, "warning", network=network)
        if entry is None:
            missing.append(request)
            continue
        clock.total -= 1
        if entry.peak is None and aims_of.has_peak(studio.aim(request.objective, studio.judge)):
            # It was kept by a version that did not measure that.
            ((_, peak),) = studio.judged([request], torch.from_numpy(entry.planes)[None])
            entry = replace(entry, peak=peak)
            if cache is not None and keys is not None:
                cache.put(keys.key(recipe, request.objective, request.copy), entry)
        yield grown([request], [entry], recipe, seed, network)
    clock.began_s = time.monotonic()
    if far is not None:
        assert keys is not None
        yield from far.made(missing, seed, cache, keys, batch, clock, network)
        return
    budget = Budget.of(studio.window or studio.whole, recipe, batch)
    while missing:
        some = next_batch(missing, studio, budget.pictures)
        for request in some:
            missing.remove(request)
        again = yield from _one_batch(studio, some, seed, cache, keys, budget, clock, network)
        missing[:0] = again
        clock.done += len(some) - len(again)


@dataclass
class Studio:
    """A network as one recipe needs it: traced with what each phase shows it."""

    loaded: Loaded
    recipe: Recipe
    seed: int
    whole: Reach
    """Given inputs of the recipe's size."""
    window: Reach | None
    """Given windows; None: it does not take those."""
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
        cls, loaded: Loaded, recipe: Recipe, seed: int, half: bool | None, table: np.ndarray | None = None
    ) -> Studio:
        """table: what `measured` gave where the recipe's folder of pictures is."""
        own = input_side(loaded)
        judge = Reach.of(loaded, own)
        whole = judge
        if recipe.input_side and recipe.input_side < min(own):
            whole = _if_it_takes(loaded, recipe.input_side, judge) or judge
        seen = whole.side
        side = (recipe.size, recipe.size) if recipe.size else own
        if recipe.input_side and not recipe.views > 1 and whole is judge:
            side = own  # it takes no smaller input: then the picture is as large as that
        window = None
        if recipe.window and recipe.window < min(seen):
            window = _if_it_takes(loaded, recipe.window, judge)
        channels = loaded.preprocess.size[0]
        if table is None and recipe.spectrum and recipe.parametrisation == "maco":
            table = measured(recipe.spectrum, channels)
        mean, std = loaded.preprocess.statistics(channels)
        gains = loaded.device.type == "cuda" and loaded.dtype == torch.float32
        return cls(
            loaded, recipe, seed, whole, window, judge, (channels, *side), (mean, std), table,
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
        return self.aim(objective, self.judge).places(early=False)

    def takes_windows(self, objective: Objective) -> bool:
        """Whether a part of the picture is as good as the whole: not where one place or the whole scene counts."""
        if self.window is None or objective.photo:
            return False
        if any(term.kind in ("neuron", "class", "caricature") for term in objective.terms):
            return False
        spatial = (self.judge.node(term.address) for term in objective.terms)
        return all(node.picture == "maps" and node.shape[-1] * node.shape[-2] > 1 for node in spatial)

    def normalised(self, planes: Tensor) -> Tensor:
        mean, std = (one.to(planes.device) for one in self.statistics)
        return (planes - mean) / std

    def judged(self, requests: Sequence[Request], planes: Tensor) -> list[tuple[float, float | None]]:
        """How large each objective is for pictures as they are written, uint8 (B, C, H, W), without transforms; and
        the largest value over space of the channel that it names, None where it names none."""
        found: list[tuple[float, float | None]] = []
        for request, one in zip(requests, planes, strict=True):
            some = [self.aim(request.objective, self.judge)]
            x = transforms.resized(one[None].to(self.loaded.device).float() / 255, self.judge.side)
            with self.judge.with_gradients(), torch.no_grad():
                values = self.judge.run(self.normalised(x), (*some[0].places(early=False), aims_of.peak_place(some[0])))
                value = aims_of.values(some, values, False, self.photo_values(requests, [request]))[0]
                found.append((float(value), aims_of.peak(some[0], values)))
        return found

    def photo_values(
        self, every: Sequence[Request], requests: Sequence[Request], reach: Reach | None = None
    ) -> dict[tuple[int, Place], Tensor]:
        """What the photos of caricatures give at their nodes."""
        reach = reach or self.judge
        result: dict[tuple[int, Place], Tensor] = {}
        for number, request in enumerate(requests):
            if not any(term.kind == "caricature" for term in request.objective.terms):
                continue
            some = self.aim(request.objective, reach)
            x = self.photo(request.objective)[None].to(self.loaded.device)
            with reach.with_gradients(), torch.no_grad():
                values = reach.run(self.normalised(transforms.resized(x, reach.side)), some.places(early=False))
            result.update({(number, place): value.float() for place, value in values.items()})
        return result

    def photo(self, objective: Objective) -> Tensor:
        pixels = self.photos.get(objective.photo)
        return parametrisation.fitted(read_picture(objective.photo).pixels if pixels is None else pixels, self.picture)


def _if_it_takes(loaded: Loaded, side: int, judge: Reach) -> Reach | None:
    """The network with a smaller input; None if it takes none, or has no such nodes then."""
    try:
        reach = Reach.of(loaded, (side, side))
    except WalkinError:
        return None
    return reach if reach.networks["layers"].by_address.keys() == judge.networks["layers"].by_address.keys() else None


def next_batch(missing: list[Request], studio: Studio, most: int) -> list[Request]:
    """Those that can be made together with the first one: the same nodes, the same phases; a group stays whole."""
    first = missing[0]
    nodes, windows = studio.nodes(first.objective), studio.takes_windows(first.objective)
    photo = bool(first.objective.photo)
    chosen: list[Request] = []
    for request in missing:
        one = request.objective
        if studio.nodes(one) != nodes or studio.takes_windows(one) != windows or bool(one.photo) != photo:
            continue
        if len(chosen) >= most and request.group != chosen[-1].group:
            break
        chosen.append(request)
    return chosen


def _one_batch(
    studio: Studio,
    requests: list[Request],
    seed: int,
    cache: Cache | None,
    keys: Keys | None,
    budget: Budget,
    clock: Clock,
    network: str,
) -> Generator[Grown | Progress | Notice | None, None, list[Request]]:
    """All steps of one batch. Gives back those that are to be tried again with a smaller rate."""
    recipe = studio.recipe
    steps = making(studio, requests, seed, budget)
    label = f"{studio.loaded.name} {requests[0].objective}" + (f" and {len(requests) - 1} more" if requests[1:] else "")
    while True:
        try:
            step, work = next(steps)
        except StopIteration as end:
            made: Made = end.value
            break
        if step % recipe.every == 0 or step == 1:
            yield clock.progress(
                f"{label}: step {step} of {recipe.steps}", network, len(requests) * step / recipe.steps
            )
            yield work.shown(step, seed, network)
        else:
            yield None
    yield from kept(made, recipe, seed, cache, keys, network)
    return list(made.again)


@dataclass(frozen=True)
class Made:
    """What became of one batch; of a request that is in neither, nothing will."""

    done: tuple[Request, ...]
    entries: tuple[Entry, ...]
    """One for each of `done`."""
    again: tuple[Request, ...]
    """To be tried with a smaller rate."""
    given_up: tuple[str, ...] = ()
    """In words."""


def making(
    studio: Studio, requests: list[Request], seed: int, budget: Budget
) -> Generator[tuple[int, Batch], None, Made]:
    """One batch, step by step: the number of steps done, and its state."""
    recipe, began_s = studio.recipe, time.monotonic()
    work = Batch.of(studio, requests, seed)
    for step in range(recipe.steps):
        work.step(step, budget)
        if not work.moving.any():
            break
        yield step + 1, work
    good = work.moving.tolist()
    planes, alphas = work.codes()
    seconds = (time.monotonic() - began_s) / len(requests)
    done = [request for request, fine in zip(requests, good, strict=True) if fine]
    entries: list[Entry] = []
    if done:
        kept = torch.tensor([number for number, fine in enumerate(good) if fine])
        judged = studio.judged(done, planes[kept])
        entries = [
            Entry(planes[number].numpy(), alphas[number], activation, recipe.steps, seconds, peak)
            for number, (activation, peak) in zip(kept.tolist(), judged, strict=True)
        ]
    again: list[Request] = []
    given_up: list[str] = []
    for request, fine in zip(requests, good, strict=True):
        if fine:
            continue
        if request.tries + 1 < TRIES:
            again.append(replace(request, tries=request.tries + 1, rate=request.rate / 4))
        else:
            given_up.append(
                f"{request.objective}: its values are not finite, also with steps of {request.rate:.2g} of the usual "
                "length: no picture of it"
            )
    return Made(tuple(done), tuple(entries), tuple(again), tuple(given_up))


def kept(
    made: Made, recipe: Recipe, seed: int, cache: Cache | None, keys: Keys | None, network: str
) -> Iterator[Grown | Notice]:
    """Finished pictures go into the cache, and to whoever wanted them."""
    if cache is not None and keys is not None:
        for request, entry in zip(made.done, made.entries, strict=True):
            notice = cache.put(keys.key(recipe, request.objective, request.copy), entry)
            if notice:
                yield Notice(notice, "warning", network=network)
    if made.done:
        yield grown(made.done, made.entries, recipe, seed, network)
    for text in made.given_up:
        yield Notice(text, "warning", network=network)


@dataclass
class Batch:
    """The state of one batch between two steps."""

    studio: Studio
    requests: list[Request]
    picture: parametrisation.Parametrisation
    ascent: optimiser.Ascent
    draws: Tensor
    """(steps, B, V, DRAWS), 0 to 1: drawn for each picture by itself."""
    noise: list[torch.Generator]
    moving: Tensor
    """(B,) bool: False once its values were not finite."""
    last: Tensor
    """(B,): its objective in the last step."""
    alpha: Tensor
    """(B, H, W): summed size of the gradient, what a picture's opacity is made of."""
    photos: Tensor | None
    photo_values: dict[tuple[int, Place], Tensor]
    pull: Tensor | None = None
    """(B,): weight of the distance to the photo."""

    @property
    def half(self) -> bool:
        """What failed once is tried again in full precision."""
        return self.studio.half and not any(request.tries for request in self.requests)

    @classmethod
    def of(cls, studio: Studio, requests: list[Request], seed: int) -> Batch:
        recipe, device = studio.recipe, studio.loaded.device
        generators = [_generator(seed, request) for request in requests]
        photos = [studio.photo(request.objective) if request.objective.photo else None for request in requests]
        picture = parametrisation.make(
            recipe, studio.picture, generators, device, photos, studio.table, studio.statistics
        )
        shape = (recipe.steps, recipe.views, transforms.DRAWS)
        draws = torch.stack([torch.rand(shape, generator=one) for one in generators], 1)
        noise = [torch.Generator(device).manual_seed(int(one.initial_seed()) % 2**63) for one in generators]
        count = len(requests)
        rates = torch.tensor([request.rate for request in requests], device=device)
        given = [one for one in photos if one is not None]
        return cls(
            studio,
            requests,
            picture,
            optimiser.Ascent(recipe, picture.values, rates),
            draws,
            noise,
            torch.ones(count, dtype=torch.bool, device=device),
            torch.zeros(count, device=device),
            torch.zeros(count, *studio.picture[1:], device=device),
            torch.stack(given).to(device) if len(given) == count else None,
            studio.photo_values(requests, requests, studio.whole) if given else {},
        )

    def sight(self, step: int) -> tuple[Reach, Sight]:
        """What the network is given in a step."""
        recipe, studio = self.studio.recipe, self.studio
        size = studio.picture[1:]
        plain = step >= recipe.steps - recipe.plain_steps and recipe.plain_steps > 0
        if recipe.parametrisation == "pixel":
            return studio.whole, Sight(studio.whole.side, size, plain=True)
        if step < recipe.steps - recipe.whole_steps and studio.window is not None:
            if all(studio.takes_windows(request.objective) for request in self.requests):
                return studio.window, Sight(studio.window.side, size, anywhere=True, plain=plain)
        return studio.whole, Sight(studio.whole.side, size, plain=plain)

    def step(self, step: int, budget: Budget) -> None:
        recipe = self.studio.recipe
        if recipe.parametrisation == "pixel" and step < recipe.steps - recipe.plain_steps:
            with torch.no_grad():
                self.picture.values.copy_(
                    transforms.worn(self.picture.values, self.draws[step].to(self.picture.values.device), recipe)
                )
        while True:
            try:
                gradient, values, seen = self._gradient(step, budget.pictures_at_once(len(self.requests)))
                break
            except BaseException as problem:
                # Only where smaller parts are possible: the step is then done again from where it began.
                if not is_out_of_memory(problem) or not budget.halve(len(self.requests)):
                    if is_out_of_memory(problem):
                        raise WalkinError(
                            f"not enough memory on {self.studio.loaded.device} for one picture of "
                            f"{self.studio.picture[2]}x{self.studio.picture[1]}; a smaller size helps "
                            "(--set size=..., --recipe quick)"
                        ) from problem
                    raise
            budget.free(self.studio.loaded.device)
        finite = torch.isfinite(values) & torch.isfinite(gradient).flatten(1).all(1)
        self.moving &= finite
        self.last = torch.where(self.moving, values, self.last)
        self.alpha += torch.where(self.moving[:, None, None], seen, 0.0)
        if step == 0:
            self._refuse_stopped(step, gradient)
        self.ascent.step(torch.where(self.moving.reshape(-1, *[1] * (gradient.ndim - 1)), gradient, 0.0), self.moving)

    def _gradient(self, step: int, at_once: int) -> tuple[Tensor, Tensor, Tensor]:
        """Of all pictures; (gradient, objective, size of the gradient in the picture)."""
        count = len(self.requests)
        whole_groups = self._parts(at_once)
        if len(whole_groups) == 1:
            return self._part(step, range(count))
        parts = [self._part(step, part) for part in whole_groups]
        gradient = sum((part[0] for part in parts[1:]), parts[0][0])
        return gradient, torch.cat([part[1] for part in parts]), torch.cat([part[2] for part in parts])

    def _parts(self, at_once: int) -> list[range]:
        """Pictures that are to differ stay together."""
        parts, begin = [], 0
        count = len(self.requests)
        while begin < count:
            end = min(count, begin + max(1, at_once))
            while end < count and self.requests[end].group == self.requests[end - 1].group:
                end += 1
            parts.append(range(begin, end))
            begin = end
        return parts

    def _part(self, step: int, part: range) -> tuple[Tensor, Tensor, Tensor]:
        studio, recipe = self.studio, self.studio.recipe
        reach, sight = self.sight(step)
        requests = [self.requests[number] for number in part]
        aims = [studio.aim(request.objective, reach) for request in requests]
        early = step < recipe.relu_steps
        places = tuple(dict.fromkeys(place for one in aims for place in one.places(early)))
        device = self.picture.values.device
        with reach.with_gradients():
            planes = self.picture.planes()
            if recipe.parametrisation == "pixel":
                x = self.picture.values[part.start : part.stop]
                x = transforms.resized(x, sight.side)
            else:
                draws = self.draws[step, part.start : part.stop].to(device)
                some = planes[part.start : part.stop]
                x = studio.normalised(views(some, draws, recipe, sight, self.picture.wraps))
            if recipe.noise and not sight.plain:
                x = x + self._noise(part, x.shape)
            # Convolutions are faster with the channels innermost: 1.4 to 1.6 times on two cores, with nothing else
            # changed.
            x = x.contiguous(memory_format=torch.channels_last)
            given = x.detach().requires_grad_(True)
            with torch.autocast(device.type, torch.float16, enabled=self.half):
                found = reach.run(given, places)
            photos = {(k - part.start, place): value for (k, place), value in self.photo_values.items() if k in part}
            values = aims_of.values(aims, found, early, photos)
            aim = values
            if any(request.objective.copies > 1 for request in requests):
                groups = [request.group for request in requests]
                aim = values - recipe.diversity * values.detach().abs() * aims_of.likeness(aims, found, early, groups)
            scale = _SCALE.get(studio.loaded.dtype, _SCALE[torch.float16] if self.half else 1.0)
            found.clear()
            at_input = self._at_input(aim, given, scale, reach, places)
            wanted = (self.picture.values, planes) if recipe.parametrisation == "maco" else (self.picture.values,)
            gradient, *at_picture = torch.autograd.grad(x, wanted, at_input, retain_graph=self.photos is not None)
            seen = (
                at_picture[0][part.start : part.stop].abs().sum(1) if at_picture else values.new_zeros(len(part), 1, 1)
            )
            if self.photos is not None:
                gradient = gradient + self._towards_photo(planes[part.start : part.stop], part, gradient)
        return gradient, values.detach(), seen

    def _at_input(self, aim: Tensor, given: Tensor, scale: float, reach: Reach, places: Sequence[Place]) -> Tensor:
        """The gradient where the network begins."""
        if aim.requires_grad:
            (at_input,) = torch.autograd.grad(aim.sum() * scale, given, allow_unused=True)
            if at_input is not None:
                return at_input.float() / scale
        raise self._stopped(reach, given, places)

    def _refuse_stopped(self, step: int, gradient: Tensor) -> None:
        """A gradient that is 0 everywhere for all pictures comes from an operation that has none."""
        if bool((gradient == 0).all()) and not self.studio.recipe.parametrisation == "pixel":
            reach, sight = self.sight(step)
            x = torch.rand(1, self.studio.picture[0], *sight.side, device=gradient.device)
            places = self.studio.aim(self.requests[0].objective, reach).places(True)
            where = where_it_stops(reach, self.studio.normalised(x), places[0])
            if where:
                raise self._stopped(reach, x, places)

    def _stopped(self, reach: Reach, given: Tensor, places: Sequence[Place]) -> WalkinError:
        where = where_it_stops(reach, given[:1], places[0])
        at = f" it stops at {where}" if where else " nothing that it computes depends on its input in a smooth way"
        return WalkinError(f"{self.requests[0].objective}: the gradient does not reach the input;{at}")

    def _noise(self, part: range, shape: torch.Size) -> Tensor:
        """One field for each picture, shifted and with the other sign for each of its views: fewer numbers to draw."""
        views_each = shape[0] // len(part)
        rows = []
        for number in part:
            field = torch.randn(shape[1:], generator=self.noise[number], device=self.noise[number].device)
            for view in range(views_each):
                rows.append(field.roll((37 * view, 53 * view), (1, 2)) * (-1) ** view)
        return torch.stack(rows).mul_(self.studio.recipe.noise)

    def _towards_photo(self, planes: Tensor, part: range, gradient: Tensor) -> Tensor:
        """The gradient of the distance to the photo, as strong at first as recipe.nearness of the objective's own."""
        assert self.photos is not None
        photos = self.photos[part.start : part.stop]
        distance = (transforms.blurred(planes - photos, 2.0)).square().flatten(1).mean(1)
        (back,) = torch.autograd.grad(-distance.sum(), self.picture.values)
        shape = (-1, *[1] * (gradient.ndim - 1))
        if self.pull is None:
            self.pull = torch.zeros(len(self.requests), device=planes.device)
        size = gradient.flatten(1).norm(dim=1)
        # The photo itself has distance 0: the pull is measured once the picture has left it.
        strength = back.flatten(1).norm(dim=1)
        fresh = (self.pull == 0) & (strength > 0)
        self.pull = torch.where(fresh, self.studio.recipe.nearness * size / (strength + 1e-30), self.pull)
        return back * self.pull.reshape(shape)

    def codes(self) -> tuple[Tensor, list[np.ndarray | None]]:
        """uint8 (B, C, H, W), and opacities, uint8 (H, W), where the recipe has those."""
        with torch.no_grad():
            planes = self.picture.planes()
            codes = planes.nan_to_num(0.5).mul(255).round_().clamp_(0, 255).to(torch.uint8).cpu()
        if self.studio.recipe.parametrisation != "maco":
            return codes, [None] * len(codes)
        # Opaque where the gradients of all steps add up to more than at four fifths of the places, as in the paper.
        flat = self.alpha.flatten(1)
        level = flat.quantile(0.8, dim=1).clamp(min=1e-30)[:, None, None]
        opaque = (self.alpha / level).clamp(0, 1).mul(255).round_().to(torch.uint8).cpu().numpy()
        return codes, list(opaque)

    def shown(self, step: int, seed: int, network: str) -> Grown:
        codes, alphas = self.codes()
        entries = [
            Entry(planes.numpy(), alpha, float(value), step, 0.0)
            for planes, alpha, value in zip(codes, alphas, self.last.tolist(), strict=True)
        ]
        return replace(grown(self.requests, entries, self.studio.recipe, seed, network), done=False)


def _generator(seed: int, request: Request) -> torch.Generator:
    """Of one picture: the same whatever else is made with it."""
    from walkin.network.featurevis.recipe import digest

    own = int(digest([str(replace(request.objective, photo="")), request.copy]), 16)
    return torch.Generator().manual_seed((own ^ (seed * 0x9E3779B97F4A7C15)) % 2**63)


def grown(requests: Sequence[Request], entries: Sequence[Entry], recipe: Recipe, seed: int, network: str) -> Grown:
    """What the room and the files are given."""
    return Grown(
        network=network,
        address=requests[0].objective.address,
        channels=tuple(request.objective.channel for request in requests),
        objectives=tuple(str(request.objective) for request in requests),
        copies=tuple(request.copy for request in requests),
        pictures=np.stack([entry.rgba for entry in entries]),
        step=entries[0].steps,
        steps=recipe.steps,
        activations=tuple(entry.activation for entry in entries),
        seconds=tuple(entry.seconds for entry in entries),
        recipe=recipe.name,
        seed=seed,
        done=True,
        peaks=tuple(entry.peak for entry in entries),
    )
