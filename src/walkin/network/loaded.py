"""A network that is ready to run, and the job that gets one."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from walkin.errors import WalkinError
from walkin.marks import Mark
from walkin.network import devices, guess, labels, points, sources, trackers, weights
from walkin.network.preprocess import Preprocess
from walkin.network.sources import JOB
from walkin.requests import Open
from walkin.results import Notice, Progress

if TYPE_CHECKING:
    from walkin.network.pictures import Picture


@dataclass(frozen=True)
class Loaded:
    """A network in evaluation mode on its device, with all that is known about its input, weights and classes."""

    name: str
    model: nn.Module = field(repr=False)
    preprocess: Preprocess
    labels: tuple[str, ...] | None = field(repr=False)
    weights: str
    """Where the weights are from, in words."""
    notes: tuple[str, ...]
    """What was assumed, and what was done to the checkpoint."""
    device: torch.device
    parameters: int
    form: str = "picture"
    """How a picture is put into the forward: picture (N, C, H, W), list, clip (N, C, T, H, W) or pair."""
    dtype: torch.dtype = torch.float32
    marks: Mapping[str, Mark] = field(default_factory=dict, repr=False)
    """Names of its values, by path or address: those of probes in it, and those given from outside."""
    hide: tuple[str, ...] = ()
    """Globs of nodes that have no wall."""

    def example_inputs(self, picture: Picture | np.ndarray) -> tuple[Any, ...]:
        """The arguments of the forward for a picture: one tensor, or what the network's form asks for."""
        pixels = picture if isinstance(picture, np.ndarray) else picture.pixels
        return self.inputs_of(self.preprocess.apply(pixels))

    def inputs_of(self, tensor: torch.Tensor) -> tuple[Any, ...]:
        """The arguments of the forward for an input tensor (1, C, H, W)."""
        tensor = tensor.to(self.device, self.dtype)
        if self.form == "list":
            return ([tensor[0]],)
        if self.form == "clip":
            from walkin.network.torchvision_zoo import CLIP_FRAMES

            return (tensor[:, :, None].repeat(1, 1, CLIP_FRAMES, 1, 1),)
        if self.form == "pair":
            return tensor, tensor.roll(8, dims=-1)
        return (tensor,)

    def shown(self, inputs: tuple[Any, ...]) -> np.ndarray:
        """The picture that went in, as it went in: uint8 (H, W, 3)."""
        first = inputs[0]
        return self.preprocess.shown(first[0] if isinstance(first, list | tuple) else first)

    def caption(self, picture: Picture) -> tuple[str, ...]:
        """Lines beside the input picture: its name, what was done to it, what was assumed."""
        height, width = picture.pixels.shape[:2]
        made = self.preprocess.describe(width, height)
        before = "x".join(map(str, picture.size_before))
        if picture.size_before != (width, height):
            made = f"{before}, read as {made}"
        return (picture.name, made, *picture.notes, *self.preprocess.notes)


def load(request: Open) -> Generator[Progress | Notice, None, Loaded]:
    """Get the network that `request` names: built, with its weights, on its device. The value is a `Loaded`."""
    names = check(request)
    device = devices.choose(request.device)
    source = yield from sources.open_source(request)
    filled = yield from weights.fill(source, request)
    model, source = trackers.taking_pictures(filled.model), filled.source
    notes = [*source.notes, *filled.notes]

    preprocess = source.preprocess or guess.preprocess(model)
    form = source.form if source.preprocess else guess.form(model)
    preprocess = _as_asked(preprocess, request)

    if names and source.labels and len(names) != len(source.labels):
        yield labels.wrong_count(len(names), len(source.labels))
        names = None
    elif not names:
        names = source.labels

    if device.type != "cpu" and _is_quantised(model):
        notes.append("on the CPU: quantised networks run nowhere else")
        device = torch.device("cpu")
    yield Progress(JOB, f"moving {source.name} to {device}")
    model = _moved(model.eval(), device)
    loaded = Loaded(
        name=source.name,
        model=model,
        preprocess=preprocess,
        labels=names,
        weights=filled.words,
        notes=(*notes, *preprocess.notes),
        device=device,
        parameters=0,
        form=form,
        dtype=_dtype(model),
        marks=points.of_model(model, dict(request.probes)),
        hide=request.hide,
    )
    if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        _sized(loaded, request.seed)
    # The room never trains: without this every activation of featurevis would drag gradients of the weights along.
    model.requires_grad_(False)
    return replace(loaded, parameters=parameters(model))


def check(request: Open) -> tuple[str, ...] | None:
    """Refuse at once what can be seen to be wrong, before torchvision is imported; the class names given, if any."""
    if request.weights and weights.is_file(request.weights) and not Path(request.weights).is_file():
        raise WalkinError(f"no such file: --weights {request.weights}", code=2)
    if request.key and not (request.weights and weights.is_file(request.weights)):
        raise WalkinError("--key says where in a checkpoint the weights lie: it needs --weights FILE", code=2)
    if request.input_size is not None:
        Preprocess((3, 224, 224)).resized(request.input_size)
    if request.names is not None:
        return tuple(request.names) or None
    return labels.read(request.labels) if request.labels else None


def parameters(model: nn.Module) -> int:
    """Number of trained values; those of a quantised network lie packed in its modules."""
    return sum(parameter.numel() for parameter in model.parameters())


def _sized(loaded: Loaded, seed: int) -> None:
    """Give lazy layers their sizes, and so their weights, by one forward."""
    black = np.zeros((*(extent or 224 for extent in loaded.preprocess.size[1:]), 3), np.uint8)
    try:
        with sources.seeded(seed), torch.no_grad():
            loaded.model(*loaded.example_inputs(black))
    except Exception as problem:
        tried = "x".join(map(str, loaded.preprocess.size))
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        raise WalkinError(
            f"{loaded.name} has lazy layers, and its forward failed with an input of {tried}: {reason}; "
            "give another with --input-size"
        ) from problem


def _as_asked(preprocess: Preprocess, request: Open) -> Preprocess:
    """With the visitor's own size, mean and deviation; what she gave needs no note that it was assumed."""
    given = [name for name in ("input_size", "mean", "std") if getattr(request, name) is not None]
    if request.input_size is not None:
        preprocess = preprocess.resized(request.input_size)
    preprocess = preprocess.normalised(request.mean, request.std)
    if not given or not preprocess.notes:
        return preprocess
    return replace(preprocess, notes=guess.notes(preprocess, given))


def _moved(model: nn.Module, device: torch.device) -> nn.Module:
    try:
        return model.to(device)
    except NotImplementedError as problem:
        raise WalkinError(
            "the network has no weights yet (its parameters are on the meta device): build it on the CPU"
        ) from problem
    except RuntimeError as problem:
        reason = str(problem).splitlines()[0]
        raise WalkinError(f"the network does not fit on {device}: {reason}; try --device cpu") from problem


def _is_quantised(model: nn.Module) -> bool:
    return any("quantized" in type(module).__module__ for module in model.modules())


def _dtype(model: nn.Module) -> torch.dtype:
    """What the input must be: the type of the first weights, as somebody's own network may be in half precision."""
    for parameter in model.parameters():
        if parameter.is_floating_point():
            return parameter.dtype
    return torch.float32
