"""Renderer: the GPU twin of a World. `prepare` once per frame within an upload budget, `draw` once per eye."""

from __future__ import annotations

import math
import struct
import time

import moderngl
import numpy as np

from walkin import gl
from walkin.frame import View
from walkin.mosaic import Mosaic
from walkin.render.advice import Advice
from walkin.render.atlas import Atlas
from walkin.render.background import Background
from walkin.render.board import Board
from walkin.render.enlarged import LargeTile
from walkin.render.eye import Eye, Sight, Spheres, eyes_of
from walkin.render.grown import Grown
from walkin.render.handles import Handles
from walkin.render.hands import Hands
from walkin.render.instances import draw_all
from walkin.render.labels import Labels
from walkin.render.legend import Legend
from walkin.render.outline import Outline
from walkin.render.overlay import Overlay
from walkin.render.panels import Panels
from walkin.render.pictures import Pictures
from walkin.render.plate import Plate
from walkin.render.readings import Readings
from walkin.render.rectangles import Rectangles
from walkin.render.rehearsal import tiny_room
from walkin.render.ribbons import Ribbons
from walkin.render.rooms import DARK, LIGHT
from walkin.render.shader import FRAME, FRAME_BINDING
from walkin.render.spare import Spare
from walkin.render.surface import is_software
from walkin.render.text import Text
from walkin.render.things import Things
from walkin.render.tile_table import Shown
from walkin.render.touched import Touched
from walkin.render.vignette import Vignette
from walkin.render.walls import Walls
from walkin.state.arrangement import Look
from walkin.state.panel_state import ROUNDING_POINTS
from walkin.state.places import Place, Ribbon
from walkin.tiles import Tiles
from walkin.world import COLOR_MAPS, RANGES, World

MANY = 16  # walls that wait
WORDS_MS = 4.0  # of a frame, that labels may take while walls wait and somebody moves
BEHIND = 4.0  # what is behind the visitor counts as twice as far when walls are filled
ROOMS = {light: np.array(room, np.float32).tobytes() for light, room in ((False, DARK), (True, LIGHT))}
OF_A_VIEW = struct.Struct("=40f")  # of FRAME; the room's colours come after it


