"""What workers send to the render thread. All frozen; arrays in them are never written to again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from walkin.mosaic import Mosaic
from walkin.pyramid import coarser


@dataclass
class DeviceCodes:
    """A node's codes in a CUDA device's memory, lent to the render thread until it has copied them."""

    address: int
    """Of the first byte: level 0 of the mosaic, then each level after it."""
    nbytes: int
    device: int
    ready: int
    """Handle of the event (cudaEvent_t) that the last kernel which writes them is followed by."""
    keep: Any
    """What holds the memory and the event. Nobody but the worker looks at it."""

    @property
    def taken(self) -> bool:
        """Whether they were copied before, and are gone."""
        return self.keep is None

    def give_back(self) -> None:
        """They have been copied, or will not be: the worker may have its memory again."""
        self.keep = None


@dataclass(frozen=True)
class Tiles:
    """One node's channels as pictures: value = low + code / 255 * (high - low), per channel."""

    address: str
    mosaic: Mosaic
    levels: tuple[np.ndarray, ...]
    """uint8 mosaics from `first_level` on, each half the size of the one before (see Mosaic); coarser ones that are not
    here are made of these when they are asked for."""
    low: np.ndarray
    """float32 (C,): value of code 0. Where `flawed`, code 0 means "not finite" and the values begin at code 1."""
    high: np.ndarray
    """float32 (C,): value of code 255; equal to `low` for a constant channel."""
    mean: np.ndarray
    """float32 (C,): mean of the finite values."""
    flawed: np.ndarray
    """int32 (C,): number of NaN and infinite values."""
    wall_range: tuple[float, float]
    """Smallest and largest finite value of all channels."""
    percentile_range: tuple[float, float]
    """1st and 99th percentile over all channels."""
    serial: int = 0
    """Counts pictures fed to this network: tiles of an older picture than the newest seen are dropped."""
    network: str = ""
    """Key of the exhibit."""
    zeros: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (C,): share of values that are exactly 0."""
    positive: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    """float32 (C,): share of values above 0."""
    lent: DeviceCodes | None = field(default=None, compare=False, repr=False)
    """The bytes of `levels`, one after the other, where they were made on a CUDA device."""
    difference: bool = False
    """Whether values are those of another state minus those of this one (see requests.Compare)."""
    first_level: int = 0
    """The finest level that is there: 0 has all that is to be seen; `mosaic.levels`: only means are known, `levels` is
    empty."""
    slice: int = 0
    """Of a volume, which slice of its depth this is."""

    @property
    def coarse(self) -> bool:
        """Whether the network gave more than is here."""
        return self.first_level > 0

    def level(self, number: int) -> np.ndarray:
        """uint8: the mosaic at a mip level; IndexError for one that is not there and cannot be made."""
        if not self.first_level <= number < self.mosaic.levels or not self.levels:
            raise IndexError(f"{self.address} has levels from {self.first_level} on, not {number}")
        there = self.first_level + len(self.levels) - 1
        codes = self.levels[min(number, there) - self.first_level]
        for level in range(there, number):
            codes = coarser(self.mosaic, codes, level, self.flawed)
        return codes

    def from_level(self, first_level: int) -> Tiles:
        """The same without the levels that are finer; itself where there are none."""
        if first_level <= self.first_level:
            return self
        levels = self.levels[first_level - self.first_level :]
        if not levels and first_level < self.mosaic.levels:
            levels = (self.level(first_level),)
        return replace(self, levels=levels, first_level=first_level, lent=None)

    @property
    def finest(self) -> Tiles:
        """The same with nothing but its finest level, which the others can be made of; itself if it has no other."""
        return self if len(self.levels) < 2 else replace(self, levels=self.levels[:1], lent=None)

    def value(self, channel: int, row: int, column: int) -> float:
        """Value at a texel of a channel's picture, or the mean around it where it is coarse; NaN where the network gave
        none."""
        if not self.levels:
            return (
                float(self.mean[channel]) if self.flawed[channel] < self.mosaic.height * self.mosaic.width else np.nan
            )
        y, x = self.mosaic.cell(channel)
        code = int(self.levels[0][(y + row) >> self.first_level, (x + column) >> self.first_level])
        if self.flawed[channel] and code == 0:
            return float("nan")
        low, high = float(self.low[channel]), float(self.high[channel])
        return low + code / 255 * (high - low)

    def picture(self, channel: int) -> np.ndarray:
        """float32 (H, W): a channel's values, for a picture of its own; NaN where the network gave none. Where it is
        coarse, texels that are the mean of others are repeated."""
        height, width = self.mosaic.height, self.mosaic.width
        if not self.levels:
            return np.full((height, width), self.value(channel, 0, 0), np.float32)
        y, x = self.mosaic.cell(channel)
        rows, columns = (np.arange(y, y + height), np.arange(x, x + width))
        codes = self.levels[0][np.ix_(rows >> self.first_level, columns >> self.first_level)].astype(np.float32)
        values = self.low[channel] + codes / 255 * (self.high[channel] - self.low[channel])
        return np.where(codes == 0, np.nan, values).astype(np.float32) if self.flawed[channel] else values

    def shown_range(self, mode: str, channel: int | None, *, signed: bool) -> tuple[float, float, bool, bool]:
        """(low, high, whether there are values below, above): the values that colours stand for, as shaders/walls.glsl
        takes them. `mode` is one of world.RANGES; `channel`: the one that is asked about, where each has its own range.
        In a signed map the colours run as far on both sides of zero; what of them no value has is left out."""
        whole = self.wall_range
        if mode == "channel" and channel is not None:
            low, high = self.least(channel), float(self.high[channel])
            if high > low:
                return low, high, False, False
        elif mode == "percentile":
            low, high = self.percentile_range
            if signed:
                most = max(abs(low), abs(high))
                low, high = max(-most, whole[0]), min(most, whole[1])
            if high > low:
                return low, high, whole[0] < low, whole[1] > high
        return (*whole, False, False)

    def least(self, channel: int) -> float:
        """`minimum` of one channel: what is pointed at asks for it at nearly every frame."""
        low, high = float(self.low[channel]), float(self.high[channel])
        return float(np.float32(low + (high - low) / 255)) if self.flawed[channel] else low

    @property
    def minimum(self) -> np.ndarray:
        """float32 (C,): smallest finite value of each channel."""
        return np.where(self.flawed > 0, self.low + (self.high - self.low) / 255, self.low).astype(np.float32)


@dataclass(frozen=True)
class Traced:
    """The graph of the network that was opened: walls can be laid out."""

    network: object
    """walkin.graph.Network (typed as object: results and graph share a floor)."""
    serial: int = 0
    key: str = ""
    """Key of the exhibit (`network` in all other results)."""


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
    """walkin.requests.Source that it was made from."""


@dataclass(frozen=True)
class Scores:
    """The classes a classifier finds most likely."""

    names: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Softmax over all classes, largest first."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Effect:
    """What interventions do to one class."""

    name: str
    before: float
    """Probability without them, 0 to 1."""
    after: float


@dataclass(frozen=True)
class Intervened:
    """What came of the interventions on a network."""

    problems: tuple[str, ...]
    """Of each: why it does not fit; '' where it does."""
    effects: tuple[Effect, ...] = ()
    """Of the likeliest classes, without and with them; () of what is no classifier."""
    serial: int = 0
    network: str = ""
    seconds: float = 0.0
    """That the run with them took."""
    walls: int = 0
    """That have changed by it."""


@dataclass(frozen=True)
class Changed:
    """How far one wall is from what it was compared with."""

    address: str
    relative: float
    """|A - B| over the larger of |A| and |B|, root mean squares over all values: 0 for the same, at most 2."""
    channels: np.ndarray = field(repr=False)
    """float32 (C,): the same of each channel, over the larger of the wall's |A| and |B|."""


