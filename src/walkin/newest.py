"""Newest: which results replace each other while they wait for the render thread."""

from __future__ import annotations

from collections.abc import Hashable

from walkin.catalogue import Catalogue
from walkin.readings import Boxes, Compared, Histogram, Intervened, Scores, Segmentation
from walkin.results import Expected, Fed, Progress, Result
from walkin.tiles import Tiles
from walkin.visualised import GrownTiles


def kind_of(result: Result) -> Hashable | None:
    """Of results of one kind only the newest counts; None: it counts whatever comes later."""
    if isinstance(result, Tiles):
        return Tiles, result.network, result.address
    if isinstance(result, Expected):
        return Expected, result.network
    if isinstance(result, GrownTiles):
        return GrownTiles, result.network, tuple(each.objective for each in result.pictures)
    if isinstance(result, Progress):
        return Progress, result.network, result.job
    if isinstance(result, Fed | Scores | Segmentation | Boxes | Intervened | Compared):
        return type(result), result.network
    if isinstance(result, Histogram):
        return Histogram, result.network, result.address, result.kind
    if isinstance(result, Catalogue):
        return Catalogue, result.spec
    return None
