"""Tiles on walls, pixel by pixel: order, orientation, colour, range, flaws, mip levels, bands, and what is not drawn.

The eye stands so that the wall's grid fills the view and every tile gets the same whole number of pixels, so what a
pixel must be can be said exactly. All pictures are asymmetric: a mirrored or upturned one is another one.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, color, facing, furnished, maps, tiles_of, tiles_of_codes

from walkin.accepting import accept
from walkin.frame import View
from walkin.geometry import Fov, Pose, frustum_planes, spheres_in_frustum
from walkin.render import atlas as atlas_module
from walkin.render.renderer import Renderer
from walkin.render.surface import Surface
from walkin.state.places import Place

NEAR = 3  # codes: what the air takes at two metres
MAGENTA = np.array([237, 0, 205])


def place(columns: int, rows: int, *, fill: float = 1.0, yaw: float = 0.0) -> Place:
    return Place((-0.3, 0.5, -3.0), yaw, columns, rows, 0.25, fill)


def two_tone(number: int, of: int, height: int = 4, width: int = 4) -> np.ndarray:
    """Positive in the upper left quarter, negative in the lower left one, zero at the right; fainter by number."""
    value = np.zeros((height, width), np.float32)
    value[: height // 2, : width // 2] = (number + 1) / of
    value[height // 2 :, : width // 2] = -(number + 1) / of
    return value


def shown(ctx, world, where: Place, pixels_per_tile: int) -> np.ndarray:
    size = where.columns * pixels_per_tile, where.rows * pixels_per_tile
    return draw(renderer_of(ctx, world), world, *facing(where), size).astype(int)


def assert_color(pixel: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(pixel - expected).max() <= NEAR, f"{pixel} instead of {expected}"


@pytest.mark.parametrize("yaw", [0.0, 0.7, -0.7])
def test_order_and_orientation(ctx, yaw: float):
    node = maps("a", 5, 4, 4)
    values = np.stack([two_tone(k, 5) for k in range(5)])
    where = place(3, 2, yaw=yaw)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    world.look = replace(world.look, range_mode="wall")
    picture = shown(ctx, world, where, 32)
    for k in range(5):
        row, column = divmod(k, 3)
        tile = picture[row * 32 : row * 32 + 32, column * 32 : column * 32 + 32]
        assert_color(tile[8, 8], color((k + 1) / 5, -1, 1))
        assert_color(tile[24, 8], color(-(k + 1) / 5, -1, 1))
        assert_color(tile[8, 24], color(0, -1, 1))
        assert_color(tile[24, 24], color(0, -1, 1))
    # One tile fewer than places: panel.
    assert picture[40:60, 70:90].max() < 60
    assert len(np.unique(picture[40:60, 70:90].reshape(-1, 3), axis=0)) == 1


def test_each_tile_has_its_entry_of_a_long_table(ctx):
    """Of the second of two walls, with more tiles than the table is wide: by pictures, by vectors and from afar."""
    first = maps("b", 300, 1, 1)
    for side, pixels in ((4, 8), (1, 8), (4, 2)):
        node = maps("a", 600, side, side)
        values = np.arange(600).reshape(600, 1, 1) / 599 * np.ones((1, side, side))
        here = place(30, 20)
        elsewhere = replace(place(30, 10), corner=(0.0, 0.0, 60.0))
        tiles = [tiles_of(first, np.zeros((300, 1, 1))), tiles_of(node, values)]
        world = furnished(chain(first, node), {"b": elsewhere, "a": here}, tiles)
        world.look = replace(world.look, range_mode="wall")
        picture = shown(ctx, world, here, pixels)
        for k in (0, 1, 29, 30, 255, 256, 257, 511, 512, 599):
            row, column = divmod(k, 30)
            half = pixels // 2
            assert_color(picture[row * pixels + half, column * pixels + half], color(k / 599, -1, 1))


def test_sorted_tiles(ctx):
    node = maps("a", 4, 4, 4)
    values = np.stack([two_tone(k, 4) for k in range(4)])
    where = place(2, 2)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    world.look = replace(world.look, range_mode="wall")
    world.walls["a"].order = np.array([2, 0, 3, 1])
    picture = shown(ctx, world, where, 32)
    for position, k in enumerate([2, 0, 3, 1]):
        row, column = divmod(position, 2)
        assert_color(picture[row * 32 + 8, column * 32 + 8], color((k + 1) / 4, -1, 1))


def test_pictures_keep_their_shape(ctx):
    node = maps("a", 1, 4, 8)
    where = place(1, 1)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, two_tone(0, 1, 4, 8)[None])])
    picture = shown(ctx, world, where, 64)
    assert_color(picture[24, 16], color(1, -1, 1))
    assert_color(picture[40, 16], color(-1, -1, 1))
    assert_color(picture[24, 48], color(0, -1, 1))
    assert picture[:15].max() < 60
    assert picture[49:].max() < 60


def test_gap_between_tiles(ctx):
    node = maps("a", 4, 4, 4)
    where = place(2, 2, fill=0.75)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1)])
    bright = shown(ctx, world, where, 32)[..., 0] > 200
    inside = np.zeros(32, bool)
    inside[4:28] = True
    expected = np.tile(np.outer(inside, inside), (2, 2))
    assert (bright == expected).all()


def test_colors_by_sign(ctx):
    node = maps("a", 5, 2, 2)
    values = np.stack([np.full((2, 2), v, np.float32) for v in (0.6, -0.6, 0.0, 1.0, -1.0)])
    where = place(5, 1)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    warm, cold, zero, *_ = shown(ctx, world, where, 16)[8, 8::16]
    assert warm[0] > warm[2] + 60
    assert cold[2] > cold[0] + 60
    assert zero.max() < 25  # black, but for the air


@pytest.mark.parametrize("name", ["signed", "unsigned", "grey"])
def test_color_maps(ctx, name: str):
    node = maps("a", 1, 1, 8)
    values = np.linspace(-1.0, 3.0, 8, dtype=np.float32).reshape(1, 1, 8)
    where = place(1, 1)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    world.look = replace(world.look, color_map=name)
    picture = shown(ctx, world, where, 56)  # odd pixels a texel: the middle one shows nothing of its neighbours
    for x in range(8):
        value, step = float(values[0, 0, x]), 4 / 255
        around = np.array([color(value + d, -1, 3, name) for d in np.linspace(-step, step, 9)])
        pixel = picture[28, x * 7 + 3]
        assert (pixel >= around.min(axis=0) - NEAR).all(), f"{pixel} for {value}: {around}"
        assert (pixel <= around.max(axis=0) + NEAR).all(), f"{pixel} for {value}: {around}"


@pytest.mark.parametrize(("of_room", "own"), [("signed", "grey"), ("grey", "signed"), ("unsigned", "signed")])
@pytest.mark.parametrize("mode", ["wall", "channel", "percentile"])
def test_a_wall_has_the_colours_that_its_probe_wants(ctx, of_room: str, own: str, mode: str):
    """Whatever the room's are, which its neighbour has all the same."""
    values = np.stack([two_tone(0, 1) * 2 + 0.5])
    pictures = []
    for wanted in ("", own):
        node = replace(maps("a", 1, 4, 4), color_map=wanted)
        beside = maps("b", 1, 4, 4)
        where, right = place(1, 1), Place((-0.05, 0.5, -3.0), 0.0, 1, 1, 0.25, 1.0)
        both = [tiles_of(node, values), tiles_of(beside, values)]
        world = furnished(chain(node, beside), {"a": where, "b": right}, both)
        world.look = replace(world.look, range_mode=mode, color_map=of_room)
        pictures.append((shown(ctx, world, where, 32), shown(ctx, world, right, 32)))
        if not wanted:
            world.look = replace(world.look, color_map=own)
            expected = shown(ctx, world, where, 32)
    (_, neighbour_before), (found, neighbour) = pictures
    assert np.abs(found - expected).max() <= 1 and np.abs(found - pictures[0][0]).max() > 20
    assert np.abs(neighbour - neighbour_before).max() <= 1


