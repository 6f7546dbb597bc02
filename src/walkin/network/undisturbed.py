"""Running a model as if nobody had: eval mode and no_grad during, and every flag, buffer and input as before after."""

from __future__ import annotations

import sys
import threading
from collections import defaultdict
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
        if "torch._dynamo" in sys.modules and survey.compiles:
            undo.enter_context(torch.compiler.set_stance("force_eager"))
        yield


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
    """Copies of buffers and inputs: a forward may write to them, a cache or its own input, even in eval mode.

    Statistics of norms are copied together: of DenseNet-121, which has 363 of them, a copy of each takes 2 ms.
    """
    together: dict[tuple[torch.dtype, torch.device], list[Tensor]] = defaultdict(list)
    found: list[tuple[Tensor, int, Tensor]] = []
    with torch.no_grad():
        for tensor in tensors:
            if type(tensor) is Tensor and tensor.ndim <= 1 and tensor.layout is torch.strided:
                together[tensor.dtype, tensor.device].append(tensor)
            else:
                found.append((tensor, _version(tensor), tensor.detach().clone()))
        for several in together.values():
            copies = torch.cat([tensor if tensor.ndim else tensor.view(1) for tensor in several]).split(
                [t.numel() for t in several]
            )
            found += [(tensor, _version(tensor), copy) for tensor, copy in zip(several, copies, strict=True)]
    return found


def _restore(snapshot: list[tuple[Tensor, int, Tensor]]) -> None:
    with torch.no_grad():
        for tensor, version, copy in snapshot:
            if _version(tensor) != version:
                tensor.copy_(copy if copy.shape == tensor.shape else copy.view(tensor.shape))
