"""Nodes into files: what each gave, exact in an array and as pictures. For the worker's thread only."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from walkin.graph import Node
from walkin.network import histograms
from walkin.network.export import pictures
from walkin.network.export.manifest import Record, number
from walkin.network.quantise import quantise
from walkin.results import Histogram, Tiles

BINS = 64
LONGEST_NAME = 100
BYTES_A_VALUE = 5.5  # 4 raw, and measured on the demo network: 0.8 for both mosaics, 0.6 for the gallery's copy


@dataclass
class Writer:
    """Writes one node after the other into a folder, as the network computes them."""

    folder: Path
    model: nn.Module
    color_map: str = "signed"
    range_mode: str = "channel"
    top: int = 9
    each_channel: bool = False
    previews: dict[str, dict[str, Image.Image]] = field(default_factory=dict)
    """address -> colour, grey -> what the gallery shows before somebody looks closer."""
    _names: dict[str, str] = field(default_factory=dict)

    def write(self, node: Node, value: Tensor, output: bool = False) -> Record:
        """All files of one node. Reads `value`, keeps nothing of it."""
        name = self._name(node.address)
        tiles = quantise(node, value)
        codes = pictures.codes_of(tiles)
        painted = pictures.coloured(tiles, codes, self.color_map, self.range_mode)
        columns, gap = pictures.columns_of(tiles), pictures.gap_of(tiles)
        grey, colour = pictures.mosaic(codes, columns, gap), pictures.mosaic(painted, columns, gap)
        files = {"raw": f"raw/{name}.npz", "grey": f"grey/{name}.png", "colour": f"colour/{name}.png"}
        for path in files.values():
            (self.folder / path).parent.mkdir(exist_ok=True)
        np.savez(self.folder / files["raw"], values=as_array(value))
        Image.fromarray(grey).save(self.folder / files["grey"])
        Image.fromarray(colour).save(self.folder / files["colour"])
        if self.each_channel:
            files["channels"] = f"channels/{name}"
            self._write_channels(self.folder / files["channels"], codes, painted)
        self.previews[node.address] = {"colour": pictures.preview(colour), "grey": pictures.preview(grey)}
        # Feature visualisations join here: a mosaic of a node's grown pictures, its file under `visualisation`, and its
        # preview. The gallery offers every kind of picture that `previews` has.
        return self._record(node, value, tiles, files, columns, gap, output)

    def _write_channels(self, folder: Path, codes: np.ndarray, painted: np.ndarray) -> None:
        folder.mkdir(parents=True)
        for channel, (grey, colour) in enumerate(zip(codes, painted, strict=True)):
            Image.fromarray(grey).save(folder / f"{channel:04d}-grey.png")
            Image.fromarray(colour).save(folder / f"{channel:04d}-colour.png")

    def _record(
        self, node: Node, value: Tensor, tiles: Tiles, files: dict[str, str], columns: int, gap: int, output: bool
    ) -> Record:
        mosaic = tiles.mosaic
        found = [histograms.activations("", node.address, value, BINS)]
        if (weights := histograms.weights("", node, self.model, BINS)) is not None:
            found.append(weights)
        return Record(
            address=node.address,
            kind=node.kind,
            operation=node.operation,
            module_class=node.module_class,
            shape=node.shape,
            channel_axis=node.channel_axis,
            inputs=node.inputs,
            outputs=output,
            files=files,
            count=mosaic.count,
            height=mosaic.height,
            width=mosaic.width,
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
            top=tuple(np.lexsort((-tiles.mean, -tiles.high))[: self.top].tolist()),
            histograms={each.kind: _plain(each) for each in found},
        )

    def _name(self, address: str) -> str:
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


def needed_bytes(nodes: list[Node]) -> int:
    """About what an export of them takes on the disk."""
    return int(sum(node.elements for node in nodes) * BYTES_A_VALUE) + (1 << 20)


def _reduced(node: Node) -> tuple[int, int]:
    """How many values one texel is the mean of."""
    if node.picture == "maps":
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
