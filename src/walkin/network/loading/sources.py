"""From what the visitor typed to an untrained nn.Module, and what is known about its input and classes."""

from __future__ import annotations

import copy
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.network.loading.preprocess import Preprocess
from walkin.requests import Open
from walkin.results import Notice, Progress

if TYPE_CHECKING:
    from torch import nn

JOB = "open"
STUDY = ("covid_resnet", "covid_densenet", "covid_resnet_small", "covid_densenet_small")
"""Networks of walkin.models, by the names that they are opened by."""


@dataclass(frozen=True)
class Source:
    """A network that can be built, and how its weights may be had."""

    name: str
    kind: str
    """demo, torchvision, timm, study, factory or live."""
    form: str = "picture"
    """How a picture is put into its forward: picture (N, C, H, W), list, clip (N, C, T, H, W) or pair."""
    preprocess: Preprocess | None = None
    labels: tuple[str, ...] | None = None
    model: nn.Module | None = field(default=None, repr=False)
    """The network, where building it was needed to know it (one's own)."""
    entry: Any = None
    """Member of torchvision's enumeration of weights that is the default, or timm's pretrained configuration."""
    notes: tuple[str, ...] = ()


def open_source(request: Open) -> Generator[Progress | Notice, None, Source]:
    """Find out what `request.spec` names; WalkinError if it names nothing."""
    spec = request.spec.strip()
    if request.model is not None:
        from walkin.network.loading.factory import adopt

        yield Progress(JOB, f"copying {spec or type(request.model).__name__}")
        model, notes = adopt(request.model, copied=not request.private)
        return Source(spec or type(request.model).__name__, "live", model=model, notes=notes)
    if spec == "demo":
        from walkin.network.loading import demo
        from walkin.network.showing import labels

        return Source("demo", "demo", preprocess=demo.preprocess(), labels=labels.imagenet())
    if spec.startswith("timm:"):
        from walkin.network.loading import timm_zoo

        return (yield from timm_zoo.open_source(spec))
    if not spec:
        raise WalkinError("no network given; `walkin networks` lists those that can be opened by name", code=2)
    if spec.partition("(")[0].strip() in STUDY:
        from walkin.network.loading import factory

        return replace((yield from factory.open_source(f"walkin.models:{spec}", request.seed)), kind="study")
    if _is_own(spec):
        from walkin.network.loading import factory

        return (yield from factory.open_source(spec, request.seed))
    from walkin.network.loading import torchvision_zoo

    return (yield from torchvision_zoo.open_source(spec))


def _is_own(spec: str) -> bool:
    return (
        ":" in spec
        or "(" in spec
        or "/" in spec
        or "\\" in spec
        or spec.endswith((".py", ".pt", ".pth", ".safetensors"))
    )


@contextmanager
def seeded(seed: int):
    """Random numbers of torch's CPU generator from `seed`, and afterwards as if nothing had been drawn."""
    import torch

    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def copied(model: nn.Module) -> nn.Module:
    """A deep copy, also of modules that hold computed tensors, which deepcopy refuses (torch.nn.utils.weight_norm)."""
    import torch

    memo: dict[int, Any] = {}
    for module in model.modules():
        for held in vars(module).values():
            for value in held.values() if isinstance(held, dict) else (held,):
                if isinstance(value, torch.Tensor) and not value.is_leaf:
                    memo[id(value)] = value.detach().clone()
    return copy.deepcopy(model, memo)
