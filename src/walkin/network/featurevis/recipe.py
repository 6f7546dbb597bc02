"""Recipe: every number that a visualisation is made with, frozen, and a hash of those that change the picture."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from walkin.errors import WalkinError

PARAMETRISATIONS = ("fourier", "maco", "pixel")
_LARGEST_SIDE = 4096


@dataclass(frozen=True)
class Recipe:
    """How pictures are parametrised, what is done to them before the network sees them, and how they are improved."""

    name: str
    parametrisation: str
    """fourier: a spectrum, colours decorrelated; maco: the phases of one, its magnitudes fixed; pixel: values."""
    steps: int
    rate: float
    """Length of a step: of Adam's for fourier and maco; of the normalised gradient for pixel."""
    size: int = 0
    """Side of the picture in pixels; 0: as large as the network's input."""
    input_side: int = 0
    """Side of what the network is given, if it takes that; 0: its own."""
    views: int = 1
    """Views of each picture in a step; the gradient is their mean."""
    share_low: float = 0.0
    """Share of the picture's side that a view spans; 0: as many pixels as the network is given."""
    share_high: float = 0.0
    spread: float = 0.0
    """Standard deviation of a view's centre, in sides of the picture."""
    jitter: float = 0.0
    """Longest shift of a view, in pixels of the picture."""
    turn_deg: float = 0.0
    scale_low: float = 1.0
    scale_high: float = 1.0
    noise: float = 0.0
    """Standard deviation of what is added to a view, in units of the normalised input."""
    plain_steps: int = 0
    """Last steps without any of these transforms."""
    decay: float = 1.0
    """fourier: power of the frequency that a coefficient's share falls with."""
    cutoff: float = 0.0
    """fourier: frequency, in cycles a pixel, above which coefficients hardly count; 0: none."""
    blur: float = 0.0
    """fourier, maco: largest standard deviation of the Gaussian blur of a picture in a step, in its own pixels; it is
    taken before the sigmoid, where it costs nothing."""
    deviation: float = 0.01
    """Standard deviation of what a picture begins with."""
    contrast: float = 0.25
    """fourier: a spectrum's factor before the sigmoid; small ones saturate late."""
    warm_up: float = 0.05
    """Share of the steps in which the rate rises to its value; it falls to `last_rate` of it along a cosine."""
    last_rate: float = 0.1
    momentum: float = 0.9
    """fourier, maco: share of the mean gradient that stays from step to step, Adam's first beta."""
    memory: float = 0.999
    """fourier, maco: the same of its mean square, the second: little of it follows gradients as they change."""
    relu_steps: int = 16
    """First steps in which a ReLU's input counts instead of its output: what gives 0 has no gradient."""
    diversity: float = 0.1
    """Weight of the likeness between the pictures of one objective (`~4`)."""
    nearness: float = 1.0
    """Pull back to the photo that a picture begins with (accentuation). 1: as strong as the objective once they differ
    by a tenth of the range."""
    smoothing: float = 0.0
    """pixel: standard deviation of the Gaussian blur of each step, in pixels."""
    turn_chance: float = 1.0
    scale_chance: float = 1.0
    shift_chance: float = 1.0
    """pixel: how often each of these is done."""
    redistribution: float = 0.0
    """pixel: share of the picture that is replaced in each step by itself with mean 0 and deviation 1."""
    spectrum: str = ""
    """maco: folder of pictures whose mean spectrum is used; '': that of ImageNet."""
    every: int = 8
    """A picture is shown after so many steps. Does not change it."""

    def __post_init__(self) -> None:
        def refuse(field: str, wanted: str) -> None:
            raise WalkinError(f"recipe {self.name}: {field}={getattr(self, field)!r}; {wanted} is wanted", code=2)

        if self.parametrisation not in PARAMETRISATIONS:
            refuse("parametrisation", f"one of {', '.join(PARAMETRISATIONS)}")
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.type == "int" and (not isinstance(value, int) or isinstance(value, bool)):
                refuse(field.name, "a whole number")
            if field.type in ("int", "float"):
                if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                    refuse(field.name, "a number from 0 up")
        for name in ("steps", "views", "every"):
            if getattr(self, name) < 1:
                refuse(name, "at least 1")
        for name in ("size", "input_side"):
            if getattr(self, name) > _LARGEST_SIDE:
                refuse(name, f"at most {_LARGEST_SIDE}")
        for name in ("momentum", "memory"):
            if getattr(self, name) >= 1:
                refuse(name, "a number from 0 up to, but without, 1")
        if self.rate <= 0:
            refuse("rate", "a number above 0")
        if not 0 < self.scale_low <= self.scale_high:
            refuse("scale_low", "a number above 0 and not above scale_high")
        if not self.share_low <= self.share_high <= 1:
            refuse("share_high", "a number between share_low and 1")

    def with_(self, **changes: Any) -> Recipe:
        """The same with other numbers; WalkinError, naming close ones, for one that no recipe has."""
        known = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in known:
                close = get_close_matches(name, known, 3, 0.4)
                hint = f"; did you mean {', '.join(close)}?" if close else ""
                raise WalkinError(f"a recipe has no {name!r}{hint}", code=2)
        return dataclasses.replace(self, **changes)

    def shortened(self, steps: int) -> Recipe:
        """With other steps; the last ones keep their share."""
        return dataclasses.replace(self, steps=steps, plain_steps=round(self.plain_steps * steps / self.steps))

    @property
    def matter(self) -> dict[str, Any]:
        """All that changes the picture: neither a name nor how often it is shown does."""
        return {name: value for name, value in dataclasses.asdict(self).items() if name not in ("name", "every")}

    @property
    def hash(self) -> str:
        return digest(self.matter)


