"""Python's share of a frame: time of the render thread's processor minus that spent inside moderngl calls."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import Any

import moderngl

CLASSES = (
    "Context", "Buffer", "Texture", "Framebuffer", "Renderbuffer", "VertexArray", "Program", "Uniform", "UniformBlock",
)  # fmt: skip


class Inside:
    """Wraps every method and property of moderngl while it is on; used in benchmarks only."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """thread_time() spent inside moderngl since the start."""
        self.calls = 0
        self._depth = 0
        self._originals: list[tuple[type, str, Any]] = []

    def __enter__(self) -> Inside:
        for name in CLASSES:
            kind = getattr(moderngl, name)
            for attribute, value in list(vars(kind).items()):
                if attribute.startswith("__") and attribute not in ("__getitem__", "__setitem__"):
                    continue
                if isinstance(value, property):
                    made: Any = property(self._timed(value.fget), self._timed(value.fset), doc=value.__doc__)
                elif callable(value) and not isinstance(value, type):
                    made = self._timed(value)
                else:
                    continue
                self._originals.append((kind, attribute, value))
                setattr(kind, attribute, made)
        return self

    def __exit__(self, *_: object) -> None:
        for kind, attribute, value in self._originals:
            setattr(kind, attribute, value)
        self._originals.clear()

    def _timed(self, call: Callable[..., Any] | None) -> Callable[..., Any] | None:
        if call is None:
            return None

        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._depth:  # moderngl calling itself
                return call(*args, **kwargs)
            self._depth = 1
            began_s = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - began_s
                self.calls += 1
                self._depth = 0

        return timed


def uncounted_s(wrapped: Callable[..., Any], counter: Any, repeats: int = 20000) -> float:
    """Of each wrapped call of nothing, what the counter does not count: the measurement's own time, not the program's.

    `wrapped`: a function that does nothing, wrapped; `counter.seconds` is what was counted.
    """

    def nothing(*args: Any, **kwargs: Any) -> None:
        pass

    counted_s, began_s = counter.seconds, time.thread_time()
    for _ in range(repeats):
        wrapped()
    whole_s = time.thread_time() - began_s - (counter.seconds - counted_s)
    began_s = time.thread_time()
    for _ in range(repeats):
        nothing()
    return max(0.0, (whole_s - (time.thread_time() - began_s)) / repeats)