def test_range_per_channel_wall_and_percentile(ctx):
    node = maps("a", 2, 4, 4)
    values = np.stack([two_tone(0, 1), 0.1 * two_tone(0, 1)])
    where = place(2, 1)
    tiles = tiles_of(node, values)
    object.__setattr__(tiles, "percentile_range", (-0.5, 0.2))
    world = furnished(chain(node), {"a": where}, [tiles])
    renderer = renderer_of(ctx, world)
    pixel = {}
    for range_mode in ("channel", "wall", "percentile"):
        world.look = replace(world.look, range_mode=range_mode)
        picture = draw(renderer, world, *facing(where), (128, 64)).astype(int)
        pixel[range_mode] = picture[16, 16], picture[16, 80]
    assert_color(pixel["channel"][0], color(1, -1, 1))
    assert_color(pixel["channel"][1], color(0.1, -0.1, 0.1))
    assert_color(pixel["wall"][0], color(1, -1, 1))
    assert_color(pixel["wall"][1], color(0.1, -1, 1))
    assert_color(pixel["percentile"][0], color(0.5, -0.5, 0.5))
    assert_color(pixel["percentile"][1], color(0.1, -0.5, 0.5))


def test_constant_channel_takes_the_walls_range(ctx):
    node = maps("a", 2, 4, 4)
    values = np.stack([two_tone(0, 1), np.full((4, 4), 0.5, np.float32)])
    where = place(2, 1)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    assert_color(shown(ctx, world, where, 64)[32, 96], color(0.5, -1, 1))


