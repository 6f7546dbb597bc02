"""Batch: pictures that are made together, and what one step does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from walkin.errors import WalkinError
from walkin.network.devices import is_out_of_memory
from walkin.network.featurevis import aim as aims_of
from walkin.network.featurevis import optimiser, parametrisation, transforms
from walkin.network.featurevis.memory import Budget
from walkin.network.featurevis.reach import Reach, where_it_stops
from walkin.network.featurevis.recipe import digest
from walkin.network.featurevis.studio import Request, Studio
from walkin.network.featurevis.transforms import Sight, views
from walkin.network.tracing.recording import Place

FAR = 0.1  # root mean square of the blurred difference of picture and photo, of the whole range
LEFT = 0.005
_SCALE = {torch.float16: 1024.0}  # of the objective, so that small gradients do not become 0 in half precision


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
            studio.photo_values(requests, studio.whole, "late") if given else {},
        )

    def sight(self, step: int) -> tuple[Reach, Sight]:
        """What the network is given in a step."""
        recipe, studio = self.studio.recipe, self.studio
        size = studio.picture[1:]
        plain = step >= recipe.steps - recipe.plain_steps and recipe.plain_steps > 0
        if recipe.parametrisation == "pixel":
            return studio.whole, Sight(studio.whole.side, size, plain=True)
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
        self.ascent.step(gradient, self.moving)

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
        phase: aims_of.Phase = "early" if step < recipe.relu_steps else "late"
        places = tuple(dict.fromkeys(place for one in aims for place in one.places(phase)))
        device = self.picture.values.device
        with reach.with_gradients():
            blur = None if sight.plain else transforms.blurs(self.draws[step].to(device), recipe)
            planes = self.picture.planes(blur)
            if recipe.parametrisation == "pixel":
                x = self.picture.values[part.start : part.stop]
                x = transforms.resized(x, sight.side)
            else:
                draws = self.draws[step, part.start : part.stop].to(device)
                some = planes[part.start : part.stop]
                x = studio.normalised(views(some, draws, recipe, sight, self.picture.wraps))
            # Convolutions are faster with the channels innermost: 1.4 to 1.6 times on two cores, with nothing else
            # changed.
            x = x.contiguous(memory_format=torch.channels_last)
            given = x.detach()
            if recipe.noise and not sight.plain:
                given = self._with_noise(given, part)
            given.requires_grad_(True)
            with torch.autocast(device.type, torch.float16, enabled=self.half):
                found = reach.run(given, places, folded=True)
            photos = {(k - part.start, place): value for (k, place), value in self.photo_values.items() if k in part}
            values = aims_of.values(aims, found, phase, photos)
            aim = values
            if any(request.objective.copies > 1 for request in requests):
                groups = [request.group for request in requests]
                aim = values - recipe.diversity * values.detach().abs() * aims_of.likeness(aims, found, phase, groups)
            scale = _SCALE.get(studio.loaded.dtype, _SCALE[torch.float16] if self.half else 1.0)
            found.clear()
            at_input = self._at_input(aim, given, scale, reach, places)
            wanted = (self.picture.values, planes) if recipe.parametrisation == "maco" else (self.picture.values,)
            gradient, *at_picture = torch.autograd.grad(x, wanted, at_input, retain_graph=self.photos is not None)
            seen = (
                at_picture[0][part.start : part.stop].abs().sum(1) if at_picture else values.new_zeros(len(part), 1, 1)
            )
            if self.photos is not None:
                sharp = self.picture.planes() if blur is not None else planes
                gradient = gradient + self._towards_photo(sharp[part.start : part.stop], part, gradient)
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
            places = self.studio.aim(self.requests[0].objective, reach).places("early")
            where = where_it_stops(reach, self.studio.normalised(x), places[0])
            if where:
                raise self._stopped(reach, x, places)

    def _stopped(self, reach: Reach, given: Tensor, places: Sequence[Place]) -> WalkinError:
        where = where_it_stops(reach, given[:1], places[0])
        at = f" it stops at {where}" if where else " nothing that it computes depends on its input in a smooth way"
        return WalkinError(f"{self.requests[0].objective}: the gradient does not reach the input;{at}")

    def _with_noise(self, x: Tensor, part: range) -> Tensor:
        """One field for each picture, shifted and with the other sign for each of its views: fewer numbers to draw. The
        gradient of a sum is that of each summand, so it is not recorded."""
        x = x.clone(memory_format=torch.preserve_format)
        height, width = x.shape[-2:]
        views_each = x.shape[0] // len(part)
        for place, number in enumerate(part):
            field = torch.randn(x.shape[1:], generator=self.noise[number], device=self.noise[number].device)
            tiled = field.repeat(1, 2, 2)
            for view in range(views_each):
                top, left = 37 * view % height, 53 * view % width
                some = tiled[:, top : top + height, left : left + width]
                x[place * views_each + view].add_(some, alpha=self.studio.recipe.noise * (-1) ** view)
        return x

    def _towards_photo(self, planes: Tensor, part: range, gradient: Tensor) -> Tensor:
        """The gradient of the distance to the photo: recipe.nearness times the objective's own, once FAR from it."""
        assert self.photos is not None
        photos = self.photos[part.start : part.stop]
        distance = (transforms.blurred(planes - photos, 2.0)).square().flatten(1).mean(1)
        (back,) = torch.autograd.grad(-distance.sum(), self.picture.values)
        shape = (-1, *[1] * (gradient.ndim - 1))
        if self.pull is None:
            self.pull = torch.zeros(len(self.requests), device=planes.device)
        size = gradient.flatten(1).norm(dim=1)
        # The gradient of a square grows with the distance: what it is FAR away follows from what it is now. Taken as it
        # is at first, where only rounding lies between them, it gave a pull that held the picture there for ever.
        away = distance.detach().sqrt()
        strength = back.flatten(1).norm(dim=1) / (away + 1e-30) * FAR
        fresh = (self.pull == 0) & (away > LEFT)
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


def _generator(seed: int, request: Request) -> torch.Generator:
    """Of one picture: the same whatever else is made with it."""
    own = int(digest([str(replace(request.objective, photo="")), request.copy]), 16)
    return torch.Generator().manual_seed((own ^ (seed * 0x9E3779B97F4A7C15)) % 2**63)
