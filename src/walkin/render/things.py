"""Things: the shelf, pictures that hang in the room or are carried, and what is written beside them."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import is_
from typing import Any

import moderngl
import numpy as np

from walkin.catalogue import Thumbnail
from walkin.geometry import UP, Pose
from walkin.numerals import drawn
from walkin.render.rectangles import RECTANGLE, Rectangles, Tint, rectangle
from walkin.render.text import GLYPH, Text
from walkin.render.thumbnails import Thumbnails
from walkin.state.places import Place
from walkin.state.things import BUTTONS, COLUMNS, NOISES, PICTURE_M, Shelf
from walkin.world import World

BOARD: Tint = (0.0190, 0.0215, 0.0280, 1.0)
SLOT: Tint = (0.0105, 0.0120, 0.0165, 1.0)
PRESSED: Tint = (0.045, 0.30, 0.52, 1.0)
BUTTON: Tint = (0.036, 0.041, 0.053, 1.0)
EDGE: Tint = (0.55, 0.78, 1.00, 1.0)
NAME: Tint = (0.80, 0.84, 0.90, 1.0)
DIM: Tint = (0.36, 0.42, 0.52, 1.0)
WORDS = {"back": "previous", "forward": "next", "draw": "random", "order": "in order", "noise": "new noise"}
LAYER_M = 0.004  # from a board to what lies on it
RIM_M = 0.012
GLOW_M = 0.03  # of an input frame that is aimed at
POINTED = ("slot", "noise", "button", "thing", "carried")


class Things:
    """What lies still is made anew when one of them changes; what moves, in every frame that it moves in."""

    def __init__(self, ctx: moderngl.Context, text: Text, rectangles: Rectangles):
        self._text = text
        self._thumbnails = Thumbnails(ctx)
        self._boards = rectangles.buffer()
        self._glyphs = text.buffer()
        self.layers = (self._glyphs,)
        """What is blended."""
        self._still = Made()
        self._still_of: object = None
        self._moving_of: list[object] = []

    def prepare(self, world: World) -> None:
        """Take over what has changed."""
        pointed = _pointed(world)
        still = (world.things_revision, pointed)
        moving: list[object] = [carried.world_from_picture for carried in world.carried.values()]
        moving += [world.time_s] if world.flights else []
        same = len(moving) == len(self._moving_of) and all(map(is_, moving, self._moving_of))
        if same and still == self._still_of:
            return
        if still != self._still_of:
            self._still_of, self._still = still, Made()
            if world.shelf is not None and world.shelf.spec:
                self._shelf(world, world.shelf, pointed, self._still)
            for thing in world.things.values():
                lit = ("thing", thing.id) in pointed
                self._picture(world, thing.source, *_axes(thing.place), self._still, lit, lit)
        self._moving_of = moving
        made = Made([*self._still.boards], [*self._still.glyphs], [*self._still.quads])
        for flight in world.flights:
            pose, size = flight.at(world.time_s)
            self._picture(world, flight.source, *_held(pose, max(1e-3, size)), made, told=False)
        aimed = {carried.over for carried in world.carried.values()} - {None}
        for exhibit in world.exhibits:
            if exhibit.key in aimed and exhibit.layout is not None:
                _outline(exhibit.layout.picture, made)
        for side, carried in world.carried.items():
            lit = ("carried", side) in pointed
            place = _held(carried.world_from_picture, carried.size_m)
            self._picture(world, carried.source, *place, made, lit, told=carried.over is None, held=True)
        self._boards.write(np.concatenate([np.zeros(0, RECTANGLE), *made.boards]))
        self._glyphs.write(np.concatenate([np.zeros(0, GLYPH), *made.glyphs]))
        self._thumbnails.write(made.quads, made.held)

    def draw_solid(self) -> int:
        """Boards and pictures, which hide what is behind them."""
        return self._boards.draw() + self._thumbnails.draw()

    def _shelf(self, world: World, shelf: Shelf, pointed: set[tuple[str, object]], made: Made) -> None:
        place, board = shelf.place, shelf.board
        right, front, pitch = place.right, place.normal, place.pitch_m
        corner = np.array(place.corner)
        made.boards.append(rectangle(np.array(board.corner), right * board.width_m, UP * board.height_m, BOARD, 0.03))
        head = corner + UP * (shelf.rows * pitch + 0.055) + front * LAYER_M
        made.text(self._text, shelf.title or "pictures", head, right, UP, 0.075, NAME, face="semibold", max_width=0.9)
        end = head + right * COLUMNS * pitch
        made.text(self._text, _count(shelf), end, right, UP, 0.05, DIM, align="right", tabular=True)
        for number, source in enumerate(shelf.slots):
            cell = shelf.slot(number)
            self._slot(world, source, cell, ("slot", number) in pointed, made)
            if number < len(shelf.names):
                at = np.array(cell.corner) - UP * 0.038 + front * 0.002
                made.text(self._text, shelf.names[number], at, right, UP, 0.03, DIM, max_width=cell.width_m)
        for number, source in enumerate(shelf.noises):
            self._slot(world, source, shelf.noise(number), ("noise", number) in pointed, made)
            at = np.array(shelf.noise(number).corner) - UP * 0.038 + front * 0.002
            made.text(self._text, NOISES[number], at, right, UP, 0.03, DIM)
        for number, name in enumerate(BUTTONS):
            cell = shelf.button(number)
            at = np.array(cell.corner)
            tint = PRESSED if ("button", name) in pointed else BUTTON
            made.boards.append(rectangle(at, right * cell.width_m, UP * cell.height_m, tint, cell.height_m / 4))
            size = 0.036
            wide = self._text.font.measure(WORDS[name], size_m=size)[0]
            at = at + right * (cell.width_m - wide) / 2 + UP * (cell.height_m / 2 - 0.35 * size) + front * LAYER_M
            made.text(self._text, WORDS[name], at, right, UP, size, NAME)

    def _slot(self, world: World, source: object, cell: Place, lit: bool, made: Made) -> None:
        corner, right, up, front = _axes(cell)
        _frame(corner, right, up, EDGE if lit else SLOT, made)
        thumbnail = world.thumbnails.get(source)
        if thumbnail is not None:
            made.quads.append((source, thumbnail.pixels, corner + front * LAYER_M, right, up))

    def _picture(
        self,
        world: World,
        source: object,
        corner: np.ndarray,
        right: np.ndarray,
        up: np.ndarray,
        front: np.ndarray,
        made: Made,
        lit: bool = False,
        told: bool = True,
        held: bool = False,
    ) -> None:
        """A picture in its frame; `told`: with its caption below."""
        thumbnail = world.thumbnails.get(source)
        size = float(np.linalg.norm(right))
        if thumbnail is None:
            _frame(corner, right, up, EDGE if lit else SLOT, made)
            return
        height, width = thumbnail.pixels.shape[:2]
        across, high = width / max(width, height), height / max(width, height)
        inner = corner + right * (1 - across) / 2 + up * (1 - high) / 2
        _frame(inner, right * across, up * high, EDGE if lit else BUTTON, made)
        (made.held if held else made.quads).append((source, thumbnail.pixels, corner + front * LAYER_M, right, up))
        if told:
            scale = size / PICTURE_M
            along, upwards = right / size, up / size
            at = inner + front * LAYER_M - upwards * (0.042 * scale)
            for number, line in enumerate(_caption(thumbnail)):
                tint, face = (NAME, "semibold") if number == 0 else (DIM, "regular")
                made.text(self._text, line, at, along, upwards, 0.024 * scale, tint, face=face, max_width=0.5 * scale)
                at = at - upwards * (0.031 * scale)


@dataclass
class Made:
    """What is to be drawn."""

    boards: list[np.ndarray] = field(default_factory=list)
    glyphs: list[np.ndarray] = field(default_factory=list)
    quads: list[tuple] = field(default_factory=list)
    """As Thumbnails takes them."""
    held: list[tuple] = field(default_factory=list)

    def text(self, text: Text, *words: Any, **how: Any) -> None:
        self.glyphs.append(text.glyphs(*words, **how))


def _pointed(world: World) -> set[tuple[str, object]]:
    """What would be taken or pressed, by either hand."""
    found = set()
    for side, met in world.met.items():
        if met is not None and met.kind in POINTED:
            grip = world.gestures.grips.get(side)
            if grip is None or grip.kind in ("nothing", "click", "button"):
                found.add((met.kind, met.key))
    return found


def _outline(place: Place, made: Made) -> None:
    """A frame lights up: what is held above it would go in."""
    corner, right, up, front = _axes(place)
    along, wide = place.right * GLOW_M, right + place.right * (2 * GLOW_M)
    low = corner - along - UP * GLOW_M + front * LAYER_M
    made.boards += [
        rectangle(low, wide, UP * GLOW_M, EDGE),
        rectangle(low + up + UP * GLOW_M, wide, UP * GLOW_M, EDGE),
        rectangle(low + UP * GLOW_M, along, up, EDGE),
        rectangle(low + UP * GLOW_M + along + right, along, up, EDGE),
    ]


def _frame(corner: np.ndarray, right: np.ndarray, up: np.ndarray, tint: Tint, made: Made) -> None:
    along, upwards = (axis / max(1e-9, float(np.linalg.norm(axis))) * RIM_M for axis in (right, up))
    made.boards.append(rectangle(corner - along - upwards, right + 2 * along, up + 2 * upwards, tint, 0.006))


def _caption(thumbnail: Thumbnail) -> tuple[str, ...]:
    """Class, name, size, and what else is known."""
    caption = drawn(thumbnail.caption)
    lines = (thumbnail.label, *caption) if thumbnail.label else caption
    return lines[:4]


def _count(shelf: Shelf) -> str:
    if not shelf.count:
        return "nothing found" if shelf.complete else "looking"
    more = "" if shelf.complete else "+"
    order = "random, " if shelf.seed is not None else ""
    return f"{order}page {shelf.page + 1} of {shelf.pages:,}{more}   ·   {shelf.count:,}{more} pictures"


def _axes(place: Place) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(corner, right, up, front): edges in metres, the front a unit vector."""
    return np.array(place.corner), place.right * place.width_m, UP * place.height_m, place.normal


def _held(pose: Pose, size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    right, up, front = (pose.matrix[:3, :3] / pose.scale).T
    return pose.position - (right + up) * (size / 2), right * size, up * size, front
