"""What weights a network gets: the default ones, none, named ones or a file; and what is said about it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.network.loading import checkpoint
from walkin.network.loading.download import DownloadError, checkpoints, download, file_name
from walkin.network.loading.sources import JOB, Source
from walkin.network.loading.study_file import as_trained
from walkin.requests import Open
from walkin.results import Notice, Progress

if TYPE_CHECKING:
    from torch import nn

_FILE_ENDINGS = (".pt", ".pth", ".safetensors", ".bin", ".ckpt", ".tar")
UNTRAINED = "untrained"


@dataclass(frozen=True)
class Filled:
    """A network with its weights in it."""

    model: nn.Module = field(repr=False)
    words: str
    """Where the weights are from."""
    source: Source
    """As opened, or without class names where the weights are for other classes."""
    notes: tuple[str, ...] = ()


def is_file(weights: str) -> bool:
    """Whether --weights means a file rather than a name."""
    return weights.endswith(_FILE_ENDINGS) or "/" in weights or "\\" in weights or Path(weights).is_file()


def fill(source: Source, request: Open) -> Generator[Progress | Notice, None, Filled]:
    """Build the network of `source` and give it the weights that `request` asks for."""
    wanted = request.weights
    if source.kind == "torchvision":
        return (yield from _torchvision(source, wanted, request))
    if source.kind == "timm":
        from walkin.network.loading import timm_zoo

        return (yield from timm_zoo.fill(source, wanted, request))
    if source.kind == "demo":
        return (yield from _demo(source, wanted, request))
    assert source.model is not None
    if wanted is not None and is_file(wanted):
        if source.kind != "study":
            return (yield from from_file(source, source.model, wanted, request.key))
        filled = yield from from_file(source, source.model, wanted, request.key, rebuild=_study_network)
        return replace(filled, source=as_trained(filled.source, wanted))
    if source.kind == "study" and wanted in (None, "none"):
        return Filled(source.model, f"{UNTRAINED} (seed {request.seed})", source)
    if wanted not in (None, "none"):
        raise WalkinError(f"--weights {wanted}: no such file; one's own network takes a file or `none`", code=2)
    made = "as given" if source.kind == "live" else "as the factory made them"
    return Filled(source.model, f"weights {made}", source)


def _study_network(name: str, seed: int, classes: int) -> nn.Module:
    """One of walkin.models, for other classes than it was built for."""
    from walkin import models
    from walkin.network.loading.sources import seeded

    with seeded(seed):
        return models.NAMED[name](classes)


def _demo(source: Source, wanted: str | None, request: Open) -> Generator[Progress | Notice, None, Filled]:
    from walkin.network.loading import demo
    from walkin.network.loading.sources import seeded

    yield Progress(JOB, "building EfficientNet-Lite0")
    with seeded(request.seed):
        model = demo.build()
    if wanted is not None and is_file(wanted):
        return (yield from from_file(source, model, wanted, request.key))
    if wanted == "none":
        return Filled(model, f"{UNTRAINED} (seed {request.seed})", source)
    if wanted is not None:
        raise WalkinError(f"no weights {wanted!r} for demo: leave --weights out, or give a file or `none`", code=2)
    model.load_state_dict(checkpoint.read(demo.weights_file()))
    return Filled(model, demo.WORDS, source)


def _torchvision(source: Source, wanted: str | None, request: Open) -> Generator[Progress | Notice, None, Filled]:
    from walkin.network.loading import torchvision_zoo as zoo

    if wanted is not None and wanted != "none" and not is_file(wanted):
        entry = zoo.named_weights(source.name, wanted)
        if entry is None:
            there = ", ".join(zoo.weights_of(source.name)) or "none"
            raise WalkinError(f"no weights {wanted!r} for {source.name}: there are {there}", code=2)
    else:
        entry = source.entry if wanted is None else None
    if entry is not None:
        # Other weights may want another size and have other classes (vit_b_16: 224 or 384 pixels).
        preprocess, form, notes = zoo.input_of(source.name, entry)
        names = tuple(entry.meta.get("categories") or ()) or None
        source = replace(source, preprocess=preprocess, form=form, notes=notes, labels=names)
        try:
            state = yield from fetched(address_of(entry))
        except DownloadError as problem:
            yield untrained(problem)
        else:
            yield Progress(JOB, f"building {source.name}")
            return Filled(zoo.build_trained(source.name, entry, state), zoo.described(entry), source)
    yield Progress(JOB, f"building {source.name}")
    model = zoo.build(source.name, request.seed)
    source = _as_built(source, model)
    if wanted is not None and is_file(wanted):
        return (yield from from_file(source, model, wanted, request.key, rebuild=zoo.build))
    return Filled(model, f"{UNTRAINED} (seed {request.seed})", source)


def _as_built(source: Source, model: nn.Module) -> Source:
    """With the size of input that a vision transformer was built for: without weights it is not always theirs."""
    side = getattr(model, "image_size", None)
    if not isinstance(side, int) or source.preprocess is None or source.preprocess.size[1:] == (side, side):
        return source
    return replace(source, preprocess=source.preprocess.resized((side, side)))


def untrained(problem: DownloadError) -> Notice:
    text = f"untrained weights: download failed ({problem}) - give --weights FILE or none"
    return Notice(text, level="warning", lasting=True)


def address_of(entry: Any) -> str:
    return entry.url


def fetched(url: str, name: str | None = None) -> Generator[Progress, None, dict[str, Any]]:
    """The state dict behind an address, downloaded unless torch.hub's folder has it already and whole."""
    target = checkpoints() / (name or file_name(url))
    if target.is_file():
        try:
            yield Progress(JOB, f"reading {target.name}")
            return checkpoint.read(target)
        except WalkinError:
            pass  # half of one, from a program that was killed: the new one takes its place
    yield from download(url, target, JOB)
    yield Progress(JOB, f"reading {target.name}")
    return checkpoint.read(target)


def from_file(
    source: Source, model: nn.Module, path: str, key: str | None, rebuild: Any = None
) -> Generator[Progress | Notice, None, Filled]:
    """Put a checkpoint file into the network."""
    yield Progress(JOB, f"reading {Path(path).name}")
    state, notes = checkpoint.unwrap(checkpoint.read(path), key, path)
    fit = checkpoint.fit(model, state)
    classes = fit.classes if rebuild else None
    if classes is not None:
        # A network trained on from a zoo's, for one's own classes: the same but for the last layer.
        model = rebuild(source.name, 0, classes)
        fit = checkpoint.fit(model, state)
        notes = (*notes, f"built for {classes} classes, as the checkpoint's last layer has them")
        source = replace(source, labels=None)
    fit.put_into(model, path)
    return Filled(model, Path(path).name, source, (*notes, *fit.notes))
