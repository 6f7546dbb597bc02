"""Networks as people write them, each with an input of its own: what a visitor's file may hold."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LeNet(nn.Module):
    """28 x 28 and nothing else, one channel."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.Sequential(nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.MaxPool2d(2))
        self.head = nn.Linear(16 * 4 * 4, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.maps(x).flatten(1))


class Cifar(nn.Module):
    """32 x 32, and its last layer is made first."""

    def __init__(self) -> None:
        super().__init__()
        self.last, self.stem, self.head = nn.Conv2d(8, 4, 1), nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(4 * 16 * 16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.last(self.stem(x)).flatten(1))


class ManyChannels(nn.Module):
    """Twelve channels in, as from a satellite; a dict with a list out."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(12, 8, 3, padding=1)

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"maps": self.stem(x), "more": [self.stem(x) * 2, "words", 3]}


class FlatPicture(nn.Module):
    """784 values, which the network does not flatten itself."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.head = nn.Linear(784, 16), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.hidden(x)))


class Vector(nn.Sequential):
    """Twenty values that are no picture."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 3))


class Tokens(nn.Module):
    """Token ids, at most sixteen."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(100, 16), nn.Parameter(torch.zeros(16, 16))
        self.layer, self.head = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), nn.Linear(16, 100)

    def forward(self, input_ids: Tensor) -> Tensor:
        if input_ids.shape[1] > 16:
            raise ValueError("too long")
        return self.head(self.layer(self.table(input_ids) + self.places[: input_ids.shape[1]]))


class Masked(nn.Module):
    """Token ids and a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.attention = nn.Embedding(50, 16), nn.MultiheadAttention(16, 2, batch_first=True)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        x = self.table(input_ids)
        return self.attention(x, x, x, key_padding_mask=attention_mask == 0)[0][:, 0]


class Rows(nn.Module):
    """An LSTM over a sequence, time first."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.head = nn.LSTM(12, 24), nn.Linear(24, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.lstm(x)[0][-1])


class Sound(nn.Module):
    """A waveform."""

    def __init__(self) -> None:
        super().__init__()
        self.waves, self.head = (
            nn.Sequential(nn.Conv1d(1, 16, 80, 4), nn.ReLU(), nn.Conv1d(16, 32, 3)),
            nn.Linear(32, 4),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.waves(x).mean(-1))


class ColourAndDepth(nn.Module):
    """Two pictures with other channels each."""

    def __init__(self) -> None:
        super().__init__()
        self.colour, self.far = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(1, 8, 3, padding=1)
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, rgb: Tensor, depth: Tensor) -> Tensor:
        return self.head(torch.cat([self.colour(rgb), self.far(depth)], 1))


class PictureAndTable(nn.Module):
    """A picture and a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.table, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(7, 8), nn.Linear(16, 2)

    def forward(self, image: Tensor, features: Tensor) -> Tensor:
        return self.head(torch.cat([self.stem(image).mean((2, 3)), self.table(features)], 1))


class Denoiser(nn.Module):
    """A picture and a step, as in diffusion."""

    def __init__(self) -> None:
        super().__init__()
        self.steps, self.stem, self.head = nn.Embedding(1000, 8), nn.Conv2d(3, 8, 3, 1, 1), nn.Conv2d(8, 3, 3, 1, 1)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return self.head(F.silu(self.stem(x) + self.steps(t)[:, :, None, None]))


class Volume(nn.Module):
    """A small 3-D U-Net, one channel, as for medical scans."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Conv3d(1, 4, 3, padding=1), nn.Conv3d(4, 8, 3, padding=1)
        self.head = nn.Conv3d(12, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        fine = F.relu(self.fine(x))
        coarse = F.relu(self.coarse(F.max_pool3d(fine, 2)))
        return self.head(torch.cat([fine, F.interpolate(coarse, scale_factor=2)], 1))


class Decoder(nn.Module):
    """An encoder with skips to a decoder that gives a mask as large as the picture."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, 8, 16, 32)
        self.encoder = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(sizes))
        self.decoder = nn.ModuleList([nn.Conv2d(32 + 16, 16, 3, 1, 1), nn.Conv2d(16 + 8, 8, 3, 1, 1)])
        self.head = nn.Conv2d(8, 5, 1)

    def forward(self, x: Tensor) -> Tensor:
        size, skips = x.shape[2:], []
        for stage in self.encoder:
            x = F.relu(stage(x))
            skips.append(x)
        for stage, skip in zip(self.decoder, skips[-2::-1], strict=True):
            x = F.relu(stage(torch.cat([F.interpolate(x, skip.shape[2:]), skip], 1)))
        return F.interpolate(self.head(x), size)


class Maps(nn.Module):
    """What the following build on."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 8, 3), nn.Linear(8, 5)


Answer = namedtuple("Answer", "logits maps")


class NamedTuple(Maps):
    def forward(self, x: Tensor) -> Answer:
        maps = self.stem(x)
        return Answer(self.head(maps.mean((2, 3))), maps)


@dataclass
class Result:
    logits: Tensor
    maps: list[Tensor]


class Dataclass(Maps):
    def forward(self, x: Tensor) -> Result:
        maps = self.stem(x)
        return Result(self.head(maps.mean((2, 3))), [maps])


class Numbers(Maps):
    """No tensor comes out."""

    def forward(self, x: Tensor) -> list[float]:
        return [float(value) for value in self.head(self.stem(x).mean((2, 3)))[0]]


class Nothing(Maps):
    def forward(self, x: Tensor) -> None:
        self.stem(x)


class Pictures(Maps):
    """A list of pictures, one by one."""

    def forward(self, images: list[Tensor]) -> list[Tensor]:
        return [self.stem(image[None]) for image in images]


class Batch(Maps):
    """A dict of tensors."""

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.head(self.stem(batch["image"]).mean((2, 3))) * batch["weight"]


class Records(Maps):
    """Something of its author's."""

    def forward(self, record: Any) -> Tensor:
        return self.stem(record.image)


class ByName(Maps):
    """An argument that is given by name alone."""

    def forward(self, x: Tensor, *, scale: Tensor) -> Tensor:
        return self.stem(x) * scale


class Mixed(Maps):
    """Half in half precision."""

    def __init__(self) -> None:
        super().__init__()
        self.stem.half()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.stem(x).mean((2, 3)))


class Arguments(Maps):
    def __init__(self, width: int, depth: int) -> None:
        super().__init__()


def colour_and_depth() -> tuple[Tensor, Tensor]:
    return torch.full((1, 3, 48, 64), 0.25), torch.zeros(1, 1, 48, 64)


def batch() -> dict[str, Tensor]:
    return {"image": torch.randn(1, 3, 40, 40), "weight": torch.tensor([2.0])}


def by_name() -> dict[str, Tensor]:
    return {"scale": torch.tensor(3.0), "x": torch.rand(1, 3, 20, 20)}


def failing() -> None:
    raise OSError("no data here")
