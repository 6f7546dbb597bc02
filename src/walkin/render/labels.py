"""Labels: all text that stands in the room: names and facts of walls here, frames and boards of networks by boards."""

from __future__ import annotations

import time
from operator import is_
from typing import NamedTuple

import numpy as np

from walkin.geometry import UP
from walkin.interventions import Intervention, channels_text
from walkin.numerals import numeral
from walkin.render.boards import MOST_CHANGES, Boards
from walkin.render.cover import Bodies
from walkin.render.instances import joined
from walkin.render.rectangles import RECTANGLE, Rectangles, rectangle
from walkin.render.sight import Sight
from walkin.render.spheres import FIXED, WORDS, Around
from walkin.render.text import GLYPH, Text
from walkin.render.tints import ACCENT, ALERT, DIM, NAME
from walkin.state.places import Place
from walkin.state.wall import Wall
from walkin.tiles import Tiles
from walkin.world import World

LEGIBLE = 90.0  # a text is drawn up to this many times its size away: seven pixels high in a 720-line window
FACT_M = 0.058  # em of what is told of a wall below its name
READABLE = 130.0  # ... which is drawn up to this many times that away: five pixels high, the low letters two or three
TOLD = 260.0  # the same of frames and boards: from further away their lines are a haze of two pixels
READ_ABOVE_M = 2.2
DOT = "  ·  "
Line = tuple[str, tuple[float, float, float, float]]
"""Words and their colour."""

MOST_TAGS = 256  # channels of a wall whose names are written on them; of the others it is read by pointing
TAG_EM = 0.1  # of a tile
SMALLEST_TAGGED_M = 0.08
TAG = (0.0072, 0.0088, 0.0122, 0.62)

FOOT_M = 0.34  # of a wall whose label has room below it


class Made(NamedTuple):
    """What the text of a wall was laid out from."""

    tiles: Tiles | None
    place: Place
    facts: list[Line]
    order: np.ndarray | None
    touched: tuple[Intervention, ...]


