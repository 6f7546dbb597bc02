"""A network that is ready to run, and the job that gets one."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from walkin.errors import WalkinError
from walkin.marks import Mark
from walkin.network import devices
from walkin.network.loading import forms, guess, sources, weights
from walkin.network.loading.example import HOW, Example, by_name_again, given
from walkin.network.loading.preprocess import Preprocess
from walkin.network.loading.sources import JOB
from walkin.network.showing import labels
from walkin.network.tracing import points, trackers
from walkin.network.tracing.own_numbers import OwnNumbers
from walkin.network.tracing.survey import Survey
from walkin.network.tracing.undisturbed import undisturbed
from walkin.requests import Open
from walkin.results import Notice, Progress

if TYPE_CHECKING:
    from walkin.network.feeding.pictures import Picture


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
    """How a picture is put into the forward: see walkin.network.loading.forms."""
    dtype: torch.dtype = torch.float32
    marks: Mapping[str, Mark] = field(default_factory=dict, repr=False)
    """Names of its values, by path or address: those of probes in it, and those given from outside."""
    hide: tuple[str, ...] = ()
    """Globs of nodes that have no wall."""
    example: Example | None = field(default=None, repr=False)
    """What the network is called with, if that is not a picture alone."""
    example_first: bool = False
    """Whether the example itself goes in first: it was given, or holds nothing that is like a picture."""

    def example_inputs(self, picture: Picture | np.ndarray) -> tuple[Any, ...]:
        """The arguments of the forward for a picture: one tensor, or what the network's form asks for."""
        pixels = picture if isinstance(picture, np.ndarray) else picture.pixels
        return self.inputs_of(self.preprocess.apply(pixels))

    def inputs_of(self, tensor: torch.Tensor) -> tuple[Any, ...]:
        """The arguments of the forward for an input tensor (1, C, H, W); WalkinError if it takes no pictures."""
        if self.example is not None and self.example.slot is None:
            raise WalkinError(f"{self.name} takes no picture: its input is {self.example.words}")
        return forms.arguments(self.form, tensor.to(self.device, self.dtype), self.example)

    def first_inputs(self) -> tuple[Any, ...]:
        """Arguments to try the network with: the example, or a picture of no subject."""
        if self.example is not None:
            return self.example.arguments
        grey = np.full((*(extent or 224 for extent in self.preprocess.size[1:]), 3), 128, np.uint8)
        return self.example_inputs(grey)

    def shown(self, inputs: tuple[Any, ...]) -> np.ndarray:
        """The picture that went in, as it went in: uint8 (H, W, 3)."""
        if self.example is not None:
            first = replace(self.example, arguments=inputs).picture
        else:
            first = inputs[0][0] if isinstance(inputs[0], list | tuple) else inputs[0]
        assert first is not None
        if first.ndim < 3:
            first = first.view(self.preprocess.size)
        return self.preprocess.shown(first)

    def caption(self, picture: Picture) -> tuple[str, ...]:
        """Lines beside the input picture: its name, what was done to it, what was assumed."""
        height, width = picture.pixels.shape[:2]
        made = self.preprocess.describe(width, height)
        before = "x".join(map(str, picture.size_before))
        if picture.size_before != (width, height):
            made = f"{before}, read as {made}"
        return (picture.name, made, *forms.words(self.form), *picture.notes, *self.preprocess.notes)


def load(request: Open) -> Generator[Progress | Notice, None, Loaded]:
    """Get the network that `request` names: built, with its weights, on its device. The value is a `Loaded`."""
    names = check(request)
    device = devices.choose(request.device)
    source = yield from sources.open_source(request)
    filled = yield from weights.fill(source, request)
    model, source = trackers.taking_pictures(filled.model), filled.source
    notes = [*source.notes, *filled.notes]

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
        preprocess=source.preprocess or guess.preprocess(model),
        labels=names,
        weights=filled.words,
        notes=tuple(notes),
        device=device,
        parameters=0,
        form=source.form if source.preprocess else guess.form(model),
        dtype=_dtype(model),
        marks=points.of_model(model, dict(request.probes)),
        hide=request.hide,
    )
    if request.inputs is not None:
        loaded = _given(loaded, request, source.preprocess)
    elif source.preprocess is None and not _is_lazy(model):
        yield Progress(JOB, f"trying what input {source.name} takes")
        loaded = _guessed(loaded, request)
    loaded = replace(loaded, preprocess=_as_asked(loaded.preprocess, request))
    loaded = replace(loaded, notes=(*loaded.notes, *loaded.preprocess.notes))
    if _is_lazy(model):
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
    try:
        with sources.seeded(seed), torch.no_grad():
            loaded.model(*loaded.first_inputs())
    except Exception as problem:
        tried = "x".join(map(str, loaded.preprocess.size))
        reason = str(problem).strip().splitlines()[0] if str(problem).strip() else type(problem).__name__
        raise WalkinError(
            f"{loaded.name} has lazy layers, and its forward failed with an input of {tried}: {reason}; "
            "give another with --input-size"
        ) from problem


def _is_lazy(model: nn.Module) -> bool:
    return any(nn.parameter.is_lazy(parameter) for parameter in model.parameters())


def _given(loaded: Loaded, request: Open, known: Preprocess | None) -> Loaded:
    """With the example inputs that the visitor has."""
    inputs = request.inputs
    if isinstance(inputs, str):
        from walkin.network.loading.factory import called

        inputs = called(inputs, "function that gives example inputs")
    example = given(inputs, loaded.model).moved(loaded.device, loaded.dtype)
    form = f"example {example.digest}"
    return replace(loaded, preprocess=example.preprocess(known), form=form, example=example, example_first=True)


def _guessed(loaded: Loaded, request: Open) -> Loaded:
    """With the first of the guesses at its input that it runs on; WalkinError if it wants several things, and it runs
    on no guess. If it wants one, the likeliest guess stays: what comes next says how it fails."""
    survey = Survey.of(loaded.model)

    def with_guess(found: guess.Guess) -> Loaded:
        example = found.example.moved(loaded.device, loaded.dtype) if found.example is not None else None
        first = example is not None and example.slot is None
        preprocess = _as_asked(found.preprocess, request) if example is None else found.preprocess
        return replace(loaded, preprocess=preprocess, form=found.form, example=example, example_first=first)

    def run(found: guess.Guess) -> None:
        trial = with_guess(found)
        inputs = trial.first_inputs()
        with undisturbed(survey, inputs, {}), OwnNumbers(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            survey.model(*inputs)

    size = request.input_size
    asked = (size[-2], size[-1]) if size is not None else None
    found = guess.first_that_runs(guess.guesses(loaded.model, asked), run)
    if found is not None:
        return with_guess(found)
    wanted = guess.needed(loaded.model)
    if len(wanted) > 1:
        by_name_again(loaded.model)
        several = f"{', '.join(wanted[:-1])} and {wanted[-1]}"
        raise WalkinError(f"{loaded.name}'s forward takes {several}, and runs on nothing that was guessed: {HOW}")
    return loaded


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
