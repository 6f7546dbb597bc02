"""The networks of the study of how networks memorise: CovidResNet and CovidDenseNet, and their small variants.

Both are cut-down networks of torchvision's, made for CT scans (Alshazly, Linse, Abdalla, Barth, Martinetz: COVID-Nets,
PeerJ Computer Science 7:e655, 2021). Entries of their state dicts have torchvision's names, so what was trained on
ImageNet goes in: `load_pretrained`. The small variants are those that DeepVisionVR shows under the same names.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.densenet import _DenseBlock, _Transition
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

GROWTH, STEM, BOTTLENECK = 32, 64, 4  # of DenseNet-121


class CovidResNet(ResNet):
    """ResNet-50 with 3, 3, 2 and 1 blocks instead of 3, 4, 6 and 3: 29 layers with weights.

    (N, 3, H, W) -> (N, classes) logits. `parent` names the network of torchvision's that weights may come from.
    """

    parent = "resnet50"
    stem = ("conv1", "bn1", "layer1")
    """What stays as it was in fine-tuning."""

    def __init__(self, classes: int = 2, block: type[Bottleneck | BasicBlock] = Bottleneck, blocks=(3, 3, 2, 1)):
        super().__init__(block, list(blocks), num_classes=classes)
        self.classifier = self.fc  # as it was published
        del self.fc

    def features(self, x: Tensor) -> Tensor:
        """(N, 2048): what the classifier is given (512 in the small variant)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return torch.flatten(self.avgpool(x), 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x))


class CovidDenseNet(nn.Module):
    """DenseNet-121 with 6, 10, 2 and 1 layers instead of 6, 12, 24 and 16: 43 layers with weights.

    1 x 1 convolutions give each shortened block the width that the next part was trained with; without `adapters`, as
    in the small variant, the next part is narrower instead. (N, 3, H, W) -> (N, classes) logits.
    """

    parent = "densenet121"
    stem = ("features.conv0", "features.norm0", "features.denseblock1", "features.transition1")

    def __init__(self, classes: int = 2, layers=(6, 10, 2, 1), *, adapters: bool = True):
        super().__init__()
        parts: OrderedDict[str, nn.Module] = OrderedDict()
        parts["conv0"] = nn.Conv2d(3, STEM, 7, stride=2, padding=3, bias=False)
        parts["norm0"] = nn.BatchNorm2d(STEM)
        parts["relu0"] = nn.ReLU(inplace=True)
        parts["pool0"] = nn.MaxPool2d(3, stride=2, padding=1)
        width = STEM
        full_widths = (256, 512, 1024, 1024)  # after the blocks of DenseNet-121
        for number, (count, full) in enumerate(zip(layers, full_widths, strict=True), 1):
            parts[f"denseblock{number}"] = _DenseBlock(count, width, BOTTLENECK, GROWTH, 0.0)
            width += count * GROWTH
            last = number == len(layers)
            adapter = nn.Conv2d(width, full, 1, bias=False) if adapters and width != full else None
            if adapter is not None:
                width = full
            if last:
                norm = nn.BatchNorm2d(width)
                parts["norm5"] = norm if adapter is None else nn.Sequential(OrderedDict(transition=adapter, norm5=norm))
                break
            if adapter is not None:
                parts[f"adapter{number + 1}"] = adapter
            parts[f"transition{number}"] = _Transition(width, full // 2)
            width = full // 2
        self.features = nn.Sequential(parts)
        self.classifier = nn.Linear(width, classes)
        for module in self.modules():  # as torchvision does
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.constant_(self.classifier.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.features(x), inplace=True)
        return self.classifier(torch.flatten(functional.adaptive_avg_pool2d(x, (1, 1)), 1))


class SmallCovidResNet(CovidResNet):
    """ResNet-18 with 2, 1, 1 and 1 blocks: the CovidResNet that DeepVisionVR shows."""

    parent = "resnet18"

    def __init__(self, classes: int = 2):
        super().__init__(classes, BasicBlock, (2, 1, 1, 1))


class SmallCovidDenseNet(CovidDenseNet):
    """The same shortened DenseNet without adapters: the CovidDenseNet that DeepVisionVR shows."""

    def __init__(self, classes: int = 2):
        super().__init__(classes, adapters=False)


def covid_resnet(classes: int = 2) -> CovidResNet:
    return CovidResNet(classes)


def covid_densenet(classes: int = 2) -> CovidDenseNet:
    return CovidDenseNet(classes)


def covid_resnet_small(classes: int = 2) -> SmallCovidResNet:
    return SmallCovidResNet(classes)


def covid_densenet_small(classes: int = 2) -> SmallCovidDenseNet:
    return SmallCovidDenseNet(classes)


NAMED = {made.__name__: made for made in (covid_resnet, covid_densenet, covid_resnet_small, covid_densenet_small)}
"""What can be opened by name."""


def freeze_stem(model: CovidResNet | CovidDenseNet) -> None:
    """First convolution and first block get no gradient any more, as in the study's fine-tuning."""
    for name in model.stem:
        for parameter in model.get_submodule(name).parameters():
            parameter.requires_grad_(False)


def fitting(model: nn.Module, entries: Mapping[str, Tensor]) -> Iterator[str]:
    """Names of the entries of another network's state dict that have their like in this one, of the same shape. The
    classifier is never one of them: its classes are others, even if there are as many."""
    own = model.state_dict()
    for name, value in entries.items():
        if name in own and own[name].shape == value.shape and not name.startswith("classifier."):
            yield name


def load_pretrained(model: nn.Module, entries: Mapping[str, Tensor]) -> list[str]:
    """Take over what fits of a state dict of `model.parent`; the names of what was taken."""
    names = list(fitting(model, entries))
    model.load_state_dict({name: entries[name] for name in names}, strict=False)
    return names
