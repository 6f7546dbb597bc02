"""What a visitor asks of the workers. All frozen; they cross from the render thread to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

from walkin.errors import WalkinError
from walkin.interventions import Intervention
from walkin.marks import Mark


@dataclass(frozen=True)
class File:
    """A picture in a file."""

    path: str


@dataclass(frozen=True)
class Item:
    """A picture of a data set that is not made of plain files."""

    dataset: str
    """What it is opened by: `caltech101:ROOT`, `package.module:DATASET`."""
    index: int


@dataclass(frozen=True)
class Noise:
    """A picture out of the noise machine, made in the input space of the network that it is fed to."""

    kind: str
    """gaussian, uniform, grey, black or perlin."""
    seed: int = 0


@dataclass(frozen=True)
class Tile:
    """One channel's picture, taken off a wall."""

    network: str
    address: str
    channel: int
    serial: int = 0
    """Of the picture that was in the network at the moment of the grab: tells two grabs of one tile apart."""


@dataclass(frozen=True)
class Pixels:
    """A picture that came in memory: pasted, given from Python, a visualisation."""

    id: str
    caption: str = ""


@dataclass(frozen=True)
class Given:
    """What a network was given as its example inputs (Open.inputs), or what was guessed for it."""

    network: str = ""


Source = File | Item | Noise | Tile | Pixels | Given
"""What a picture can be made from again."""


def source_to_json(source: Source) -> dict[str, Any]:
    return {"source": type(source).__name__.lower(), **asdict(source)}


def source_from_json(data: Any) -> Source:
    """The source that `source_to_json` wrote; WalkinError if it is none."""
    kinds = {kind.__name__.lower(): kind for kind in get_args(Source)}
    try:
        values = dict(data) if isinstance(data, Mapping) else {}
        made = kinds[values.pop("source")](**values)
    except (KeyError, TypeError) as problem:
        raise WalkinError(f"no source of a picture: {data!r:.80}") from problem
    for name, wanted in {"index": int, "seed": int, "channel": int, "serial": int}.items():
        if type(getattr(made, name, 0)) is not wanted:
            raise WalkinError(f"no source of a picture: {name} of {data!r:.80} is no whole number")
    for name in ("path", "dataset", "kind", "network", "address", "id", "caption"):
        if not isinstance(getattr(made, name, ""), str):
            raise WalkinError(f"no source of a picture: {name} of {data!r:.80} is no text")
    return made


@dataclass(frozen=True)
class Open:
    """Load a network, trace it with a picture, and send all that is to be seen."""

    spec: str
    """`resnet50`, `timm:NAME`, `demo`, `FILE.py:FACTORY` or `package.module:FACTORY`; a label if `model` is given."""
    weights: str | None = None
    """None: the default of the source; `none`: untrained; a weight name; a .pt, .pth or .safetensors file."""
    key: str | None = None
    """Where in a checkpoint the state dict lies, for checkpoints with an unusual key."""
    image: str | None = None
    """File shown and fed first; None: a bundled photo."""
    device: str = "auto"
    """auto, cpu, cuda or mps."""
    input_size: tuple[int, ...] | None = None
    """(height, width) or (channels, height, width) in pixels; None: what the weights say."""
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    labels: str | None = None
    """Text file with one class name a line."""
    inputs: object = field(default=None, repr=False, compare=False)
    """What the network is called with, where a picture alone will not do: `FILE.py:FUNCTION`, or a tuple of arguments,
    a dict of them by name, or the one argument. A picture that is fed goes into the first place that is like one."""
    fold: str = "layers"
    collapsed: tuple[str, ...] = ()
    """See `Refold`."""
    expanded: tuple[str, ...] = ()
    seed: int = 0
    """Seed of untrained weights."""
    model: object = field(default=None, repr=False, compare=False)
    """A live nn.Module (library form); the room works on a deep copy of it."""
    names: tuple[str, ...] | None = None
    """Class names given from Python."""
    picture: object = field(default=None, repr=False, compare=False)
    """First picture given from Python: array, PIL image or tensor."""
    images: str = ""
    """What the shelf shows (see Browse): its first picture goes in first, if none is given by itself."""
    network: str = ""
    """Key of the exhibit that it becomes; what is sent about it carries the same."""
    source: object = None
    """First picture, before `picture` and `image`; where it cannot be had, those are fed."""
    interventions: tuple[Intervention, ...] = ()
    """What is changed of it from the first picture on (see Intervene)."""
    budget_bytes: int | None = field(default=None, compare=False)
    """Of texels, all levels of all walls together: what does not fit is sent coarse, in the order of the graph (see
    walkin.detail). Holds as well for walls that come later, by another fold or path; None: all is sent in full."""
    probes: tuple[tuple[str, Mark], ...] = ()
    """Names of values, given from outside: path or address, and what is known of it."""
    hide: tuple[str, ...] = ()
    """Globs of nodes that have no wall."""
    checkpoints: str = ""
    """Folder, or path with *, of what a training writes: the newest goes in if no weights are given."""
    private: bool = field(default=False, compare=False)
    """Whether `model` is a copy that nobody else has: the room need not copy it again."""


