"""Names of classes, and the classes that a network's output finds most likely."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.readings import Scores
from walkin.resources import asset
from walkin.results import Notice

if TYPE_CHECKING:
    import torch


def imagenet() -> tuple[str, ...]:
    """The 1000 classes of ILSVRC 2012, in the order of every network trained on it."""
    return tuple(asset("imagenet_classes.txt").read_text(encoding="utf-8").split("\n")[:1000])


def read(path: str | Path) -> tuple[str, ...]:
    """Class names from a text file, one a line."""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise WalkinError(f"cannot read --labels {path}: {problem.strerror or problem}", code=2) from problem
    if b"\0" in content:
        raise WalkinError(f"cannot read --labels {path}: not a text file (one class name a line is wanted)", code=2)
    text = content.decode("utf-8-sig", errors="replace")
    names = tuple(line.strip() for line in text.rstrip().splitlines())
    if not names:
        raise WalkinError(f"cannot read --labels {path}: the file is empty (one class name a line is wanted)", code=2)
    return names


def scores(
    output: Any, labels: tuple[str, ...] | None = None, n: int = 10, serial: int = 0, network: str = ""
) -> Scores | None:
    """The `n` likeliest classes of a classifier's output; None if it is not one's."""
    likely = probabilities(output)
    if likely is None:
        return None
    top, classes = likely.topk(min(n, len(likely)))
    return Scores(names_of(classes.tolist(), len(likely), labels), tuple(top.tolist()), serial, network)


def probabilities(output: Any) -> torch.Tensor | None:
    """float32 (classes,), on the host: what a classifier's output makes of its first picture; None if it is not one's,
    or not finite."""
    import torch

    logits = class_values(output)
    if logits is None:
        return None
    values = logits[0].detach().to("cpu", torch.float32)
    if not torch.isfinite(values).all():
        return None
    # A network that ends in a softmax gives probabilities: a second softmax would flatten them.
    return values.clone() if _are_probabilities(values) else values.softmax(0)


def names_of(classes: list[int], count: int, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    """Of some of `count` classes."""
    fitting = labels if labels and len(labels) == count else None
    return tuple(fitting[index] if fitting else f"class {index}" for index in classes)


def mismatch(output: Any, labels: tuple[str, ...] | None) -> Notice | None:
    """What to tell the visitor when there are not as many names as the output has classes."""
    logits = class_values(output)
    if not labels or logits is None or logits.shape[1] == len(labels):
        return None
    return wrong_count(len(labels), logits.shape[1])


def wrong_count(names: int, classes: int) -> Notice:
    return Notice(
        f"{names} class names for {classes} classes: classes are shown as numbers", level="warning", lasting=True
    )


def class_values(output: Any) -> torch.Tensor | None:
    """The tensor (N, classes) of a classifier's output, None if there is none."""
    import torch

    if isinstance(output, Mapping):
        output = next((output[key] for key in ("logits", "out") if key in output), None)
    elif isinstance(output, tuple | list):
        output = next((part for part in output if isinstance(part, torch.Tensor)), None)
    elif not isinstance(output, torch.Tensor):
        output = getattr(output, "logits", None)
    if not isinstance(output, torch.Tensor) or output.ndim != 2 or 0 in output.shape or output.shape[1] < 2:
        return None
    return output if output.is_floating_point() else None


def _are_probabilities(values: torch.Tensor) -> bool:
    return bool((values >= 0).all()) and abs(float(values.sum()) - 1) < 1e-3
