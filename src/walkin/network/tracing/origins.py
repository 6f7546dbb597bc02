"""Origins: which operations each living tensor's value came from, known by identity and by shared memory.

Tensors are held weakly: knowing them keeps nothing alive. Version counters tell of writes, seen and unseen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from torch import Tensor

from walkin.network.tracing.overlap import covers, overlaps, storage_key
from walkin.network.tracing.survey import Survey
from walkin.network.tracing.tensors import find_tensors


class Origin:
    """What is known of one tensor."""

    __slots__ = ("is_value", "producers", "ref", "version")

    def __init__(self, tensor: Tensor, producers: tuple[int, ...], is_value: bool):
        self.ref = weakref.ref(tensor)
        self.producers = producers
        """The operations its value came from; () for a constant."""
        self.is_value = is_value
        """It is what is shown of its one producer, not another of its results or an alias."""
        self.version = version(tensor)


def version(tensor: Tensor) -> int:
    """Counts writes to the tensor's memory."""
    try:
        return tensor._version
    except RuntimeError:  # an inference tensor: nothing can be written to it here
        return -1


class Origins:
    """The origins of all tensors met in one forward."""

    def __init__(self, survey: Survey):
        self._survey = survey
        self._weights = survey.weights
        self._known: dict[int, Origin] = {}
        self._by_storage: dict[int, list[Origin]] = {}
        self._stored: set[int] | None = None

    def quick(self, tensor: Tensor) -> Origin | None:
        """The origin of a tensor that was met before; asks the tensor nothing."""
        known = self._known.get(id(tensor))
        return known if known is not None and known.ref() is tensor else None

    def of(self, tensor: Tensor) -> tuple[int, ...] | None:
        """The operations this value came from, () for a constant, None if that is not known."""
        known = self._known.get(id(tensor))
        if known is not None and known.ref() is tensor:
            return known.producers
        return () if id(tensor) in self._weights else self._of_alias(tensor)

    def _of_alias(self, tensor: Tensor) -> tuple[int, ...] | None:
        """The latest origin of a known tensor that shares memory with this one."""
        latest: Origin | None = None
        for other in self._by_storage.get(storage_key(tensor), ()):
            base = other.ref()
            if base is None or not overlaps(base, tensor):
                continue
            if latest is None or max(other.producers, default=-1) > max(latest.producers, default=-1):
                latest = other
        return None if latest is None else latest.producers

    def is_weight(self, tensor: Tensor) -> bool:
        return id(tensor) in self._weights

    def is_stored(self, tensor: Tensor) -> bool:
        """It is an attribute of a module or part of one, or shares memory with a weight: a constant."""
        if self._stored is None:
            owned: list[Tensor | None] = []
            for module in self._survey.modules:
                owned += [*module._parameters.values(), *module._buffers.values()]
                names = ("_parameters", "_buffers", "_modules")
                owned += find_tensors({key: value for key, value in vars(module).items() if key not in names})
            kept = [tensor for tensor in owned if tensor is not None]
            self._stored = {id(tensor) for tensor in kept} | {storage_key(tensor) for tensor in kept} - {0}
        return id(tensor) in self._stored or storage_key(tensor) in self._stored

    def learn(self, tensor: Tensor, producers: tuple[int, ...], is_value: bool = False) -> None:
        """The value of `tensor` came from these operations."""
        known = Origin(tensor, producers, is_value)
        self._known[id(tensor)] = known
        key = storage_key(tensor)
        if key:
            sharing = self._by_storage.get(key)
            if sharing is None:
                self._by_storage[key] = [known]
            else:
                sharing[:] = [other for other in sharing if (t := other.ref()) is not None and t is not tensor]
                sharing.append(known)

    def write(self, tensor: Tensor, op: int, descends: Callable[[int, int], bool], is_value: bool) -> None:
        """`op` wrote to `tensor`: every known tensor that shares the memory now comes from it."""
        self.learn(tensor, (op,), is_value)
        for other in self._by_storage.get(storage_key(tensor), ()):
            base = other.ref()
            if base is None or base is tensor:
                continue
            other.version = version(base)  # views count writes together, wherever they lie
            if not overlaps(tensor, base):
                continue
            # What the write did not reach keeps its origin, unless that is in the history of the write anyway.
            kept = () if covers(tensor, base) else tuple(o for o in other.producers if not descends(op, o))
            other.producers, other.is_value = (*kept, op), False
