"""World: all that is in the room. Plain state, owned by the render thread."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from walkin import color_maps
from walkin.frame import Pulse
from walkin.geometry import Pose
from walkin.graph import Network
from walkin.interventions import Intervention
from walkin.loop.phases import Phases
from walkin.readings import Histogram, Scores
from walkin.requests import State
from walkin.results import Fed, Progress
from walkin.state.arrangement import History, Look
from walkin.state.atlas_room import AtlasRoom
from walkin.state.banner import Banner
from walkin.state.bounds import Bounds
from walkin.state.exhibit import Exhibit
from walkin.state.exporting import Exporting
from walkin.state.findings import Findings
from walkin.state.growth import GROWING, Growth
from walkin.state.panel_state import PanelState
from walkin.state.places import Layout, Viewpoint
from walkin.state.things import Aims, Carried, Enlarged, Flight, Met, Shelf, Thing
from walkin.state.visitor import Comfort, Gestures, Hover, Pointer, Teleport
from walkin.state.wall import Wall

COLOR_MAPS = color_maps.NAMES
RANGES = ("channel", "wall", "percentile")
BETWEEN_M = 4.0  # from one network to the next
NOTICE_S = 6.0


@dataclass
class World:
    """All mutable state of the room."""

    phases: Phases = field(default_factory=Phases)
    """Where the time of the last frames went."""
    room: AtlasRoom = field(default_factory=AtlasRoom)
    """Memory for what walls show."""
    notice_s: float = NOTICE_S
    """How long a notice stays; a picture for a script is to show every one, however long the room takes to settle."""

    world_from_stage: Pose = field(default_factory=Pose)
    """Where the visitor's stage stands in the room, and its scale: locomotion moves this, never the head."""
    stage_from_head: Pose = field(default_factory=lambda: Pose.at(0.0, 1.7, 0.0))
    """As of the last frame: who moves the stage between two frames has to know it."""
    title: str = "walkin"
    exhibits: list[Exhibit] = field(default_factory=list)
    """The networks, from left to right."""
    walls: dict[str, Wall] = field(default_factory=dict)
    """Of all networks, by their keys."""
    bounds: Bounds = field(default_factory=Bounds)
    """Of the walls, as they stand."""
    here: Exhibit = field(default_factory=Exhibit)
    """The network that the visitor is at."""
    look: Look = field(default_factory=Look)
    shelf: Shelf | None = None
    things: dict[int, Thing] = field(default_factory=dict)
    """Pictures that hang in the room, by their numbers."""
    carried: dict[str, Carried] = field(default_factory=dict)
    """By the hand of Input that has it."""
    flights: list[Flight] = field(default_factory=list)
    """Pictures on their way back."""
    enlarged: Enlarged | None = None
    panel: PanelState = field(default_factory=PanelState)
    panel_on_wrist: bool = True
    """Whether the panel's board is held; else it hangs where it is."""
    world_from_panel: Pose | None = None
    """The middle of the panel's board, which faces +Z; None: on no board."""
    panel_pixel_m: float = 0.001
    panel_met: Met | None = None
    """Where the pointing hand's ray meets the panel."""
    histograms: dict[tuple[str, str], Histogram] = field(default_factory=dict)
    """By the wall's key and their kind (weights, activations)."""
    growth: Growth = field(default_factory=Growth)
    findings: Findings = field(default_factory=Findings)
    thumbnails: dict[object, Any] = field(default_factory=dict)
    """Small pictures by what they are made from."""
    aims: Aims = field(default_factory=Aims)
    """Of all that can be pointed at besides walls."""
    selected: tuple[str, int] | None = None
    """Key of the wall, and channel, that were chosen last."""
    catch_wish: bool = False
    """Whether the mouse should become the head's: targets that have one follow it."""
    copy_wish: str = ""
    """Text for the clipboard: targets that have one take it."""
    bookmarks: dict[str, Viewpoint] = field(default_factory=dict)
    """Places to come back to, by their names."""
    slices: dict[str, float] = field(default_factory=dict)
    """Share of the depth, 0 to 1, at which volumes are cut: by the wall's key, '' for all others."""
    history: History = field(default_factory=History)
    colors_before: tuple[str, str] | None = None
    """(colour map, range) of before networks were compared."""
    things_revision: int = 0
    """Grows when one of these comes, goes or moves."""
    things_collected: int = -1
    """The revision that `aims` was made of."""
    hover: Hover | None = None
    """The tile under the pointing hand's ray."""
    told: Hover | None = None
    """What words say of it: as it was a moment ago, while the ray moves over a wall."""
    rested: tuple[str, int | None] | None = None
    """Key of the wall, and channel, that the pointing hand has stayed on long enough to want to read of."""
    last_wall: str = ""
    """Key of the wall that the pointing hand's ray met last."""
    last_tile: tuple[str, int] | None = None
    """Key of the wall, and channel, of the tile that it met last."""
    met: dict[str, Met | None] = field(default_factory=dict)
    """What the ray of each hand ends on, by the hand of Input."""
    pointers: dict[str, Pointer] = field(default_factory=dict)
    """By the hand of Input: those that are tracked, and seen: a mouse is not."""
    teleport: Teleport | None = None
    pulses: list[Pulse] = field(default_factory=list)
    """To be felt; the app hands them to the target each frame."""
    comfort: Comfort = field(default_factory=Comfort)
    exporting: Exporting = field(default_factory=Exporting)
    filming: Progress | None = None
    """How far the film of a walk is; None: there is none."""
    gestures: Gestures = field(default_factory=Gestures)
    vignette: float = 0.0
    """0: the whole view; 1: narrowest."""
    advice: tuple[str, ...] = ()
    """Lines about the controls, at `world_from_advice`, until the visitor has moved."""
    world_from_advice: Pose = field(default_factory=Pose)
    banners: list[Banner] = field(default_factory=list)
    progress: Progress | None = None
    show_keys: bool = False
    goto: str | None = None
    """Address to stand before as soon as there are walls."""
    start_above: bool = False
    """Begin with the bird's eye instead of the entrance."""
    placed: bool = False
    """Whether the visitor was put at the start already."""
    pitch_wish: float | None = None
    """Where the head should look, up or down in radians: targets without a real head follow it."""
    visited: str | None = None
    """Key of the wall last gone to."""
    at_hand: tuple[str, ...] = ()
    """Files that the picture key goes through."""
    bundled_shown: int = 0
    """Which of them was fed last."""
    noise_seed: int = 0
    """Of the last noise that was asked for by name."""
    time_s: float = 0.0
    """Seconds since the start; scripted targets advance it in fixed steps."""
    revision: int = 0
    """Grows with every change that can be seen."""
    passing: int = 0
    """How often it grew though nothing is another: she stands elsewhere, or the ray went on over what it was on."""
    tiles_revision: int = 0
    """Grows when what a wall shows changes, and when walls come or go."""
    sorted_revision: int = -1
    """`tiles_revision` as it was when walls were sorted again by what they show; -1: they are to be."""
    places_revision: int = 0
    """Grows when a wall moves."""
    layout_revision: int = 0
    """Grows when walls come or go."""

    @property
    def network(self) -> Network | None:
        return self.here.network

    @property
    def layout(self) -> Layout | None:
        return self.here.layout

    @property
    def picture(self) -> Fed | None:
        return self.here.picture

    @property
    def scores(self) -> Scores | None:
        return self.here.scores

    def color_map_of(self, wall: Wall) -> str:
        """The map that a wall is drawn with: its probe's, or the room's."""
        return wall.node.color_map or self.look.color_map

    def class_of(self, key: str, channel: int) -> str:
        """Of a tile: the class that it stands for, if it is an output of a classifier whose classes have names."""
        wall = self.walls.get(key)
        exhibit = self.exhibit(wall.exhibit) if wall is not None else None
        if wall is None or exhibit is None or exhibit.network is None:
            return ""
        return exhibit.network.class_of(wall.node, channel)

    def exhibit(self, key: str = "") -> Exhibit | None:
        return next((exhibit for exhibit in self.exhibits if exhibit.key == key), None)

    def tell_growth(self) -> None:
        """The line of progress, unless it tells of something else and nothing grows."""
        if (told := self.growth.progress) is not None or (self.progress is not None and self.progress.job == GROWING):
            self.progress = told

    def keep_weights(self, network: str, why: str) -> None:
        """Other weights were asked for, and cannot be had now."""
        exhibit = self.exhibit(network)
        if exhibit is not None:
            exhibit.training.stay()
        self.notify(why, "warning")

    def begin_comparing(self, exhibit: Exhibit, state: State) -> None:
        """Walls of a network will show how another state differs: in colours about zero, the same for all channels of
        a wall, since with a range of its own for each rounding would look like a change."""
        if not any(each.against is not None for each in self.exhibits):
            self.colors_before = self.look.color_map, self.look.range_mode
            self.look = replace(self.look, color_map="signed", range_mode="wall")
        exhibit.against, exhibit.compared = state, None
        self.revision += 1

    def end_comparing(self, exhibit: Exhibit) -> None:
        """Its walls will show what it gives; after the last one that was compared, in the colours of before."""
        exhibit.against = exhibit.compared = None
        self.sorted_revision = -1
        if self.colors_before is not None and not any(each.against is not None for each in self.exhibits):
            color_map, range_mode = self.colors_before
            self.look, self.colors_before = replace(self.look, color_map=color_map, range_mode=range_mode), None
        self.revision += 1

    def touch(self, exhibit: Exhibit) -> None:
        """Walls know what is changed of them."""
        changed: dict[str, tuple[Intervention, ...]] = {}
        for each in exhibit.fitting:
            node = exhibit.network.giving(each.address) if exhibit.network is not None else None
            address = node.address if node is not None else each.address
            changed[address] = (*changed.get(address, ()), each)
        for wall in self.walls.values():
            if wall.exhibit == exhibit.key and wall.touched != changed.get(wall.node.address, ()):
                wall.touched = changed.get(wall.node.address, ())
                self.tiles_revision += 1
                self.revision += 1

    def furnish(self, network: Network, layout: Layout, key: str = "") -> None:
        """Set up the walls of a network that was just traced, in place of those that stand."""
        exhibit = self.exhibit(key)
        if exhibit is None:
            exhibit = Exhibit(key)
            self.exhibits.append(exhibit)
        if len(self.exhibits) == 1:
            self.here, self.title = exhibit, network.name
        old = exhibit.layout
        same = exhibit.furnish(network, layout)
        if not same:
            self.forget_growth(key)
        self._stand_side_by_side()
        walls: dict[str, Wall] = {}
        for each in self.exhibits:
            standing = {key: wall for key, wall in self.walls.items() if wall.exhibit == each.key}
            walls.update(each.walls(standing if same else {}, old if same else None) if each is exhibit else standing)
        self._have(walls)

    def take_out(self, key: str) -> bool:
        """Remove a network with its walls; False if it is not there, or the only one."""
        exhibit = self.exhibit(key)
        if exhibit is None or len(self.exhibits) < 2:
            return False
        self.forget_growth(key)
        self.exhibits.remove(exhibit)
        if self.here is exhibit:
            self.here = self.exhibits[0]
        self._stand_side_by_side()
        self._have({k: wall for k, wall in self.walls.items() if wall.exhibit != key})
        return True

    def forget_growth(self, exhibit: str) -> None:
        """Of a network that is another one now, or gone."""
        self.growth.forget(lambda key: self.is_of(key, exhibit))
        self.findings.forget(exhibit)

    def is_of(self, key: str, exhibit: str) -> bool:
        """Whether a wall is of a network, be it one that does not stand here now."""
        if exhibit:
            return key.startswith(f"{exhibit}:")
        return not key.startswith(tuple(f"{each.key}:" for each in self.exhibits if each.key))

    def showing(self, wall: Wall) -> str:
        """What a wall shows of channels that have a visualisation."""
        return wall.showing or self.look.showing

    def _have(self, walls: dict[str, Wall]) -> None:
        """Other walls than before; what was shown or known of those that are gone goes too."""
        self.walls = walls
        self.bounds = Bounds.of(walls)
        self.histograms = {name: each for name, each in self.histograms.items() if name[0] in walls}
        if self.enlarged is not None:
            wall = walls.get(self.enlarged.key)
            if wall is None or self.enlarged.channel >= wall.count:
                self.enlarged = None
        if self.selected is not None and self.selected[0] not in walls:
            self.selected = None
        if self.visited is not None and self.visited not in walls:
            self.visited = None
        self.met.clear()
        self.hover = self.told = self.rested = self.gestures.pointed = self.last_tile = None
        self._all_is_new()

    def _all_is_new(self) -> None:
        self.things_revision += 1
        self.layout_revision += 1
        self.places_revision += 1
        self.tiles_revision += 1
        self.revision += 1

    def _stand_side_by_side(self) -> None:
        """Give each network its place in the row; the first stands at 0, walls that were moved come along."""
        right_m: float | None = None
        for exhibit in self.exhibits:
            if exhibit.home is None:
                continue
            left, right = exhibit.home.sides
            x_m = 0.0 if right_m is None else right_m + BETWEEN_M - left
            right_m = x_m + right
            by = np.array([x_m - exhibit.x_m, 0.0, 0.0])
            old = exhibit.layout
            if exhibit.stand_at(x_m) and old is not None and exhibit.layout is not None:
                for wall in self.walls.values():
                    if wall.exhibit == exhibit.key:
                        home, new = (layout.places[wall.node.address] for layout in (old, exhibit.layout))
                        wall.place = new if wall.place == home else wall.place.shifted(by)

    def clear(self) -> None:
        """Take all networks out of the room, with what hangs there."""
        self.exhibits, self.here, self.walls, self.bounds = [], Exhibit(), {}, Bounds()
        self.things, self.carried, self.enlarged, self.selected, self.hover, self.told = {}, {}, None, None, None, None
        self.met, self.gestures.grips, self.visited, self.progress = {}, {}, None, None
        self.slices = {}
        self.colors_before = None
        self.history, self.growth, self.findings = History(), Growth(self.growth.method), Findings()
        self.banners = [banner for banner in self.banners if banner.until_s is not None]
        self.placed = False
        self._all_is_new()

    def notify(self, text: str, level: str = "info", *, lasting: bool = False, about: str = "") -> None:
        if any(banner.text == text for banner in self.banners):
            return
        until_s = None if lasting else self.time_s + self.notice_s
        if about:  # a key that is pressed again and again: the last word of it counts
            self.banners = [banner for banner in self.banners if banner.about != about]
        self.banners.append(Banner(text, level, until_s, about))
        self.revision += 1

    @property
    def news(self) -> int:
        """Grows with every change of the room, of what can be seen in it and of what is pointed at, wherever she goes:
        while it stays, what is made of these need not be looked at."""
        return self.revision - self.passing

    def pass_by(self) -> None:
        """Something else can be seen, and the room is as it was."""
        self.revision += 1
        self.passing += 1

    def tick(self, dt_s: float) -> None:
        """Let time pass: notices end."""
        self.time_s += dt_s
        if not self.banners:
            return
        remaining = [b for b in self.banners if b.until_s is None or b.until_s > self.time_s]
        if len(remaining) != len(self.banners):
            self.banners = remaining
            self.revision += 1
