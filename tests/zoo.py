"""Networks that are hard to trace: control flow on data, re-use, in-place writes, unusual arguments, foreign code."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn


def conv(channels: int = 4, given: int = 4) -> nn.Conv2d:
    return nn.Conv2d(given, channels, 3, padding=1)


class DataDependentBranch(nn.Module):
    """Takes one of two convolutions by what is in the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.bright, self.dark, self.head = conv(given=3), conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.bright(x) if float(x.mean()) > 0 else self.dark(x)
        return self.head(x)


class DataDependentLoop(nn.Module):
    """Repeats a convolution until its output is small."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.step = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        rounds = 0
        while x.abs().max() > 0.1 and rounds < 5:
            x = self.step(x) * 0.5
            rounds += 1
        return x


class Reused(nn.Module):
    """One ReLU for all and one block, with functional operations in it, called twice."""

    class Block(nn.Module):
        def __init__(self, relu: nn.Module) -> None:
            super().__init__()
            self.conv, self.relu = conv(), relu

        def forward(self, x: Tensor) -> Tensor:
            return self.relu(F.avg_pool2d(self.conv(x), 3, 1, 1) + x)

    def __init__(self) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.stem = conv(given=3)
        self.block = self.Block(self.relu)

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.block(self.relu(self.stem(x))))


class InPlace(nn.Module):
    """Every way of writing to a tensor that is there already."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = conv(given=3), conv(given=3), conv(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x), self.two(x)
        a.relu_()
        a += b
        b[:, 1:2] = a[:, :1]
        b.mul_(0.5)
        half = b[:, :2]
        half += 1
        out = torch.empty_like(a)
        torch.add(a, b, out=out)
        F.relu(out, inplace=True)
        store = torch.zeros_like(out)
        store.copy_(out)
        return self.head(store)


class WriteToView(nn.Module):
    """Writes to two disjoint halves of a tensor and then uses all of it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        left, right = x.chunk(2, dim=1)
        left.relu_()
        right.sigmoid_()
        return self.head(x)


class DenseBuffer(nn.Module):
    """Concatenation by hand: features written into a buffer, as in old DenseNets."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.head = conv(2, 3), conv(2, 2), conv(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        buffer = x.new_zeros(x.shape[0], 4, *x.shape[2:])
        buffer[:, :2] = self.one(x)
        buffer[:, 2:] = self.two(buffer[:, :2])
        return self.head(buffer)


@dataclass
class Features:
    """What `Structured` passes between its modules."""

    maps: dict[str, Tensor]
    sizes: list[tuple[int, int]]


class ImageList:
    """Tensors and their sizes in an object of no known kind, as in torchvision's detectors."""

    def __init__(self, tensors: Tensor, sizes: list[tuple[int, int]]) -> None:
        self.tensors, self.sizes = tensors, sizes


class Structured(nn.Module):
    """Lists in, dicts and objects between, a dict with a list and None out."""

    class Batch(nn.Module):
        def forward(self, pictures: list[Tensor]) -> ImageList:
            return ImageList(torch.stack(pictures), [(int(p.shape[1]), int(p.shape[2])) for p in pictures])

    class Pyramid(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fine, self.coarse = conv(given=3), nn.Conv2d(3, 4, 3, stride=2, padding=1)

        def forward(self, batch: ImageList) -> Features:
            return Features({"fine": self.fine(batch.tensors), "coarse": self.coarse(batch.tensors)}, batch.sizes)

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = conv()

        def forward(self, features: Features, *, scale: Tensor) -> Tensor:
            fine = features.maps["fine"]
            return self.mix(fine + F.interpolate(features.maps["coarse"], size=fine.shape[2:]) * scale)

    def __init__(self) -> None:
        super().__init__()
        self.batch, self.pyramid, self.head = self.Batch(), self.Pyramid(), self.Head()

    def forward(self, pictures: list[Tensor], options: dict[str, Tensor]) -> dict[str, Any]:
        features = self.pyramid(self.batch(pictures))
        mixed = self.head(features, scale=options["scale"])
        return {"boxes": [mixed, mixed.flatten(1)], "loss": None, "sizes": features.sizes}


class TwoInputs(nn.Module):
    """A picture and, by keyword, a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(given=3)

    def forward(self, picture: Tensor, mask: Tensor | None = None) -> Tensor:
        x = self.stem(picture)
        return x if mask is None else x * mask


class ThroughNumpy(nn.Module):
    """Leaves torch in the middle and comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        x = torch.from_numpy(np.fft.fftshift(x.numpy(), axes=(2, 3)).copy())
        return self.head(x.clamp(min=0))


class ThroughList(nn.Module):
    """Values become Python numbers and a new tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        means = [float(value) for value in self.stem(x).mean(dim=(0, 2, 3))]
        return self.head(torch.tensor([means]))


class Doubled(torch.autograd.Function):
    """A custom function with its own backward."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * 2

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        return grad * 2


class CustomFunction(nn.Module):
    """A torch.autograd.Function between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(Doubled.apply(self.stem(x)))


def _scripted(function: Callable[..., Any]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.jit.script(function)


def _twice_and_one(x: Tensor) -> Tensor:
    return x * 2 + 1


class Scripted(nn.Module):
    """A ScriptModule and a ScriptFunction inside."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()
        self.foreign = _scripted(nn.Sequential(conv(), nn.ReLU()))
        self.function = _scripted(_twice_and_one)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.function(self.foreign(self.stem(x))) + 1)