@dataclass(frozen=True)
class Compared:
    """How far a network is from the state that it is compared with."""

    title: str
    """What A is, in words; '': nothing is compared any more."""
    walls: tuple[Changed, ...] = ()
    """In order of execution."""
    first: str = ""
    """Address of the first wall that differs by more than rounding; '' where none does."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Segmentation:
    """What a network for segmentation finds at each place of its input picture: the likeliest class."""

    pixels: np.ndarray
    """uint8 (H, W, 3), sRGB: the map of classes, each in its colour; as large as the output."""
    names: tuple[str, ...]
    """Classes that are there, the one with the largest share first."""
    colors: tuple[tuple[int, int, int], ...]
    """sRGB, 0 to 255, of each."""
    shares: tuple[float, ...]
    """Of the pixels, of each."""
    classes: np.ndarray
    """uint16 (H, W): index of the class at each place."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Boxes:
    """What a network for detection finds, surest first; nothing below a threshold."""

    boxes: np.ndarray
    """float32 (n, 4): left, top, right, bottom as shares of the picture that went in, 0 to 1, from its top left."""
    names: tuple[str, ...]
    scores: tuple[float, ...]
    colors: tuple[tuple[int, int, int], ...]
    """sRGB, 0 to 255: one a class."""
    below: int = 0
    """How many were found that are less sure than the threshold."""
    serial: int = 0
    network: str = ""


