"""What workers send to the render thread. All frozen; arrays in them are never written to again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from walkin.catalogue import Catalogue, Page, Spoiled, Thumbnail
from walkin.evidence import Evidence, Exemplars
from walkin.readings import Boxes, Compared, Histogram, Intervened, Scores, Segmentation
from walkin.tiles import Tiles
from walkin.visualised import Grown, GrownTiles


@dataclass(frozen=True)
class Traced:
    """The graph of the network that was opened: walls can be laid out."""

    network: object
    """walkin.graph.Network (typed as object: results and graph share a floor)."""
    serial: int = 0
    key: str = ""
    """Key of the exhibit (`network` in all other results)."""


@dataclass(frozen=True)
class Expected:
    """How large the walls are going to be, at least, of a network that is still being traced."""

    texels: int
    """Of all pictures, without mip levels; what was there before is not counted."""
    network: str = ""


@dataclass(frozen=True)
class Fed:
    """The picture that went into the network, as it went in."""

    pixels: np.ndarray
    """uint8 (H, W, 3), sRGB: the input tensor with the normalisation undone."""
    caption: tuple[str, ...]
    """Lines beside the picture: name, size before and after, what was assumed."""
    serial: int = 0
    network: str = ""
    source: object = None
    """walkin.picture_source.Source that it was made from."""


@dataclass(frozen=True)
class Watching:
    """A live input has stopped to give pictures."""

    spec: str
    network: str = ""
    over: bool = True
    """False: it has made way for another job, and goes on when the same `Watch` is asked for again."""


@dataclass(frozen=True)
class Restated:
    """Other weights are in a network, and what they give has been sent; or they do not fit."""

    words: str
    network: str = ""
    path: str = ""
    """Of the checkpoint; '' if it is none."""
    error: str = ""
    """Why they are not in it, in one line."""


@dataclass(frozen=True)
class Checkpoints:
    """What a training has written so far."""

    paths: tuple[str, ...]
    network: str = ""
    renewed: tuple[str, ...] = ()
    """Those of them that were written anew since they were told of: `last.pt`, after each epoch."""


@dataclass(frozen=True)
class Weighed:
    """What tells a network's weights from all others."""

    hash: str
    network: str = ""


@dataclass(frozen=True)
class Exported:
    """An export is there."""

    path: str
    nodes: int
    network: str = ""


@dataclass(frozen=True)
class Progress:
    """How far a job is: fraction 0 to 1, None while unknown."""

    job: str
    label: str
    fraction: float | None = None
    eta_s: float | None = None
    network: str = ""


@dataclass(frozen=True)
class Notice:
    """A message to the visitor; a lasting one stays until the network is replaced."""

    text: str
    level: str = "info"
    """info, warning or error."""
    lasting: bool = False
    network: str = ""


@dataclass(frozen=True)
class Finished:
    """A job has ended, well or not."""

    job: str
    error: str = ""
    """One line for the user, '' if all went well."""
    cancelled: bool = False
    details: str = ""
    """The traceback, for --debug."""
    code: int = 0
    """Exit code that it gives the command line: 0, or 2 for usage and 1 for any other failure."""


Result = (
    Tiles
    | Expected
    | Traced
    | Fed
    | Scores
    | Intervened
    | Compared
    | Segmentation
    | Boxes
    | Histogram
    | Catalogue
    | Page
    | Thumbnail
    | Spoiled
    | Watching
    | Restated
    | Checkpoints
    | Weighed
    | Grown
    | GrownTiles
    | Evidence
    | Exemplars
    | Exported
    | Progress
    | Notice
    | Finished
)