class Labels:
    """Text of the room on the GPU; only labels near enough to be read are kept in the buffer."""

    def __init__(self, text: Text, rectangles: Rectangles):
        self._text, self._boards = text, Boards(text)
        self._walls: dict[str, np.ndarray] = {}
        self._widths_m: dict[str, float] = {}  # of words that may take two lines
        self._names: dict[str, int] = {}  # how many letters of them, the first, are a wall's name
        self._tags: dict[str, np.ndarray] = {}  # behind the names of channels, of walls whose channels have some
        self._reach2 = np.zeros(0)  # of each wall, metres squared: from how far its text can be read
        self._spheres = np.zeros((0, 4))
        self.around = Around()
        """Spheres around the text of each wall, which is often far wider than it."""
        self._scanned = (-1, -1)  # revisions of tiles and places of the world that were looked through for changes
        self._fixed = np.zeros(0, GLYPH)  # text of pictures and boards
        self._fixed_bars = np.zeros(0, RECTANGLE)
        self.around_fixed = Around()
        """Spheres around each letter of these, and then around each bar."""
        self._fixed_reach2 = np.zeros(0)  # (letters + bars,), metres squared: from how far each is drawn
        self._made: dict[str, Made] = {}  # by key of a wall
        self._stale = np.zeros(0, int)  # walls, by their number, whose text is to be laid out
        self._told: list[object] = []  # what the text of pictures and boards was made from
        self._shown: list[tuple[int, bool]] = []  # walls by their number, and whether with all of their words
        self._fixed_shown = b""  # which of the fixed ones, a byte each
        self._glyphs = text.buffer()
        self._bars = rectangles.buffer()
        self._plates = rectangles.buffer()
        self.layers = self._bars, self._plates, self._glyphs
        """One over the other."""
        self._changed = True
        self._wanted = True
        self._world: object = None
        self._layout_revision = -1
        self.waiting = 0
        """Walls whose text is still to be laid out, and could be read from where the visitor is."""

    def prepare(self, world: World, eye: np.ndarray, budget_ms: float | None) -> None:
        """Lay out the text of what has changed, as much as the budget allows: what can be read from here first, and
        nothing else while tiles come, as it holds up the worker that sends them (a millisecond a wall). None:
        nothing, for now."""
        if self._world is not world or self._layout_revision != world.layout_revision:
            self._world, self._layout_revision = world, world.layout_revision
            self._walls.clear()
            self._names.clear()
            self._tags.clear()
            self._made.clear()
            self._spheres = np.zeros((len(world.walls), 4))
            self.around = Around(self._spheres[:, :3], self._spheres[:, 3])
            self._scanned = (-1, -1)
        scanned = world.tiles_revision, world.places_revision
        news = self._scanned != scanned
        if news:
            self._scanned = scanned
            self._reach2 = (LEGIBLE * _name_size(world.bounds.extents[:, 0]) + world.bounds.radii) ** 2
            self._stale = np.array([n for n, wall in enumerate(world.walls.values()) if self._is_stale(wall)], int)
        if len(self._stale):
            self._lay_out(world, eye, budget_ms, all_of_it=not news)
        told: list[object] = [
            x
            for each in world.exhibits
            for x in (
                *(each.layout, each.picture, each.scores, each.segmentation, each.boxes),
                *(each.live, each.training.words, each.intervened, each.compared),
            )
        ]
        if len(told) != len(self._told) or not all(map(is_, told, self._told)):
            self._told = told
            found = [self._boards.laid_out(each, len(world.exhibits) > 1) for each in world.exhibits]
            self._fixed = np.concatenate([np.zeros(0, GLYPH), *(glyphs for glyphs, _ in found)])
            self._fixed_bars = np.concatenate([np.zeros(0, RECTANGLE), *(bars for _, bars in found)])
            self.around_fixed = _around(self._fixed, self._fixed_bars)
            reach2 = (TOLD * self._text.ems_m(self._fixed)) ** 2
            self._fixed_reach2 = np.concatenate([reach2, np.full(len(self._fixed_bars), np.inf)])
            self._changed = True

    @property
    def goes_on(self) -> bool:
        """Whether there is text that is still to be laid out, now or some time."""
        return len(self._stale) > 0

    def _is_stale(self, wall: Wall) -> bool:
        """Whether its text is another than the one that was laid out."""
        made = self._made.get(wall.key)
        if made is None or made.place is not wall.place:
            return True
        if wall.node.labels and made.order is not wall.order:
            return True
        if made.tiles is wall.tiles and made.touched == wall.touched:
            return False
        if made.facts != _facts(wall):
            return True
        self._made[wall.key] = made._replace(
            tiles=wall.tiles, touched=wall.touched
        )  # the same as before, but for how fine they are here
        return False

    def _lay_out(self, world: World, eye: np.ndarray, budget_ms: float | None, *, all_of_it: bool) -> None:
        bounds = world.bounds
        distance2 = ((bounds.centres[self._stale] - eye) ** 2).sum(axis=1)
        far = distance2 >= self._reach2[self._stale]
        self._stale = self._stale[np.lexsort((distance2, far))]
        legible = len(far) - int(far.sum())
        if budget_ms is None:
            self.waiting = legible
            return
        deadline, done = time.perf_counter() + budget_ms / 1000, 0
        for number in self._stale[: None if all_of_it else legible].tolist():
            if done and time.perf_counter() >= deadline:  # one at least, or a slow machine would never end
                break
            wall = world.walls[bounds.addresses[number]]
            self._made[wall.key] = Made(wall.tiles, wall.place, _facts(wall), wall.order, wall.touched)
            names, facts = self._wall(wall)
            if wall.node.labels:
                tags, self._tags[wall.key] = self._channels(wall)
                facts.append(tags)
            glyphs = np.concatenate([*names, *facts])
            self._walls[wall.key], self._names[wall.key] = glyphs, sum(len(name) for name in names)
            self._spheres[number] = _sphere(glyphs)
            done += 1
        if done:
            self._changed = True
            self.around = Around(self._spheres[:, :3], self._spheres[:, 3])
        self._stale = self._stale[done:]
        self.waiting = max(0, legible - done)

    def stale(self, world: World) -> bool:
        """Whether there is something else to be selected from than there was."""
        return self._changed or world.look.labels != self._wanted

    def choose(self, world: World, sight: Sight) -> None:
        """Write the text that is in view of any eye of the frame and can be read from there."""
        near: list[tuple[int, bool]] = []
        self._wanted, bounds = world.look.labels, world.bounds
        if self._wanted and world.walls and world is self._world:  # right after the rehearsal they are of its room
            walls = (sight.reached(WORDS) & (sight.distance2 < self._reach2)).nonzero()[0]
            spheres = self._spheres.take(walls, axis=0)
            if sight.cover.stands:
                words = Bodies.of_words(bounds, walls, spheres[:, :3], spheres[:, 3])
                clear = (~sight.shown_with(words)[1]).nonzero()[0]
                walls, spheres = walls.take(clear), spheres.take(clear, axis=0)
            away = spheres[:, :3] - sight.eyes[0].position
            distance = np.sqrt(np.einsum("ij,ij->i", away, away))
            facts = distance - spheres[:, 3] < READABLE * FACT_M
            order = np.argsort(-distance, kind="stable")  # the nearer is drawn over the farther
            near = list(zip(walls[order].tolist(), facts[order].tolist(), strict=True))
        away = self.around_fixed.centres - sight.eyes[0].position
        fixed = sight.reached(FIXED) & (np.einsum("ij,ij->i", away, away) < self._fixed_reach2)
        fixed_shown = fixed.tobytes()
        if self._changed or near != self._shown or fixed_shown != self._fixed_shown:
            self._shown, self._changed, self._fixed_shown = near, False, fixed_shown
            letters = len(self._fixed)
            self._bars.write(self._fixed_bars[fixed[letters:]])
            chosen, tags = [self._fixed[fixed[:letters]]], []
            for number, read in near:
                address = bounds.addresses[number]
                if address in self._walls:
                    chosen.append(self._walls[address][: None if read else self._names[address]])
                    if read and address in self._tags:
                        tags.append(self._tags[address])
            self._glyphs.write(joined(chosen, GLYPH))
            self._plates.write(joined(tags, RECTANGLE))

    def _channels(self, wall: Wall) -> tuple[np.ndarray, np.ndarray]:
        """Names that a probe gave the channels, each at the foot of its tile, and what is behind them."""
        glyphs, plates, front = [np.zeros(0, GLYPH)], [np.zeros(0, RECTANGLE)], wall.place.normal * 0.005
        for channel, label in enumerate(wall.node.labels[:MOST_TAGS]):
            square = wall.square_of(channel)
            if not label or square is None or square.pitch_m < SMALLEST_TAGGED_M:
                continue
            em = TAG_EM * square.pitch_m
            corner, right = np.array(square.corner), square.right
            width = square.pitch_m * square.fill
            at = corner + right * (0.4 * em) + UP * (0.35 * em) + front
            glyphs.append(self._text.glyphs(label, at, right, UP, em, NAME, max_width=width - 0.8 * em))
            plates.append(rectangle(corner + front * 0.8, right * width, UP * (1.3 * em), TAG, 0.0))
        return np.concatenate(glyphs), np.concatenate(plates)

    def _wall(self, wall: Wall) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Its name, and what is told of it in smaller letters."""
        place = wall.place
        right, front = place.right, place.normal * 0.004
        corner = np.array(place.corner)
        name_size = float(_name_size(np.array([place.width_m]))[0])
        top = corner + UP * (place.height_m + 0.05 + 0.35 * name_size) + front
        name, heading = wall.node.name, wall.node.heading
        facts: list[np.ndarray] = []
        names = [
            self._text.glyphs(name, top, right, UP, name_size, NAME, face="semibold", max_width=place.width_m + 1.2)
        ]
        if heading:
            over = top + UP * (1.35 * name_size)
            wide = place.width_m + 1.2
            names.append(self._text.glyphs(heading, over, right, UP, 1.2 * name_size, ACCENT, max_width=wide))
        width = max(place.width_m, 0.6)
        at = corner - UP * 0.155 + front
        if place.corner[1] < FOOT_M:  # pushed into the floor: what stands at its foot is above it now
            lines = self._fitted(_facts(wall), width)
            at = top + UP * (name_size + 0.05 + 0.075 * (len(lines) - 1))
            for line, tint in lines:
                facts.append(self._text.glyphs(line, at, right, UP, FACT_M, tint, max_width=width))
                at = at - UP * 0.075
            return names, facts
        if place.corner[1] + place.height_m > READ_ABOVE_M:  # the name above it is too high to be read from near by
            below = self._text.glyphs(name, at, right, UP, 0.085, NAME, face="semibold", max_width=width)
            names.append(below)
            at = at - UP * 0.085
        for line, tint in self._fitted(_facts(wall), width):
            facts.append(self._text.glyphs(line, at, right, UP, FACT_M, tint, max_width=width))
            at = at - UP * 0.075
        return names, facts

    def _fitted(self, lines: list[Line], width_m: float) -> list[Line]:
        """What is too long for a small wall takes two lines, or the end of its shape would be cut off."""
        fitted: list[Line] = []
        for text, tint in lines:
            first, dot, second = text.partition(DOT)
            if dot and text not in self._widths_m:  # of which a wall has the same all along
                self._widths_m[text] = self._text.font.measure(text, size_m=FACT_M)[0]
            if dot and self._widths_m[text] > width_m:
                fitted += [(first, tint), (second, tint)]
            else:
                fitted.append((text, tint))
        return fitted


def _around(*kinds: np.ndarray) -> Around:
    """A sphere around each of some glyphs or rectangles."""
    corners = np.concatenate([records["corner"] for records in kinds])
    diagonals = np.concatenate([records["right"].astype(float) + records["up"] for records in kinds])
    return Around(corners + diagonals / 2, np.sqrt(np.einsum("ij,ij->i", diagonals, diagonals)) / 2)


def _sphere(glyphs: np.ndarray) -> np.ndarray:
    """(4,): centre and radius, metres, of the sphere around the box that holds some glyphs."""
    if not len(glyphs):
        return np.zeros(4)
    corners, far = glyphs["corner"].astype(float), glyphs["right"].astype(float) + glyphs["up"]
    ends = np.concatenate([corners, corners + far])
    low, high = ends.min(axis=0), ends.max(axis=0)
    return np.append((low + high) / 2, np.linalg.norm(high - low) / 2)


def _name_size(widths: np.ndarray) -> np.ndarray:
    """Em of the name above a wall: larger above larger walls, so that it is read from where they are seen whole."""
    return np.clip(0.05 * widths, 0.10, 0.18)


def _facts(wall: Wall) -> list[Line]:
    node = wall.node
    shape = " × ".join(str(extent) for extent in node.shape[1:]) or "scalar"
    what = node.module_class or node.kind
    lines = [(f"{what}{DOT}{shape}", DIM)]
    if node.title:
        lines.insert(0, (f"{node.address}{DOT}{node.group}" if node.group else node.address, DIM))
    if wall.tiles is not None and node.depth > 1:
        lines.append((f"slice {wall.tiles.slice + 1} of {node.depth}", DIM))
    if wall.tiles is not None:
        ends = " … ".join(map(numeral, wall.tiles.wall_range))
        lines.append((f"A − B  {ends}" if wall.tiles.difference else ends, DIM))
        if wall.flawed:
            lines.append((f"{wall.flawed} values not finite", ALERT))
    for each in wall.touched[:MOST_CHANGES]:
        name = f"{channels_text(each.channels)}  " if each.channels else ""
        lines.append((f"{name}{each.words}", ACCENT))
    if len(wall.touched) > MOST_CHANGES:
        lines.append((f"and {len(wall.touched) - MOST_CHANGES} more changes", ACCENT))
    return lines
