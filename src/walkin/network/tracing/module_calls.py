"""Hears of every module call of this thread: nn.Module.__call__ has other code while anyone listens, and only then.

Hooks on each module would do less: they are deep-copied with the model, they miss modules made during the forward,
and two threads that trace one model would trip over each other's. Modules that no listener of the calling thread
wants run as always; a listener never hears of another thread's modules.

The code of that one function, and not the attribute of the class: with a new attribute Python forgets what it knows of
all classes of modules, which takes half a millisecond for the six hundred of torchvision and more than one with timm's,
and again at the end. Whoever has put a function of his own in its place, before or meanwhile, keeps it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any, Protocol

from torch import nn


class Listener(Protocol):
    """Runs a module in place of nn.Module.__call__."""

    def call_module(
        self, module: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Must return `forward(module, *args, **kwargs)`."""
        ...


class _Heard(threading.local):
    """The listener of the current thread."""

    listener: Listener | None = None


_heard = _Heard()
_lock = threading.Lock()
_listening = 0
_call: FunctionType = vars(nn.Module)["_wrapped_call_impl"]  # what nn.Module.__call__ is, unless it was replaced
_original = FunctionType(_call.__code__, _call.__globals__, _call.__name__, _call.__defaults__, _call.__closure__)


def _to_listener(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    listener = _heard.listener
    if listener is None:
        return _original(module, *args, **kwargs)
    return listener.call_module(module, _original, args, kwargs)


def _heard_call(self: nn.Module, *args: Any, **kwargs: Any) -> Any:
    return _walkin_to_listener(self, args, kwargs)  # type: ignore[name-defined] # noqa: F821


_call.__globals__["_walkin_to_listener"] = _to_listener  # code takes its names from where its function was defined


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Every module that this thread calls goes through `listener` until the block ends."""
    global _listening
    with _lock:
        _listening += 1
        _call.__code__ = _heard_call.__code__
    before = _heard.listener
    _heard.listener = listener
    try:
        yield
    finally:
        _heard.listener = before
        with _lock:
            _listening -= 1
            if _listening == 0:
                _call.__code__ = _original.__code__