@dataclass(frozen=True)
class Feed:
    """Put a picture into a network's input frame and run it."""

    source: Source
    network: str = ""
    """Key of the exhibit; '' is the first."""
    picture: object = field(default=None, repr=False, compare=False)
    """What a `Tile` or `Pixels` is made of: values (H, W) or pixels (H, W, 3). Kept by the worker (see `Keep`)."""


@dataclass(frozen=True)
class Intervene:
    """Change values of a network where it goes on with them, in this picture and the next ones; `Intervened` is
    the answer. What was changed before and is not among these any more is as the network has it."""

    interventions: tuple[Intervention, ...]
    network: str = ""


@dataclass(frozen=True)
class State:
    """What a network is compared with."""

    picture: object | None = None
    """Source that goes in; None: the one that is in the network compared."""
    interventions: tuple[Intervention, ...] = ()
    network: str | None = None
    """Key of another network of the same architecture; None: the network itself."""


@dataclass(frozen=True)
class Compare:
    """Show on every wall what another state of the network gave minus what it gives; `Compared` says how much that
    is. From now on with each picture; None: what it gives, as before."""

    state: State | None
    network: str = ""


@dataclass(frozen=True)
class Refold:
    """Show a network that stands in the room with other walls: nothing is loaded or traced again."""

    fold: str
    """ops, layers or blocks."""
    collapsed: tuple[str, ...] = ()
    """Paths of modules that become one wall each, whatever the fold."""
    expanded: tuple[str, ...] = ()
    """Paths of blocks that are shown by what they are made of, where the fold is `blocks`."""
    network: str = ""


@dataclass(frozen=True)
class Detail:
    """How fine walls are to be from now on, with this picture and the next ones. Those that are to be finer than they
    were sent are sent again; those that may be coarser are so with the next picture."""

    first_levels: Mapping[str, int]
    """address -> finest level that is wanted (results.Tiles.first_level), of all walls; the others are as fine as
    `Open.budget_bytes` has it. The newest `Detail` counts alone."""
    network: str = ""
    held: Mapping[str, int] | None = None
    """address -> finest level that the room still has, of walls that show something; None: all that was sent."""


@dataclass(frozen=True)
class Restate:
    """Other weights for a network that stands in the room: its walls stay, and the picture goes through once more. Of
    those that come faster than they can be shown all are let go but the newest."""

    words: str
    """Of what they are: `step 1,200`."""
    network: str = ""
    path: str = ""
    """Of a checkpoint; '': the newest of `snapshot`."""
    key: str | None = None
    """Where in the checkpoint the state dict lies."""
    snapshot: object = field(default=None, repr=False, compare=False)
    """walkin.network.snapshots.Snapshots."""


@dataclass(frozen=True)
class Slice:
    """Through which depth volumes are cut from now on: walls that show another slice then are sent again."""

    share: float
    """Of the depth, 0 to 1, of all walls but `walls`. The newest `Slice` counts alone."""
    walls: Mapping[str, float] = field(default_factory=dict)
    """address -> share, of those with a depth of their own."""
    network: str = ""


@dataclass(frozen=True)
class Close:
    """Forget a network that was taken out of the room."""

    network: str = ""


@dataclass(frozen=True)
class Keep:
    """Lay up the picture of a `Tile` or `Pixels`, so that it can be asked for as a thumbnail and fed."""

    source: Source
    picture: object = field(repr=False, compare=False)
    """float (H, W): values, shown from their smallest to their largest; uint8 (H, W, 3): pixels; a PIL image."""


@dataclass(frozen=True)
class Browse:
    """Open what the shelf shows; `Catalogue` says what is in it, again and again while it is being listed."""

    spec: str
    """A folder, `caltech101:ROOT`, `package.module:DATASET`; a label if `dataset` is given."""
    dataset: object = field(default=None, repr=False, compare=False)
    """A live data set or sequence (library form)."""


@dataclass(frozen=True)
class Slots:
    """Which pictures stand at the places [first, first + count) of a search; `Page` is the answer."""

    spec: str
    first: int
    count: int
    query: str = ""
    """Words that must all be in a picture's name or class, in any case; '': all pictures."""
    seed: int | None = None
    """None: in order; else a random draw, the same for the same seed."""


@dataclass(frozen=True)
class Thumbnails:
    """All small pictures that are wanted now, the most wanted first; what was asked for before is given up."""

    sources: tuple[Source, ...]


@dataclass(frozen=True)
class Full:
    """The same picture larger, to be read from close by; goes before all thumbnails."""

    source: Source