class Renderer:
    """Draws walls, panels, floor, ribbons, labels, pictures, hands and overlay; knows no target."""

    def __init__(
        self,
        ctx: moderngl.Context,
        keys: tuple[tuple[str, str], ...] = (),
        *,
        anisotropy: float = 1.0,
        limit_bytes: int | None = None,
    ):
        self.ctx = ctx
        self._anisotropy = anisotropy
        self._limit_bytes = limit_bytes
        self._software = is_software(ctx)
        self._text = Text(ctx)
        self._rectangles = Rectangles(ctx)
        self._background = Background(ctx)
        self._overlay = Overlay(self._text, self._rectangles, keys)
        self._frame = ctx.buffer(reserve=FRAME.itemsize, dynamic=True)
        self._block = bytearray(FRAME.itemsize)  # as FRAME, in one go: field by field it takes three times as long
        self._lit: bool | None = None  # which room's colours are in it
        self._walls = Walls(ctx, anisotropic=anisotropy > 1)
        self._grown = Grown(ctx, anisotropy=anisotropy)
        self._panels = Panels(ctx)
        self._ribbons = Ribbons(ctx)
        self._pictures = Pictures(ctx)
        self._labels = Labels(self._text, self._rectangles)
        self._advice = Advice(self._text, self._rectangles)
        self._things = Things(ctx, self._text, self._rectangles)
        self._readings = Readings(ctx, self._text, self._rectangles)
        self._large = LargeTile(ctx, self._walls, self._text, self._rectangles)
        self._legend = Legend(self._text, self._rectangles)
        self._handles = Handles(self._rectangles)
        self._touched = Touched(self._rectangles)
        self._plate = Plate(self._text, self._rectangles)
        self._outline = Outline(self._rectangles)
        self._hands = Hands(ctx)
        self._vignette = Vignette(ctx)
        # What is blended is made up once: one over the other, and what only the visitor sees left out for others.
        self._under = self._panels.shadows, self._readings.shadows
        self._boxes = self._panels.boxes, self._readings.frames, self._large.box
        hers = {*self._outline.layers, *self._handles.layers, *self._legend.layers}
        parts = (self._outline, self._labels, self._readings, self._touched, self._handles, self._things, self._large)
        self._over = tuple(layer for part in (*parts, self._legend) for layer in part.layers)
        self._over_for_others = tuple(layer for layer in self._over if layer not in hers)
        self._atlas: Atlas | None = None
        self._spare = Spare(ctx, limit_bytes=limit_bytes, anisotropy=anisotropy)
        self._held = 0  # bytes that the atlas takes
        self._world: object = None
        self._layout_revision = -1
        self._places_revision = -1
        self._placed: dict[str, Place] = {}
        self._fed: dict[str, object] = {}  # key of a network -> the picture that its frame shows
        self._uploads: dict[str, bool] = {}  # key of a wall -> whether its tiles are new; else it is to lie elsewhere
        self._scanned = (-1, -1)  # revisions of the world's tiles and of their room that were looked through
        self._entered: list[Shown] = []  # walls written in this frame, whose entries in the table are still to be
        self._refused: dict[str, int] = {}  # key of a wall that found no room -> revision of the room by which
        self._seen: dict[str, Tiles] = {}  # key of a wall -> what was taken over
        self._orders: dict[str, np.ndarray | None] = {}
        self._eyes: dict[int, Eye] = {}  # of the frame that is drawn, by the identity of their poses
        self._mates: object = None  # ... as its views name them
        self._sight: Sight | None = None  # what was chosen for, and holds for a while
        self._spheres: Spheres | None = None
        self._board = Board(ctx)
        self.panel_texture: moderngl.Texture | None = None
        """The panel as it was painted last; where it is seen the world says."""
        self.pixels = 0.0
        """Of the last view, per unit of length at a distance of 1."""
        self.draw_calls = 0
        """Of the last view."""
        self.uploaded_bytes = 0
        """Since the start."""
        self.uploads_waiting = 0
        """Walls, blocks and labels whose newest state is not on the GPU yet, when this was last prepared."""

    @property
    def walls_uploaded(self) -> bool:
        """Whether all tiles that came are on the GPU."""
        return self._atlas is not None and not self._uploads and not self._atlas.unmade

    @property
    def atlas_bytes(self) -> int:
        return self._held + self._grown.bytes if self._atlas is not None else 0

    @property
    def pages(self) -> int:
        """Textures that walls lie on: each is a draw call."""
        return len(self._atlas.blocks) if self._atlas is not None else 0

    def rehearse(self, view: View, look: Look) -> None:
        """Draw a thing of each kind into a view, to be overdrawn, and forget it: the driver compiles what it needs for
        this framebuffer now, rather than in the middle of the visit (0.1 s on llvmpipe)."""
        world = tiny_room(view.stage_from_eye, look, hands=not view.overlay)
        while self._world is not world or self.uploads_waiting:
            self.prepare(world, view.stage_from_eye.position)
        self.draw(world, view)
        if self._atlas is not None:
            self.ctx.enable_only(moderngl.DEPTH_TEST)
            self._walls.rehearse(self._atlas, COLOR_MAPS.index(look.color_map), RANGES.index(look.range_mode))
        self._atlas = self._world = self._sight = None
        self._fed = {}
        self.uploads_waiting = 0
        self._pictures.clear()
        self._prepare_hands(World(), view.stage_from_eye.position)

    def expect(self, texels: int) -> None:
        """Walls of so many are going to come into an empty room; 0: none after all."""
        if self._atlas is None or not texels:
            self._spare.expect(texels)

    def prepare(self, world: World, eye: np.ndarray, budget_ms: float = 4.0) -> None:
        """Bring the GPU up to the world's state; uploads end with the budget, the nearest walls go first."""
        self._mates = None
        if world.layout_revision and (self._world is not world or self._layout_revision != world.layout_revision):
            self._set_up(world)  # what takes time enough for a frame of its own comes with the next
        else:
            if self._atlas is not None and self._places_revision != world.places_revision:
                self._move(world, self._atlas)
            for exhibit in world.exhibits:
                fed = exhibit.picture
                if fed is not None and exhibit.layout is not None and self._fed.get(exhibit.key) is not fed:
                    self._fed[exhibit.key] = fed
                    self._pictures.show(exhibit.key, fed.pixels, exhibit.layout.picture)
            self._upload(world, eye, budget_ms)
        alone = bool(self._uploads) and budget_ms > WORDS_MS  # nobody moves: walls go first, words come right after
        self._labels.prepare(world, eye, None if alone else budget_ms)
        self._readings.prepare(world)
        self._prepare_hands(world, eye)
        unmade = self._atlas.unmade if self._atlas is not None else 0
        self.uploads_waiting = len(self._uploads) + unmade + self._labels.waiting + self._grown.waiting

    def _prepare_hands(self, world: World, eye: np.ndarray) -> None:
        self._things.prepare(world)
        if self._large.shown or world.enlarged is not None:
            self._large.prepare(world, self._atlas)
        self._legend.prepare(world, eye)
        self._handles.prepare(world)
        self._touched.prepare(world)
        if self._outline.shown or world.selected is not None:
            self._outline.prepare(world)
        held = self._hands.shown or world.teleport is not None
        for pointer in world.pointers.values():
            held |= pointer.world_from_grip is not None
        if held:
            self._plate.prepare(world, eye)
            self._hands.prepare(world)
        self._advice.prepare(world)

    def _set_up(self, world: World) -> None:
        mosaics = {key: wall.mosaic for key, wall in world.walls.items()}
        if self._world is not world or self._atlas is None:
            limits = {"limit_bytes": self._limit_bytes, "anisotropy": self._anisotropy}
            self._atlas = Atlas(self.ctx, **limits, spare=self._spare)
        if self._atlas.mosaics != mosaics:
            self._take_over(world, self._atlas, mosaics)
        self._held = self._atlas.bytes
        self._world, self._layout_revision = world, world.layout_revision
        self._places_revision = world.places_revision
        self._placed = {key: wall.place for key, wall in world.walls.items()}
        self._walls.set_up(world.walls, self._atlas)
        self._grown.again()
        self._panels.set_up(self._placed.values(), [e.layout for e in world.exhibits if e.layout is not None])
        self._ribbons.set_up(_all_ribbons(world))
        self._fed = {}
        self._pictures.keep(exhibit.key for exhibit in world.exhibits)

    def _take_over(self, world: World, atlas: Atlas, mosaics: dict[str, Mosaic]) -> None:
        """Other walls than before: what is on the GPU of those that stay is not written again, but for the table."""
        kept = atlas.take_over(mosaics, lambda key: world.walls[key].first_level)
        self._seen = {key: tiles for key, tiles in self._seen.items() if key in kept}
        self._uploads = {key: new for key, new in self._uploads.items() if key in kept}
        there = [(key, tiles, world.walls[key].order) for key, tiles in self._seen.items()]
        self._orders = {key: order for key, _, order in there}
        atlas.table.write_all(there)
        world.room.side = atlas.side
        self._scanned = (-1, -1)

    def _move(self, world: World, atlas: Atlas) -> None:
        """Walls that stand elsewhere now: their records, boxes and ribbons, and no texel of their tiles."""
        self._places_revision = world.places_revision
        moved: dict[int, Place] = {}
        for number, (key, wall) in enumerate(world.walls.items()):
            if wall.place is not self._placed[key]:
                moved[number] = self._placed[key] = wall.place
                self._walls.update(wall, atlas)
        self._panels.move(moved)
        self._ribbons.set_up(_all_ribbons(world))

    def _upload(self, world: World, eye: np.ndarray, budget_ms: float) -> None:
        if self._atlas is None:
            self._spare.make()
            return
        revisions = world.tiles_revision, world.room.revision
        changed, self._scanned = self._scanned != revisions, revisions
        if not (changed or self.uploads_waiting or self._grown.due(world, self._atlas)):
            return
        for address, wall in world.walls.items() if changed else ():
            if wall.tiles is not None and self._seen.get(address) is not wall.tiles:
                self._seen[address] = wall.tiles
                self._uploads[address] = True
            elif wall.first_level != self._atlas.lays[address].level and self._refused.get(address) != revisions[1]:
                self._uploads.setdefault(address, False)
            elif wall.tiles is not None and self._orders.get(address) is not wall.order:
                self._orders[address] = wall.order  # another order is another table, and no texel
                self._atlas.table.write([(address, wall.tiles, wall.order)])
        if len(self._uploads) > MANY and self._software:
            # The first write would wait for the frame that is still being drawn from the same textures, with the
            # interpreter held and the budget running: one or two walls a frame, where there is time for ten.
            gl.finish(self.ctx)
        deadline = time.perf_counter() + budget_ms / 1000
        while self._atlas.unmade:
            self._atlas.make_block()
            if time.perf_counter() >= deadline:
                return
        self._spare.expect(0)
        self._upload_tiles(world, self._atlas, eye, deadline)
        self._grown.prepare(world, self._atlas, self._walls, deadline)

    def _upload_tiles(self, world: World, atlas: Atlas, eye: np.ndarray, deadline: float) -> None:
        if not self._uploads:
            return

        waiting = _by_urgency(world, atlas, list(self._uploads), eye)
        while waiting and time.perf_counter() < deadline:
            address = waiting.pop()
            if address not in self._uploads:  # written on the way, with another
                continue
            new, wall = self._uploads.pop(address), world.walls[address]
            tried = self._refused.get(address) == world.room.revision
            moved = wall.first_level != atlas.lays[address].level and not tried
            moved = moved and atlas.relay(address, wall.first_level)
            if new or moved:
                self._write(world, atlas, address)
            if wall.first_level < atlas.lays[address].level and not tried:
                closer = atlas.make_room(address, wall.first_level)
                for key in closer:
                    self._uploads.pop(key, None)
                    self._write(world, atlas, key)
                if not closer:
                    self._refused[address] = world.room.revision
        atlas.table.write(self._entered)
        self._entered.clear()
        if not self._uploads:
            world.room.crowded = any(atlas.lays[key].level > wall.first_level for key, wall in world.walls.items())

    def _write(self, world: World, atlas: Atlas, key: str) -> None:
        """All that a wall shows, to where it lies now."""
        wall = world.walls[key]
        tiles = wall.pyramid
        if tiles is not None:
            self.uploaded_bytes += atlas.upload(key, tiles)
            self._orders[key] = wall.order
            self._entered.append((key, tiles, wall.order))
            wall.settle()
            assert wall.tiles is not None
            self._seen[key] = wall.tiles
        if not self._walls.update(wall, atlas):
            self._walls.set_up(world.walls, atlas)
            self._grown.again()

    def draw(self, world: World, view: View, pixel_scale: float = 1.0) -> None:
        """Draw one eye into its framebuffer."""
        ctx = self.ctx
        framebuffer = view.framebuffer
        framebuffer.use()
        size = framebuffer.size
        eye, number = self._eye(world, view, size)
        self._write_frame(world, eye, size)

        # Solid things, front to back where it pays; then floor and air in what is left; then all that is blended.
        visitor, atlas, draws = not view.alone, self._atlas, 0
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        ctx.depth_func = "<="
        framebuffer.depth_mask = True
        ctx.clear(depth=1.0)
        ctx.front_face = "ccw"
        if visitor and self._hands.shown:
            ctx.cull_face = "back"
            draws += self._hands.draw_controllers()
        if atlas is not None:
            choices = COLOR_MAPS.index(world.look.color_map), RANGES.index(world.look.range_mode)
            if self._large.shown:
                ctx.enable_only(moderngl.DEPTH_TEST)
                draws += self._large.draw_solid(atlas, *choices)
                ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            ctx.cull_face = "front"  # their corners go round clockwise; whose backs are seen the CPU knows but nearly
            draws += self._walls.draw(atlas, *choices, grown=self._grown)
            ctx.enable_only(moderngl.DEPTH_TEST)
            draws += self._pictures.draw() + self._readings.draw_maps()
            draws += self._things.draw_solid()
            ctx.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
            ctx.cull_face = "back"
            # Tiles and pictures lie 2 to 4 mm before their box: far away depth alone would not tell them apart.
            ctx.polygon_offset = 1.0, 4.0
            draws += draw_all(self._boxes)
            ctx.polygon_offset = 0.0, 0.0
        ctx.enable_only(moderngl.DEPTH_TEST)
        framebuffer.depth_mask = False
        draws += self._background.draw(eye)
        ctx.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        ctx.blend_func = moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA
        self._text.use()
        if atlas is not None:
            draws += draw_all(self._under)
            if world.look.ribbons:
                draws += self._ribbons.draw(number)
            draws += draw_all(self._over if visitor else self._over_for_others)
        if visitor:
            draws += self._draw_visitor_s(world, view, eye, size, pixel_scale)
        framebuffer.depth_mask = True
        self.draw_calls = draws

    def _draw_visitor_s(self, world: World, view: View, eye: Eye, size: tuple[int, int], pixel_scale: float) -> int:
        """What only she sees: advice, plate, panel, marks, flat text, the edge of her view."""
        ctx, framebuffer, draws = self.ctx, view.framebuffer, 0
        framebuffer.depth_mask = True  # a ray that goes behind the plate is not seen through it
        draws += draw_all(self._advice.layers)
        if not view.overlay:  # a window has the same in a line of its own
            draws += draw_all(self._plate.layers)
        pose, texture = world.world_from_panel, self.panel_texture
        if pose is not None and texture is not None and world.panel.where == "board":
            draws += self._board.draw_in_room(
                texture, world.panel.parts, eye.clip_from_world, pose.matrix, world.panel_pixel_m
            )
        framebuffer.depth_mask = False
        draws += self._hands.draw_marks()
        if view.overlay:
            ctx.enable_only(moderngl.BLEND)
            if texture is not None and world.panel.where == "overlay":
                draws += self._board.draw_over(texture, world.panel.parts, ROUNDING_POINTS * world.panel.scale)
            self._overlay.prepare(world, *size, pixel_scale)
            draws += draw_all(self._overlay.layers)  # beside the panel, else above it
        elif view.worn and world.vignette > 0:
            ctx.enable_only(moderngl.BLEND)
            draws += self._vignette.draw(view, world.vignette)
        return draws

    def _eye(self, world: World, view: View, size: tuple[int, int]) -> tuple[Eye, int]:
        """It, and its number among the eyes of its frame; at the first of them all eyes' walls, labels and ribbons are
        chosen, if what was chosen for an earlier frame does not hold any more."""
        if not view.mates or self._mates is not view.mates:
            self._mates, self._eyes = view.mates, eyes_of(world, view)
            self._choose(world, size)
        key = id(view.stage_from_eye)
        return self._eyes[key], list(self._eyes).index(key)

    def _choose(self, world: World, size: tuple[int, int]) -> None:
        sight, spheres = self._sight, self._around(world)
        eyes = self._eyes.values()
        stale = self._walls.stale or self._ribbons.stale or self._labels.stale(world)
        if sight is not None and not stale and sight.holds(eyes, size, spheres):
            return
        sight = self._sight = Sight(tuple(eyes), world.bounds, size, spheres)
        self._labels.select(world, sight, sight.reached(1))
        self._ribbons.choose(sight)
        self._pictures.choose(sight)
        if self._atlas is not None:
            self._walls.choose(sight)
            self._panels.choose(sight.reached(2))

    def _around(self, world: World) -> Spheres:
        """What stands in the room; put together again when some of it has changed."""
        walls, words, bodies = world.bounds, self._labels.around, self._panels.around
        whole = self._spheres
        if whole is not None:
            of_walls, of_words, of_bodies = whole.parts
            if walls is of_walls and words is of_words and bodies is of_bodies:
                return whole
        whole = self._spheres = Spheres.of((walls, words, bodies))
        return whole

    def _write_frame(self, world: World, eye: Eye, size: tuple[int, int]) -> None:
        """Fill the uniform block."""
        block, rows, light = self._block, eye.rows, world.look.light
        seconds, pixels_per_radian = math.fmod(world.time_s, 3600.0), 0.5 * size[1] * eye.zoom
        of_eye = rows[3], rows[7], rows[11], 1.0 / eye.fog_m, *size, seconds, pixels_per_radian
        OF_A_VIEW.pack_into(block, 0, *eye.numbers, *of_eye)
        if light is not self._lit:
            self._lit = light
            block[OF_A_VIEW.size :] = ROOMS[light]
        self.pixels = pixels_per_radian
        self._frame.write(block)
        self._frame.bind_to_uniform_block(FRAME_BINDING)


def _by_urgency(world: World, atlas: Atlas, keys: list[str], eye: np.ndarray) -> list[str]:
    """The most urgent last: what becomes coarser makes room for others; then the nearest, those ahead before others."""
    walls = [world.walls[key] for key in keys]
    away = np.array([wall.place.centre for wall in walls]) - eye
    ahead = -(world.world_from_stage.matrix @ world.stage_from_head.matrix)[:3, 2]
    distance2 = (away**2).sum(axis=1) * np.where(away @ ahead > 0, 1.0, BEHIND)
    finer = np.array([wall.first_level <= atlas.lays[key].level for key, wall in zip(keys, walls, strict=True)])
    return [keys[number] for number in np.lexsort((distance2, finer))[::-1]]


def _all_ribbons(world: World) -> tuple[Ribbon, ...]:
    return tuple(ribbon for exhibit in world.exhibits for ribbon in exhibit.ribbons)
