"""Shared hooks: those of a network that its copy would call as well, and with them change what is the caller's.

Functions are not copied with a network. One that writes what a layer gave into a dictionary, for a loss that takes it
from there, would write what the room's picture gave there, in the middle of a step of the training.
"""

from __future__ import annotations

import dis
import sysconfig
from collections.abc import Iterator
from functools import partial
from types import BuiltinFunctionType, CellType, CodeType, FunctionType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

_KINDS = ("_forward_hooks", "_forward_pre_hooks")
_ABOUT = ("_forward_hooks_with_kwargs", "_forward_hooks_always_called", "_forward_pre_hooks_with_kwargs")
_CONSTANT = (
    bool, int, float, complex, str, bytes, type(None), type, range, slice, ModuleType, Tensor, torch.dtype,
    torch.device, torch.Size,
)  # fmt: skip

_LIBRARIES = tuple(path for name, path in sysconfig.get_paths().items() if name in ("stdlib", "purelib", "platlib"))
"""Where functions lie that are taken to change nothing of the caller's."""


def taken_off(copy: nn.Module) -> tuple[str, ...]:
    """Take off a copy of a network all hooks that can change what they do not own; paths of the modules that had some.
    Hooks that only compute stay: steering, pruning, norms of weights."""
    found: list[str] = []
    for path, module in copy.named_modules():
        for kind in _KINDS:
            hooks = getattr(module, kind, {})
            for number in [number for number, hook in hooks.items() if _is_shared(hook)]:
                del hooks[number]
                for about in _ABOUT:
                    getattr(module, about, {}).pop(number, None)
                found.append(path or type(module).__name__)
    return tuple(dict.fromkeys(found))


def _is_shared(hook: Any) -> bool:
    """Whether it is a function, which no copy is made of, that reaches what can be changed."""
    while isinstance(hook, partial):
        hook = hook.func
    return isinstance(hook, FunctionType) and _reaches(hook, set())


def _reaches(function: FunctionType, seen: set[int]) -> bool:
    if id(function) in seen:
        return False
    seen.add(id(function))
    for instruction in _instructions(function.__code__):
        name = instruction.argval
        if instruction.opname.startswith("STORE_GLOBAL"):
            return True
        if instruction.opname.startswith("STORE_DEREF") and name in function.__code__.co_freevars:
            return True
        if instruction.opname.startswith("LOAD_GLOBAL") and _changes(function.__globals__.get(name), seen):
            return True
    held = (*(function.__closure__ or ()), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    return any(_changes(value, seen) for value in held)


def _changes(value: Any, seen: set[int]) -> bool:
    """Whether a value, or what it calls, can be another afterwards."""
    if isinstance(value, _CONSTANT):
        return False
    if isinstance(value, FunctionType):
        return not value.__code__.co_filename.startswith(_LIBRARIES) and _reaches(value, seen)
    if isinstance(value, CellType):
        try:
            return _changes(value.cell_contents, seen)
        except ValueError:  # it is empty
            return False
    if isinstance(value, BuiltinFunctionType):
        return not isinstance(value.__self__, ModuleType | type(None))
    if isinstance(value, tuple | frozenset):
        return any(_changes(each, seen) for each in value)
    if isinstance(value, partial):
        return any(_changes(each, seen) for each in (value.func, *value.args, *value.keywords.values()))
    return True


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    """Of a function and of those that it makes."""
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)