@dataclass(frozen=True)
class Measure:
    """Histograms of one wall: of its weights, and of its values now and with each picture from now on."""

    address: str
    """'': of none any more."""
    network: str = ""
    bins: int = 32


@dataclass(frozen=True)
class Weigh:
    """Tell a network's weights from all others; `Weighed` is the answer."""

    network: str = ""


@dataclass(frozen=True)
class Visualise:
    """Make pictures that parts of a network answer to most; `Grown` shows them while they form."""

    objectives: tuple[str, ...]
    """`layer4.1/7`, `class:tabby`, ...: see walkin.network.featurevis.objective."""
    recipe: str = "fourier"
    changes: tuple[tuple[str, float | int | str], ...] = ()
    """(name, value) of numbers of the recipe that are to be others."""
    seed: int = 0
    network: str = ""


@dataclass(frozen=True)
class LookThrough:
    """Put all pictures of a collection through a network and say what each channel reached; `Evidence` is the answer.
    What was found before is not done again."""

    spec: str
    """As in Browse."""
    network: str = ""


@dataclass(frozen=True)
class Exemplify:
    """The pictures that one channel answers to most, once they were looked through; `Exemplars` is the answer."""

    address: str
    channel: int
    network: str = ""


@dataclass(frozen=True)
class Watch:
    """Feed the newest picture of a camera or a folder again and again, as fast as the network runs."""

    spec: str
    """`camera:0`, `camera:FILE` of a film, or a folder that is being written to; '': of none any more."""
    network: str = ""


PARTS = ("colour", "grey", "raw", "visualisations", "input", "histograms", "top", "classes", "channels")
"""What an export may hold: mosaics in colours and in grey, exact arrays, what channels look for, the picture that went
in, histograms, the strongest channels, what the network says, a picture for every single channel."""
USUAL_PARTS = tuple(part for part in PARTS if part != "channels")


@dataclass(frozen=True)
class Export:
    """Write what a network gave into a new folder: arrays, pictures, a manifest and a gallery."""

    to: str = ""
    """The folder; if it is there already, the next free of `NAME-2`, `NAME-3`. '': in the user's documents."""
    network: str = ""
    nodes: tuple[str, ...] = ("*",)
    """Addresses, or globs of them (walkin.network.globs)."""
    parts: tuple[str, ...] = USUAL_PARTS
    """Of PARTS."""
    color_map: str = "signed"
    range_mode: str = "channel"
    top: int = 9
    """Channels a node that are named as those with the largest values."""
    classes: int = 10
    visualise: bool = False
    """Whether visualisations that are missing are made first, by `recipe`; else only those go in that are there."""
    recipe: str = "fourier"
    changes: tuple[tuple[str, float | int | str], ...] = ()
    """(name, value) of numbers of the recipe that are others."""
    seed: int = 0
    grown: tuple[Bloomed, ...] = field(default=(), repr=False, compare=False)
    """What is seen on walls."""


@dataclass(frozen=True)
class Bloomed:
    """A finished visualisation on a wall."""

    seen: object
    """walkin.results.Visualised"""
    changes: tuple[tuple[str, float | int | str], ...] = ()


@dataclass(frozen=True)
class FilmWalk:
    """Film a walk along the bookmarks, from inside the room."""

    to: str
    """A folder for numbered pictures, or a file that ends in .mp4; if it is there already, the next free name."""
    size: tuple[int, int] = (1280, 720)
    rate_hz: int = 30
    seconds: float | None = None
    """None: at an easy pace."""


@dataclass(frozen=True)
class StopFilm:
    """Give a film up: nothing of it stays."""


@dataclass(frozen=True)
class Cancel:
    """Stop the job in hand and forget those that wait."""

    jobs: tuple[str, ...] = ()
    """Names of those that are meant; (): all."""


@dataclass(frozen=True)
class Pause:
    """Let the pictures that grow rest, or go on, where they are; other jobs are not concerned."""

    on: bool


@dataclass(frozen=True)
class SaveRecipe:
    """Keep a recipe with other numbers under a name."""

    name: str
    recipe: str
    changes: tuple[tuple[str, float | int | str], ...] = ()


@dataclass(frozen=True)
class Screenshot:
    """Save the last frame as a PNG; path None: the next free name in the user's picture folder."""

    path: str | None = None


@dataclass(frozen=True)
class Save:
    """Write the room into a scene file; path None: the file it came from, else one in the user's documents."""

    path: str | None = None


@dataclass(frozen=True)
class Restore:
    """Take up the visit that ended with a crash."""


@dataclass(frozen=True)
class Quit:
    """End the program."""


Request = (
    Open | Feed | Intervene | Compare | Refold | Restate | Detail | Slice | Close | Keep | Browse | Slots | Thumbnails
    | Full | Measure | Weigh | Visualise | SaveRecipe | LookThrough | Exemplify | Watch | Export | FilmWalk | StopFilm
    | Pause | Cancel | Screenshot | Save | Restore | Quit
)  # fmt: skip
