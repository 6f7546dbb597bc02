"""What a visitor asks of the workers. All frozen; they cross from the render thread to a worker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from walkin.export_request import Export
from walkin.interventions import Intervention
from walkin.marks import Mark
from walkin.picture_source import Source
from walkin.room_requests import Cancel, FilmWalk, Pause, Quit, Restore, Save, SaveRecipe, Screenshot, StopFilm
from walkin.shelf_requests import Browse, Full, Keep, Slots, Thumbnails


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
class TakeBack:
    """Have all walls show one state, where another was given up half-way: the picture or the fold of before; of other
    weights those that are in."""

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
    """address -> finest level that is wanted (tiles.Tiles.first_level), of all walls; the others are as fine as
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
    """walkin.network.training.snapshots.Snapshots."""


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


Request = (
    Open | Feed | TakeBack | Intervene | Compare | Refold | Restate | Detail | Slice | Close | Keep | Browse | Slots
    | Thumbnails | Full | Measure | Weigh | Visualise | SaveRecipe | LookThrough | Exemplify | Watch | Export | FilmWalk
    | StopFilm | Pause | Cancel | Screenshot | Save | Restore | Quit
)  # fmt: skip
