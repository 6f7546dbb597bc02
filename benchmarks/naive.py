"""The naive way: one texture and one draw call per map, with the room's camera and shader."""

from __future__ import annotations

import time

import moderngl
import numpy as np

from walkin.app import App
from walkin.geometry import UP, Pose, frustum_planes, spheres_in_frustum
from walkin.render.colors import lookup_table
from walkin.render.eye import Eye
from walkin.render.shader import program
from walkin.render.tile_table import TABLE_WIDTH
from walkin.render.walls import WALL, content_of
from walkin.state.wall import Wall, tile_fill


class Naive:
    """Only the maps: no floor, ribbons, labels or panels, in favour of this way.

    Every map is a wall of its own to the room's own shader: one tile, one page, its colour range for the wall's.
    """

    def __init__(self, app: App):
        self._app = app
        ctx = app.target.ctx
        colors = lookup_table()
        self._program = program(ctx, "walls", MAP=0, MAPS=colors.shape[0], RANGE=1, SIGNED=1)
        self._program["page"], self._program["table"], self._program["colors"] = 0, 1, 2
        self._colors = ctx.texture((colors.shape[1], colors.shape[0]), 4, colors.tobytes(), dtype="f4")
        self._colors.filter = (moderngl.NEAREST, moderngl.NEAREST)
        walls = [wall for wall in app.world.walls.values() if wall.tiles is not None]
        self._table = _table(ctx, walls)
        self._maps: list[list[tuple[moderngl.TextureArray, moderngl.VertexArray]]] = []
        first = 0
        for wall in walls:
            arrays = [self._array(ctx, record) for record in _records(wall, first)]
            self._maps.append(list(zip(_textures(ctx, wall), arrays, strict=True)))
            first += wall.count
        self._centres = np.array([wall.place.centre for wall in walls])
        self._normals = np.array([wall.place.normal for wall in walls])
        self._radii = np.array([wall.place.radius_m for wall in walls])
        self.draws = 0
        """Of the last frame."""

    def _array(self, ctx: moderngl.Context, record: np.ndarray) -> moderngl.VertexArray:
        return ctx.vertex_array(self._program, [content_of(ctx.buffer(record.tobytes()), self._program)])

    def frame(self, head: Pose, *, culled: bool) -> float:
        """Milliseconds of one frame, ctx.finish() included."""
        target = self._app.target
        ctx = target.ctx
        began_s = time.perf_counter()
        self.draws = 0
        for view in target.draw_views(head):
            view.framebuffer.use()
            ctx.enable_only(moderngl.DEPTH_TEST)
            ctx.clear(depth=1.0)
            eye = Eye.of(self._app.world, view.stage_from_eye, view.fov, view.near_m, view.far_m)
            self._app.renderer._write_frame(self._app.world, eye, view.framebuffer.size)
            self._table.use(1)
            self._colors.use(2)
            away = self._centres - eye.position
            order = np.argsort((away**2).sum(axis=1))
            if culled:
                seen = spheres_in_frustum(self._centres, self._radii, frustum_planes(eye.clip_from_world))
                seen &= (away * self._normals).sum(axis=1) < 0
                order = order[seen[order]]
            strip = moderngl.TRIANGLE_STRIP
            for wall in order:
                maps = self._maps[wall]
                self.draws += len(maps)
                for texture, array in maps:
                    texture.use(0)
                    array.render(strip, 4, instances=1)
        ctx.finish()
        return 1e3 * (time.perf_counter() - began_s)


def _textures(ctx: moderngl.Context, wall: Wall) -> list[moderngl.TextureArray]:
    """One a map, of one layer each, as the shader has it."""
    mosaic, tiles = wall.mosaic, wall.tiles
    assert tiles is not None
    made = []
    for index in range(wall.count):
        y, x = mosaic.cell(index)
        codes = tiles.levels[0][y : y + mosaic.height, x : x + mosaic.width]
        texture = ctx.texture_array((mosaic.width, mosaic.height, 1), 1, codes.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        made.append(texture)
    return made


def _table(ctx: moderngl.Context, walls: list[Wall]) -> moderngl.Texture:
    """The tile table: every map is the first tile of its own page."""
    count = sum(wall.count for wall in walls)
    rows = -(-count // TABLE_WIDTH)
    entries = np.zeros((rows * TABLE_WIDTH, 4), np.float32)
    first = 0
    for wall in walls:
        tiles = wall.tiles
        assert tiles is not None
        entries[first : first + wall.count, 1] = tiles.low
        entries[first : first + wall.count, 2] = tiles.high - tiles.low
        entries[first : first + wall.count, 3] = 0.5
        first += wall.count
    table = ctx.texture((TABLE_WIDTH, rows), 4, entries.tobytes(), dtype="f4")
    table.filter = (moderngl.NEAREST, moderngl.NEAREST)
    return table


def _records(wall: Wall, first_entry: int) -> np.ndarray:
    """(count,) WALL: for each tile a wall with one column and one row."""
    place, mosaic, tiles = wall.place, wall.mosaic, wall.tiles
    assert tiles is not None
    number = np.arange(wall.count)
    row, column = np.divmod(number, place.columns)
    upper_left = np.array(place.corner) + UP * place.height_m
    records = np.zeros(wall.count, WALL)
    records["corner_table"][:, :3] = upper_left + place.pitch_m * (column[:, None] * place.right - row[:, None] * UP)
    records["corner_table"][:, 3] = first_entry + number
    records["right_columns"] = (*(place.right * place.pitch_m), 1)
    records["down_count"] = (*(-UP * place.pitch_m), 1)
    records["fill_rows"] = (*tile_fill(place.fill, mosaic), 1, mosaic.levels - 1)
    records["texels"] = (mosaic.width, mosaic.height, mosaic.width, mosaic.height)
    records["origin_cells"] = (0, 0, 1, 0)
    records["ranges"][:, 0], records["ranges"][:, 1] = tiles.low, tiles.high
    records["slots_margin"] = (1, 0, 1, 0)
    records["shown"] = (0, 1)
    return records