def digest(value: Any) -> str:
    """16 hexadecimal digits that tell plain data from all other."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


RECIPES = {
    recipe.name: recipe
    for recipe in (
        # Chosen on channels 0 to 3 of a middle and a late node of the demo by what pictures reach after small harms
        # (robust.py), and by eye; figures are those of channels 0 and 1 of the middle node after 320 steps, by .2
        # another each time. Adam's usual betas, .9 and .999: 33.0; .9 and .9: 34.0; .8 and .9: 34.6; .6 and .8: 34.9;
        # .5 and .7, .3 and .8: less. A blur of up to .8 and of up to 1.2 pixels: the same, but after 950 steps 35.8 and
        # 36.6, since less of it is lost at half the size. Shifts of 6, 4, 2 and 0 pixels: 35.1, 35.2, 35.7, 35.4. A
        # decay of 1.5 instead of 1, with as much contrast at .05 cycles a pixel: larger forms in a late node, where 1
        # gives a carpet of small ones. Rates of .1 to .2 reach the same; contrast grows with them, and at .2 colours
        # are harsh.
        Recipe(
            "fourier", "fourier", steps=320, rate=0.12, decay=1.5, contrast=0.056, cutoff=0.28, blur=1.0, momentum=0.6,
            memory=0.8, jitter=2, turn_deg=3, scale_low=0.96, scale_high=1.04,
        ),
        Recipe(
            "quick", "fourier", steps=96, rate=0.15, size=112, input_side=112, decay=1.5, contrast=0.056, cutoff=0.28,
            blur=0.5, momentum=0.6, memory=0.8, jitter=2, turn_deg=3, scale_low=0.96, scale_high=1.04, every=4,
        ),
        # After Horama's maco (MIT), with the box that its formula gives, but a smaller picture and fewer steps.
        Recipe(
            "maco", "maco", steps=256, rate=1.0, size=512, views=6, share_low=0.25, share_high=0.3, spread=0.15,
            noise=0.05, deviation=1.0, warm_up=0.0, last_rate=1.0,
        ),
        # DeepVisionVR's, with its defaults.
        Recipe(
            "pixel", "pixel", steps=200, rate=20.0, jitter=5, turn_deg=10, scale_low=1.0, scale_high=1.05,
            smoothing=0.5, turn_chance=0.3, scale_chance=0.05, shift_chance=0.3, redistribution=0.05, plain_steps=10,
            warm_up=0.0, last_rate=1.0, relu_steps=0,
        ),
    )
}  # fmt: skip


def named(name: str | Recipe) -> Recipe:
    """One of ours or of the user's; WalkinError, naming close ones, if there is none of that name."""
    from walkin.network.featurevis.saved_recipes import saved_names, saved_recipe

    if isinstance(name, Recipe):
        return name
    if name in RECIPES:
        return RECIPES[name]
    if (found := saved_recipe(name)) is not None:
        return found
    known = (*RECIPES, *saved_names())
    close = get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"
    raise WalkinError(f"no recipe {name!r}: {hint}", code=2)
