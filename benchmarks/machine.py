"""What a benchmark ran on, and how its rows are printed."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import moderngl
import numpy as np


def machine() -> dict[str, Any]:
    processor = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        processor = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "moderngl": moderngl.__version__,
    }


def driver(ctx: moderngl.Context) -> dict[str, str]:
    return {"renderer": ctx.info["GL_RENDERER"], "version": ctx.info["GL_VERSION"], "vendor": ctx.info["GL_VENDOR"]}


def resident_bytes() -> int:
    """Memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def percentiles(times_ms: Sequence[float]) -> tuple[float, float, float]:
    """p50, p95, p99."""
    if not len(times_ms):
        return 0.0, 0.0, 0.0
    p50, p95, p99 = np.percentile(np.asarray(times_ms, float), (50, 95, 99))
    return float(p50), float(p95), float(p99)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown, columns aligned: numbers to the right."""
    cells = [[_text(value) for value in row] for row in rows]
    widths = [max(len(name), *(len(row[i]) for row in cells), 3) for i, name in enumerate(head)]
    right = [all(not isinstance(row[i], str) for row in rows) for i in range(len(head))]

    def line(values: Sequence[str]) -> str:
        padded = [v.rjust(w) if r else v.ljust(w) for v, w, r in zip(values, widths, right, strict=True)]
        return "| " + " | ".join(padded) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True)) + "|"
    return "\n".join([line(list(head)), rule, *(line(row) for row in cells)])


def write_json(path: Path | None, ctx: moderngl.Context | None, settings: dict[str, Any], rows: list[dict]) -> None:
    if path is not None:
        found = {"machine": machine(), "driver": driver(ctx) if ctx else {}, "settings": settings, "rows": rows}
        path.write_text(json.dumps(found, indent=1) + "\n")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
