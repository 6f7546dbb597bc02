"""Hears of every module call of this thread: nn.Module.__call__ is replaced while anyone listens, and only then.

Hooks on each module would do less: they are deep-copied with the model, they miss modules made during the forward,
and two threads that trace one model would trip over each other's. Modules that no listener of the calling thread
wants run as always; a listener never hears of another thread's modules.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
_original: Callable[..., Any] = nn.Module.__call__


def _call(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
    listener = _heard.listener
    if listener is None:
        return _original(module, *args, **kwargs)
    return listener.call_module(module, _original, args, kwargs)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Every module that this thread calls goes through `listener` until the block ends."""
    global _listening, _original
    with _lock:
        if _listening == 0:
            _original = nn.Module.__call__
            nn.Module.__call__ = _call  # type: ignore[method-assign]
        _listening += 1
    before = _heard.listener
    _heard.listener = listener
    try:
        yield
    finally:
        _heard.listener = before
        with _lock:
            _listening -= 1
            # Someone who patched it after us keeps the patch: ours then only passes calls on.
            if _listening == 0 and nn.Module.__call__ is _call:
                nn.Module.__call__ = _original  # type: ignore[method-assign]
