"""Reads checkpoint files as people have them, without running code out of them, and fits them to a network."""

from __future__ import annotations

import pickle
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.network.loading.prefixes import bare, shape_of

if TYPE_CHECKING:
    import torch
    from torch import nn

# Where training scripts put a state dict; the first that is there is taken.
_KEYS = (
    "state_dict",
    "model",
    "model_state_dict",
    "ema",
    "model_ema",
    "state_dict_ema",
    "ema_state_dict",
    "net",
    "module",
)
# densenet's of 2017, as torchvision's own files still have them: denselayer1.norm.1.weight.
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12]\..*)$")


def read(path: str | Path) -> Any:
    """What a .pt, .pth or .safetensors file holds, on the CPU; pickled code in it is refused, never run."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as problem:
        raise WalkinError(f"cannot read {path}: {problem.strerror or problem}", code=2) from problem
    if not head:
        raise WalkinError(f"cannot read {path}: the file is empty")
    if head.startswith(b"version https://git-lfs"):
        raise WalkinError(f"cannot read {path}: it is a Git LFS pointer, not the weights; run `git lfs pull`")
    if path.suffix == ".safetensors" or head[8:10] == b'{"':
        return _read_safetensors(path)
    return _read_pickle(path, head)


def unwrap(held: Any, key: str | None, path: str | Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The state dict in what a checkpoint holds, and notes on where it was."""
    way: list[str] = []
    if key is not None:
        if not isinstance(held, Mapping):
            raise WalkinError(f"{path} has no keys: it holds one {type(held).__name__}, so --key finds nothing", code=2)
        whole = held
        try:
            held = _at(whole, key, path)
        except WalkinError:  # a part of the state dict, which lies under a usual key
            held = _below(next((whole[name] for name in _KEYS if _is_mapping(whole, name)), None), key)
            if not held:
                raise
        way.append(key)
    while isinstance(held, Mapping) and not _is_state(held):
        inner = next((name for name in _KEYS if _leads_to_state(held.get(name))), None)
        if inner is None:
            break
        others = [name for name in _KEYS if name != inner and _leads_to_state(held.get(name))]
        held = held[inner]
        way.append(f"{inner} (there is {', '.join(others)} too: --key)" if others else inner)
    if not isinstance(held, Mapping):
        what = "one tensor" if _is_tensor(held) else f"a {type(held).__name__}"
        raise WalkinError(f"{path} holds {what}, not a state dict: save model.state_dict()")
    if not _is_state(held):
        places = [name for name, value in held.items() if _leads_to_state(value)]
        there = ", ".join(map(str, places or list(held)[:8])) or "nothing"
        raise WalkinError(f"{path}: no state dict under the usual keys; there is {there}: say which with --key", code=2)
    notes = (f"weights found in the checkpoint under {', then '.join(way)}",) if way else ()
    return dict(held), notes


@dataclass(frozen=True)
class Fit:
    """How the entries of a checkpoint go with the parameters and buffers of a network."""

    state: dict[str, Any] = field(repr=False)
    missing: tuple[str, ...]
    """What the network has and the checkpoint has not."""
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]
    """`fc.weight (10, 512), not (1000, 512)`: in the checkpoint, in the network."""
    notes: tuple[str, ...]
    classes: int | None = None
    """Number of classes of the checkpoint, where nothing but that is another."""

    def put_into(self, model: nn.Module, path: str | Path) -> None:
        if self.missing or self.unexpected or self.mismatched:
            parts = [
                _some(self.missing, "missing"),
                _some(self.unexpected, "unexpected"),
                _some(self.mismatched, "of another shape", ";"),
            ]
            raise WalkinError(f"{Path(path).name} has weights of another network: {'; '.join(p for p in parts if p)}")
        from walkin.network.loading.filling import fill

        try:
            fill(model, self.state)
        except Exception as problem:  # a module may refuse what it loads by its own hook
            raise WalkinError(
                f"{Path(path).name} does not go into the network: {str(problem).splitlines()[0]}"
            ) from problem


def fit(model: nn.Module, state: Mapping[str, Any]) -> Fit:
    """Match a state dict to a network: prefixes of wrappers are taken off where that makes more keys match."""
    wanted = model.state_dict(keep_vars=True)  # else each is another tensor, made by a call of its own
    state, notes = bare(dict(state), {key: None if _is_lazy(own) else shape_of(own) for key, own in wanted.items()})
    if any(_OLD_DENSENET.match(key) for key in state) and not any(_OLD_DENSENET.match(key) for key in wanted):
        state = {_OLD_DENSENET.sub(r"\1\2", key): value for key, value in state.items()}
    # Batch norm before PyTorch 0.4.1 did not count its batches; the count is not used in evaluation.
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    extra = [key for key in state if key not in wanted]
    # A loss, a counter or a head that this network has no counterpart of does no harm. But an extra entry in a part
    # that both have means another network: resnet101 has all that resnet50 has, and more, in layer3.
    parts = {key.partition(".")[0] for key in wanted}
    ignored = [key for key in extra if not missing and key.partition(".")[0] not in parts]
    unexpected = [key for key in extra if key not in set(ignored)]
    if ignored:
        entries = "1 entry" if len(ignored) == 1 else f"{len(ignored)} entries"
        notes.append(f"{entries} of the checkpoint left out: {_first(ignored)}")
        state = {key: value for key, value in state.items() if key not in set(ignored)}
    mismatched, classes = [], set()
    for key, own in wanted.items():
        there: Any = state.get(key)
        if not (_is_tensor(there) and _is_tensor(own)) or _is_lazy(own) or there.shape == own.shape:
            continue
        mismatched.append(f"{key} {tuple(there.shape)}, not {tuple(own.shape)}")
        same_but_first = own.ndim in (1, 2, 4) and there.ndim == own.ndim and there.shape[1:] == own.shape[1:]
        classes.add(int(there.shape[0]) if same_but_first else None)
    only_classes = (
        classes.pop() if len(classes) == 1 and len(mismatched) <= 4 and not missing and not unexpected else None
    )
    return Fit(state, tuple(missing), tuple(unexpected), tuple(mismatched), tuple(notes), only_classes)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    from safetensors import SafetensorError, safe_open
    from safetensors.torch import load_file

    from walkin.network.loading.mapped import mapped

    try:
        with safe_open(path, "pt"):  # looks whether all of it is there, and as the header says
            found = mapped(path)
        return found if found is not None else load_file(path, device="cpu")
    except (SafetensorError, OSError, ValueError) as problem:
        raise WalkinError(f"cannot read {path}: truncated, or not a safetensors file ({problem})") from problem


