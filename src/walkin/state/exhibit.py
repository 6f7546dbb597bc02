"""Exhibit: one network in the room, its walls and all that is known of it. Owned by the render thread."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from walkin.graph import Network
from walkin.interventions import Intervention
from walkin.readings import Boxes, Compared, Intervened, Scores, Segmentation
from walkin.requests import Open, Slice, State
from walkin.results import Fed, Restated
from walkin.state.places import Layout, Place, Ribbon
from walkin.state.training import Training
from walkin.state.wall import Wall


def keys_of(requests: Iterable[Open]) -> list[str]:
    """Of networks side by side: '' for the first, for the others their names, each once."""
    keys: list[str] = []
    for number, request in enumerate(requests):
        name = request.spec if number else ""
        same = sum(key == name or key.startswith(f"{name} (") for key in keys) if name else 0
        keys.append(f"{name} ({same + 1})" if same else name)
    return keys


@dataclass(frozen=True)
class Fold:
    """How a network is cut into walls."""

    level: str = "layers"
    """ops, layers or blocks."""
    collapsed: tuple[str, ...] = ()
    """Paths of modules that are one wall each at any level, sorted."""
    expanded: tuple[str, ...] = ()
    """Paths of blocks that are none at the level blocks, sorted."""


@dataclass(frozen=True)
class Kept:
    """What was made of a wall that is not there at present, or is yet to come."""

    place: Place | None
    """None: it is at home."""
    home: Place | None
    """Where it belonged then; None: `place` is meant as it is."""
    sort: str = "index"
    showing: str = ""


@dataclass
class Exhibit:
    """One network: its graph, where its walls belong, what was fed to it and what it said."""

    key: str = ""
    """'' for the first, a name of its own for each of the others: what results and requests call `network`."""
    title: str = ""
    request: Open | None = None
    """What opened it."""
    weights_hash: str = ""
    """Of the weights that were loaded; '' until it is known."""
    home: Layout | None = None
    """The layout as if it stood alone."""
    x_m: float = 0.0
    """Where its aisle is."""
    layout: Layout | None = None
    """The layout where it stands."""
    ribbons: tuple[Ribbon, ...] = ()
    """As they run now, to walls where they stand now."""
    network: Network | None = None
    picture: Fed | None = None
    scores: Scores | None = None
    segmentation: Segmentation | None = None
    boxes: Boxes | None = None
    spoken: bool = False
    """Whether any of these was there for a picture: of one that is on its way they are not there yet."""
    live: str = ""
    """What is told of a camera or a folder that is fed to it; '' while there is none."""
    watched: str = ""
    """By what name it was asked for (see requests.Watch)."""
    sliced: Slice | None = None
    """Through which depth volumes were asked to be cut last."""
    serial: int = 0
    """The newest picture's number."""
    asked: object = None
    """Source of the picture that the visitor asked for last, the first picture's before that: what undo goes by. A live
    input, which asks for itself, leaves it alone."""
    refused: object = None
    """What was asked for and could not be fed, until the history has forgotten it."""
    training: Training = field(default_factory=Training)
    """Weights that change, and its checkpoints."""
    interventions: tuple[Intervention, ...] = ()
    """What is changed of its values, as the visitor has asked for it."""
    changed_before: tuple[Intervention, ...] | None = None
    """What was changed when the worker answered last: what the walls go back to if it is told to stop. None: it has
    answered all."""
    intervened: Intervened | None = None
    """What came of them; None: the worker has not answered yet, or there were none."""
    against: State | None = None
    """What it is compared with, as the visitor has asked for it."""
    compared: Compared | None = None
    """How far it is from that."""
    wanted: Fold | None = None
    """What was asked of the worker and is not here yet."""
    kept: dict[str, Kept] = field(default_factory=dict)
    """By address: walls that were moved or sorted and have gone, until they come again."""
    exact: bool = False
    """Whether only `kept` says where the walls that come next stand: those that are not in it are at home."""

    @property
    def fold(self) -> Fold:
        """As it is, or will be as soon as the worker has done what was asked of it."""
        if self.wanted is not None:
            return self.wanted
        network = self.network
        return Fold(network.fold, network.collapsed, network.expanded) if network is not None else Fold()

    def furnish(self, network: Network, home: Layout) -> bool:
        """Take over a graph and its layout, which is yet to be put somewhere; True if it is the same network as before,
        perhaps cut otherwise."""
        before = self.network
        same = before is not None and (before.name, before.parameters) == (network.name, network.parameters)
        if before is not None and not same:
            # Another network: nothing of the old one's is meant for it.
            self.wanted, self.exact, self.spoken = None, False, False
            self.kept.clear()
        self.network, self.home, self.layout = network, home, None
        self.title = network.name
        if self.wanted == Fold(network.fold, network.collapsed, network.expanded):
            self.wanted = None
        return same

    def reopen(self, request: Open) -> None:
        """Another network is opened here: nothing that is known of weights is of it."""
        self.request, self.weights_hash = request, ""
        self.training = Training()
        if request.checkpoints and request.weights:
            self.training.asked = request.weights  # as a scene had it

    def walls(self, before: dict[str, Wall], old: Layout | None) -> dict[str, Wall]:
        """Walls for the network that was taken over, by their keys. What was made of those that stood there `before`,
        where `old` had put them, is made of these too; what of them is no more is kept."""
        assert self.layout is not None and self.network is not None
        for wall in before.values():
            home = old.places[wall.node.address] if old is not None else wall.place
            moved = wall.place if wall.place != home else None
            changed = moved or wall.sort != "index" or wall.showing
            if wall.node.address not in self.layout.places and changed and not self.exact:
                self.kept[wall.node.address] = Kept(moved, home, wall.sort, wall.showing)
        made: dict[str, Wall] = {}
        for address, home in self.layout.places.items():
            node = self.network.by_address[address]
            wall = Wall(node, home, self.key)
            made[wall.key] = wall
            stood, kept = before.get(wall.key), self.kept.pop(address, None)
            if stood is not None and (stood.node.mosaic, stood.node.members) == (node.mosaic, node.members):
                wall.tiles, wall.fresh, wall.first_level = stood.tiles, stood.fresh, stood.first_level
                wall.touched = stood.touched
                wall.order, wall.sort, wall.revision = stood.order, stood.sort, stood.revision + 1
            if kept is not None:
                wall.sort, wall.showing = kept.sort, kept.showing
                if kept.place is not None:
                    wall.place = kept.place if kept.home is None else kept.place.displaced(kept.home, home)
            elif self.exact:
                wall.sort = "index"
            elif stood is not None:
                wall.sort, wall.showing = stood.sort, stood.showing
                if old is not None and stood.place != old.places[address]:
                    wall.place = stood.place.displaced(old.places[address], home)
            if wall.sort == "index":
                wall.order = None
        self.exact = False
        return made

    @property
    def fitting(self) -> tuple[Intervention, ...]:
        """What is really changed, so far as that is known."""
        problems = self.intervened.problems if self.intervened is not None else ()
        if len(problems) != len(self.interventions):
            return ()
        return tuple(each for each, problem in zip(self.interventions, problems, strict=True) if not problem)

    def accept(self, result: Fed | Scores | Segmentation | Boxes) -> None:
        """Another picture is in, or what is said of it: what was said of the one before does not hold any more."""
        if isinstance(result, Fed):
            self.picture = result
            self.scores = self.segmentation = self.boxes = None
            self.asked = self.asked if self.asked is not None else result.source
            return
        self.spoken = True
        if isinstance(result, Scores):
            self.scores = result
        elif isinstance(result, Segmentation):
            self.segmentation = result
        else:
            self.boxes = result

    def restate(self, result: Restated) -> str:
        """Other weights are in it, or they do not fit; what there is to be told."""
        if not result.error:
            self.weights_hash = ""
        return self.training.accept(result)

    def refuse(self) -> None:
        """A picture could not be fed, or was given up: the one before it is still there."""
        if self.picture is not None and self.asked != self.picture.source:
            self.refused, self.asked = self.asked, self.picture.source

    def stand_at(self, x_m: float) -> bool:
        """Put the layout there; True if that is somewhere else."""
        if self.home is None or (self.layout is not None and x_m == self.x_m):
            return False
        self.x_m, self.layout = x_m, self.home.shifted(x_m)
        self.ribbons = self.layout.ribbons
        return True