def test_what_is_not_finite_is_magenta(ctx):
    node = maps("a", 2, 4, 4)
    codes = np.full((2, 4, 4), 200)
    codes[0, 1, 2] = 0  # flawed
    codes[1, 1, 2] = 0  # the smallest value of a sound channel: no flaw
    where = place(2, 1)
    tiles = tiles_of_codes(node, codes, 0.0, 1.0, flawed=np.array([1, 0]))
    world = furnished(chain(node), {"a": where}, [tiles])
    picture = shown(ctx, world, where, 64)
    is_magenta = np.abs(picture - MAGENTA).max(axis=2) <= 4
    expected = np.zeros((64, 128), bool)
    expected[16:32, 32:48] = True
    assert (is_magenta == expected).all()
    assert_color(picture[8, 8], color(200 / 255, 0, 1))


@pytest.mark.parametrize("pixels", [62, 31, 16, 8, 4, 2, 1])
def test_nothing_bleeds_into_a_tile(ctx, pixels: int):
    """Tiles of one colour each, bright and dark by turns, from near to far: every pixel belongs to one tile whole."""
    node = maps("a", 13, 31, 31)  # cells of 32, so padded; 13 of 16 cells used, so unused ones lie beside
    assert node.mosaic.levels > 3
    codes = np.zeros((13, 31, 31), int)
    codes[::2] = 255
    where = place(4, 4)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, codes, -1.0, 1.0)])
    picture = shown(ctx, world, where, pixels)
    for k in range(13):
        row, column = divmod(k, 4)
        tile = picture[row * pixels : (row + 1) * pixels, column * pixels : (column + 1) * pixels].reshape(-1, 3)
        expected = color(1.0 if k % 2 == 0 else -1.0, -1, 1)
        assert np.abs(tile - expected).max() <= NEAR, f"tile {k}: {np.unique(tile, axis=0)}"


@pytest.mark.parametrize("pixels", [32, 16, 8, 4])
def test_far_tiles_are_means_of_near_ones(ctx, pixels: int):
    """A pixel that covers 2^n x 2^n texels shows their mean."""
    node = maps("a", 6, 32, 32)
    assert node.mosaic.cell(1) == (0, 32)
    codes = np.random.default_rng(4).integers(0, 256, (6, 32, 32))
    where = place(3, 2)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, codes, 0.0, 1.0)])
    world.look = replace(world.look, color_map="grey")
    picture = shown(ctx, world, where, pixels)[..., 0]
    share = 32 // pixels
    for k in range(6):
        row, column = divmod(k, 3)
        means = codes[k].reshape(pixels, share, pixels, share).mean(axis=(1, 3))
        tile = picture[row * pixels : (row + 1) * pixels, column * pixels : (column + 1) * pixels]
        # Grey is linear in sRGB, so codes can be compared; rounding once a level, and air. A tile's outermost pixels
        # keep away from its edge, so as to mix with no neighbour, and are not quite the mean.
        inner = slice(1, -1) if pixels > 4 else slice(None)
        assert np.abs(tile - means)[inner, inner].max() <= NEAR + 2


def test_a_wall_is_not_seen_from_behind(ctx):
    node = maps("a", 4, 4, 4)
    where = place(2, 2, yaw=0.3)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    counts = spy(renderer)
    eye, fov = facing(where)
    assert draw(renderer, world, eye, fov, (64, 64)).max() > 200
    behind = Pose(where.centre - where.normal * 2, Pose.at(0, 0, 0, yaw=0.3 + np.pi).orientation)
    assert draw(renderer, world, behind, fov, (64, 64)).max() < 60
    assert counts == [1, 0]


def test_walls_outside_the_view_are_not_drawn(ctx):
    node = maps("a", 4, 4, 4)
    where = place(2, 2)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    counts = spy(renderer)
    eye, _ = facing(where)
    narrow = Fov(-0.3, 0.3, 0.3, -0.3)
    for yaw in (0.0, 1.5, -1.5, 0.4):
        draw(renderer, world, Pose(eye.position, Pose.at(0, 0, 0, yaw=yaw).orientation), narrow, (64, 64))
    assert counts == [1, 0, 0, 1]


FOV = Fov(-0.5, 0.5, 0.5, -0.5)


