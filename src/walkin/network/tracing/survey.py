"""Survey: the modules, weights and buffers of a model by one walk, which takes long where there are hundreds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.tracing.copies import Belongings
from walkin.network.tracing.recording import PURE_CONTAINERS


@dataclass(frozen=True)
class ModuleKind:
    """What does not change from call to call of a module."""

    path: str
    """Where it is in the network; the first place if there are several."""
    module_class: str
    is_library: bool
    """The class is part of torch.nn."""
    is_container: bool
    """The class is exactly Sequential, ModuleList or ModuleDict."""
    event: str
    """How its calls are written down in Trace.events."""

    @classmethod
    def of(cls, module: nn.Module, path: str) -> ModuleKind:
        kind = type(module)
        name = module.original_name if isinstance(module, torch.jit.ScriptModule) else kind.__name__
        is_library = kind.__module__.startswith("torch.nn.")
        return cls(path, str(name), is_library, is_library and kind.__name__ in PURE_CONTAINERS, f"@{path}")


@dataclass(frozen=True)
class Survey:
    """What the model consisted of when it was looked at."""

    model: nn.Module
    """The user's own module: out of torch.compile, DataParallel and DistributedDataParallel."""
    modules: tuple[nn.Module, ...]
    kinds: dict[int, ModuleKind]
    """By id of the module."""
    wrappers: frozenset[int]
    """ids of the wrappers that torch.compile put around modules: calling one is no call of the network's."""
    weights: frozenset[int]
    """ids of all parameters and buffers."""
    buffers: tuple[Tensor, ...]

    @classmethod
    def of(cls, model: nn.Module) -> Survey:
        model = unwrapped(model)
        modules: list[nn.Module] = []
        kinds: dict[int, ModuleKind] = {}
        weights: set[int] = set()
        wrappers: set[int] = set()
        buffers: dict[int, Tensor] = {}
        waiting: list[tuple[str, nn.Module]] = [("", model)]
        while waiting:
            path, module = waiting.pop()
            if id(module) in kinds:
                continue
            kinds[id(module)] = ModuleKind.of(module, path)
            modules.append(module)
            if "_orig_mod" in module._modules:
                wrappers.add(id(module))
            weights.update(id(parameter) for parameter in module._parameters.values() if parameter is not None)
            buffers.update((id(buffer), buffer) for buffer in module._buffers.values() if buffer is not None)
            for name, child in reversed(module._modules.items()):
                if child is not None:
                    inner = path if name == "_orig_mod" else f"{path}.{name}" if path else name
                    waiting.append((inner, child))
        weights.update(buffers)
        return cls(model, tuple(modules), kinds, frozenset(wrappers), frozenset(weights), tuple(buffers.values()))

    @cached_property
    def compiles(self) -> bool:
        """Whether something in the model has been given to torch.compile: a module of it, a method, or a function that
        the methods of its classes name. As it was when it was first asked: looking takes as long as a small layer."""
        if self.wrappers or any(getattr(module, "_compiled_call_impl", None) is not None for module in self.modules):
            return True
        for module in self.modules:
            own = vars(module)
            if any(_is_compiled(own[name]) for name in own.keys() - _EVERY_MODULE_HAS):
                return True
        kinds = {kind for module in self.modules for kind in type(module).__mro__}
        return any(_class_compiles(kind) for kind in kinds if not kind.__module__.startswith(("torch.", "builtins")))

    @cached_property
    def belongings(self) -> Belongings:
        """What its forwards may write to, and how that was before."""
        return Belongings(self.buffers)

    def paths(self) -> list[str]:
        """Paths of all modules."""
        return [kind.path for kind in self.kinds.values()]

    def fillings(self) -> list[tuple[int, ...]]:
        """How full each module's own attributes are: what changes if a first forward computes something for good."""
        return [
            tuple(_filling(value) for name, value in vars(module).items() if name not in _EVERY_MODULE_HAS)
            for module in self.modules
        ]


_EVERY_MODULE_HAS = frozenset(vars(nn.Module()))


def _filling(value: object) -> int:
    """-1 for None, the length of a container, 0 for anything else: values are not compared."""
    if value is None:
        return -1
    return len(value) if isinstance(value, (dict, list, set)) else 0


def unwrapped(model: nn.Module) -> nn.Module:
    """The module in the wrappers of torch.compile, DataParallel and DistributedDataParallel."""
    while True:
        if "_orig_mod" in model._modules:
            model = model._modules["_orig_mod"]  # type: ignore[assignment]
        elif isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
            model = model.module
        else:
            return model


def _class_compiles(kind: type) -> bool:
    for value in vars(kind).values():
        if _is_compiled(value):
            return True
        code, known = getattr(value, "__code__", None), getattr(value, "__globals__", {})
        if code is not None and any(_is_compiled(known.get(name)) for name in code.co_names):
            return True
    return False


def _is_compiled(value: Any) -> bool:
    return callable(value) and "_torchdynamo_orig_callable" in getattr(value, "__dict__", ())
