"""GpuClock: what the GPU took for each view, asked for some frames later so that nobody waits for the answer."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

import moderngl

LATER = 8  # views: by then the answer of any driver is there


class GpuClock:
    """To be around the draws of a view; `tell(began_ns, length_ms)` hears of each, begun when its draws were given."""

    def __init__(self, ctx: moderngl.Context, tell: Callable[[int, float], None]):
        self._ctx = ctx
        self._tell = tell
        self._free: list[moderngl.Query] = []
        self._asked: deque[tuple[int, moderngl.Query]] = deque()

    def __enter__(self) -> None:
        query = self._free.pop() if self._free else self._ctx.query(time=True)
        self._asked.append((time.perf_counter_ns(), query))
        query.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._asked[-1][1].__exit__(kind, value, trace)  # type: ignore[arg-type]  # the stub has tuples there
        if len(self._asked) > LATER:
            self._answer()

    def _answer(self) -> None:
        began_ns, query = self._asked.popleft()
        self._tell(began_ns, query.elapsed * 1e-6)
        self._free.append(query)

    def close(self) -> None:
        """The answers that are still out."""
        while self._asked:
            self._answer()