class AllScripted(nn.Module):
    """Built as a plain module, used as a ScriptModule."""

    def __new__(cls) -> Any:
        return _scripted(nn.Sequential(conv(given=3), nn.ReLU(), conv()))


class Functional(nn.Module):
    """No module at all: weights and torch.nn.functional."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.randn(4, 3, 3, 3) * 0.1)
        self.second = nn.Parameter(torch.randn(4, 4, 3, 3) * 0.1)
        self.scale = nn.Parameter(torch.ones(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(F.conv2d(x, self.first * torch.sigmoid(self.scale)[..., None], padding=1))
        return F.conv2d(x, self.second, padding=1).mean((2, 3))


class DirectForward(nn.Module):
    """Calls .forward of its layers, which no hook sees."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        return self.head.forward(self.stem.forward(x).relu())


class SelfAttention(nn.Module):
    """Attention written out, and torch's own beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, stride=4)
        self.position = nn.Parameter(torch.zeros(1, 16, 8))
        self.norm, self.qkv, self.out = nn.LayerNorm(8), nn.Linear(8, 24), nn.Linear(8, 8)
        self.library = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2) + self.position
        q, k, v = self.qkv(self.norm(x)).chunk(3, dim=-1)
        x = x + self.out(torch.softmax(q @ k.transpose(1, 2) / 8**0.5, dim=-1) @ v)
        return self.library(x)[:, 0]


class Recurrent(nn.Module):
    """An LSTM over the rows of the picture, its state returned too."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(48, 8, batch_first=True), nn.Linear(8, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        rows, state = self.lstm(x.permute(0, 2, 1, 3).flatten(2))
        return self.head(rows[:, -1]), state


class Stateful(nn.Module):
    """Counts in a buffer, keeps a running mean and writes to its own input, even in eval mode."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = conv(given=3)
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("mean", torch.zeros(4, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        x.sub_(0.5)
        x = self.stem(x)
        self.calls += 1
        self.mean.mul_(0.9).add_(x.mean((0, 2, 3)).view(4, 1, 1), alpha=0.1)
        return x - self.mean


class Swallowing(nn.Module):
    """Catches every exception of its inside."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        try:
            x = torch.relu(x)
        except Exception:
            x = x * 0
        return self.head(x)


class MadeOnTheFly(nn.Module):
    """Makes a layer during the forward, and has a parametrised one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.utils.parametrizations.spectral_norm(conv(given=3))
        self.drop = nn.Dropout(0.5)

    def forward(self, x: Tensor) -> Tensor:
        return nn.AvgPool2d(2)(self.drop(self.stem(x)).contiguous())


class Subclass(Tensor):
    """A tensor of a class of its own."""


class ReturnsSubclass(nn.Module):
    """Goes on with a tensor subclass."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x).as_subclass(Subclass))


class Vectorised(nn.Module):
    """torch.vmap over the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = conv(given=3), conv()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.vmap(lambda picture: picture.sin() * 2)(self.stem(x)))


class Checkpointed(nn.Module):
    """torch.utils.checkpoint around a layer, both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.middle, self.head = conv(given=3), conv(), conv()

    def forward(self, x: Tensor) -> Tensor:
        from torch.utils.checkpoint import checkpoint

        x = checkpoint(self.middle, self.stem(x), use_reentrant=True)
        return checkpoint(self.head, x, use_reentrant=False)  # type: ignore[return-value]


def picture(size: int = 16) -> Tensor:
    return torch.rand(1, 3, size, size)


def arguments(model_class: type[nn.Module]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Example inputs of a class of this zoo."""
    torch.manual_seed(1)
    if model_class is Structured:
        return ([torch.rand(3, 16, 16), torch.rand(3, 16, 16)], {"scale": torch.rand(1)}), {}
    if model_class is TwoInputs:
        return (picture(),), {"mask": torch.rand(1, 1, 16, 16)}
    return (picture(),), {}


CLASSES: list[type[nn.Module]] = [
    DataDependentBranch, DataDependentLoop, Reused, InPlace, WriteToView, DenseBuffer, Structured, TwoInputs,
    ThroughNumpy, ThroughList, CustomFunction, Scripted, AllScripted, Functional, DirectForward, SelfAttention,
    Recurrent, Stateful, Swallowing, MadeOnTheFly, ReturnsSubclass, Vectorised, Checkpointed,
]  # fmt: skip


def build(model_class: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return model_class().eval()