def test_no_wall_in_view_is_left_out(ctx):
    """Culling by spheres never drops a wall of which a corner is in the frustum."""
    random = np.random.default_rng(3)
    fov = Fov(-0.6, 0.4, 0.5, -0.3)
    for _ in range(300):
        where = Place(tuple(random.uniform(-6, 6, 3)), random.uniform(-3, 3), 3, 2, 0.3, 0.9)
        eye = Pose.at(*random.uniform(-3, 3, 3), yaw=random.uniform(-3, 3), pitch=random.uniform(-1, 1))
        clip_from_world = fov.projection() @ eye.inverse_matrix
        corners = [
            np.array(where.corner) + where.right * where.width_m * a + np.array([0, where.height_m * b, 0])
            for a in (0, 1)
            for b in (0, 1)
        ]
        clip = np.array([clip_from_world @ [*corner, 1.0] for corner in corners])
        inside = (np.abs(clip[:, :3]) <= clip[:, 3:]).all(axis=1).any()
        seen = spheres_in_frustum(where.centre[None], np.array([where.radius_m]), frustum_planes(clip_from_world))
        assert seen[0] or not inside


def spy(renderer) -> list[int]:
    """Counts the draw calls for walls of every view from now on."""
    counts: list[int] = []
    draw_walls = renderer._walls.draw

    def counted(*arguments, **named):
        counts.append(draw_walls(*arguments, **named))
        return counts[-1]

    renderer._walls.draw = counted
    return counts


@pytest.mark.parametrize("block_bytes", [64 * 64, 1 << 26], ids=["many textures", "many layers"])
def test_bands_look_like_one_page(ctx, monkeypatch: pytest.MonkeyPatch, block_bytes: int):
    node = maps("a", 20, 16, 16)
    values = np.random.default_rng(5).normal(size=(20, 16, 16))
    where = place(5, 4)
    world = furnished(chain(node), {"a": where}, [tiles_of(node, values)])
    whole = shown(ctx, world, where, 24)
    monkeypatch.setattr(atlas_module, "MAX_SIDE", 64)
    monkeypatch.setattr(atlas_module, "SOFTWARE_BLOCK_BYTES", block_bytes)
    renderer = renderer_of(ctx, world)
    assert (renderer.pages > 1) == (block_bytes < 1 << 26)
    assert len(renderer._atlas.lays["a"].bands) > 1
    banded = draw(renderer, world, *facing(where), (5 * 24, 4 * 24)).astype(int)
    assert whole.max() > 200
    assert (banded == whole).all()


def test_what_only_one_eye_of_a_frame_sees_is_there_for_it(ctx):
    """Walls are chosen once for all eyes: here one looks at the first wall, the other at the second, back to back."""
    nodes = maps("a", 4, 4, 4), maps("b", 4, 4, 4)
    places = {"a": Place((-0.5, 1.0, -2.0), 0.0, 2, 2, 0.5, 1.0), "b": Place((0.5, 1.0, 2.0), math.pi, 2, 2, 0.5, 1.0)}
    tiles = [tiles_of(node, np.random.default_rng(2).normal(size=(4, 4, 4))) for node in nodes]
    world = furnished(chain(*nodes), places, tiles)
    renderer = renderer_of(ctx, world)
    alone = [draw(renderer, world, Pose.at(0.0, 1.5, 0.0, yaw=yaw), FOV, (60, 60)) for yaw in (0.0, math.pi)]
    mates = tuple((Pose.at(0.0, 1.5, 0.0, yaw=yaw), FOV) for yaw in (0.0, math.pi))
    for (pose, fov), picture in zip(mates, alone, strict=True):
        surface = Surface(ctx, (60, 60))
        renderer.draw(world, View(pose, fov, surface.framebuffer, overlay=False, mates=mates))
        assert picture.max() > 150, "a wall"
        assert (surface.read() == picture).all()


def test_two_eyes_see_a_wall_from_two_places(ctx):
    """A near wall moves left in the right eye, by what the distance between the eyes says."""
    node = maps("a", 1, 4, 4)
    where = Place((-0.1, 0.9, -2.0), 0.0, 1, 1, 0.2, 1.0)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((1, 4, 4), 255), 0, 1)])
    renderer = renderer_of(ctx, world)
    middles = []
    for x, fov in ((-0.032, Fov(-0.5, 0.3, 0.4, -0.4)), (0.032, Fov(-0.3, 0.5, 0.4, -0.4))):
        surface = Surface(ctx, (200, 160))
        renderer.draw(world, View(Pose.at(x, 1.0, 0.0), fov, surface.framebuffer, overlay=False))
        columns = np.argwhere(surface.read()[80, :, 0] > 200)
        share = (columns.mean() + 0.5) / 200
        left, right = np.tan(fov.left), np.tan(fov.right)
        middles.append(left + share * (right - left))
    assert middles[0] == pytest.approx(0.032 / 1.998, abs=0.004)
    assert middles[1] == pytest.approx(-0.032 / 1.998, abs=0.004)


