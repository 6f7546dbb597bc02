"""Segmentation and detection outputs by the maths of crafted ones and by the shapes of torchvision's networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from walkin.network import jobs
from walkin.network.jobs import Sessions
from walkin.network.showing import readings
from walkin.network.showing.class_colors import palette
from walkin.network.showing.histograms import activations
from walkin.picture_source import Noise
from walkin.readings import Boxes, Scores, Segmentation
from walkin.requests import Open
from walkin.results import Fed

NAMES = ("__background__", "cat", "dog")


def crafted() -> torch.Tensor:
    """(1, 3, 2, 4): where each of three classes wins is written down below."""
    wins = torch.tensor([[0, 0, 1, 1], [0, 2, 1, 1]])
    logits = torch.full((1, 3, 2, 4), -3.0)
    logits[0].scatter_(0, wins[None], 2.5)
    return logits


def found(output: Any, labels: tuple[str, ...] | None = NAMES, size: tuple[int, int] = (2, 4)) -> list[Any]:
    return list(readings.of(output, labels, (torch.zeros(1, 3, *size),), 7, "b"))


def test_a_segmentation_is_the_arg_max_in_class_colours():
    (seen,) = found({"out": crafted(), "aux": crafted() * -1})
    assert isinstance(seen, Segmentation) and (seen.serial, seen.network) == (7, "b")
    assert seen.classes.tolist() == [[0, 0, 1, 1], [0, 2, 1, 1]]
    assert seen.names == ("cat", "__background__", "dog")
    assert seen.shares == (0.5, 0.375, 0.125)
    colors = palette(3, background=True)
    assert seen.colors[0] == tuple(colors[1].tolist())
    assert seen.pixels.shape == (2, 4, 3) and seen.pixels[1, 1].tolist() == colors[2].tolist()
    assert seen.pixels[0, 0].tolist() == [40, 40, 40]


def test_bare_logits_are_one_where_channels_and_size_fit():
    assert isinstance(found(crafted())[0], Segmentation)
    assert isinstance(found(crafted(), size=(4, 8))[0], Segmentation)
    assert found(crafted(), size=(5, 9)) == [], "a coarse map is a feature map"
    assert found(crafted(), labels=("a", "b")) == []
    assert found(crafted(), labels=None) == []
    (numbered,) = found({"out": crafted()}, labels=None)
    assert numbered.names[0] == "class 1"


def test_not_a_number_does_not_win():
    logits = crafted()
    logits[0, 2, 0, 0] = float("nan")
    assert found({"out": logits})[0].classes[0, 0] == 0


def detections() -> list[dict[str, torch.Tensor]]:
    boxes = torch.tensor([[0.0, 0, 20, 10], [10, 5, 30, 20], [-4, 0, 44, 20], [1, 1, 2, 2]])
    return [{"boxes": boxes, "labels": torch.tensor([1, 2, 1, 9]), "scores": torch.tensor([0.6, 0.9, 0.4, 0.5])}]


def test_boxes_over_the_threshold_surest_first_as_shares_of_the_picture():
    (seen,) = found(detections(), size=(20, 40))
    assert isinstance(seen, Boxes)
    assert seen.names == ("dog", "cat", "class 9")
    assert seen.scores == pytest.approx((0.9, 0.6, 0.5))
    assert seen.boxes == pytest.approx(np.array([[0.25, 0.25, 0.75, 1], [0, 0, 0.5, 0.5], [0.025, 0.05, 0.05, 0.1]]))
    assert seen.below == 1
    assert seen.colors[0] == tuple(palette(10)[2].tolist())


def test_boxes_stay_on_the_picture_and_broken_ones_are_left_out():
    output = detections()
    output[0]["scores"] = torch.tensor([0.1, 0.2, 0.8, 0.9])
    output[0]["boxes"][3, 0] = float("nan")
    (seen,) = found(output, size=(20, 40))
    assert seen.boxes.tolist() == [[0, 0, 1, 1]]


def test_no_boxes():
    empty = [{"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long), "scores": torch.zeros(0)}]
    (seen,) = found(empty)
    assert seen.boxes.shape == (0, 4) and seen.names == () and seen.below == 0


def test_a_classifier_has_scores_and_nothing_else():
    (seen,) = found(torch.tensor([[0.0, 1.0, 3.0]]))
    assert isinstance(seen, Scores) and seen.names[0] == "dog" and seen.network == "b"


@pytest.mark.parametrize(
    "output", [None, [], {}, "text", torch.zeros(3), [{"boxes": 3}], torch.zeros(1, 3, 0, 4), [[]]]
)
def test_what_says_nothing(output: Any):
    assert found(output) == []


def test_colours_of_classes_are_told_apart():
    """Also by who sees no red or no green (Machado, Oliveira and Fernandes, 2009, full strength)."""
    colors = palette(21, background=True).astype(float) / 255
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4)
    no_red = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.052]])
    no_green = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.9689]])
    for sight, least in ((np.eye(3), 0.04), (no_red, 0.02), (no_green, 0.02)):
        seen = _oklab(np.clip(linear @ sight.T, 0, 1))
        apart = np.linalg.norm(seen[:, None] - seen[None], axis=2) + np.eye(len(seen))
        assert apart.min() > least
    near = np.linalg.norm(np.diff(_oklab(linear), axis=0), axis=1)
    assert near.min() > 0.15, "neighbouring numbers, which often stand side by side, are far apart"
    assert (palette(5) == palette(100)[:5]).all(), "a class keeps its colour, however many there are"


def _oklab(linear: np.ndarray) -> np.ndarray:
    lms = linear @ np.array([[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566],
                             [0.0883024619, 0.2817188376, 0.6299787005]]).T  # fmt: skip
    to_lab = [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099],
              [0.0259040371, 0.7827717662, -0.8086757660]]  # fmt: skip
    return np.cbrt(lms) @ np.array(to_lab).T


def test_a_histogram_counts_finite_values_only():
    value = torch.tensor([[0.0, 1.0, 2.0, 3.0, float("nan"), float("inf")]])
    made = activations("b", "a", value, 16, 3)
    assert made.counts.sum() == 4 and made.flawed == 2 and made.edges[[0, -1]].tolist() == [0, 3]
    assert (made.counts[0], made.counts[-1], len(made.counts), len(made.edges)) == (1, 1, 16, 17)


@pytest.mark.parametrize(
    "value", [torch.zeros(1, 5), torch.full((1, 5), float("nan")), torch.tensor([[-3.4e38, 3.4e38]]), torch.zeros(1, 0)]
)
def test_histograms_of_strange_values(value: torch.Tensor):
    made = activations("", "a", value, 1000)
    assert len(made.counts) == 64
    assert int(made.counts.sum()) == int(torch.isfinite(value).sum())
    assert np.isfinite(made.edges).all() and (np.diff(made.edges.astype(float)) > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("deeplabv3_mobilenet_v3_large", Segmentation),
        ("lraspp_mobilenet_v3_large", Segmentation),
        ("fasterrcnn_mobilenet_v3_large_320_fpn", Boxes),
    ],
)
def test_torchvisions_dense_networks(name: str, kind: type):
    sessions, sent = Sessions(), []
    request = Open(name, weights="none", device="cpu")
    for result in jobs.open_network(sessions, request, lambda result: None):
        sent.append(result)
    fed = next(result for result in sent if isinstance(result, Fed))
    (seen,) = [result for result in sent if isinstance(result, kind)]
    labels = sessions.by_key[""].loaded.labels  # type: ignore[union-attr]
    assert labels is not None
    if isinstance(seen, Segmentation):
        assert seen.pixels.shape == fed.pixels.shape
        assert sum(seen.shares) == pytest.approx(1) and set(seen.names) <= set(labels)
        session: Any = sessions.by_key[""]
        expected = session.loaded.model(*session.inputs)["out"][0].argmax(0)
        assert (seen.classes == expected.numpy()).all()
    else:
        assert isinstance(seen, Boxes)
        assert set(seen.names) <= set(labels) and len(seen.boxes) == len(seen.scores) == len(seen.names)
        session = sessions.by_key[""]
        sent = list(session.run(_noise(session), lambda result: None, "feed"))
        assert any(isinstance(result, Boxes) for result in sent)


def _noise(session: Any) -> Any:
    from walkin.network.feeding.gallery import Gallery
    from walkin.network.feeding.inputs import prepare

    return prepare(session.loaded, Noise("gaussian"), Gallery())
