"""Draw frame time over the number of maps, from what `frame_time.py --sizes --json F` wrote.

    python benchmarks/curves.py F [--out docs/pictures/frame_time.svg]

One point for a network and a way of drawing: the median of the walk, with a bar from the fastest station's median to
the slowest one's.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib
from walk import STATIONS

matplotlib.use("Agg")
from matplotlib import pyplot, ticker

# Colours of Okabe and Ito, which can be told apart by the colour-blind (Color Universal Design, 2008).
# Name, colour, marker, points that the name stands above its line's end.
WAYS = {
    "naive": ("one draw and texture a map", "#d55e00", "s", 8),
    "naive_culled": ("the same, only walls in view", "#e69f00", "^", -8),
    "walkin": ("walkin", "#0072b2", "o", 0),
    "floor": ("floor: one textured quad", "#888888", "D", 0),
}
HEADSETS_HZ = (72, 90)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=Path, metavar="F")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/frame_time.svg"))
    given = parser.parse_args()
    found = json.loads(given.json.read_text())
    draw(found, given.out)


def draw(found: dict[str, Any], out: Path) -> None:
    """Write the picture; its format is that of the file's ending."""
    # The same file for the same figures: no date in it, and no names drawn at random.
    pyplot.rcParams.update({"font.size": 11, "svg.hashsalt": "walkin", "svg.fonttype": "none"})
    figure, axes = pyplot.subplots(figsize=(8.0, 4.6), layout="constrained")
    for way, (name, color, marker, up) in WAYS.items():
        points = [_point(found["rows"], network, way) for network in _networks(found["rows"])]
        points = sorted(point for point in points if point is not None)
        if not points:
            continue
        maps, median, least, most = (list(column) for column in zip(*points, strict=True))
        below = [m - low for m, low in zip(median, least, strict=True)]
        above = [high - m for m, high in zip(median, most, strict=True)]
        axes.errorbar(maps, median, yerr=(below, above), color=color, marker=marker, markersize=6, capsize=3, lw=1.6)
        axes.annotate(
            name, (maps[-1], median[-1]), xytext=(10, up), textcoords="offset points", color=color, va="center"
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.margins(x=0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(ticker.FuncFormatter(lambda value, place: f"{value:,.0f}"))
        axis.set_minor_formatter(ticker.NullFormatter())
    axes.set_xlabel("feature maps in the room")
    axes.set_ylabel("frame, median of the walk, ms")
    axes.grid(True, which="major", color="#e4e4e4", lw=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for hertz in HEADSETS_HZ:
        axes.axhline(1000 / hertz, color="#009e73", lw=0.8, ls=":")
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center", "fontsize": 9}
        axes.annotate(
            f"{hertz} Hz",
            (0.0, 1000 / hertz),
            xytext=(3, 5 if hertz == min(HEADSETS_HZ) else -6),
            color="#009e73",
            **place,
        )
    axes.set_title(_where(found), fontsize=9, color="#666666", loc="left")
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=160, **({"metadata": {"Date": None}} if out.suffix == ".svg" else {}))
    pyplot.close(figure)


def _networks(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["network"] for row in rows))


def _point(rows: list[dict[str, Any]], network: str, way: str) -> tuple[int, float, float, float] | None:
    """(maps, median of the walk, fastest and slowest station's) in ms; None where it was not measured."""
    mine = {row["station"]: row for row in rows if (row["network"], row["what"]) == (network, way)}
    if "walk" not in mine:
        return None
    stations = [mine[station]["p50_ms"] for station in STATIONS if station in mine]
    median = mine["walk"]["p50_ms"]
    return mine["walk"]["maps"], median, min((*stations, median)), max((*stations, median))


def _where(found: dict[str, Any]) -> str:
    width, height = found["settings"]["size"]
    renderer = found["driver"].get("renderer", "").split(" (")[0]
    machine = found["machine"]
    return f"{width} x {height}, {renderer}, {machine['processor']}, {machine['cores']} cores"


if __name__ == "__main__":
    main()
