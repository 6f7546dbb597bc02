"""The study's networks: their published sizes, where their weights may come from, and that they open by name."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models as zoo

from walkin import models
from walkin.network.loading.catalogue import names
from walkin.network.loading.loaded import load
from walkin.network.loading.sources import STUDY
from walkin.requests import Open

# Of the published networks and of DeepVisionVR's, counted from their own code.
PARAMETERS = {
    "covid_resnet": {2: 9_838_146, 3: 9_840_195, 101: 10_040_997},
    "covid_densenet": {2: 3_127_938, 3: 3_128_963, 101: 3_229_413},
    "covid_resnet_small": {2: 4_980_802, 101: 5_031_589},
    "covid_densenet_small": {2: 1_633_538, 101: 1_687_493},
}
TRAINABLE = {"covid_resnet": 9_612_802, "covid_densenet": 2_750_082}
ENTRIES = {"covid_resnet": (192, 194), "covid_densenet": (254, 262)}


def size(model: nn.Module, *, trainable: bool = False) -> int:
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def opened(spec: str, **more: object):
    job = load(Open(spec=spec, device="cpu", **more))  # type: ignore[arg-type]
    while True:
        try:
            next(job)
        except StopIteration as end:
            return end.value


def test_all_have_a_name():
    assert tuple(models.NAMED) == STUDY
    assert {entry.name for entry in names("covid")} == set(STUDY)


@pytest.mark.parametrize(("name", "classes"), [(name, classes) for name in STUDY for classes in PARAMETERS[name]])
def test_parameters_are_those_that_were_published(name: str, classes: int):
    assert size(models.NAMED[name](classes)) == PARAMETERS[name][classes]


@pytest.mark.parametrize("name", TRAINABLE)
def test_with_the_stem_frozen(name: str):
    model = models.NAMED[name](2)
    models.freeze_stem(model)
    assert size(model, trainable=True) == TRAINABLE[name]


@pytest.mark.parametrize(("name", "layers"), [("covid_resnet", 29), ("covid_densenet", 43)])
def test_layers_with_weights(name: str, layers: int):
    """As the papers count: convolutions along the path and the classifier; neither shortcuts nor adapters."""
    counted = [
        path
        for path, module in models.NAMED[name](2).named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
        and not any(part in path for part in ("downsample", "adapter", "norm5"))
    ]
    assert len(counted) == layers


@pytest.mark.parametrize("name", ENTRIES)
def test_entries_that_torchvisions_network_has_too(name: str):
    """With as many classes as ImageNet, so that the classifier counts where it has the same name."""
    model = models.NAMED[name](1000)
    parent = getattr(zoo, model.parent)().state_dict()
    own = model.state_dict()
    alike = [key for key in own if key in parent and parent[key].shape == own[key].shape]
    assert (len(alike), len(own)) == ENTRIES[name]


def test_weights_of_the_parent_go_in_except_for_the_classifier():
    model, parent = models.covid_densenet(1000), zoo.densenet121().state_dict()
    before = model.classifier.weight.clone()
    taken = models.load_pretrained(model, parent)
    assert len(taken) == 252
    assert torch.equal(
        model.state_dict()["features.denseblock4.denselayer1.conv1.weight"],
        parent["features.denseblock4.denselayer1.conv1.weight"],
    )
    assert torch.equal(model.classifier.weight, before)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [("relu", (64, 127, 175)), ("layer1", (256, 64, 88)), ("layer2", (512, 32, 44)), ("layer3", (1024, 16, 22)),
     ("layer4", (2048, 8, 11))],
)  # fmt: skip
def test_shapes_at_the_size_of_the_published_code(layer: str, shape: tuple[int, ...]):
    model, found = models.covid_resnet().eval(), []
    model.get_submodule(layer).register_forward_hook(lambda module, given, made: found.append(tuple(made.shape[1:])))
    with torch.no_grad():
        model(torch.zeros(1, 3, 253, 349))
    assert found == [shape]


@pytest.mark.parametrize("name", STUDY)
def test_they_open_by_name(name: str):
    loaded = opened(name, weights="none", input_size=(64, 64))
    assert loaded.name == name
    assert loaded.weights == "untrained (seed 0)"


def test_arguments_and_the_classes_of_a_checkpoint(tmp_path):
    assert opened("covid_resnet(classes=101)").model.classifier.out_features == 101
    trained = models.covid_resnet_small(7)
    save_file(trained.state_dict(), tmp_path / "seven.safetensors")
    loaded = opened("covid_resnet_small", weights=str(tmp_path / "seven.safetensors"))
    assert torch.equal(loaded.model.classifier.weight, trained.classifier.weight)
    assert loaded.model.classifier.out_features == 7
