"""What a module, or an argument of some name, may be given, with words for it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from walkin.network.feeding.pictures import read_picture
from walkin.network.loading.forms import CLIP_FRAMES
from walkin.network.loading.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from walkin.resources import photos

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
STEMS = (*CONVOLUTIONS, nn.Linear, nn.Embedding, nn.EmbeddingBag, nn.RNNBase, nn.MultiheadAttention)
"""Modules that say what they are given."""

# In the order in which they are tried, the usual ones of data sets and papers.
SIDES = (224, 32, 28, 64, 96, 128, 256, 48, 299, 384, 512, 16)
LENGTHS = (1024, 128, 256, 100, 784, 4096, 16000)
TOKENS = (32, 16, 64, 128, 8)
STEPS = 16  # vectors in a sequence of them
_IDS = frozenset("input_ids ids tokens token_ids token text src tgt idx indices sentence words prompt".split())
_TIMES = frozenset("t time times timestep timesteps step sigma sigmas noise_level".split())
_LABELS = frozenset("y label labels target targets class_labels category".split())

Extent = tuple[int, int]
"""Height and width of a picture, in pixels."""
Offer = tuple[Tensor, str]
"""(a value, what it is)"""


def extents(asked: Extent | None) -> tuple[Extent, ...]:
    """Which sizes of several pictures at once are tried: the visitor's own, or the usual ones."""
    return (asked,) if asked is not None else tuple((side, side) for side in SIDES[:8])


def role(name: str) -> str:
    """What the name of an argument says of it: ids, time, mask, or nothing: free."""
    if name in _IDS or name.endswith("_ids"):
        return "ids"
    if name in _TIMES:
        return "time"
    return "mask" if name == "mask" or name.endswith("_mask") else "free"


def is_label(name: str) -> bool:
    """Whether it is what a loss is computed with, beside the input."""
    return name in _LABELS or name.endswith(("_label", "_labels"))


def times() -> list[Offer]:
    return [(torch.tensor([10]), "step 10"), (torch.tensor([0.5]), "time 0.5")]


def masks(tokens: bool, extent: Extent) -> list[Offer]:
    """Of as many tokens as are tried first, or of a picture."""
    shape = (1, TOKENS[0]) if tokens else (1, 1, *extent)
    return [(torch.ones(shape), "ones"), (torch.ones(shape, dtype=torch.long), "ones")]


def picture(number: int, channels: int, extent: Extent, stem: nn.Module | None = None) -> Offer:
    """One of the bundled photos; for a 3-D convolution a clip of it."""
    files = photos()
    size = (channels, *extent)
    preprocess = Preprocess(size, "cover", size[1:], mean=IMAGENET_MEAN, std=IMAGENET_STD).resized(size)
    made = preprocess.apply(read_picture(files[number % len(files)], 2 * max(extent)).pixels)
    if isinstance(stem, nn.Conv3d):
        made = made[:, :, None].repeat(1, 1, CLIP_FRAMES, 1, 1)
    return made, f"a picture of {'x'.join(map(str, made.shape[1:]))}"


def values(stem: nn.Module) -> Iterator[tuple[Tensor, str]]:
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


def stems_of(model: nn.Module) -> list[nn.Module]:
    """The first module of each kind that says what it is given, in the order of their making."""
    found: dict[type, nn.Module] = {}
    inside: set[int] = set()
    for module in model.modules():
        if id(module) in inside:
            continue
        kind = next((kind for kind in STEMS if isinstance(module, kind)), None)
        if kind is not None:
            found.setdefault(kind, module)
            inside.update(id(part) for part in module.modules())  # the projection inside an attention
    return list(found.values())
