"""Running a model as if nobody had: eval mode and no_grad during, and every flag, buffer and input as before after."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from walkin.network.tracing.survey import Survey
from walkin.network.tracing.tensors import find_tensors

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
        undo.callback(_give_back, survey.modules, _borrow(survey.modules))
        undo.callback(survey.belongings.put_back, survey.belongings.take([*find_tensors(args), *find_tensors(kwargs)]))
        undo.enter_context(torch.no_grad())
        # Only where torch.compile is in use, since importing torch._dynamo costs more than a second; and in this model,
        # since a stance holds for all threads: a training that is compiled must not run otherwise because of us.
        if "torch._dynamo" in sys.modules and survey.compiles:
            undo.enter_context(torch.compiler.set_stance("force_eager"))
        yield


def _borrow(modules: tuple[nn.Module, ...]) -> list[nn.Module]:
    """Modules that are to be given back: those in training mode, and those that others have borrowed. Not model.eval():
    classes override it, and each flag is to come back as it was."""
    with _lock:
        taken = [module for module in modules if module.training or (_borrowed and id(module) in _borrowed)]
        for module in taken:
            entry = _borrowed.get(id(module))
            if entry is None:
                _borrowed[id(module)] = [1, module.training]
                module.training = False
            else:
                entry[0] += 1
        return taken


def _give_back(modules: tuple[nn.Module, ...], taken: list[nn.Module]) -> None:
    with _lock:
        for module in modules:
            if module.training and id(module) not in _borrowed:
                module.training = False  # it has put itself into training mode
        for module in taken:
            entry = _borrowed[id(module)]
            entry[0] -= 1
            if entry[0] == 0:
                del _borrowed[id(module)]
                if module.training != entry[1]:
                    module.training = entry[1]
