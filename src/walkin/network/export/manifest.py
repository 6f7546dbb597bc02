"""What an export says of itself: one JSON file. Knows no torch."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from walkin.graph import Node

FORMAT = "walkin export"
VERSION = 2
FILE = "manifest.json"
DIGITS = 7  # of a float32


@dataclass(frozen=True)
class Record:
    """One node and the files that hold what it gave."""

    node: Node
    output: bool
    """Whether the forward returned it."""
    files: dict[str, str]
    """raw, grey, colour, channels -> path in the export."""
    columns: int
    """Pictures side by side in the mosaics."""
    gap: int
    """Texels between them."""
    reduced: tuple[int, int]
    """Values that one texel is the mean of, down and across: 1 unless a side is longer than 1024."""
    wall_range: tuple[float, float]
    percentile_range: tuple[float, float]
    channels: dict[str, np.ndarray]
    """(count,) each: low and high (of the codes 0 and 255), minimum, mean, zeros and positive (shares), flawed."""
    top: tuple[int, ...]
    """Channels with the largest values, the largest first; of equal ones that with the larger mean."""
    histograms: dict[str, dict[str, Any]]
    """activations, weights -> edges, counts and how many values were not finite."""
    visualisations: dict[str, Any] | None = None
    """The sheet of them and how they lie on it; of each its channel, file, activation, recipe, seed and steps."""


@dataclass
class Manifest:
    """What is known about one export; `records` grow while the network runs."""

    network: dict[str, Any]
    picture: dict[str, Any]
    colours: dict[str, Any]
    versions: dict[str, str]
    created: str
    records: list[Record] = field(default_factory=list)
    classes: list[dict[str, Any]] = field(default_factory=list)
    segmentation: dict[str, Any] | None = None
    boxes: list[dict[str, Any]] = field(default_factory=list)
    interventions: list[dict[str, Any]] = field(default_factory=list)
    """What was changed of the network's values, in order: as text and in parts; why, if it did not fit."""
    effects: list[dict[str, Any]] = field(default_factory=list)
    """What that does to the likeliest classes: per cent before and after."""
    difference: dict[str, Any] | None = None
    """Where values are those of another state minus those of this one: which that is, and how far each node is."""
    recipes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Name -> all its numbers, of those that the visualisations were made by."""

    def plain(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "version": VERSION,
            "created": self.created,
            "versions": self.versions,
            "network": self.network,
            "picture": self.picture,
            "classes": self.classes,
            "segmentation": self.segmentation,
            "boxes": self.boxes,
            "interventions": self.interventions,
            "effects": self.effects,
            "difference": self.difference,
            "colours": self.colours,
            "recipes": self.recipes,
            "code": "value = low + code / 255 * (high - low), of each channel; where flawed, code 0 is not finite",
            "nodes": [_plain(record) for record in self.records],
        }

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(json.dumps(self.plain(), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _plain(record: Record) -> dict[str, Any]:
    node, mosaic = record.node, record.node.mosaic
    return {
        **{name: getattr(node, name) for name in ("address", "kind", "operation", "module_class", "channel_axis")},
        **{name: value for name, value in _named(node).items() if value},
        "shape": list(node.shape),
        "inputs": list(node.inputs),
        "output": record.output,
        "files": record.files,
        "pictures": {
            "count": mosaic.count,
            "height": mosaic.height,
            "width": mosaic.width,
            "columns": record.columns,
            "gap": record.gap,
            "reduced": list(record.reduced),
        },
        "visualisations": record.visualisations,
        "range": [number(value) for value in record.wall_range],
        "percentiles_1_99": [number(value) for value in record.percentile_range],
        "top": list(record.top),
        "channels": {name: [number(value) for value in values.tolist()] for name, values in record.channels.items()},
        "histograms": record.histograms,
    }


def _named(node: Node) -> dict[str, Any]:
    """What a probe says of a node."""
    return {"name": node.title, "labels": list(node.labels), "color_map": node.color_map}


def number(value: float) -> float | int | None:
    """Short enough to read, exact enough to be the same float32; JSON knows nothing that is not finite."""
    if isinstance(value, int):
        return value
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{DIGITS}g}")
    return short if np.float32(short) == np.float32(value) else float(f"{value:.{DIGITS + 2}g}")
