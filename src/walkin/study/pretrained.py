"""Pretrained: ImageNet's weights for fine-tuning, from torch's folder of downloads or from its makers."""

from __future__ import annotations

from torch import Tensor

from walkin import models
from walkin.network.featurevis.command import Line
from walkin.network.loading.download import DownloadError
from walkin.network.loading.torchvision_zoo import default_weights
from walkin.network.loading.weights import address_of, fetched


def weights_for(name: str, line: Line) -> dict[str, Tensor] | None:
    """The state dict of the network that a study's network was cut from; None, and said, where it cannot be had."""
    parent = models.NAMED[name]().parent
    steps = fetched(address_of(default_weights(parent)))
    try:
        while True:
            line.progress(next(steps))
    except StopIteration as end:
        return end.value
    except DownloadError as problem:
        line.say(f"{name} is not fine-tuned: ImageNet's weights for {parent} cannot be had ({problem})")
        return None
    finally:
        line.end()
