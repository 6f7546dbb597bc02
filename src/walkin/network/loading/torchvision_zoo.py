"""torchvision's networks by name: which there are, how each is built, and what its weights say of its input."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.imports import collector_resting
from walkin.network.loading import forms
from walkin.network.loading.preprocess import Preprocess, from_torchvision
from walkin.network.loading.sources import JOB, Source, seeded
from walkin.results import Notice, Progress

# Both are built on inception blocks and warn about the initialisation that they would do with scipy's slow
# truncated normal distribution; googlenet's weights come without its auxiliary classifiers.
_SLOW_START = ("googlenet", "inception_v3")


def open_source(name: str) -> Generator[Progress | Notice, None, Source]:
    """The torchvision network called `name`, not built yet."""
    yield Progress(JOB, "importing torchvision")
    models = _models()
    known = models.list_models()
    wanted = name.lower().replace("-", "_")
    if wanted not in known and Path(name).exists():
        taken = "--images takes folders" if Path(name).is_dir() else "--image takes pictures, --weights weights"
        raise WalkinError(f"{name} is no network; {taken}, --scene a room that was saved", code=2)
    if wanted not in known:
        raise WalkinError(f"unknown network {name!r}{suggestion(wanted, known)}", code=2)
    entry = default_weights(wanted)
    preprocess, form, notes = input_of(wanted, entry)
    labels = None if entry is None else tuple(entry.meta.get("categories") or ()) or None
    return Source(wanted, "torchvision", form, preprocess, labels, entry=entry, notes=notes)


def default_weights(name: str) -> Any:
    """The member of torchvision's enumeration that is the default, None for a network without weights."""
    enumeration = _models().get_model_weights(name)
    return enumeration.DEFAULT if len(enumeration) else None


def named_weights(name: str, weights: str) -> Any:
    """The weights called `weights` (IMAGENET1K_V2, or with the enumeration's name in front); None if there are none."""
    enumeration = _models().get_model_weights(name)
    wanted = weights.removeprefix(f"{enumeration.__name__}.")
    by_name = {entry_name.lower(): entry for entry_name, entry in enumeration.__members__.items()}
    return by_name.get(wanted.lower())


def weights_of(name: str) -> tuple[str, ...]:
    return tuple(entry.name for entry in _models().get_model_weights(name))


def described(entry: Any) -> str:
    return f"{type(entry).__name__}.{entry.name} (torchvision)"


def build(name: str, seed: int = 0, classes: int | None = None) -> Any:
    """The untrained network."""
    arguments: dict[str, Any] = {"weights": None}
    parameters = inspect.signature(_models().get_model_builder(name)).parameters
    if "weights_backbone" in parameters:
        arguments["weights_backbone"] = None
    if "quantize" in parameters:  # without weights there are no ranges to quantise with: it runs in floating point
        arguments["quantize"] = False
    base = name.removeprefix("quantized_")
    if base in _SLOW_START:
        arguments["init_weights"] = False
    if base == "googlenet":
        arguments["aux_logits"] = False
    if classes is not None:
        arguments["num_classes"] = classes
    with seeded(seed):
        return _models().get_model(name, **arguments)


def build_trained(name: str, entry: Any, state: dict[str, Any]) -> Any:
    """The network with the weights `entry`, whose state dict has been read already.

    torchvision's own builder puts them in, as it knows what else there is to do (older key names, auxiliary
    classifiers, quantisation): only its way of reading the file, which runs pickled code, is stepped over.
    """
    arguments: dict[str, Any] = {"weights": entry, "progress": False}
    if "quantize" in inspect.signature(_models().get_model_builder(name)).parameters:
        arguments["quantize"] = "unquantized" in entry.meta
    with seeded(0), _reading(entry, lambda: state):
        return _models().get_model(name, **arguments)


def family_of(name: str) -> str:
    """classification, segmentation, detection, video, optical_flow or quantization."""
    parts = _models().get_model_builder(name).__module__.split(".")
    return parts[2] if len(parts) > 3 else "classification"


def suggestion(name: str, known: list[str]) -> str:
    close = get_close_matches(name, [*known, "demo"], n=3, cutoff=0.5)
    listing = "`walkin networks` lists all that can be opened by name"
    return f"; did you mean {', '.join(close)}? {listing}" if close else f"; {listing}"


def _models() -> Any:
    with collector_resting("torchvision"):
        import torchvision.models

    return torchvision.models


@contextmanager
def _reading(entry: Any, read: Callable[[], dict[str, Any]]):
    # On the member itself, not on its class: another thread that builds another network is not affected.
    entry.__dict__["get_state_dict"] = lambda *_, **__: read()
    try:
        yield
    finally:
        del entry.__dict__["get_state_dict"]


def input_of(name: str, entry: Any) -> tuple[Preprocess | None, str, tuple[str, ...]]:
    """How a picture goes into a network with the weights `entry`: (preprocessing, form, notes)."""
    if entry is None:
        return None, "picture", ()
    family = family_of(name)
    if family == "optical_flow":
        # Any multiple of 8 from 128 up goes; this one takes a CPU a few seconds. The scale is -1 to 1.
        half = (0.5, 0.5, 0.5)
        preprocess = Preprocess((3, 256, 320), "cover", (256, 320), mean=half, std=half)
        return preprocess, "pair", forms.words("pair")
    preprocess = from_torchvision(entry.transforms())
    if family == "detection":
        return preprocess, "list", ()
    if family == "video":
        return preprocess, "clip", forms.words("clip")
    return preprocess, "picture", ()