def _read_pickle(path: Path, head: bytes) -> Any:
    import torch

    whole = zipfile.is_zipfile(path)
    if head.startswith(b"PK") and not whole:
        raise WalkinError(f"cannot read {path}: the checkpoint is truncated; get it again")
    if not head.startswith((b"PK", b"\x80")):  # neither a zip nor a pickle: text, a web page, a picture
        raise _no_checkpoint(path)
    if whole and _is_program(path):
        raise WalkinError(
            f"{path} is a TorchScript program, which is not run: save the weights, torch.save(model.state_dict(), file)"
        )
    try:
        with torch.serialization.safe_globals(_harmless()):
            # Mapped, not read: the tensors are copied into the network's own, so twice the memory would be needed.
            return torch.load(path, map_location="cpu", weights_only=True, mmap=whole or None)
    except pickle.UnpicklingError as problem:
        if "nsupported" not in str(problem):
            raise _no_checkpoint(path) from problem
        code = re.search(r"(?:GLOBAL|class|function|type)\s+`?([\w.]+\.[\w.]+)", str(problem))
        raise WalkinError(
            f"{path} holds pickled code{f' ({code[1]})' if code else ''}, which is never run: "
            "save the weights alone, torch.save(model.state_dict(), file)"
        ) from problem
    except Exception as problem:  # the unpickler raises what the damage leads to: EOFError, KeyError, RuntimeError, ...
        raise _no_checkpoint(path) from problem


def _is_program(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _no_checkpoint(path: Path) -> WalkinError:
    return WalkinError(f"cannot read {path}: truncated, or not a PyTorch checkpoint (.pt, .pth or .safetensors)")


def _harmless() -> list[Any]:
    """Classes without code that training scripts save beside the weights: options, numpy numbers, paths."""
    import argparse
    import pathlib

    import numpy as np

    scalar: Any = np.float64(0).__reduce__()[0]
    kinds = [type(np.dtype(kind)) for kind in ("f8", "f4", "i8", "i4", "u1", "?")]
    # The names before numpy 2, and paths that make no sense on this system, as paths that only hold a text.
    renamed = [
        (scalar, "numpy.core.multiarray.scalar"),
        (pathlib.PurePosixPath, "pathlib.PosixPath"),
        (pathlib.PureWindowsPath, "pathlib.WindowsPath"),
    ]
    return [argparse.Namespace, scalar, np.dtype, *kinds, *renamed]


def _is_tensor(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def _is_lazy(value: Any) -> bool:
    from torch.nn.parameter import is_lazy

    return is_lazy(value)


def _is_state(held: Mapping[Any, Any]) -> bool:
    """Whether these are named tensors, not a checkpoint around them (epoch, optimiser, one tensor of a loss)."""
    if not held or not all(isinstance(key, str) for key in held):
        return False
    tensors = sum(_is_tensor(value) for value in held.values())
    # Packed weights of quantised layers and the extra state of modules are no tensors, but have dotted names.
    others = [key for key, value in held.items() if not _is_tensor(value) and "." not in key]
    return tensors > 0 and not any(isinstance(held[key], Mapping) for key in others) and tensors >= len(others)


def _is_mapping(held: Mapping[Any, Any], name: str) -> bool:
    return isinstance(held.get(name), Mapping)


def _leads_to_state(held: Any, depth: int = 0) -> bool:
    if not isinstance(held, Mapping) or depth > 3:
        return False
    return _is_state(held) or any(_leads_to_state(held.get(name), depth + 1) for name in _KEYS)


def _at(held: Mapping[Any, Any], key: str, path: str | Path) -> Any:
    """What lies at `key`, or at the parts of it between the dots."""
    if key in held:
        return held[key]
    here: Any = held
    parts = key.split(".")
    for number, part in enumerate(parts):
        if not isinstance(here, Mapping) or part not in here:
            if inside := _below(here, ".".join(parts[number:])):
                return inside
            there = ", ".join(map(str, list(here)[:12])) if isinstance(here, Mapping) else "no keys"
            raise WalkinError(f"{path} has no key {key!r}; there is {there}", code=2)
        here = here[part]
    return here


def _below(held: Any, key: str) -> dict[str, Any]:
    """A part of a state dict, by the names that it has there: `teacher` of a student and its teacher."""
    named = {} if not isinstance(held, Mapping) else {name: held[name] for name in held if isinstance(name, str)}
    return {name.removeprefix(f"{key}."): value for name, value in named.items() if name.startswith(f"{key}.")}


def _first(keys: list[str] | tuple[str, ...], separator: str = ",") -> str:
    more = f"{separator} ..." if len(keys) > 3 else ""
    return f"{separator} ".join(keys[:3]) + more


def _some(keys: tuple[str, ...], what: str, separator: str = ",") -> str:
    return f"{len(keys)} {what} ({_first(keys, separator)})" if keys else ""