@dataclass(frozen=True)
class Histogram:
    """How the finite values of one wall are spread."""

    network: str
    address: str
    kind: str
    """weights or activations."""
    edges: np.ndarray
    """float32 (bins + 1,), rising."""
    counts: np.ndarray
    """int64 (bins,)."""
    flawed: int = 0
    """How many values were not finite, and are in no bin."""
    serial: int = 0


@dataclass(frozen=True)
class Catalogue:
    """What is on the shelf, so far."""

    spec: str
    title: str
    count: int
    complete: bool = True
    """Whether the listing has come to its end; until then the count grows."""
    classes: tuple[str, ...] = ()
    skipped: int = 0
    """Pictures that turned out not to be readable: they have left the shelf."""
    note: str = ""
    """What was chosen, for data sets that have parts: `test split`."""


@dataclass(frozen=True)
class Slot:
    """One place on the shelf, before its picture is read."""

    source: object
    """walkin.requests.Source."""
    name: str
    label: str = ""


@dataclass(frozen=True)
class Page:
    """The pictures at the places [first, first + len(slots)) of a search."""

    spec: str
    first: int
    query: str
    seed: int | None
    slots: tuple[Slot, ...]
    total: int
    """How many pictures the search has found."""
    complete: bool = True
    """False while the folder is still being listed: more may come, in another order."""


@dataclass(frozen=True)
class Thumbnail:
    """A picture, small enough for the shelf (256 pixels) or for reading (1024)."""

    source: object
    """walkin.requests.Source."""
    pixels: np.ndarray
    """uint8 (h, w, 3), sRGB."""
    caption: tuple[str, ...]
    """Lines beside it: name, size, what was done to it."""
    label: str = ""
    size: tuple[int, int] = (0, 0)
    """(width, height) of the picture itself."""
    full: bool = False
    """Whether it is the large one."""


@dataclass(frozen=True)
class Spoiled:
    """A picture that cannot be shown: its place on the shelf is to be given to another."""

    source: object
    reason: str


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


@dataclass(frozen=True)
class Weighed:
    """What tells a network's weights from all others."""

    hash: str
    network: str = ""


@dataclass(frozen=True)
class Grown:
    """Visualisations of one batch as they are now: what parts of a network answer to most."""

    network: str
    address: str
    """Node of all of them; '' for classes."""
    channels: tuple[int, ...]
    """-1 where one is of no single channel."""
    objectives: tuple[str, ...]
    """Each as text (see walkin.network.featurevis.objective)."""
    copies: tuple[int, ...]
    """Which of several pictures of one objective."""
    pictures: np.ndarray
    """uint8 (n, H, W, 4), sRGB, opacity not multiplied in."""
    step: int
    steps: int
    activations: tuple[float, ...]
    """Of the objective: once done, of the picture as it is, without transforms; before, in the last step."""
    seconds: tuple[float, ...] = ()
    """That each took."""
    recipe: str = ""
    seed: int = 0
    done: bool = False
    peaks: tuple[float | None, ...] = ()
    """Once done: the largest value over space of the channel that the objective names, of the picture as it is; None
    where it names none. What pictures reach (see Evidence) is measured in the same way."""
    capped: bool = False
    """Whether they were made for what their node gives before a ReLU6 cuts it off: at its end there is no gradient.
    `peaks` are measured there; `activations` are those of the node as it is."""

    def each(self) -> Iterator[Visualised]:
        """The pictures one by one, opacity left out where all is opaque."""
        for number, objective in enumerate(self.objectives):
            pixels = self.pictures[number]
            yield Visualised(
                self.address,
                self.channels[number],
                objective,
                pixels if pixels[..., 3].min() < 255 else np.ascontiguousarray(pixels[..., :3]),
                self.activations[number],
                self.copies[number],
                self.step,
                self.seconds[number] if self.seconds else 0.0,
                self.recipe,
                self.seed,
                self.peaks[number] if self.peaks else None,
                self.capped,
            )


