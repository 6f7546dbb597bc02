"""The naive way: one texture and one draw call per map, with the room's camera and colours."""

from __future__ import annotations

import time

import moderngl
import numpy as np

from walkin.app import App
from walkin.geometry import UP, Pose, frustum_planes, spheres_in_frustum
from walkin.render.colors import lookup_table
from walkin.world import Wall, tile_fill

VERTEX = np.dtype([("place", "f4", 3), ("uv", "f4", 2), ("span", "f4", 2)])
VERTEX_SHADER = """#version 410
in vec3 place;
in vec2 uv;
in vec2 span;
uniform mat4 clip_from_world;
out vec2 at;
flat out vec2 low_span;
void main() {
    at = uv;
    low_span = span;
    gl_Position = clip_from_world * vec4(place, 1.0);
}
"""
FRAGMENT_SHADER = """#version 410
in vec2 at;
flat in vec2 low_span;
uniform sampler2D page;
uniform sampler2D colors;
out vec4 color;
void main() {
    float value = low_span.x + texture(page, at).r * low_span.y;
    float t = 0.5 + 0.5 * value / max(max(abs(low_span.x), abs(low_span.x + low_span.y)), 1e-30);
    color = vec4(texelFetch(colors, ivec2(clamp(t, 0.0, 1.0) * 511.0 + 0.5, 0), 0).rgb, 1.0);
}
"""


class Naive:
    """Only the maps: no floor, ribbons, labels or panels, in favour of this way."""

    def __init__(self, app: App):
        self._app = app
        ctx = app.target.ctx
        self._program = ctx.program(vertex_shader=VERTEX_SHADER, fragment_shader=FRAGMENT_SHADER)
        self._program["page"], self._program["colors"] = 0, 1
        table = lookup_table()
        self._colors = ctx.texture((table.shape[1], table.shape[0]), 4, table.tobytes(), dtype="f4")
        self._colors.filter = (moderngl.NEAREST, moderngl.NEAREST)
        walls = [wall for wall in app.world.walls.values() if wall.tiles is not None]
        self._maps: list[tuple[range, list[moderngl.Texture]]] = []
        vertices, first = [], 0
        for wall in walls:
            vertices.append(_vertices(wall))
            self._maps.append((range(first, first + 4 * wall.count, 4), _textures(ctx, wall)))
            first += 4 * wall.count
        self._centres = np.array([wall.place.centre for wall in walls])
        self._normals = np.array([wall.place.normal for wall in walls])
        self._radii = np.array([wall.place.radius_m for wall in walls])
        buffer = ctx.buffer(np.concatenate(vertices))
        self._array = ctx.vertex_array(self._program, [(buffer, "3f 2f 2f", *(VERTEX.names or ()))])
        self.draws = 0
        """Of the last frame."""

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
            clip = view.fov.projection(view.near_m, view.far_m) @ view.stage_from_eye.inverse_matrix
            self._program["clip_from_world"].write(clip.T.astype("f4").tobytes())
            self._colors.use(1)
            away = self._centres - view.stage_from_eye.position
            order = np.argsort((away**2).sum(axis=1))
            if culled:
                seen = spheres_in_frustum(self._centres, self._radii, frustum_planes(clip))
                seen &= (away * self._normals).sum(axis=1) < 0
                order = order[seen[order]]
            render, strip = self._array.render, moderngl.TRIANGLE_STRIP
            for wall in order:
                firsts, textures = self._maps[wall]
                self.draws += len(textures)
                for first, texture in zip(firsts, textures, strict=True):
                    texture.use(0)
                    render(strip, 4, first)
        ctx.finish()
        return 1e3 * (time.perf_counter() - began_s)


def _textures(ctx: moderngl.Context, wall: Wall) -> list[moderngl.Texture]:
    mosaic, tiles = wall.mosaic, wall.tiles
    assert tiles is not None
    made = []
    for index in range(wall.count):
        y, x = mosaic.cell(index)
        codes = tiles.levels[0][y : y + mosaic.height, x : x + mosaic.width]
        texture = ctx.texture((mosaic.width, mosaic.height), 1, codes.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        made.append(texture)
    return made


def _vertices(wall: Wall) -> np.ndarray:
    """(4 * count,) VERTEX: a strip of four for each tile."""
    place, tiles = wall.place, wall.tiles
    assert tiles is not None
    row, column = np.divmod(np.arange(wall.count), place.columns)
    width, height = tile_fill(place.fill, wall.mosaic)
    corners = np.array([(0, 0), (1, 0), (0, 1), (1, 1)], float)
    x = column[:, None] + 0.5 + (corners[:, 0] - 0.5) * width
    y = row[:, None] + 0.5 + (corners[:, 1] - 0.5) * height
    upper_left = np.array(place.corner) + UP * place.height_m
    vertices = np.zeros((wall.count, 4), VERTEX)
    vertices["place"] = upper_left + place.pitch_m * (x[..., None] * place.right - y[..., None] * UP)
    vertices["uv"] = corners
    vertices["span"] = np.stack([tiles.low, tiles.high - tiles.low], axis=1)[:, None]
    return vertices.reshape(-1)
