"""Running a model as if nobody had: eval mode and no_grad during, and every flag, buffer and input as before after."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from walkin.network.survey import Survey
from walkin.network.tensors import find_tensors

_lock = threading.Lock()
_borrowed: dict[int, list[Any]] = {}
"""id of a module -> [how many runs use it, its training flag before the first]: two threads may run one model, and
the flag is given back when the last of them has ended."""


@contextmanager
def undisturbed(survey: Survey, args: tuple[Any, ...], kwargs: dict[str, Any] | None) -> Iterator[None]:
    """Within the block the model may be called with these arguments; afterwards nothing of it or them has changed.

    no_grad and not inference_mode: inference tensors have no version counter, and in-place writes could not be seen.
    """
    with ExitStack() as undo:
        undo.callback(_give_back, survey.modules)
        _borrow(survey.modules)
        undo.callback(_restore, _snapshot([*survey.buffers, *find_tensors(args), *find_tensors(kwargs)]))
        undo.enter_context(torch.no_grad())
        # Only where torch.compile is in use, since importing torch._dynamo costs more than a second; and in this model,
        # since a stance holds for all threads: a training that is compiled must not run otherwise because of us.
        if "torch._dynamo" in sys.modules and compiles(survey):
            undo.enter_context(torch.compiler.set_stance("force_eager"))
        yield


def compiles(survey: Survey) -> bool:
    """Whether something in a model has been given to torch.compile: a module of it, a method, or a function that the
    methods of its classes name."""
    if survey.wrappers or any(getattr(module, "_compiled_call_impl", None) is not None for module in survey.modules):
        return True
    if any(_is_compiled(value) for module in survey.modules for value in vars(module).values()):
        return True
    kinds = {kind for module in survey.modules for kind in type(module).__mro__}
    return any(_class_compiles(kind) for kind in kinds if not kind.__module__.startswith(("torch.", "builtins")))


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


def _borrow(modules: tuple[nn.Module, ...]) -> None:
    with _lock:
        for module in modules:
            entry = _borrowed.get(id(module))
            if entry is None:
                _borrowed[id(module)] = [1, module.training]
                # Not model.eval(): classes override it, and each flag is to come back as it was.
                if module.training:
                    module.training = False
            else:
                entry[0] += 1


def _give_back(modules: tuple[nn.Module, ...]) -> None:
    with _lock:
        for module in modules:
            entry = _borrowed.get(id(module))
            if entry is None:
                continue
            entry[0] -= 1
            if entry[0] == 0:
                del _borrowed[id(module)]
                if module.training != entry[1]:
                    module.training = entry[1]


def _version(tensor: Tensor) -> int:
    # Inference tensors have no version; they cannot be written to outside inference mode either.
    return -1 if tensor.is_inference() else tensor._version


def _snapshot(tensors: list[Tensor]) -> list[tuple[Tensor, int, Tensor]]:
    """Copies of buffers and inputs: a forward may write to them, a cache or its own input, even in eval mode."""
    with torch.no_grad():
        return [(tensor, _version(tensor), tensor.detach().clone()) for tensor in tensors]


def _restore(snapshot: list[tuple[Tensor, int, Tensor]]) -> None:
    with torch.no_grad():
        for tensor, version, copy in snapshot:
            if _version(tensor) != version:
                tensor.copy_(copy)