@dataclass(frozen=True)
class Visualised:
    """One finished visualisation."""

    address: str
    channel: int
    """-1 where it is of no single channel."""
    objective: str
    pixels: np.ndarray = field(repr=False)
    """uint8 (H, W, 3), sRGB; (H, W, 4) where the recipe gives opacities."""
    activation: float
    """Of the picture as it is, without transforms."""
    copy: int = 0
    steps: int = 0
    seconds: float = 0.0
    recipe: str = ""
    seed: int = 0
    peak: float | None = None
    """The largest value over space of its channel, of the picture as it is (see Grown)."""
    capped: bool = False
    """Whether it was made, and its peak measured, before a ReLU6 cuts its node's values off (see Grown)."""
    beside: Beside | None = None
    """What real pictures reach, where some were looked through and it is of one channel."""


@dataclass(frozen=True)
class Beside:
    """What real pictures reach on the channel of a visualisation; values are the largest over space, None where a
    number says nothing."""

    images: int
    of: str
    """What they are called."""
    largest: float | None
    median: float | None
    peak_over_largest: float | None
    """How many times the largest the visualisation reaches."""
    peak_over_median: float | None
    fired: float
    """Share of the pictures, 0 to 1, that fire the channel."""
    fires: str
    """By which rule."""
    before_relu6: bool
    """Whether values are those before a ReLU6."""
    top: tuple[tuple[object, float], ...] = field(repr=False)
    """(source, value) of the best pictures."""


@dataclass(frozen=True)
class GrownTiles:
    """Visualisations of one batch with the levels that a wall draws them from."""

    network: str
    address: str
    pictures: tuple[Visualised, ...]
    levels: tuple[tuple[np.ndarray, ...], ...]
    """Of each picture, level 0 first: uint8 (side, side, 4), sRGB, opacity not multiplied in; pictures keep their shape
    inside the square."""
    step: int = 0
    steps: int = 1
    done: bool = False


BEST = 9
"""Pictures that are kept for each channel: those that it answers to most."""


@dataclass(frozen=True)
class Reached:
    """What the pictures of a collection reach on the channels of one node. Values are the largest over space."""

    largest: np.ndarray = field(repr=False)
    """float32 (C,): of all pictures."""
    median: np.ndarray = field(repr=False)
    """float32 (C,): half of the pictures do not exceed it."""
    fired: np.ndarray = field(repr=False)
    """int32 (C,): pictures that fire it: see `rule`."""
    values: np.ndarray = field(repr=False)
    """float32 (C, BEST), falling: of the best pictures."""
    pictures: np.ndarray = field(repr=False)
    """int32 (C, BEST): their numbers in `Evidence.sources`; -1: there were no more."""
    rule: str = "largest value > 0"
    """What it means that a picture fires a channel."""
    capped: bool = False
    """Whether values are those before a ReLU6, whose end many pictures reach."""


@dataclass(frozen=True)
class Evidence:
    """What the pictures of a collection reach on a network, to stand beside what visualisations reach."""

    network: str
    title: str
    """Of the collection."""
    count: int
    """Pictures that went through."""
    sampled: int
    """Of these, those that the medians are of."""
    broken: int
    """Pictures that could not be read, or that the network failed on."""
    sources: tuple[object, ...] = field(repr=False)
    """walkin.requests.Source of each, by number."""
    nodes: Mapping[str, Reached] = field(repr=False)
    """By address, of all folds."""


@dataclass(frozen=True)
class Patch:
    """What a channel answers to in one picture."""

    source: object
    """walkin.requests.Source of the whole picture."""
    name: str
    value: float
    box: tuple[int, int, int, int]
    """Left, top, right and bottom of the part that the value depends on, in pixels of the network's input."""
    whole: bool
    """Whether that is all of the picture."""
    pixels: np.ndarray = field(repr=False)
    """uint8 (h, w, 3): that part, as it went in, enlarged where it is small."""


@dataclass(frozen=True)
class Exemplars:
    """The pictures that one channel answers to most, the strongest first."""

    network: str
    address: str
    channel: int
    patches: tuple[Patch, ...]


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