def test_a_new_picture_replaces_the_old_one(ctx):
    node = maps("a", 1, 4, 4)
    where = place(1, 1)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, np.full((1, 4, 4), 255), -1, 1)])
    renderer = renderer_of(ctx, world)
    before = draw(renderer, world, *facing(where), (32, 32)).astype(int)
    accept(world, tiles_of_codes(node, np.full((1, 4, 4), 0), -1, 1))
    renderer.prepare(world, np.zeros(3), 1e6)
    after = draw(renderer, world, *facing(where), (32, 32)).astype(int)
    assert_color(before[16, 16], color(1, -1, 1))
    assert_color(after[16, 16], color(-1, -1, 1))


def test_what_comes_to_a_wall_has_ranges_and_flaws_of_its_own(ctx):
    node, where = maps("a", 1, 4, 4), place(1, 1)
    codes = np.full((1, 4, 4), 159)
    world = furnished(chain(node), {"a": where}, [tiles_of_codes(node, codes, 0, 1)])
    world.look = replace(world.look, range_mode="wall")
    renderer = renderer_of(ctx, world)
    plain, flawed = tiles_of_codes(node, codes, -4, 4), tiles_of_codes(node, codes * 0, 0, 1, flawed=np.array([16]))
    of_plain = color(159 / 255 * 8 - 4, -4, 4)
    for tiles, expected in ((plain, of_plain), (flawed, MAGENTA), (plain, of_plain)):
        accept(world, tiles)
        renderer.prepare(world, np.zeros(3), 1e6)
        assert_color(draw(renderer, world, *facing(where), (32, 32)).astype(int)[16, 16], expected)


def test_where_many_walls_have_come_words_follow_with_the_next_frame(ctx):
    nodes = [maps(f"a{k}", 4, 4, 4) for k in range(20)]
    places = {node.address: Place((k * 0.2, 0.5, -3.0), 0.0, 2, 2, 0.05, 1.0) for k, node in enumerate(nodes)}
    world = furnished(chain(*nodes), places)
    renderer = renderer_of(ctx, world)
    for number, waiting in ((20, 20), (0, 0), (16, 0)):  # walls that come at once, and what waits after the next frame
        for node in nodes[:number]:
            accept(world, tiles_of_codes(node, np.full((4, 4, 4), 255), 0, 1 + number))
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
        assert renderer.walls_uploaded and renderer.uploads_waiting == waiting


def test_uploads_stop_when_the_budget_is_used_up(ctx):
    nodes = [maps(f"a{k}", 4, 4, 4) for k in range(6)]
    places = {node.address: Place((k * 2.0, 0.5, -3.0), 0.0, 2, 2, 0.25, 1.0) for k, node in enumerate(nodes)}
    world = furnished(chain(*nodes), places, [tiles_of_codes(n, np.full((4, 4, 4), 255), 0, 1) for n in nodes])
    renderer = Renderer(ctx)
    renderer.prepare(world, np.zeros(3), budget_ms=0.0)
    assert renderer.uploads_waiting == 1 + 4, "a page, and what can be read but for one label"
    renderer.prepare(world, np.zeros(3), budget_ms=0.0)
    assert renderer.uploads_waiting == 6 + 3, "six walls, and what can be read but for two"
    renderer.prepare(world, np.zeros(3), budget_ms=0.0)
    assert renderer.uploads_waiting == 5 + 2, "a wall a frame, or a machine that always stalls would never have them"
    renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    assert renderer.uploads_waiting == 0


def test_a_room_that_was_cleared_is_drawn(ctx):
    """While the next network is being built there is no wall, and nothing of the atlas."""
    node = maps("wall", 4, 8, 8)
    where = place(2, 2)
    world = furnished(chain(node), {"wall": where}, [tiles_of(node, np.ones((4, 8, 8)) * np.arange(4)[:, None, None])])
    renderer = renderer_of(ctx, world)
    eye, fov = facing(where)
    there = draw(renderer, world, eye, fov, (64, 64))
    world.clear()
    renderer.prepare(world, eye.position, 1e6)
    empty = draw(renderer, world, eye, fov, (64, 64))
    assert np.abs(there.astype(int) - empty).max() > 30
