"""What a forward reads of the one dict that it is given: its keys, found by trying, and what lies at each."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.network.loading import offers
from walkin.network.loading.example import HOW, Example, by_position_only, signature_of
from walkin.network.loading.offers import STEMS, Extent, Offer, stems_of, values
from walkin.network.tracing.tensors import named_tensors

MOST = 48  # runs; each ends where the network refuses what it is given
_STEPS = 8  # combinations that are tried of one size, where nothing says which of the values does not fit
_LONGEST = 16  # keys

Search = Generator[Example, Exception | None, None]


class Asked(dict[str, Any]):
    """An empty dict that notes which keys are asked for, also by those who can do without them."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return default

    def pop(self, key: Any, *default: Any) -> Any:
        self._note(key)
        return super().pop(key, *default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return False

    def __missing__(self, key: Any) -> Any:
        self._note(key)
        raise KeyError(key)

    def _note(self, key: object) -> None:
        if isinstance(key, str) and key not in self.asked:
            self.asked.append(key)


def search(model: nn.Module, asked_size: Extent | None = None) -> Search:
    """Examples for a forward that takes one dict, a list of dicts, or keywords of any name; none if it is no such
    forward. What the network raised on each is sent back: it says what is missing, and which value does not fit.

    WalkinError if it reads keys, and runs on nothing that was tried.
    """
    signature = signature_of(model)
    if signature is None:
        return
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    if kinds and all(kind is kind.VAR_KEYWORD for kind in kinds):
        yield from _filled(_Trial(model, offers.extents(asked_size), named=True), asked=[], refused=(yield Example(())))
        return
    for many in (False, True):
        asked = Asked()
        refused = yield Example(([asked] if many else asked,), words=f"an empty dict{' in a list' * many}")
        if asked.asked:
            yield from _filled(_Trial(model, offers.extents(asked_size), many=many), asked.asked, refused)
            return


def _filled(trial: _Trial, asked: list[str], refused: Exception | None) -> Search:
    """With the keys that it does not run without; one more each time that one is missing."""
    trial.spare = [key for key in asked if not offers.is_label(key)] or asked
    goes_on = trial.learn(refused)
    for _ in range(MOST):
        if not goes_on:
            break
        refused = yield trial.example()
        goes_on = trial.learn(refused)
    if trial.keys:
        name, keys = type(trial.model).__name__, ", ".join(trial.keys)
        raise WalkinError(f"{name}'s forward reads {keys} of its input, and runs on nothing that was guessed: {HOW}")


class _Trial:
    """What has been learnt of a forward, and what is tried next."""

    def __init__(self, model: nn.Module, extents: tuple[Extent, ...], many: bool = False, named: bool = False) -> None:
        self.model, self.many, self.named = model, many, named
        self._extents = extents
        self.keys: list[str] = []
        self.spare: list[str] = []
        """Keys that are asked for and may do without."""
        self._stems = stems_of(model)
        self._vocabulary = next((m for m in model.modules() if isinstance(m, nn.Embedding)), None)
        self._goes_to: dict[str, nn.Module] = {}
        """Which module was given what lies at a key and did not take it."""
        self._at: dict[str, int] = {}
        """Which of the offers for each key is tried now."""
        self._extent = self._steps = 0

    def example(self) -> Example:
        """The arguments of the forward, and words for them."""
        chosen = {key: self._offers(key)[self._at.get(key, 0)] for key in self.keys}
        words = "; ".join(f"{key}: {what}" for key, (_, what) in chosen.items())
        inside = {key: value for key, (value, _) in chosen.items()}
        if self.named:
            by_position_only(self.model, 0, tuple(inside))
            return Example.of(tuple(inside.values()), words)
        if self.many:
            inside = {key: value[0] if value.ndim == 4 else value for key, value in inside.items()}
            return Example.of(([inside],), f"a list of one dict with {words}")
        return Example.of((inside,), f"a dict with {words}")

    def learn(self, refused: Exception | None) -> bool:
        """Choose what is tried next; False if there is nothing left."""
        missing = _missing(refused)
        if missing is not None and missing not in self.keys:
            self.keys.append(missing)
            return len(self.keys) <= _LONGEST
        if not self.keys:
            return self._one_more()
        found = next(_received(refused, self.keys), None)
        if found is None:
            return self._step()
        key, module = found
        if self._goes_to.get(key) is not module:
            self._goes_to[key], self._at[key] = module, 0
            return True
        self._at[key] = self._at.get(key, 0) + 1
        return self._at[key] < len(self._offers(key)) or self._next_extent()

    def _step(self) -> bool:
        """Another combination of what may lie at the keys, the last one first."""
        self._steps += 1
        for key in reversed(self.keys):
            self._at[key] = self._at.get(key, 0) + 1
            if self._at[key] < len(self._offers(key)) and self._steps < _STEPS:
                return True
            self._at[key] = 0
        return self._next_extent()

    def _next_extent(self) -> bool:
        self._at, self._steps = {}, 0
        self._extent += 1
        return self._extent < len(self._extents) or self._one_more()

    def _one_more(self) -> bool:
        """Give it what it asked for and may do without."""
        more = next((key for key in self.spare if key not in self.keys), None)
        if more is None:
            return False
        self.keys.append(more)
        self._extent = 0
        return True

    def _offers(self, key: str) -> list[Offer]:
        """What may lie at a key, by the module that it goes to, by its name, or as one more picture."""
        extent, number, stem = self._extents[self._extent], self.keys.index(key), self._goes_to.get(key)
        role = offers.role(key)
        if offers.is_label(key):
            return [(torch.tensor([0]), "class 0"), (torch.tensor([[0.0]]), "0")]
        if role == "time":
            return offers.times()
        if role == "mask":
            return offers.masks(self._vocabulary is not None, extent)
        if role == "ids" and self._vocabulary is not None and stem is None:
            return list(values(self._vocabulary))[:2]
        if isinstance(stem, nn.Conv2d | nn.Conv3d):
            return [offers.picture(number, stem.in_channels or 3, extent, stem)]
        if stem is not None:
            return list(values(stem))[:3]
        channels = [module.in_channels for module in self._stems if isinstance(module, nn.Conv2d)]
        if not channels and self._stems and not isinstance(self._stems[0], nn.Conv3d):
            return list(values(self._stems[0]))[:3]
        if not channels and isinstance(volume := self._stems[0] if self._stems else None, nn.Conv3d):
            return [offers.picture(number, volume.in_channels or 1, extent, volume)]
        made = [offers.picture(number, count, extent) for count in dict.fromkeys((*channels, 3, 1)) if count]
        return [*made, (torch.ones(1), "1")] if number else made


def _missing(refused: Exception | None) -> str | None:
    """The key that was looked for in vain."""
    if isinstance(refused, KeyError) and refused.args and isinstance(refused.args[0], str):
        return refused.args[0]
    return None


def _received(refused: Exception | None, keys: list[str]) -> Iterator[tuple[str, nn.Module]]:
    """(key, module) where a module was given what lies at that key, as it was or seen another way, and the failure is
    in it or below; innermost first. Read off the frames of the failure: no hook is needed."""
    frames: list[FrameType] = []
    trace = refused.__traceback__ if refused is not None else None
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    lies_at = next((found for frame in frames if (found := _storages(frame, keys))), {})
    for frame in reversed(frames):
        module = frame.f_locals.get("self")
        if not isinstance(module, STEMS):
            continue
        for value in frame.f_locals.values():
            for _, tensor in named_tensors(value) if isinstance(value, Tensor | tuple) else ():
                key = lies_at.get(tensor.untyped_storage().data_ptr())
                if key is not None:
                    yield key, module


def _storages(frame: FrameType, keys: list[str]) -> dict[int, str]:
    """Where the memory of what lies at each key begins, if a frame has the dict with all of them."""
    for value in frame.f_locals.values():
        inside = value[0] if isinstance(value, list | tuple) and value else value
        if isinstance(inside, dict) and all(isinstance(inside.get(key), Tensor) for key in keys):
            return {inside[key].untyped_storage().data_ptr(): key for key in keys}
    return {}
