"""Which name somebody may have meant: what begins, ends or is called alike goes before what is merely spelt alike."""

from __future__ import annotations

import pytest

from walkin.closest import closest

RESNET = (
    "conv1",
    "maxpool",
    *(f"layer{a}.{b}{end}" for a in (1, 2, 3, 4) for b in (0, 1) for end in (".conv1", ".conv2", "/add")),
    *(f"layer{a}.0.downsample.0" for a in (2, 3, 4)),
    "avgpool",
    "fc",
)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Conv1", ["conv1", "layer1.0.conv1", "layer1.1.conv1"]),
        ("layer3", ["layer3.0.conv1", "layer3.0.conv2", "layer3.0/add"]),
        ("layer3.1", ["layer3.1.conv1", "layer3.1.conv2", "layer3.1/add"]),
        ("add", ["layer1.0/add", "layer1.1/add", "layer2.0/add"]),
        ("layer4.2.conv1", ["layer4.0.conv1", "layer4.1.conv1"]),
        ("layer3/add", ["layer3.0/add", "layer3.1/add"]),
        ("layer3.1.con2", ["layer3.1.conv2"]),
        ("layer3.1.conv3", ["layer3.1.conv1", "layer3.1.conv2"]),
        ("downsample", ["layer2.0.downsample.0", "layer3.0.downsample.0", "layer4.0.downsample.0"]),
        ("max", ["maxpool"]),
        ("fc1", ["fc"]),
    ],
)
def test_the_likeliest_come_first(written: str, meant: list[str]):
    assert closest(written, RESNET)[: len(meant)] == meant


def test_what_is_like_nothing_means_nothing():
    assert closest("nowhere", RESNET) == closest("", RESNET) == closest("x", ()) == []
    assert closest("layer", RESNET, 1) == ["layer1.0.conv1"]
    assert closest("layer3.1.conv2.weight", ("layer3", *RESNET)) == ["layer3.1.conv2", "layer3", "layer1.1.conv2"]
    assert closest("y3.conv2", ("y3.conv1", "y1.conv2")) == ["y1.conv2", "y3.conv1"], "which layer, before which block"
    assert closest("b", ("b1", "b1", "ab")) == ["b1", "ab"], "each once"
