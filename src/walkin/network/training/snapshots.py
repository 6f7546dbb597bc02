"""Snapshots: weights on their way from the thread that trains them to the worker that shows them; the newest wins."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from walkin.errors import WalkinError
from walkin.network.loading.prefixes import Shapes, bare, shape_of
from walkin.network.tracing.survey import unwrapped


class Snapshots:
    """Two sets of buffers: one may be read while the other is written to. No copy is made that nobody shows: one that
    still waits is written over by the next."""

    def __init__(self) -> None:
        self._writing = threading.Lock()
        """Held by whoever copies: two threads that refresh at once take turns."""
        self._lock = threading.Lock()
        self._sets: list[dict[str, Any]] = []
        self._words = ["", ""]
        """What each set is, since the one that waits may be written over before anyone comes for it."""
        self._waiting: int | None = None
        self._reading: int | None = None

    def copy(self, given: Any, words: str = "") -> None:
        """What a network, or a state dict, holds at this moment: on the caller's thread, done when this returns."""
        state = state_of(given)
        with self._writing:
            with self._lock:
                number = self._waiting if self._waiting is not None else 1 - (self._reading or 0)
                if self._reading is None and self._waiting is None:
                    number = 0
                self._waiting = None
            while len(self._sets) <= number:
                self._sets.append({})
            self._fill(self._sets[number], state)
            with self._lock:
                self._waiting, self._words[number] = number, words

    @contextmanager
    def newest(self) -> Iterator[tuple[dict[str, Any], str] | None]:
        """The set that was copied last, and its words, nobody's else until the block ends; None if it was taken
        before."""
        with self._lock:
            self._reading, self._waiting = self._waiting, None
            number = self._reading
        try:
            yield (self._sets[number], self._words[number]) if number is not None else None
        finally:
            with self._lock:
                self._reading = None

    @staticmethod
    def _fill(held: dict[str, Any], state: Mapping[str, Any]) -> None:
        if held.keys() != state.keys():
            held.clear()
        with torch.no_grad():
            for key, value in state.items():
                if not isinstance(value, torch.Tensor):
                    held[key] = copy.deepcopy(value)
                    continue
                value, buffer = value.detach(), held.get(key)
                plain = not value.is_quantized and value.layout == torch.strided
                if isinstance(buffer, torch.Tensor) and plain and _alike(buffer, value):
                    buffer.copy_(value)
                else:
                    held[key] = value.to("cpu", copy=True)


def _alike(one: torch.Tensor, two: torch.Tensor) -> bool:
    return one.shape == two.shape and one.dtype == two.dtype


def state_of(given: Any) -> dict[str, Any]:
    """The state dict of a network, out of what wraps it, or the one that is given; WalkinError if it is neither."""
    if isinstance(given, nn.Module):
        return unwrapped(given).state_dict()
    if isinstance(given, Mapping) and given and all(isinstance(key, str) for key in given):
        return dict(given)
    raise WalkinError(f"refresh takes an nn.Module or its state dict, not {type(given).__name__}", code=2)


def as_named(state: dict[str, Any], shapes: Shapes) -> dict[str, Any]:
    """A state dict by the names of the network that it is for, out of what wraps that: DDP, torch.compile, averaged
    weights, a module for training that holds it. As it is where it has other names."""
    if state.keys() == shapes.keys():
        return state
    found, _ = bare(state, shapes)
    return {key: found[key] for key in shapes} if found.keys() > shapes.keys() and found is not state else found


def differing(state: Mapping[str, Any], shapes: Shapes) -> str:
    """Why weights are not those of a network with these shapes; '' if they are."""
    missing = [key for key in shapes if key not in state]
    more = [key for key in state if key not in shapes]
    if missing or more:
        what = f"there is no {missing[0]}" if missing else f"{more[0]} is new"
        return f"{what}, so it is another network"
    for key, value in state.items():
        if isinstance(value, torch.Tensor) and shapes[key] is not None and tuple(value.shape) != shapes[key]:
            return f"{key} is {tuple(value.shape)}, and was {shapes[key]}, so it is another network"
    return ""


def shapes_of(model: Any) -> dict[str, tuple[int, ...] | None]:
    """What `differing` compares with: of a network. None for what has no shape yet, of lazy layers."""
    state = state_of(model)
    return {key: None if is_lazy(value) else shape_of(value) for key, value in state.items()}
