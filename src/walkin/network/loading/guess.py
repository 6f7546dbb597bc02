"""What input one's own network most likely takes, read off its first layers and its forward; every guess is said."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from itertools import product

from torch import nn

from walkin.network.loading import keys, offers
from walkin.network.loading.example import Example, given, signature_of
from walkin.network.loading.forms import CLIP_FRAMES
from walkin.network.loading.offers import CONVOLUTIONS, SIDES, Extent, Offer, stems_of, values
from walkin.network.loading.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess

# A network of nothing but these takes a flat vector: 784 is a 28x28 picture.
_FLAT = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm, nn.PReLU)

# In the order in which they are tried, the usual ones of data sets and papers.
CLIPS = ((16, 112), (16, 224), (32, 64), (64, 64), (8, 64), (32, 128), (8, 32))


@dataclass(frozen=True)
class Guess:
    """One input that a network may take."""

    preprocess: Preprocess
    form: str = "picture"
    example: Example | None = None


Guesses = Generator[Guess, Exception | None, None]
"""Guesses, the likeliest first; what the network raised on the last one may be sent to them, and changes what comes."""


def guesses(model: nn.Module, asked_size: Extent | None = None) -> Guesses:
    """What it may take, the likeliest first; several pictures are of the size that the visitor asked for, if any."""
    names = needed(model)
    if len(names) > 1:
        yield from _several(model, names, asked_size)
        return
    signature = signature_of(model)
    asked = next((str(p.annotation).lower() for p in signature.parameters.values()), "") if signature else ""
    if asked.startswith(("list", "typing.list", "collections.abc.sequence", "sequence", "tuple", "typing.tuple")):
        first = Guess(preprocess(model), "list")
        yield first
        for side in SIDES:
            yield Guess(_resized(first.preprocess, side), "list")
    yield from _one(model, asked_size)


def needed(model: nn.Module) -> tuple[str, ...]:
    """Names of what its forward cannot do without."""
    signature = signature_of(model)
    if signature is None:
        return ()
    some = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return tuple(
        p.name for p in signature.parameters.values() if p.kind not in some and p.default is inspect.Parameter.empty
    )


def preprocess(model: nn.Module) -> Preprocess:
    """Size and normalisation for a network that says nothing about them."""
    return _noted(_preprocess(_size(model)))


def notes(preprocess: Preprocess, given: list[str]) -> tuple[str, ...]:
    """What of a guessed preprocessing is still assumed, once the visitor has `given` some of it."""
    assumed = []
    if "input_size" not in given:
        assumed.append(f"input {'x'.join(map(str, preprocess.size))} (--input-size)")
    if "mean" not in given and "std" not in given:
        which = "ImageNet's mean and std" if preprocess.size[0] == 3 else "the average of ImageNet's mean and std"
        assumed.append(f"{which} (--mean, --std)")
    return (f"assumed: {', '.join(assumed)}",) if assumed else ()


def form(model: nn.Module) -> str:
    return "clip" if isinstance(_first_convolution(model), nn.Conv3d) else "picture"


def _one(model: nn.Module, asked_size: Extent | None) -> Guesses:
    """For a forward that is given one thing; if it refuses the likeliest, it is tried whether it wants a dict."""
    things = _things(model)
    refused = yield next(things)
    if refused is not None:
        yield from _dicts(model, asked_size)
    yield from things


def _dicts(model: nn.Module, asked_size: Extent | None) -> Guesses:
    """For a forward that is given one dict, or its values by name."""
    search, refused = keys.search(model, asked_size), None
    while True:
        try:
            example = search.send(refused)
        except StopIteration:
            return
        refused = yield _by_example(example)


def _things(model: nn.Module) -> Iterator[Guess]:
    """By the first module of each kind, in the order of their making."""
    usual = Guess(preprocess(model), form(model))
    stems = stems_of(model)
    if not stems or isinstance(stems[0], nn.Conv2d | nn.Conv3d):
        yield usual
    for stem in stems:
        if isinstance(stem, nn.Conv2d):
            for channels, side in product(_channels(model), (*_named_sides(model), *SIDES)):
                yield Guess(_resized(_preprocess((channels, side, side)), side))
        elif isinstance(stem, nn.Conv3d):
            for frames, side in CLIPS:
                name = "clip" if frames == CLIP_FRAMES else f"clip {frames}"
                yield Guess(_noted(_preprocess((stem.in_channels or 1, side, side)), f"{frames} times"), name)
        elif isinstance(stem, nn.Linear):
            yield from _for_linear(stem, usual)
        else:
            for made in values(stem):
                yield _by_example(Example.of((made[0],), made[1]))
    if not stems:
        yield from (Guess(_resized(usual.preprocess, side)) for side in SIDES[1:])
    for channels in (3, 1):
        yield Guess(_resized(_preprocess((channels, 224, 224)), 224))


def _for_linear(stem: nn.Linear, usual: Guess) -> Iterator[Guess]:
    """A picture that the network flattens or that is given flat, a vector, or a sequence of vectors."""
    square = _square(stem.in_features)
    if square is not None:
        yield Guess(_noted(_preprocess(square)))
        yield Guess(_noted(_preprocess(square)), "flat")
    for tensor, words in values(stem):
        yield _by_example(Example.of((tensor,), words))
    yield usual


def _several(model: nn.Module, names: tuple[str, ...], asked_size: Extent | None) -> Iterator[Guess]:
    """For a forward that is given several things: by their names, and by the first module of each child."""
    stems = [stem for child in model.children() for stem in stems_of(child)[:1]] or stems_of(model)
    if not any(offers.role(name) == "ids" for name in names):  # what embeds steps or classes
        stems = [stem for stem in stems if not isinstance(stem, nn.Embedding)] or stems
    vocabulary = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    free = [name for name in names if offers.role(name) == "free"]
    matched = stems[: len(free)] if len(stems) >= len(free) else [stems[0]] * len(free) if stems else []
    orders = [matched, [stems[0]] * len(free)] if stems else [[nn.Conv2d(3, 1, 1)] * len(free)]
    for stems_of_free, extent in product(orders, offers.extents(asked_size)):
        by_name = dict(zip(free, stems_of_free, strict=False))
        options: list[list[Offer]] = []
        photo = 0
        tokens = any(offers.role(name) == "ids" for name in names)
        for name in names:
            role = offers.role(name)
            if role == "ids" and vocabulary is not None:
                options.append([next(values(vocabulary))])
            elif role == "time":
                options.append(offers.times())
            elif role == "mask":
                options.append(offers.masks(tokens, extent))
            else:
                stem = by_name.get(name)
                if stem is None or isinstance(stem, nn.Conv2d | nn.Conv3d):
                    options.append([offers.picture(photo, stem.in_channels if stem is not None else 3, extent, stem)])
                    photo += 1
                else:
                    options.append(list(values(stem))[:2])
        for chosen in product(*options):
            words = "; ".join(f"{name}: {what}" for name, (_, what) in zip(names, chosen, strict=True))
            arguments = given({name: value for name, (value, _) in zip(names, chosen, strict=True)}, model).arguments
            yield _by_example(Example.of(arguments, words))


def _by_example(example: Example) -> Guess:
    made = example.preprocess(Preprocess((3, 224, 224), mean=IMAGENET_MEAN, std=IMAGENET_STD))
    note = f"assumed: {example.words} (--inputs)"
    return Guess(replace(made, notes=(note,)), f"example {example.digest}", example)


def _preprocess(size: tuple[int, int, int]) -> Preprocess:
    _, height, width = size
    made = Preprocess(size, "cover", (height, width), mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return made.resized(size)


def _resized(preprocess: Preprocess, side: int) -> Preprocess:
    return _noted(preprocess.resized((preprocess.size[0], side, side)))


def _noted(preprocess: Preprocess, more: str = "") -> Preprocess:
    said = notes(preprocess, [])
    return replace(preprocess, notes=(f"{said[0]}; {more}",) if more else said)


def _channels(model: nn.Module) -> tuple[int, ...]:
    """What the picture may have: what the convolution that was made first takes, unless that looks like something
    within the network; then what no convolution gives."""
    convolutions = [module for module in model.modules() if isinstance(module, nn.Conv2d) and module.in_channels]
    first = [module.in_channels for module in convolutions[:1]]
    made = {module.out_channels for module in convolutions}
    others = [module.in_channels for module in convolutions if module.in_channels not in made]
    order = [*first, *others] if not first or first[0] in (1, 3, 4) else [*others, *first]
    return tuple(dict.fromkeys(order))[:4] or (3,)


def _named_sides(model: nn.Module) -> tuple[int, ...]:
    """Of pictures, where the network itself says so."""
    found = [getattr(model, name, None) for name in ("image_size", "img_size", "input_size", "input_resolution")]
    sides = [value[-1] if isinstance(value, tuple | list) and value else value for value in found]
    return tuple(side for side in sides if isinstance(side, int) and 4 <= side <= 4096)


def _size(model: nn.Module) -> tuple[int, int, int]:
    first = _first_convolution(model)
    if first is not None:
        side = 112 if isinstance(first, nn.Conv3d) else 224
        # A lazy layer says 0 as long as it has not seen its first input.
        return first.in_channels or 3, side, side
    owners = [module for module in model.modules() if next(module.parameters(recurse=False), None) is not None]
    if owners and isinstance(owners[0], nn.Linear) and all(isinstance(module, _FLAT) for module in owners):
        return _square(owners[0].in_features) or (3, 224, 224)
    return 3, 224, 224


def _square(count: int) -> tuple[int, int, int] | None:
    """The picture (C, H, W) that so many values are, if they are one."""
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side >= 4 and side * side * channels == count:
            return channels, side, side
    return None


def _first_convolution(model: nn.Module) -> nn.Conv1d | nn.Conv2d | nn.Conv3d | None:
    """The first one registered, which nearly always is the first one called."""
    return next((module for module in model.modules() if isinstance(module, CONVOLUTIONS)), None)


Run = Callable[[Guess], None]
"""Runs the network on a guess; raises what the network raises."""


def first_that_runs(candidates: Guesses, run: Run, most: int = 60) -> Guess | None:
    """The first guess that the network takes, of at most so many; None if it takes none."""
    tried: set[tuple[object, ...]] = set()
    refused = None
    while True:
        try:
            guess = candidates.send(refused)
        except StopIteration:
            return None
        what = (guess.preprocess.size, guess.form)
        if what in tried:
            refused = None
            continue
        if len(tried) == most:
            return None
        tried.add(what)
        try:
            run(guess)
        except Exception as problem:
            refused = problem
            continue
        return guess
