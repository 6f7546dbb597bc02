"""Copies: what tensors were before a forward that may write to them, so that it can be put back afterwards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

LARGE_BYTES = 1 << 22  # of one tensor: its copy is not kept beside the network from one forward to the next
_NEVER = -1  # a version that no tensor has


@dataclass(frozen=True)
class Copies:
    """Some tensors as they were when they were last looked at. That one has been written to since is known by its
    version: a write that has none, by NumPy or through `.data`, is not seen."""

    tensors: tuple[Tensor, ...] = ()
    versions: list[int] = field(default_factory=list)
    values: list[Tensor | None] = field(default_factory=list)
    large: tuple[int, ...] = ()
    """Positions of those whose copies are not kept."""

    @classmethod
    def blank(cls, tensors: Sequence[Tensor]) -> Copies:
        """No copies yet."""
        # Inference tensors have no version; they cannot be written to outside inference mode either.
        kept = tuple(tensor for tensor in tensors if not tensor.is_inference())
        return cls(kept, [_NEVER] * len(kept), [None] * len(kept))

    def renewed(self) -> Copies:
        """Of the same tensors as they are now. Only what has been written to since is copied: DenseNet-121 has 363
        statistics and counters, for which that takes a millisecond and a half."""
        versions = [tensor._version for tensor in self.tensors]
        if versions == self.versions:
            return self
        values = list(self.values)
        stale = [i for i, (now, then) in enumerate(zip(versions, self.versions, strict=True)) if now != then]
        for i, value in zip(stale, _copied([self.tensors[i] for i in stale]), strict=True):
            values[i] = value
        large = tuple(i for i, value in enumerate(values) if value is not None and _bytes_of(value) > LARGE_BYTES)
        return Copies(self.tensors, versions, values, large)

    def put_back(self) -> Copies:
        """Write what has been written to as it was. What may be kept until the next forward."""
        now = [tensor._version for tensor in self.tensors]
        if now == self.versions and not self.large:
            return self
        versions, values = list(self.versions), list(self.values)
        with torch.no_grad():
            for i, (tensor, value) in enumerate(zip(self.tensors, values, strict=True)):
                if now[i] != versions[i] and value is not None:
                    tensor.copy_(value if value.shape == tensor.shape else value.view(tensor.shape))
                    versions[i] = tensor._version
        for i in self.large:
            versions[i], values[i] = _NEVER, None
        return Copies(self.tensors, versions, values)


class Belongings:
    """What a model has and is given that its forward may write to: its buffers, and the inputs of the last forward."""

    def __init__(self, buffers: Sequence[Tensor]):
        self._buffers = Copies.blank(buffers)
        self._inputs = Copies()

    def take(self, inputs: Sequence[Tensor]) -> tuple[Copies, Copies]:
        """How they are now: for `put_back`. Forwards may lie in one another, and run in several threads."""
        given = Copies.blank(inputs)
        known = self._inputs if _same(self._inputs.tensors, given.tensors) else given
        return self._buffers.renewed(), known.renewed()

    def put_back(self, taken: tuple[Copies, Copies]) -> None:
        self._buffers, self._inputs = taken[0].put_back(), taken[1].put_back()


def _same(some: tuple[Tensor, ...], others: tuple[Tensor, ...]) -> bool:
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _copied(tensors: list[Tensor]) -> list[Tensor]:
    """A copy of each. Small ones, the statistics of norms, are copied together, in the form of vectors."""
    together: dict[tuple[torch.dtype, torch.device], list[int]] = defaultdict(list)
    found: list[Tensor] = list(tensors)
    with torch.no_grad():
        for i, tensor in enumerate(tensors):
            if type(tensor) is Tensor and tensor.ndim <= 1 and tensor.layout is torch.strided:
                together[tensor.dtype, tensor.device].append(i)
            else:
                found[i] = tensor.detach().clone()
        for several in together.values():
            vectors = [tensors[i] if tensors[i].ndim else tensors[i].view(1) for i in several]
            parts = torch.cat(vectors).split([vector.numel() for vector in vectors])
            for i, part in zip(several, parts, strict=True):
                found[i] = part
    return found


def _bytes_of(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
