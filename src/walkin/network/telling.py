"""Telling: what is said of a picture that a network fails on, or takes another path with. Words, no results."""

from __future__ import annotations

from typing import Any

import torch

from walkin.graph import Network
from walkin.network.feeding.inputs import Prepared
from walkin.network.loading.loaded import Loaded
from walkin.network.tracing.tensors import find_tensors
from walkin.sizes import counted


def told_of_path(before: Network, now: Network) -> str:
    """What is said when a picture takes another path; '' where all walls are the same."""
    old, new = before.by_address.keys(), now.by_address.keys()
    counts = ((len(new - old), "new"), (len(old - new), "gone"))
    changed = " and ".join(f"{counted(count, 'wall')} {what}" for count, what in counts if count)
    if not changed:
        return ""
    return f"{now.name} takes another path with this picture: {changed}; walls that stay keep their places"


def advice(loaded: Loaded, given: Prepared, problem: Exception) -> str:
    """What went wrong in one line, and what can be done."""
    text = " ".join(str(problem).split())
    line = f"{type(problem).__name__}: {text[:200]}" if text else type(problem).__name__
    lowered = text.lower()
    if isinstance(problem, MemoryError | torch.OutOfMemoryError) or "allocate" in lowered or "out of memory" in lowered:
        size = "x".join(map(str, first_tensor(given.inputs).shape[-2:]))
        return f"not enough memory on {loaded.device} for an input of {size}; a smaller --input-size helps"
    return f"{line}; the room is as it was: give another picture, or another --input-size"


def first_tensor(inputs: tuple[Any, ...]) -> torch.Tensor:
    """Of the input that stands as a picture at the entrance (see Trace.framed)."""
    found = find_tensors(inputs)
    return next((tensor for tensor in found if tensor.ndim in (3, 4, 5)), found[0] if found else torch.zeros(0))
