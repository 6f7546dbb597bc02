"""What input one's own network most likely takes, read off its first layers and its forward; every guess is said."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.example import Example, given, signature_of
from walkin.network.forms import CLIP_FRAMES
from walkin.network.pictures import read_picture
from walkin.network.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from walkin.resources import photos

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
# A network of nothing but these takes a flat vector: 784 is a 28x28 picture.
_FLAT = (nn.Linear, nn.BatchNorm1d, nn.LayerNorm, nn.PReLU)

# In the order in which they are tried, the usual ones of data sets and papers.
SIDES = (224, 32, 28, 64, 96, 128, 256, 48, 299, 384, 512, 16)
CLIPS = ((16, 112), (16, 224), (32, 64), (64, 64), (8, 64), (32, 128), (8, 32))
LENGTHS = (1024, 128, 256, 100, 784, 4096, 16000)
TOKENS = (32, 16, 64, 128, 8)
STEPS = 16  # vectors in a sequence of them
_IDS = frozenset("input_ids ids tokens token_ids token text src tgt idx indices sentence words prompt".split())
_TIMES = frozenset("t time times timestep timesteps step sigma sigmas noise_level".split())


@dataclass(frozen=True)
class Guess:
    """One input that a network may take."""

    preprocess: Preprocess
    form: str = "picture"
    example: Example | None = None


def guesses(model: nn.Module) -> Iterator[Guess]:
    """What it may take, the likeliest first."""
    names = needed(model)
    if len(names) > 1:
        yield from _several(model, names)
        return
    signature = signature_of(model)
    asked = next((str(p.annotation).lower() for p in signature.parameters.values()), "") if signature else ""
    if asked.startswith(("list", "typing.list", "collections.abc.sequence", "sequence", "tuple", "typing.tuple")):
        first = Guess(preprocess(model), "list")
        yield first
        yield from (Guess(_resized(first.preprocess, side), "list") for side in SIDES)
    yield from _one(model)


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


def _one(model: nn.Module) -> Iterator[Guess]:
    """For a forward that is given one thing: by the first module of each kind, in the order of their making."""
    usual = Guess(preprocess(model), form(model))
    stems = _stems(model)
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
            for made in _values(stem):
                yield _by_example((made[0],), (made[1],))
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
    for tensor, words in _values(stem):
        yield _by_example((tensor,), (words,))
    yield usual


def _values(stem: nn.Module) -> Iterator[tuple[Tensor, str]]:
    """(what a module that takes no pictures may be given, in words)."""
    random = torch.Generator().manual_seed(0)
    if isinstance(stem, nn.Embedding | nn.EmbeddingBag):
        for count in TOKENS:
            ids = torch.randint(0, stem.num_embeddings, (1, count), generator=random)
            yield ids, f"{count} token ids, drawn from 0 to {stem.num_embeddings - 1}"
    elif isinstance(stem, nn.Conv1d):
        for length in LENGTHS:
            time = torch.linspace(0, 1, length)[None, None] * torch.arange(1, stem.in_channels + 1)[None, :, None]
            waves = torch.sin(40 * time) + 0.5 * torch.sin(170 * time)
            yield waves, f"a signal of {stem.in_channels} x {length} values, two sines"
    elif isinstance(stem, nn.RNNBase):
        shape = (1, STEPS, stem.input_size) if stem.batch_first else (STEPS, 1, stem.input_size)
        yield torch.randn(shape, generator=random), f"{STEPS} vectors of {stem.input_size} random values"
    elif isinstance(stem, nn.Linear):
        count = stem.in_features
        yield torch.randn((1, count), generator=random), f"a vector of {count} random values"
        yield torch.randn((1, STEPS, count), generator=random), f"{STEPS} vectors of {count} random values"
    elif isinstance(stem, nn.MultiheadAttention):
        shape = (1, STEPS, stem.embed_dim) if stem.batch_first else (STEPS, 1, stem.embed_dim)
        yield torch.randn(shape, generator=random), f"{STEPS} vectors of {stem.embed_dim} random values"


def _several(model: nn.Module, names: tuple[str, ...]) -> Iterator[Guess]:
    """For a forward that is given several things: by their names, and by the first module of each child."""
    stems = [stem for child in model.children() for stem in _stems(child)[:1]] or _stems(model)
    if not any(_role(name) == "ids" for name in names):  # what embeds steps or classes
        stems = [stem for stem in stems if not isinstance(stem, nn.Embedding)] or stems
    vocabulary = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
    free = [name for name in names if _role(name) == "free"]
    matched = stems[: len(free)] if len(stems) >= len(free) else [stems[0]] * len(free) if stems else []
    orders = [matched, [stems[0]] * len(free)] if stems else [[nn.Conv2d(3, 1, 1)] * len(free)]
    sides = SIDES[:8]
    for stems_of_free, side in product(orders, sides):
        by_name = dict(zip(free, stems_of_free, strict=False))
        options: list[list[tuple[Tensor, str]]] = []
        photo = 0
        tokens = any(_role(name) == "ids" for name in names)
        for name in names:
            role = _role(name)
            if role == "ids" and vocabulary is not None:
                options.append([next(_values(vocabulary))])
            elif role == "time":
                options.append([(torch.tensor([10]), "step 10"), (torch.tensor([0.5]), "time 0.5")])
            elif role == "mask":
                shape = (1, TOKENS[0]) if tokens else (1, 1, side, side)
                options.append([(torch.ones(shape), "ones"), (torch.ones(shape, dtype=torch.long), "ones")])
            else:
                stem = by_name.get(name)
                if stem is None or isinstance(stem, nn.Conv2d | nn.Conv3d):
                    channels = stem.in_channels if stem is not None else 3
                    made = _photo(photo, channels, side)
                    if isinstance(stem, nn.Conv3d):
                        made = made[:, :, None].repeat(1, 1, CLIP_FRAMES, 1, 1)
                    options.append([(made, f"a picture of {'x'.join(map(str, made.shape[1:]))}")])
                    photo += 1
                else:
                    options.append(list(_values(stem))[:2])
        for chosen in product(*options):
            words = tuple(f"{name}: {what}" for name, (_, what) in zip(names, chosen, strict=True))
            arguments = given({name: value for name, (value, _) in zip(names, chosen, strict=True)}, model).arguments
            yield _by_example(arguments, words)


def _role(name: str) -> str:
    if name in _IDS or name.endswith("_ids"):
        return "ids"
    if name in _TIMES:
        return "time"
    return "mask" if name == "mask" or name.endswith("_mask") else "free"


def _by_example(arguments: tuple[Any, ...], words: tuple[str, ...]) -> Guess:
    example = Example.of(arguments, "; ".join(words))
    made = example.preprocess(Preprocess((3, 224, 224), mean=IMAGENET_MEAN, std=IMAGENET_STD))
    note = f"assumed: {example.words} (--inputs)"
    return Guess(replace(made, notes=(note,)), f"example {example.digest}", example)


def _photo(number: int, channels: int, side: int) -> Tensor:
    files = photos()
    return _preprocess((channels, side, side)).apply(read_picture(files[number % len(files)], 2 * side).pixels)


def _preprocess(size: tuple[int, int, int]) -> Preprocess:
    _, height, width = size
    made = Preprocess(size, "cover", (height, width), mean=IMAGENET_MEAN, std=IMAGENET_STD)
    return made.resized(size)


def _resized(preprocess: Preprocess, side: int) -> Preprocess:
    return _noted(preprocess.resized((preprocess.size[0], side, side)))


def _noted(preprocess: Preprocess, more: str = "") -> Preprocess:
    said = notes(preprocess, [])
    return replace(preprocess, notes=(f"{said[0]}; {more}",) if more else said)


def _stems(model: nn.Module) -> list[nn.Module]:
    """The first module of each kind that says what it is given, in the order of their making."""
    kinds = (*_CONVOLUTIONS, nn.Linear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.MultiheadAttention)
    found: dict[type, nn.Module] = {}
    inside: set[int] = set()
    for module in model.modules():
        if id(module) in inside:
            continue
        kind = next((kind for kind in kinds if isinstance(module, kind)), None)
        if kind is not None:
            found.setdefault(kind, module)
            inside.update(id(part) for part in module.modules())  # the projection inside an attention
    return list(found.values())


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
    return next((module for module in model.modules() if isinstance(module, _CONVOLUTIONS)), None)


Run = Callable[[Guess], None]
"""Runs the network on a guess; raises what the network raises."""


def first_that_runs(candidates: Iterator[Guess], run: Run, most: int = 60) -> Guess | None:
    """The first guess that the network takes, of at most so many; None if it takes none."""
    tried: set[tuple[object, ...]] = set()
    for guess in candidates:
        what = (guess.preprocess.size, guess.form)
        if what in tried:
            continue
        if len(tried) == most:
            return None
        tried.add(what)
        try:
            run(guess)
        except Exception:
            continue
        return guess
    return None
