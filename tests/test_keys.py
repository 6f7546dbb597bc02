"""A forward that takes one dict: its keys are found, and what belongs at each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from test_inputs import Opened
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.network.loading import keys
from walkin.requests import Open


class Small(nn.Module):
    """Parts that forwards below put together."""

    def __init__(self) -> None:
        super().__init__()
        self.colour, self.depth = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(1, 8, 3, padding=1)
        self.table, self.head = nn.Linear(7, 8), nn.Linear(8, 4)

    def scores(self, maps: Tensor) -> Tensor:
        return self.head(maps.mean((2, 3)))


class One(Small):
    def forward(self, batch: Any) -> Any:
        return {"logits": self.scores(self.colour(batch["image"]))}


class Depth(Small):
    """The second key is read by a part of it, and fits no picture of three channels."""

    def forward(self, batch: Any) -> Tensor:
        return self.scores(self.colour(batch["rgb"]) + self.far(batch))

    def far(self, batch: Any) -> Tensor:
        return self.depth(batch["far"]).relu()


class Table(Small):
    def forward(self, sample: Any) -> Tensor:
        _, _, height, _ = sample["image"].shape
        assert height >= 16
        return self.scores(self.colour(sample["image"]) + self.table(sample["record"])[:, :, None, None])


class Joined(nn.Module):
    """What fails is not given what lies at a key, but made of two of them."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3)

    def forward(self, batch: Any) -> Tensor:
        return self.stem(torch.cat([batch["rgb"], batch["depth"]], dim=1))


class Sentence(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.head = nn.Embedding(50, 8), nn.Linear(8, 3)

    def forward(self, batch: Any) -> Tensor:
        mask = batch["attention_mask"][:, :, None]
        return self.head((self.words(batch["input_ids"]) * mask).mean(1))


class Optional(Small):
    """Asks politely, and for its labels only if they are there."""

    def forward(self, batch: Any) -> Any:
        scores = self.scores(self.colour(batch.get("image")))
        if "label" in batch:
            return {"logits": scores, "loss": F.cross_entropy(scores, batch["label"])}
        return {"logits": scores}


class Trained(Small):
    """Cannot do without what it is to be trained on."""

    def forward(self, batch: Any) -> Any:
        scores = self.scores(self.colour(batch["image"]))
        return scores, F.cross_entropy(scores, batch["label"])


class Volume(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv3d(2, 4, 3)

    def forward(self, batch: Any) -> Any:
        return {"mask": self.stem(batch["scan"])}


class Several(Small):
    """A list of dicts, a picture without a batch in each, as detectors take it."""

    def forward(self, batched: Any) -> Tensor:
        return self.scores(self.colour(torch.stack([each["image"] for each in batched])))


class Names(Small):
    def forward(self, **batch: Any) -> Tensor:
        return self.scores(self.colour(batch["image"]) + self.depth(batch["depth"]))


class Poses(Small):
    """What lies at its second key, nobody guesses."""

    def forward(self, batch: Any) -> Tensor:
        maps, poses = self.colour(batch["image"]), batch["poses"]
        if poses.shape != (7, 4, 4):
            raise ValueError("seven poses, please")
        return maps


class Weighed(Small):
    """Its second key is any number."""

    def forward(self, batch: Any) -> Tensor:
        return self.scores(self.colour(batch["image"])) * batch["weight"]


PICTURE = (1, 3, 224, 224)
FOUND = {
    One: ([PICTURE], "a dict with image: a picture of 3x224x224 (--inputs)"),
    Depth: ([PICTURE, (1, 1, 224, 224)], "far: a picture of 1x224x224"),
    Table: ([PICTURE, (1, 7)], "record: a vector of 7 random values"),
    Joined: ([PICTURE, (1, 1, 224, 224)], "depth: a picture of 1x224x224"),
    Weighed: ([PICTURE, (1,)], "weight: 1 (--inputs)"),
    Sentence: ([(1, 32), (1, 32)], "input_ids: 32 token ids, drawn from 0 to 49"),
    Optional: ([PICTURE], "a dict with image: a picture of 3x224x224 (--inputs)"),
    Trained: ([PICTURE, (1,)], "label: class 0"),
    Volume: ([(1, 2, 16, 224, 224)], "scan: a picture of 2x16x224x224"),
    Several: ([PICTURE[1:]], "a list of one dict with image"),
    Names: ([PICTURE, (1, 1, 224, 224)], "image: a picture of 3x224x224; depth: a picture of 1x224x224"),
}


def tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    inside = value.values() if isinstance(value, dict) else value
    return [tensor for each in inside for tensor in tensors(each)]


@pytest.mark.parametrize("kind", FOUND, ids=lambda kind: kind.__name__)
def test_keys_and_what_lies_there_are_found(kind):
    made = Opened(Open("net", model=kind(), device="cpu"))
    shapes, words = FOUND[kind]
    found = [tuple(tensor.shape) for tensor in tensors(made.session.inputs)]
    assert sorted(found) == sorted(shapes) and words in made.notes
    assert made.tiles


def test_what_is_fed_lies_at_the_key_of_the_picture():
    made = Opened(Open("net", model=Depth(), device="cpu"))
    before = made.session.inputs[0]
    made.feed(np.full((64, 64, 3), 200, np.uint8))
    after = made.session.inputs[0]
    assert type(after) is dict and list(after) == ["rgb", "far"]
    assert not torch.equal(before["rgb"], after["rgb"]) and torch.equal(before["far"], after["far"])
    assert len(after["rgb"][0, 0].unique()) == 1


def test_a_size_that_was_asked_for_is_that_of_every_picture():
    made = Opened(Open("net", model=Depth(), device="cpu", input_size=(48, 64)))
    assert [tuple(tensor.shape[2:]) for tensor in tensors(made.session.inputs)] == [(48, 64)] * 2


def test_half_precision_is_no_hindrance():
    made = Opened(Open("net", model=Table().to(torch.bfloat16), device="cpu"))
    assert {tensor.dtype for tensor in tensors(made.session.inputs)} == {torch.bfloat16}


def test_what_nobody_guesses_is_said_with_its_keys():
    with pytest.raises(WalkinError, match=r"Poses's forward reads image, poses of its input.*--inputs FILE\.py"):
        Opened(Open("net", model=Poses(), device="cpu"))


def test_values_by_any_name_may_be_given():
    example = {"image": torch.rand(1, 3, 40, 40), "depth": torch.rand(1, 1, 40, 40)}
    made = Opened(Open("net", model=Names(), device="cpu", inputs=example))
    assert [tuple(tensor.shape) for tensor in made.session.inputs] == [(1, 3, 40, 40), (1, 1, 40, 40)]


def test_a_forward_of_one_tensor_is_asked_for_no_keys():
    search = keys.search(nn.Conv2d(3, 4, 3))
    assert search.send(None).arguments == ({},)
    assert search.send(TypeError("no dict")).arguments == ([{}],)
    with pytest.raises(StopIteration):
        search.send(TypeError("no list"))
