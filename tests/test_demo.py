"""The demo recognises its own photographs, without a download."""

import socket

import pytest
import torch

from walkin import resources
from walkin.errors import WalkinError
from walkin.network.feeding.pictures import read_picture
from walkin.network.loading import demo
from walkin.network.loading.loaded import Loaded, load
from walkin.network.showing import labels
from walkin.requests import Open


def finished(job):
    """(what it yielded, its value)."""
    told = []
    while True:
        try:
            told.append(next(job))
        except StopIteration as end:
            return told, end.value


@pytest.fixture(scope="module")
def opened() -> Loaded:
    return finished(load(Open("demo", device="cpu")))[1]


def classes(opened: Loaded, photo: str):
    with torch.no_grad():
        output = opened.model(*opened.example_inputs(read_picture(resources.asset(f"photos/{photo}.jpg"))))
    found = labels.scores(output, opened.labels)
    assert found is not None and len(found.names) == len(found.probabilities) == 10
    assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
    return found


@pytest.mark.slow
def test_chelsea_is_a_cat(opened):
    found = classes(opened, "chelsea")
    assert found.names[:2] == ("Egyptian cat", "tabby")


def test_coffee_is_espresso(opened):
    found = classes(opened, "coffee")
    assert found.names[0] == "espresso"
    # .843 for scikit-image's PNG, .831 for our JPEG of it.
    assert found.probabilities[0] == pytest.approx(0.84, abs=0.02)


@pytest.mark.slow
def test_other_photos(opened):
    assert classes(opened, "camera").names[0] == "tripod"
    assert classes(opened, "rocket").names[0] in ("missile", "projectile", "space shuttle")


def test_what_is_said_of_it(opened):
    assert opened.parameters == 4_652_008
    assert not opened.model.training and not any(p.requires_grad for p in opened.model.parameters())
    assert "ImageNet" in opened.weights and opened.notes == ()
    assert opened.labels is not None and len(set(opened.labels)) == 1000
    picture = read_picture(resources.photos()[0])
    assert opened.caption(picture) == ("chelsea.jpg", "451x300, resized to 384x256 (bilinear), cropped to 224x224")


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the demo went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert finished(load(Open("demo", device="cpu")))[1].parameters == 4_652_008


def test_untrained_demo():
    untrained = finished(load(Open("demo", weights="none", device="cpu", seed=3)))[1]
    assert untrained.weights == "untrained (seed 3)"
    again = finished(load(Open("demo", weights="none", device="cpu", seed=3)))[1]
    other = finished(load(Open("demo", weights="none", device="cpu", seed=4)))[1]
    first, second, third = (next(model.model.parameters()) for model in (untrained, again, other))
    assert torch.equal(first, second) and not torch.equal(first, third)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(demo, "_PACKAGES", ("efficientnet_lite_pytorch_gone", "neither_is_this"))
    with pytest.raises(WalkinError, match="pip install efficientnet-lite-pytorch-gone"):
        finished(load(Open("demo", device="cpu")))


def test_photos_are_small_and_attributed():
    from PIL import Image

    photos = resources.photos()
    assert 6 <= len(photos) <= 8 and photos[0].stem == "chelsea"
    attribution = resources.asset("ATTRIBUTION.md").read_text(encoding="utf-8")
    for photo in photos:
        with Image.open(photo) as image:
            assert max(image.size) <= 640
        assert photo.name in attribution


def test_class_names_are_torchvisions():
    from torchvision.models import ResNet50_Weights

    assert list(labels.imagenet()) == ResNet50_Weights.DEFAULT.meta["categories"]
