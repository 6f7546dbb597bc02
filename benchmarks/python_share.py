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


class Timer:
    """Adds up the time of the thread's processor inside the functions that it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0
        """thread_time() since the start."""
        self.twice = False
        """Time nothing before each call, too. How much longer a frame then is tells what timers take that they do not
        count, where they are: in an empty loop they take a third of it."""
        self._inside = False
        self._nothing = self._wrapped(lambda: None)

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        inner = self._wrapped(call)

        @wraps(call)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if self._inside:  # one that calls another
                return call(*args, **kwargs)
            if self.twice:
                self._nothing()
            return inner(*args, **kwargs)

        return timed

    def _wrapped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self._inside = True
            began_s = time.thread_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.seconds += time.thread_time() - began_s
                self._inside = False

        return wrapped


class Inside:
    """Wraps every method and property of moderngl while it is on; used in benchmarks only."""

    def __init__(self, timer: Timer | None = None) -> None:
        self.timer = timer or Timer()
        self._originals: list[tuple[type, str, Any]] = []

    @property
    def seconds(self) -> float:
        """thread_time() spent inside moderngl since the start."""
        return self.timer.seconds

    def __enter__(self) -> Inside:
        timed = self.timer.timed
        for name in CLASSES:
            kind = getattr(moderngl, name)
            for attribute, value in list(vars(kind).items()):
                if attribute.startswith("__") and attribute not in ("__getitem__", "__setitem__"):
                    continue
                if isinstance(value, property):
                    ends = (timed(end) if end is not None else None for end in (value.fget, value.fset))
                    made: Any = property(*ends, doc=value.__doc__)
                elif callable(value) and not isinstance(value, type):
                    made = timed(value)
                else:
                    continue
                self._originals.append((kind, attribute, value))
                setattr(kind, attribute, made)
        return self

    def __exit__(self, *_: object) -> None:
        for kind, attribute, value in self._originals:
            setattr(kind, attribute, value)
        self._originals.clear()
