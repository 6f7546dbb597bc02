"""Parcel: a network as it crosses to other processes, with all that its pictures need from this machine.

The module itself is sent, not the name that it was opened by. A name would be opened anew by each worker: it would
download weights again, read files that lie here alone, and a live module has none. What arrives is what was traced
here, and each worker proves it: the hash of weights, operations and input must be the same before anything is made.

Classes of installed packages go by name. Those of one's own files go as code, with what these import from beside them;
who can start tasks in a cluster can run code there anyway. Values lie in the parcel once, and the parcel once a node.
"""

from __future__ import annotations

import contextlib
import io
import pickle
import site
import sys
import sysconfig
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from walkin.errors import WalkinError
from walkin.network.featurevis.cache import Keys
from walkin.network.featurevis.recipe import Recipe
from walkin.network.loading.loaded import Loaded


@dataclass(frozen=True)
class Parcel:
    """Frozen, and made of arrays and plain data: Ray hands it to all processes of a node without copying it."""

    content: np.ndarray
    """uint8: a `Loaded` as torch.save writes it."""
    recipe: Recipe
    seed: int
    keys: Keys
    """Of the pictures; the worker's must be equal."""
    half: bool
    table: np.ndarray | None
    """See `Studio.of`."""
    photos: dict[str, np.ndarray]
    """Path -> uint8 (H, W, 3)."""

    @property
    def bytes(self) -> int:
        return self.content.nbytes + sum(photo.nbytes for photo in self.photos.values())

    def loaded(self, device: torch.device) -> Loaded:
        """A network of its own: nothing that it writes reaches the parcel."""
        loaded: Loaded = torch.load(
            io.BytesIO(self.content.data), map_location=device, pickle_module=pickle, weights_only=False
        )
        return replace(loaded, device=device, model=loaded.model.to(device))


def packed(loaded: Loaded) -> np.ndarray:
    """uint8: WalkinError for what cannot leave its process: open files, locks, generators."""
    from ray import cloudpickle

    stream = io.BytesIO()
    try:
        with _code_of_ones_own(cloudpickle):
            torch.save(loaded, stream, pickle_module=cloudpickle)
    except (TypeError, AttributeError, ValueError, RuntimeError, pickle.PicklingError, NotImplementedError) as problem:
        reason = (str(problem).splitlines() or [type(problem).__name__])[0]
        raise WalkinError(
            f"{loaded.name} cannot be sent to workers: {reason}; without --ray it stays here"
        ) from problem
    return np.frombuffer(stream.getbuffer(), np.uint8)


@contextlib.contextmanager
def _code_of_ones_own(cloudpickle: ModuleType) -> Iterator[None]:
    """What is no installed package is pickled as code for the time being: workers could not import it."""
    chosen = [module for name, module in list(sys.modules.items()) if _is_ones_own(name, module)]
    with _LOCK:
        before = set(cloudpickle.list_registry_pickle_by_value())
        for module in chosen:
            cloudpickle.register_pickle_by_value(module)
        try:
            yield
        finally:
            for module in chosen:
                if module.__name__ not in before:
                    cloudpickle.unregister_pickle_by_value(module)


_LOCK = threading.Lock()


def _is_ones_own(name: str, module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if name.partition(".")[0] in ("walkin", "ray", "__main__", "__mp_main__") or not isinstance(file, str):
        return False
    if getattr(module, "__name__", None) != name:
        return False
    path = Path(file)
    return not any(path.is_relative_to(folder) for folder in _INSTALLED)


_INSTALLED = tuple(
    {
        Path(folder)
        for folder in (*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages())
        # The folder of the environment itself holds scripts; a project may lie in it, too.
        if folder not in (sys.prefix, sys.base_prefix, sys.exec_prefix)
    }
)
