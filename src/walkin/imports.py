"""Importing what is large: torch and torchvision, on the worker's thread."""

from __future__ import annotations

import atexit
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_importing = False


@contextmanager
def collector_resting(package: str) -> Iterator[None]:
    """For the time of a first import of `package`: no garbage collection.

    Looking, again and again, through half a million new objects that all stay takes a quarter of the time of importing
    torch and torchvision. Afterwards they are set apart (gc.freeze), so no collection during a frame goes through them.
    """
    global _importing
    if package in sys.modules or _importing:
        yield
        return
    was_on = gc.isenabled()
    gc.disable()
    _importing = True
    try:
        yield
    finally:
        _importing = False
        if was_on:
            gc.enable()
        gc.freeze()
        atexit.register(gc.unfreeze)  # what the interpreter could not clear away at its end, extensions would lament


def importing() -> bool:
    """Whether something large is being imported: no time to look through what there is."""
    return _importing
