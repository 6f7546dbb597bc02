"""What is said now of the networks of a scene goes before what the scene remembers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from walkin.errors import WalkinError
from walkin.interventions import Intervention
from walkin.keeping.scene import Opened, Scene
from walkin.keeping.scene_asked import requests_for, scene_changed
from walkin.keeping.storing import Loaded
from walkin.picture_source import File
from walkin.requests import Open
from walkin.state.arrangement import Arrangement, Look
from walkin.state.exhibit import Fold

HERE = Path("a.walkin.json")
KEPT = Opened(
    key="", spec="net.py:Small", weights="kept.pt", device="cpu", input_size=(64, 64), labels="kept.txt", fold="blocks",
    seed=3, hide=("*.bn",),
)  # fmt: skip
TAKEN_OUT = Intervention("conv", (1,), factor=0.0)


def loaded(*networks: Opened) -> Loaded:
    """With a picture, a fold, a checkpoint and a change of each."""
    arrangement = Arrangement(
        Look(), (), (), (), tuple((each.key, File("kept.png")) for each in networks),
        tuple((each.key, Fold(each.fold, ("stem",))) for each in networks),
        states=tuple((each.key, "kept-9.pt") for each in networks),
        interventions=tuple((each.key, (TAKEN_OUT,)) for each in networks),
    )  # fmt: skip
    return Loaded(Scene("", networks, arrangement))


def opened(before: Loaded, named: list[str], asked: Open) -> list[Open]:
    return requests_for(scene_changed(before, asked).scene, HERE, named, asked)


def test_what_nobody_says_is_as_the_scene_has_it():
    assert scene_changed(loaded(KEPT), Open("")) == loaded(KEPT)
    (request,) = opened(loaded(KEPT), [], Open(""))
    assert request == replace(KEPT.request(File("kept.png")), interventions=(TAKEN_OUT,))


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"input_size": (32, 32)}, {"input_size": (32, 32)}),
        ({"mean": (0.5,), "std": (0.2,)}, {"mean": (0.5,), "std": (0.2,)}),
        ({"hide": ("*.relu",)}, {"hide": ("*.relu",)}),
        ({"seed": 7, "device": "cuda"}, {"seed": 7, "device": "cuda"}),
        ({"weights": "none", "key": "ema"}, {"weights": "none", "key": "ema"}),
        ({"inputs": "net.py:example"}, {"inputs": "net.py:example"}),
        ({"names": ("cat", "dog")}, {"names": ("cat", "dog"), "labels": None}),
        ({"fold": "ops"}, {"fold": "ops"}),
        ({"image": "now.png"}, {"source": File("now.png")}),
        (
            {"interventions": (replace(TAKEN_OUT, channels=(2,)),)},
            {"interventions": (TAKEN_OUT, replace(TAKEN_OUT, channels=(2,)))},
        ),
    ],
)
def test_what_is_said_now_goes_first_and_the_rest_stays(asked, expected):
    (request,) = opened(loaded(KEPT), ["net.py:Small"], Open("net.py:Small", **asked))
    usual = replace(KEPT.request(File("kept.png")), interventions=(TAKEN_OUT,))
    assert request == replace(usual, **expected)


def test_the_room_is_not_put_back_to_what_the_scene_had():
    """Its arrangement is what is put back once all has been opened."""
    asked = Open("net.py:Small", weights="none", fold="ops", image="now.png")
    arrangement = scene_changed(loaded(KEPT), asked).scene.arrangement
    assert arrangement.fed == (("", File("now.png")),)
    assert arrangement.folds == (("", Fold("ops", ("stem",))),)
    assert arrangement.states == ()


def test_what_a_script_says_is_of_its_own_network():
    live, other = Opened(key="", spec="Mine", live=True), Opened(key="2", spec="demo", fold="blocks")
    model = nn.Identity()
    asked = Open("Mine", model=model, fold="ops", private=True, inputs=(1, 2), image="now.png")
    one, two = opened(loaded(live, other), ["Mine"], asked)
    assert one.model is model and one.private and (one.fold, one.inputs) == ("ops", (1, 2))
    assert (one.source, two.source, two.fold, two.model) == (File("now.png"), File("kept.png"), "blocks", None)
    with pytest.raises(WalkinError, match="is a scene of Mine, and Other was given"):
        requests_for(loaded(live, other).scene, HERE, ["Other"], asked)
    with pytest.raises(WalkinError, match="only that script"):
        requests_for(loaded(live, other).scene, HERE, [], Open(""))
