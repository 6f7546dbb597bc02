"""Nodes into files: what each gave, exact in an array and as pictures. For the worker's thread only."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from walkin.export_request import Export
from walkin.graph import Node
from walkin.network.export import pictures
from walkin.network.export.manifest import Record, number
from walkin.network.export.visualisations import Visualisations
from walkin.network.showing import histograms
from walkin.network.showing.quantise import quantise
from walkin.readings import Histogram
from walkin.tiles import Tiles

BINS = 64
LONGEST_NAME = 100
RAW_BYTES, PICTURE_BYTES = 4.0, 0.5  # a value; measured on the demo network: 0.8 for both mosaics, 0.6 for the page


@dataclass
class Writer:
    """Writes one node after the other into a folder, as the network computes them."""

    folder: Path
    model: nn.Module
    request: Export
    previews: dict[str, dict[str, Image.Image]] = field(default_factory=dict)
    """address -> colour, grey, visualisation -> what the gallery shows before somebody looks closer."""
    visualisations: Visualisations = field(init=False)
    _names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.visualisations = Visualisations(self.folder)

    def write(self, node: Node, value: Tensor, output: bool = False) -> Record:
        """All files of one node. Reads `value`, keeps nothing of it."""
        name, parts = self.name(node.address), self.request.parts
        tiles = quantise(node, value)
        codes = pictures.codes_of(tiles)
        painted = pictures.coloured(tiles, codes, node.color_map or self.request.color_map, self.request.range_mode)
        columns, gap = pictures.columns_of(tiles), pictures.gap_of(tiles)
        sheets = {"grey": codes, "colour": painted}
        files: dict[str, str] = {}
        # A page without any picture of what the network gave says nothing: it then has the coloured ones, and only it.
        shown = [kind for kind in sheets if kind in parts] or ["colour"]
        previews = self.previews[node.address] = {}
        if "raw" in parts:
            files["raw"] = self._place(f"raw/{name}.npz")
            np.savez(self.folder / files["raw"], values=as_array(value))
        for kind in shown:
            sheet = pictures.mosaic(sheets[kind], columns, gap)
            previews[kind] = pictures.preview(sheet)
            if kind in parts:
                files[kind] = self._place(f"{kind}/{name}.png")
                Image.fromarray(sheet).save(self.folder / files[kind])
        if "channels" in parts:
            files["channels"] = f"channels/{name}"
            self._write_channels(self.folder / files["channels"], codes, painted)
        found = self.visualisations.sheet(node.address, name)
        if found is not None:
            previews["visualisation"] = found[1]
        record = self._record(node, value, tiles, files, columns, gap, output)
        return replace(record, visualisations=found[0]) if found is not None else record

    def _place(self, path: str) -> str:
        (self.folder / path).parent.mkdir(exist_ok=True)
        return path

    def _write_channels(self, folder: Path, codes: np.ndarray, painted: np.ndarray) -> None:
        folder.mkdir(parents=True)
        for channel, (grey, colour) in enumerate(zip(codes, painted, strict=True)):
            Image.fromarray(grey).save(folder / f"{channel:04d}-grey.png")
            Image.fromarray(colour).save(folder / f"{channel:04d}-colour.png")

    def _record(
        self, node: Node, value: Tensor, tiles: Tiles, files: dict[str, str], columns: int, gap: int, output: bool
    ) -> Record:
        found: list[Histogram] = []
        if "histograms" in self.request.parts:
            found.append(histograms.activations("", node.address, value, BINS))
            if (weights := histograms.weights("", node, self.model, BINS)) is not None:
                found.append(weights)
        top = self.request.top if "top" in self.request.parts else 0
        return Record(
            node=node,
            output=output,
            files=files,
            columns=columns,
            gap=gap,
            reduced=_reduced(node),
            wall_range=tiles.wall_range,
            percentile_range=tiles.percentile_range,
            channels={
                "low": tiles.low,
                "high": tiles.high,
                "minimum": tiles.minimum,
                "mean": tiles.mean,
                "zeros": tiles.zeros,
                "positive": tiles.positive,
                "flawed": tiles.flawed,
            },
            # Where many reach the same largest value, as before a ReLU6's end, the larger mean goes first.
            top=tuple(np.lexsort((-tiles.mean, -tiles.high))[:top].tolist()),
            histograms={each.kind: _plain(each) for each in found},
        )

    def name(self, address: str) -> str:
        """A file's name on every system: no two are the same where capitals do not count."""
        name = re.sub(r"[^\w.,+=-]+", "~", address).strip(".~") or "network"
        if len(name) > LONGEST_NAME:
            name = f"{name[:LONGEST_NAME]}-{hashlib.sha256(address.encode()).hexdigest()[:8]}"
        unique, number = name, 2
        while self._names.setdefault(unique.lower(), address) != address:
            unique, number = f"{name}-{number}", number + 1
        return unique


def as_array(value: Tensor) -> np.ndarray:
    """The tensor itself, all examples of it. What NumPy has no type for (bfloat16, quantised) becomes float32, which
    holds each of their values exactly."""
    value = value.detach()
    if value.is_quantized:
        value = value.dequantize()
    if value.dtype == torch.bfloat16 or "float8" in str(value.dtype):
        value = value.float()
    return value.resolve_conj().resolve_neg().cpu().contiguous().numpy()


def needed_bytes(nodes: list[Node], parts: tuple[str, ...]) -> int:
    """About what an export of them takes on the disk; of visualisations nobody knows before."""
    each = RAW_BYTES * ("raw" in parts) + PICTURE_BYTES * (1 + sum(part in parts for part in ("colour", "grey")))
    return int(sum(node.elements for node in nodes) * each) + (1 << 20)


def _reduced(node: Node) -> tuple[int, int]:
    """How many values one texel is the mean of."""
    if node.volume:
        high, wide = node.volume[1:]
    elif node.picture == "maps":
        high, wide = node.shape[2:] if node.channel_axis == 1 else node.shape[1:3]
    elif node.picture == "strip":
        wide = node.shape[-1] if len(node.shape) > 1 else 1
        high = node.elements // max(1, wide)
    else:
        return 1, 1
    return -(-max(1, high) // node.mosaic.height), -(-max(1, wide) // node.mosaic.width)


def _plain(histogram: Histogram) -> dict[str, Any]:
    return {
        "edges": [number(edge) for edge in histogram.edges.tolist()],
        "counts": histogram.counts.tolist(),
        "flawed": histogram.flawed,
    }
