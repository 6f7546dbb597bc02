"""What is read off the room, as pixels: maps of classes, boxes, the legend, a large tile, handles of walls, words."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import FAR_AWAY, chain, color, facing, furnished, maps, tiles_of, tiles_of_codes

from walkin.accepting import accept
from walkin.frame import Hand, Input
from walkin.geometry import UP, Fov, Pose, quaternion_from_yaw_pitch
from walkin.interact.handling import hands, shelf
from walkin.interact.handling.pointing import CORNER_M, RIM_M, SCROLLS_M
from walkin.interact.planning import arrange
from walkin.interact.planning.layout import lay_out
from walkin.network.showing.class_colors import palette
from walkin.numerals import bounded_percent
from walkin.readings import Boxes, Segmentation
from walkin.render import handles, legend, plate
from walkin.render.colors import bar_colors, linear_to_srgb, lookup_table, srgb_to_linear
from walkin.render.instances import draw_all
from walkin.render.labels import TOLD, Labels
from walkin.render.overlay import hover_line
from walkin.render.readings import map_place
from walkin.render.rectangles import RECTANGLE, Rectangles
from walkin.render.text import Text
from walkin.results import Fed
from walkin.state.exhibit import Exhibit
from walkin.state.places import Layout, Place
from walkin.state.things import Enlarged
from walkin.state.visitor import Hover
from walkin.world import COLOR_MAPS, RANGES, World

NEAR = 4  # codes: what the air takes
PICTURE = Place((-0.75, 0.75, -3.0), 0.0, 1, 1, 1.5, 1.0)
WALL = Place((-0.6, 0.6, -3.0), 0.0, 2, 2, 0.6, 0.9)
SIZE = (400, 400)


def a_room(*keys: str) -> World:
    """Networks of one wall, far away, with an input frame each before the visitor, six metres from one to the next."""
    world = World()
    world.exhibits = [Exhibit(key) for key in keys]
    for key in keys:
        node = maps("a", 1, 4, 4, "input")
        world.furnish(chain(node, name=key or "net"), Layout({"a": FAR_AWAY}, (), PICTURE, FAR_AWAY, Pose(), 10.0), key)
    world.look = replace(world.look, labels=False)
    return world


def fed(world: World, key: str = "", serial: int = 1, height: int = 40, width: int = 40) -> None:
    accept(world, Fed(np.full((height, width, 3), 128, np.uint8), ("photo.jpg",), serial, key))


def segmentation(key: str = "", serial: int = 1) -> Segmentation:
    """Class 1 in the upper left quarter, class 2 in the lower left one, else background."""
    classes = np.zeros((40, 40), np.uint16)
    classes[:20, :20], classes[20:, :20] = 1, 2
    colors = palette(3, background=True)
    rgb = tuple(tuple(int(v) for v in colors[k]) for k in range(3))
    return Segmentation(
        colors[classes], ("__background__", "cat", "dog"), rgb, (0.5, 0.25, 0.25), classes, serial, key  # type: ignore[arg-type]
    )  # fmt: skip


def boxes(*found: tuple[float, float, float, float], key: str = "", serial: int = 1) -> Boxes:
    colors = [tuple(int(v) for v in row) for row in palette(len(found) + 3)[3:]]
    names = tuple(f"thing {number}" for number in range(len(found)))
    scores = tuple(0.9 - 0.1 * number for number in range(len(found)))
    return Boxes(np.array(found, np.float32).reshape(-1, 4), names, scores, tuple(colors), 7, serial, key)  # type: ignore[arg-type]


def before(ctx, world: World, place: Place, size: tuple[int, int] = SIZE) -> np.ndarray:
    return draw(renderer_of(ctx, world), world, *facing(place), size).astype(int)


def assert_color(pixel: np.ndarray, expected: tuple[int, ...] | np.ndarray, near: int = NEAR) -> None:
    assert np.abs(pixel - np.array(expected)).max() <= near, f"{pixel} instead of {expected}"


# Maps of classes


def test_a_map_of_classes_hangs_left_of_the_picture_the_right_way_up(ctx):
    world = a_room("")
    fed(world)
    found = segmentation()
    accept(world, found)
    place = map_place(PICTURE)
    picture = before(ctx, world, place)
    assert_color(picture[100, 100], found.colors[1])
    assert_color(picture[300, 100], found.colors[2])
    assert_color(picture[100, 300], found.colors[0])
    assert_color(picture[300, 300], found.colors[0])
    assert place.width_m == PICTURE.width_m
    gap = np.array(PICTURE.corner) - (np.array(place.corner) + place.right * place.width_m)
    assert 0.1 < np.linalg.norm(gap) < 0.4 and gap[0] > 0


def test_the_legend_of_a_map_names_its_colours(ctx):
    world = a_room("")
    fed(world)
    found = segmentation()
    accept(world, found)
    place = map_place(PICTURE)
    below = Place(tuple(np.array(place.corner) - UP * 0.5), place.yaw, 1, 1, 1.5, 1.0)  # type: ignore[arg-type]
    picture = before(ctx, world, below, (1000, 1000))[680:850]  # its upper part is the map
    for rgb in found.colors:
        assert (np.abs(picture - np.array(rgb)).max(axis=2) <= 2 * NEAR).sum() > 200


def test_maps_and_boxes_follow_their_network(ctx):
    world = a_room("", "b")
    for key in ("", "b"):
        fed(world, key)
    accept(world, segmentation("b"))
    second = world.exhibits[1].layout
    assert second is not None and second.picture.corner != PICTURE.corner
    picture = before(ctx, world, map_place(second.picture))
    assert_color(picture[100, 100], segmentation().colors[1])
    assert np.abs(before(ctx, world, map_place(PICTURE)) - segmentation().colors[1]).max(axis=2).min() > NEAR


def test_a_new_picture_takes_map_and_boxes_away(ctx):
    world = a_room("")
    fed(world)
    renderer = renderer_of(ctx, world)
    sight = facing(PICTURE)
    bare = draw(renderer, world, *sight, SIZE)
    accept(world, boxes((0.1, 0.2, 0.5, 0.9)))
    accept(world, segmentation())
    renderer.prepare(world, np.zeros(3), 1e6)
    assert (draw(renderer, world, *sight, SIZE) != bare).any()
    fed(world, serial=2)
    assert world.exhibits[0].boxes is None and world.exhibits[0].segmentation is None
    renderer.prepare(world, np.zeros(3), 1e6)
    assert (draw(renderer, world, *sight, SIZE) == bare).all()
    accept(world, boxes((0.1, 0.2, 0.5, 0.9), serial=1))
    assert world.exhibits[0].boxes is None, "of a picture that is no longer there"


# Boxes


@pytest.mark.parametrize("shape", [(40, 40), (20, 40), (40, 20)])
def test_boxes_are_where_they_were_found(ctx, shape: tuple[int, int]):
    world = a_room("")
    fed(world, height=shape[0], width=shape[1])
    found = boxes((0.25, 0.5, 0.75, 0.9))
    accept(world, found)
    picture = before(ctx, world, PICTURE)
    high, wide = (400 * side // max(shape) for side in shape)
    x0, y0 = (400 - wide) // 2, (400 - high) // 2
    left, top, right, bottom = (int(v) for v in (x0 + 0.25 * wide, y0 + 0.5 * high, x0 + 0.75 * wide, y0 + 0.9 * high))
    middle_x, middle_y = (left + right) // 2, (top + bottom) // 2
    for x, y in ((left + 1, middle_y), (right - 2, middle_y), (right - 4, top + 1), (middle_x, bottom - 2)):
        assert_color(picture[y, x], found.colors[0], 12)
    assert_color(picture[middle_y, middle_x], (128, 128, 128), 6)
    assert_color(picture[middle_y, left - 6], (128, 128, 128), 6)
    above = picture[top - 22 : top - 2, left + 2 : left + 40]
    assert (np.abs(above - np.array(found.colors[0])).max(axis=2) <= 12).mean() > 0.3, "its name on a plate above it"


def test_names_on_boxes_do_not_cover_each_other():
    rng = np.random.default_rng(1)
    taken: list[tuple[float, float, float, float]] = []
    from walkin.render.readings import _room_for

    for _ in range(60):
        x, y = rng.uniform(0, 1.2, 2)
        box = (x, y, min(1.5, x + rng.uniform(0.1, 0.6)), min(1.5, y + rng.uniform(0.1, 0.6)))
        spot = _room_for(0.4, 0.06, box, (1.5, 1.5), taken)
        if spot is not None:
            assert min(spot) >= 0 and max(spot) <= 1.5 + 1e-9, "inside the picture"
            taken.append(spot)
    assert len(taken) > 20
    for number, a in enumerate(taken):
        for b in taken[:number]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_names_of_boxes_in_one_place_are_beside_each_other_or_left_out(ctx):
    world = a_room("")
    fed(world)
    found = boxes(*[(0.3, 0.3, 0.5, 0.5)] * 12)
    accept(world, found)
    renderer = renderer_of(ctx, world)
    lines: list[np.ndarray] = [np.zeros(0, RECTANGLE)]
    glyphs: list[np.ndarray] = []
    renderer._readings._boxes(world.exhibits[0], found, lines, glyphs)
    plates = [line for line in lines if len(line) == 1]
    assert 3 <= len(plates) < 12 and sum(len(line) == 4 for line in lines) == 12
    spots = [(*plate["corner"][0, :2], *(plate["corner"] + plate["right"] + plate["up"])[0, :2]) for plate in plates]
    for number, a in enumerate(spots):
        for b in spots[:number]:
            assert a[2] <= b[0] + 1e-6 or b[2] <= a[0] + 1e-6 or a[3] <= b[1] + 1e-6 or b[3] <= a[1] + 1e-6


def test_what_was_read_follows_when_its_network_is_put_elsewhere(ctx):
    world = a_room("")
    fed(world)
    accept(world, segmentation())
    renderer = renderer_of(ctx, world)
    exhibit = world.exhibits[0]
    assert exhibit.layout is not None
    exhibit.layout = exhibit.layout.shifted(5.0)
    renderer.prepare(world, np.zeros(3), 1e6)
    picture = draw(renderer, world, *facing(map_place(exhibit.layout.picture)), SIZE).astype(int)
    assert_color(picture[100, 100], segmentation().colors[1], 2 * NEAR)


# Words


def wall_world(order: str = "index", values: np.ndarray | None = None, place: Place = WALL) -> World:
    node = maps("a", 4, 4, 4)
    if values is None:
        values = np.zeros((4, 4, 4), np.float32)
        values[:, 0, 0] = [4, 1, 3, 2]  # the largest of each channel, in its upper left corner
        values[:, 3, 3] = [-1, -2, -3, -4]
    world = furnished(chain(node), {"a": place}, [tiles_of(node, values)])
    arrange.sort_wall(world, world.walls["a"], order)
    return world


def point_at(world: World, x: float, y: float, *, tracked: bool = False, away: float = 2.0, frames: int = 2) -> Pose:
    """The right hand points at metres from the lower left corner of the tiles; the eye is before the wall's middle."""
    place = world.walls["a"].place
    eye = place.centre + place.normal * away
    way = np.array(place.corner) + place.right * x + UP * y - eye
    way = way / np.linalg.norm(way)
    position = (float(eye[0]), float(eye[1]), float(eye[2]))
    aim = Pose.at(*position, yaw=math.atan2(-way[0], -way[2]), pitch=math.asin(way[1]))
    hand = Hand(stage_from_aim=aim, stage_from_grip=Pose(eye - UP * 0.6, aim.orientation) if tracked else None)
    for _ in range(frames):
        hands.point(world, Input(stage_from_head=Pose.at(*position), right=hand))
        world.time_s += hands.REST_S + 0.01
    return Pose(eye)


def test_the_line_of_a_tile_says_all_that_is_known(ctx):
    world = wall_world()
    tiles = world.walls["a"].tiles
    assert tiles is not None
    object.__setattr__(tiles, "zeros", np.array([0.875, 0.875, 0.002, 1], np.float32))
    point_at(world, 0.3, 0.9)  # the upper left tile, in its middle
    line = hover_line(world)
    assert line.startswith("a/0   (") and "min −1" in line and "max 4" in line and "zeros 88 %" in line
    assert f"mean {float(tiles.mean[0]):.3g}" in line
    point_at(world, 0.3, -0.2)
    assert hover_line(world) == ""


def test_shares_that_are_nearly_nothing_are_not_nothing():
    assert [bounded_percent(v) for v in (0.0, 0.001, 0.5, 0.999, 1.0)] == ["0 %", "< 1 %", "50 %", "> 99 %", "100 %"]


def test_in_a_headset_the_words_hang_at_the_end_of_the_ray_and_are_large_enough(ctx):
    assert math.degrees(plate.EM_RAD) >= 1.0
    world = wall_world()
    renderer = renderer_of(ctx, world)
    view = Fov.symmetric(1.6, 1.0)
    pictures = {}
    for tracked in (False, True):
        eye = point_at(world, 0.32, 0.9, tracked=tracked)
        for words in (True, False):
            hover = world.hover
            world.hover = hover if words else None
            renderer.prepare(world, eye.position, 1e6)
            pictures[tracked, words] = draw(renderer, world, eye, view, (800, 800)).astype(int)
            world.hover = hover
        for overlay in (False, True):
            renderer.prepare(world, eye.position, 1e6)
            pictures[tracked, "window" if overlay else "eye"] = draw(
                renderer, world, eye, view, (800, 800), overlay=overlay
            ).astype(int)
    end = world.pointers["right"].end
    at = np.array([end[0] - eye.position[0], end[1] - eye.position[1]]) / (eye.position[2] - end[2])
    x, y = 400 * (1 + at[0] / math.tan(0.8)), 400 * (1 - at[1] / math.tan(0.8))
    changed = np.abs(pictures[True, True] - pictures[True, False]).max(axis=2) > 0
    rows, columns = np.argwhere(changed).T
    near = (columns > x) & (columns < x + 260) & (rows > y - 160) & (rows < y)
    assert near.sum() > 4000
    mouse = np.abs(pictures[False, True] - pictures[False, False]).max(axis=2) > 0
    rows, columns = np.argwhere(mouse).T
    inside = (columns > x + 20) & (columns < x + 60) & (rows > y - 60) & (rows < y - 20)
    assert not inside.any(), "a mouse has its words in a line of the window"
    window = pictures[True, "window"][int(y - 60) : int(y - 15), int(x + 15) : int(x + 60)]
    assert (window != pictures[True, "eye"][int(y - 60) : int(y - 15), int(x + 15) : int(x + 60)]).any()


# The legend


def bar_of(ctx, world: World) -> tuple[np.ndarray, float, float]:
    """(n, 3) sRGB codes of the bar from its lower end to its upper one, and the values of its ends."""
    eye = point_at(world, 0.3, 0.9)
    renderer = renderer_of(ctx, world)
    renderer.prepare(world, eye.position, 1e6)
    wall = world.walls["a"]
    em = legend._em(float(np.linalg.norm(wall.place.centre - eye.position)), 1.0)
    foot = legend._foot(wall.place, (legend.HEIGHT_EM + 2.4) * em) + 0.7 * em
    corner = np.array(wall.place.corner) + wall.place.right * (wall.place.width_m + legend.AWAY_M)
    side = legend.HEIGHT_EM * em
    # A square that holds the bar at its left edge.
    square = Place((float(corner[0]), foot, float(corner[2]) + 0.006), 0.0, 1, 1, side, 1.0)
    picture = draw(renderer, world, *facing(square), (520, 520)).astype(int)
    tiles = wall.tiles
    assert tiles is not None
    low, high, _, _ = tiles.shown_range(world.look.range_mode, 0, signed=world.look.color_map == "signed")
    return picture[::-1, 2:20].mean(axis=1), low, high


@pytest.mark.parametrize("mode", RANGES)
@pytest.mark.parametrize("name", COLOR_MAPS)
def test_the_legend_has_the_colours_of_the_wall(ctx, name: str, mode: str):
    world = wall_world()
    tiles = world.walls["a"].tiles
    assert tiles is not None
    object.__setattr__(tiles, "percentile_range", (-2.5, 3.5))
    world.look = replace(world.look, color_map=name, range_mode=mode)
    bar, low, high = bar_of(ctx, world)
    if name != "signed":
        assert (low, high) == {"channel": (-1, 4), "wall": (-4, 4), "percentile": (-2.5, 3.5)}[mode]
    span = {"channel": (-1, 4), "wall": (-4, 4), "percentile": (-2.5, 3.5)}[mode]
    for share in (0.15, 0.4, 0.62, 0.85):
        value = low + share * (high - low)
        expected = color(value, *span, name)
        row = bar[int(share * 520)]
        step = np.abs(color(value + (high - low) / 48, *span, name) - color(value - (high - low) / 48, *span, name))
        assert (np.abs(row - expected) <= NEAR + step).all(), (share, row, expected)


def test_marks_of_the_legend_are_few_and_round():
    rng = np.random.default_rng(0)
    for _ in range(2000):
        low = float(rng.normal() * 10 ** rng.uniform(-4, 4))
        high = low + float(10 ** rng.uniform(-4, 4))
        marks = legend.ticks(low, high)
        shares = [share for _, share in marks]
        assert 3 <= len(marks) <= 5 and shares == sorted(shares)
        assert shares[0] == 0 and shares[-1] == 1
        assert np.diff(shares).min() > 0.1, "their words do not touch"
    assert [value for value, _ in legend.ticks(-3, 3)][1:-1].count(0) == 1
    assert legend.ticks(2.0, 2.0) == [(2.0, 0.5)]


def test_the_legend_goes_with_what_is_pointed_at_and_stays_with_what_was_chosen(ctx):
    world = wall_world()
    renderer = renderer_of(ctx, world)
    sight = (Pose.at(0.4, 1.4, -0.5), Fov.symmetric(1.2, 1.0))
    world.met.clear()

    def now() -> np.ndarray:
        renderer.prepare(world, sight[0].position, 1e6)
        return draw(renderer, world, *sight, SIZE).astype(int)

    bare = now()
    point_at(world, 0.3, 0.9)
    world.pointers = {}
    pointed = now()
    assert (pointed[150:235, 237:262] != bare[150:235, 237:262]).any()
    hands.point(world, Input())
    assert (now() == bare).all()
    world.selected = ("a", 2)
    assert (now()[150:235, 237:262] != bare[150:235, 237:262]).any()


def test_a_ray_that_only_passes_asks_for_no_legend(ctx):
    world = wall_world()
    renderer = renderer_of(ctx, world)
    point_at(world, 0.3, 0.9)
    renderer.prepare(world, np.zeros(3), 1e6)
    made = renderer._legend._made
    assert made and not hands.resting(world)
    for x in (0.9, 0.3, 0.9):  # to the next tile and back, faster than one reads
        revision = world.revision
        pass_over(world, x, seconds=0.05)
        assert hands.resting(world) == (x == 0.9) and world.revision > revision
        renderer.prepare(world, np.zeros(3), 1e6)
        assert renderer._legend._made == made, "it stays what it was"
    revision = world.revision
    for _ in range(4):
        pass_over(world, 0.9, seconds=0.05)
    assert not hands.resting(world) and world.revision > revision, "an idle window is drawn again"
    renderer.prepare(world, np.zeros(3), 1e6)
    assert renderer._legend._made != made


def pass_over(world: World, x: float, *, seconds: float) -> None:
    world.time_s += seconds
    eye = world.walls["a"].place.centre + world.walls["a"].place.normal * 2.0
    way = np.array(world.walls["a"].place.corner) + np.array([x, 0.9, 0.0]) - eye
    way = way / np.linalg.norm(way)
    aim = Pose.at(*eye.tolist(), yaw=math.atan2(-way[0], -way[2]), pitch=math.asin(way[1]))
    hands.point(world, Input(right=Hand(stage_from_aim=aim)))


# A tile that is made large


def enlarged(world: World, channel: int) -> Place:
    place = Place((-5.0, 0.5, -2.0), 0.4, 1, 1, 1.5, 1.0)
    world.enlarged = Enlarged("a", channel, place)
    world.things_revision += 1
    return place


@pytest.mark.parametrize("order", ["index", "max"])
@pytest.mark.parametrize("channel", range(4))
def test_a_large_tile_shows_each_value_of_its_channel(ctx, order: str, channel: int):
    values = np.random.default_rng(5).normal(size=(4, 4, 4)).astype(np.float32)
    world = wall_world(order, values)
    picture = before(ctx, world, enlarged(world, channel))
    low, high = float(values[channel].min()), float(values[channel].max())
    for row in range(4):
        for column in range(4):
            part = picture[row * 100 + 3 : row * 100 + 97, column * 100 + 3 : column * 100 + 97]
            assert np.ptp(part, axis=(0, 1)).max() <= 2, "a value is one even square"
            assert_color(part[40, 40], color(float(values[channel, row, column]), low, high), 6)


def test_a_large_tile_follows_picture_colours_and_order(ctx):
    node = maps("a", 4, 4, 4)
    world = wall_world()
    place = enlarged(world, 1)
    renderer = renderer_of(ctx, world)

    def now() -> np.ndarray:
        for _ in range(2):
            renderer.prepare(world, np.zeros(3), 1e6)
        return draw(renderer, world, *facing(place), SIZE).astype(int)

    assert_color(now()[50, 50], color(1, -2, 1))
    world.look = replace(world.look, range_mode="wall")
    assert_color(now()[50, 50], color(1, -4, 4))
    world.look = replace(world.look, color_map="unsigned")
    assert_color(now()[50, 50], color(1, -4, 4, "unsigned"))
    arrange.sort_wall(world, world.walls["a"], "max")
    assert_color(now()[50, 50], color(1, -4, 4, "unsigned"))
    values = np.zeros((4, 4, 4), np.float32)
    values[:, 0, 1] = 8.0
    made = tiles_of(node, values)
    object.__setattr__(made, "serial", 2)
    accept(world, made)
    arrange.sort_wall(world, world.walls["a"], "index")
    picture = now()
    assert_color(picture[50, 50], color(0, 0, 8, "unsigned"))
    assert_color(picture[50, 150], color(8, 0, 8, "unsigned"))
    world.enlarged = None
    assert np.abs(now()[50, 150] - color(8, 0, 8, "unsigned")).max() > 50


def test_a_large_tile_marks_what_is_not_finite(ctx):
    node = maps("a", 1, 4, 4)
    codes = np.full((1, 4, 4), 200, np.uint8)
    codes[0, 1, 2] = 0
    made = tiles_of_codes(node, codes, np.zeros(1, np.float32), np.ones(1, np.float32), flawed=np.ones(1))
    world = furnished(chain(node), {"a": Place((-0.3, 0.6, -3.0), 0.0, 1, 1, 0.6, 0.9)}, [made])
    picture = before(ctx, world, enlarged(world, 0))
    assert_color(picture[150, 250], (237, 0, 205), 6)
    assert_color(picture[150, 150], color(200 / 255, 0, 1), 6)


def test_a_large_tile_of_a_mosaic_on_several_pages(ctx, monkeypatch: pytest.MonkeyPatch):
    from walkin.render import atlas

    monkeypatch.setattr(atlas, "SOFTWARE_BLOCK_BYTES", 64 * 64)
    monkeypatch.setattr(atlas, "MAX_SIDE", 64)
    node = maps("a", 72, 8, 8)
    values = np.arange(72, dtype=np.float32)[:, None, None] * np.ones((1, 8, 8), np.float32)
    values[:, :4] = 0
    place = Place((-0.6, 0.6, -3.0), 0.0, 8, 9, 0.15, 0.9)
    world = furnished(chain(node), {"a": place}, [tiles_of(node, values)])
    world.look = replace(world.look, range_mode="wall")
    for channel in (3, 70):
        place = enlarged(world, channel)
        renderer = renderer_of(ctx, world)
        assert renderer.pages > 1
        picture = draw(renderer, world, *facing(place), SIZE).astype(int)
        assert_color(picture[350, 200], color(channel, 0, 71), 6)
        assert_color(picture[50, 200], color(0, 0, 71), 6)


def test_the_value_under_the_ray_is_that_of_the_square_that_is_seen(ctx):
    world = wall_world()
    place = enlarged(world, 2)
    shelf.collect(world)
    point = place.centre + UP * 0.6 - place.right * 0.6  # the upper left value
    eye = place.centre + place.normal * 2.0
    way = (point - eye) / np.linalg.norm(point - eye)
    aim = Pose.at(*(float(v) for v in eye), yaw=math.atan2(-way[0], -way[2]), pitch=math.asin(way[1]))
    hands.point(world, Input(right=Hand(stage_from_aim=aim)))
    assert world.hover is not None
    assert (world.hover.channel, world.hover.row, world.hover.column) == (2, 0, 0)
    assert world.hover.value == pytest.approx(3.0, abs=0.03)


def test_a_large_tile_goes_with_its_wall(ctx):
    world = wall_world()
    enlarged(world, 2)
    other = maps("b", 4, 4, 4)
    world.furnish(chain(other), Layout({"b": WALL}, (), FAR_AWAY, FAR_AWAY, Pose(), 10.0))
    assert world.enlarged is None


# Handles


HIGH = Place((-0.6, 0.45, -3.0), 0.0, 2, 5, 0.6, 0.9)


def test_handles_know_what_pointing_knows():
    assert (handles.RIM_M, handles.CORNER_M, handles.SCROLLS_M) == (RIM_M, CORNER_M, SCROLLS_M)


def high_world() -> World:
    node = maps("a", 10, 4, 4)
    values = np.random.default_rng(0).normal(size=(10, 4, 4))
    return furnished(chain(node), {"a": HIGH}, [tiles_of(node, values)])


@pytest.mark.parametrize(("place", "scrolls"), [(WALL, False), (HIGH, True)])
def test_high_walls_have_a_scrollbar_at_the_left(ctx, place: Place, scrolls: bool):
    node = maps("a", place.columns * place.rows, 4, 4)
    values = np.zeros((node.maps, 4, 4), np.float32)
    values[:, 0] = 1.0
    world = furnished(chain(node), {"a": place}, [tiles_of(node, values)])
    eye = Pose.at(0.0, 1.5, 0.5)
    picture = draw(renderer_of(ctx, world), world, eye, Fov.symmetric(1.0, 1.0), (800, 800)).astype(int)

    def seen(x: float, y: float) -> np.ndarray:
        depth = eye.position[2] - place.corner[2]
        scale = 400 / math.tan(0.5) / depth
        return picture[round(400 - (y - 1.5) * scale), round(400 + x * scale)]

    x = place.corner[0] - RIM_M / 2
    body = seen(place.corner[0] + place.width_m + RIM_M / 2 - 0.005, 1.3)
    line, knob = seen(x, 1.1), seen(x, handles.EYE_M)
    assert (line.sum() > body.sum() + 20) == scrolls
    assert (knob.sum() > body.sum() + 60) == scrolls


def test_the_handle_of_a_scrollbar_goes_down_with_its_wall(ctx):
    world = high_world()
    wall = world.walls["a"]

    def knob() -> float:
        return float(handles.scrollbars(world, [wall])["corner"][1, 1])

    heights = [knob()]
    for lift in (-0.5, -1.5, -2.5):
        arrange.place_wall(world, wall, HIGH.shifted(UP * lift))
        heights.append(knob())
    assert heights == sorted(heights, reverse=True) and min(heights) > 0.3
    assert handles.pushed(world, wall) <= 1.0


@pytest.mark.parametrize(
    ("x", "y", "kind"),
    [(0.3, 1.5, "tile"), (1.24, 1.5, "rim"), (1.24, 3.04, "corner"), (-0.04, 1.5, "scroll"), (5.0, 1.5, "")],
)
def test_what_would_be_taken_is_lit(ctx, x: float, y: float, kind: str):
    world = high_world()
    point_at(world, x, y, away=4.0)
    met = world.met["right"]
    assert (met.kind if met is not None else "") == kind
    renderer = renderer_of(ctx, world)
    renderer.prepare(world, np.zeros(3), 1e6)
    lit = handles._lit(world)
    assert lit == (() if not kind else (("a", "" if kind == "tile" else kind),))
    parts = handles.outline(HIGH, kind)
    bright = np.isclose(parts["tint"][:, 3], handles.LIT[3])
    assert bright.sum() == {"rim": 4, "corner": 4}.get(kind, 0)
    bar = handles.scrollbars(world, [world.walls["a"]], handles.LIT if kind == "scroll" else handles.NEAR)
    assert np.allclose(bar["tint"][0], handles.LIT) == (kind == "scroll")
    draw(renderer, world, Pose.at(0.0, 1.8, 1.5), Fov.symmetric(1.0, 1.0), SIZE)
    assert draw_all(renderer._handles.layers) == 1, "one draw for all of them"
    (drawn,) = renderer._handles.layers
    assert drawn._buffer is not None
    written = np.frombuffer(drawn._buffer.read(drawn.count * RECTANGLE.itemsize), RECTANGLE)
    tint = {"scroll": handles.LIT, "": handles.KNOB}.get(kind, handles.NEAR)
    assert np.allclose(written["tint"][-1, :3], tint[:3])


def test_scrollbars_that_nobody_sees_are_not_drawn(ctx):
    """Of a wall left, one right with nine behind it, and one far away."""
    behind = [(3.0, -0.5 * number) for number in range(10)]
    places = {
        str(n): HIGH.shifted(np.array([x, 0.0, z])) for n, (x, z) in enumerate([(-3.0, 0.0), *behind, (0.0, -60.0)])
    }
    nodes = [maps(key, 10, 4, 4) for key in places]
    world = furnished(chain(*nodes), places, [tiles_of(node, np.ones((10, 4, 4))) for node in nodes])
    renderer = renderer_of(ctx, world)

    def drawn(*eye: float, turned: float = 0.0) -> int:
        head = Pose(np.array(eye), quaternion_from_yaw_pitch(turned, 0.0))
        renderer.prepare(world, head.position, 1e6)
        draw(renderer, world, head, Fov.symmetric(1.0, 1.0), SIZE)
        return renderer._handles.layers[0].count // handles.EACH

    assert drawn(3.0, 1.8, -1.0) == 1
    assert drawn(-3.0, 1.8, -1.0, turned=0.5) == 1  # the others are beside the view
    assert drawn(0.0, 1.8, -50.0) == 1
    assert drawn(0.0, 1.8, -20.0, turned=math.pi) == 0  # their backs
    arrange.place_wall(world, world.walls["11"], HIGH.shifted(np.array([0.0, 0.0, -120.0])))
    assert drawn(0.0, 1.8, -50.0) == 0
    world = furnished(
        chain(nodes[0], name="other"), {nodes[0].address: HIGH}, [tiles_of(nodes[0], np.ones((10, 4, 4)))]
    )
    assert drawn(0.0, 1.8, 0.0) == 1


def test_a_scrollbar_that_comes_into_view_is_as_it_is_now(ctx):
    """What is pointed at, and where walls stand, changes while others are seen."""
    nodes = [maps(key, 10, 4, 4) for key in "ab"]
    places = {"a": HIGH, "b": HIGH.shifted(np.array([0.0, 0.0, 9.0])).turned(math.pi)}
    world = furnished(chain(*nodes), places, [tiles_of(node, np.ones((10, 4, 4))) for node in nodes])
    sight, renderer = Fov.symmetric(1.0, 1.0), renderer_of(ctx, world)
    behind, ahead = (Pose(np.array([0.0, 1.8, 1.0]), quaternion_from_yaw_pitch(yaw, 0.0)) for yaw in (math.pi, 0.0))
    draw(renderer, world, behind, sight, SIZE)
    arrange.place_wall(world, world.walls["a"], HIGH.shifted(-UP))
    renderer.prepare(world, behind.position, 1e6)
    draw(renderer, world, behind, sight, SIZE)
    point_at(world, -0.04, 0.9, away=4.0)
    renderer.prepare(world, ahead.position, 1e6)
    seen, other = draw(renderer, world, ahead, sight, SIZE), renderer_of(ctx, world)
    other.prepare(world, ahead.position, 1e6)
    assert world.met["right"].kind == "scroll"
    assert (seen == draw(other, world, ahead, sight, SIZE)).all()


def test_pointing_at_a_wall_is_seen_and_is_gone_afterwards(ctx):
    world = high_world()
    renderer = renderer_of(ctx, world)
    sight = (Pose.at(0.0, 1.8, 1.5), Fov.symmetric(1.0, 1.0))

    def now() -> np.ndarray:
        world.hover, world.pointers = None, {}
        renderer.prepare(world, sight[0].position, 1e6)
        return draw(renderer, world, *sight, SIZE).astype(int)

    bare = now()
    pictures = [bare]
    for x, y in ((0.3, 1.5), (1.24, 1.5), (1.24, 3.04), (-0.04, 1.5)):
        point_at(world, x, y, away=4.0)
        pictures.append(now())
    for number, picture in enumerate(pictures):
        assert all((picture != other).any() for other in pictures[:number])
    hands.point(world, Input())
    assert (now() == bare).all()


def test_where_nothing_changes_nothing_is_written(ctx):
    """Nothing per frame: the buffers of what is read off the room are left alone."""
    world = high_world()
    fed(world)
    accept(world, boxes((0.1, 0.2, 0.5, 0.9)))
    eye = point_at(world, 0.3, 1.5, tracked=True)
    enlarged(world, 3)
    renderer = renderer_of(ctx, world)
    renderer.prepare(world, eye.position, 1e6)
    written: list[int] = []
    parts = (renderer._readings, renderer._legend, renderer._handles, renderer._plate, renderer._large)
    for part in parts:
        for value in vars(part).values():
            if type(value).__name__ == "Instances":
                value.write = lambda records: written.append(len(records))
    for _ in range(3):
        renderer.prepare(world, eye.position, 1e6)
    assert written == []


def test_words_about_a_picture_are_left_out_where_they_are_a_haze(ctx):
    world = a_room("")
    fed(world)
    renderer = renderer_of(ctx, world)
    labels, fov = renderer._labels, Fov.symmetric(1.0, 1.0)
    em_m, shown = 0.085, []
    for share in (0.1, 0.95, 1.05):
        eye = Pose(PICTURE.centre + PICTURE.normal * (share * TOLD * em_m))
        draw(renderer, world, eye, fov, SIZE)
        shown.append(labels._glyphs.count)
    assert np.allclose(renderer._text.ems_m(labels._fixed), em_m)
    assert shown[0] == shown[1] > 0 and shown[2] == 0


def test_a_room_as_it_is_laid_out_has_room_for_the_map():
    node = maps("a", 64, 4, 4, "input")
    layout = lay_out(chain(node))
    place = map_place(layout.picture)
    picture_left, map_right = np.array(layout.picture.corner), np.array(place.corner) + place.right * place.width_m
    assert map_right[0] < picture_left[0] and place.corner[1] == layout.picture.corner[1]
    assert (layout.entrance.position - place.centre) @ place.normal > 0, "it faces the entrance"


def test_the_colours_of_the_legend_are_those_of_the_table():
    row = lookup_table()[0]
    bar = bar_colors(row, (-1.0, 4.0), legend.STEPS, signed=True)
    assert np.allclose(linear_to_srgb(bar[-1].astype(float)) * 255, color(4 - 5 / 96, -4, 4), atol=2)


def test_an_output_of_a_classifier_is_called_by_its_class():
    node, other = maps("fc", 3, 1, 1, "conv"), maps("conv", 3, 4, 4, "input")
    network = replace(chain(other, node), classes=("tench", "golden_retriever", "__background__"))
    places = {"conv": FAR_AWAY, "fc": WALL}
    world = furnished(network, places, [tiles_of(node, np.arange(3.0).reshape(3, 1, 1))])
    names = {}
    for key, channel in (("fc", 0), ("fc", 1), ("fc", 2), ("conv", 1)):
        world.hover = Hover(key, key, channel, 0, 0, 0.0, 1.0)
        names[key, channel] = hover_line(world).split("   ")[:2]
    assert names["fc", 0] == ["fc/0", "tench"] and names["fc", 1] == ["fc/1", "golden retriever"]
    assert names["fc", 2] == ["fc/2", "background"]
    assert names["conv", 1] == ["conv/1", "(0, 0)  0"], "three channels as well, and no output"
    assert [world.class_of("fc", n) for n in (-1, 3)] == ["", ""] and world.class_of("nowhere", 0) == ""
    wrong = furnished(replace(network, classes=("tench",)), places)
    assert wrong.class_of("fc", 0) == "", "there are not as many names as channels"


def test_what_was_done_to_a_picture_is_told_to_its_end(ctx):
    world = a_room("")
    told = ("a.jpg", "6000x4000, read as 3000x2000, resized to 384x256 (bilinear), cropped to 224x224", "assumed RGB")
    accept(world, Fed(np.zeros((8, 8, 3), np.uint8), told))
    world.here.spoken = True  # so the board does not say what a network without classes gives
    labels = Labels(Text(ctx), Rectangles(ctx))
    labels.prepare(world, np.zeros(3), 1e6)
    written = labels._fixed
    assert len(written) in range(sum(len("".join(line.split())) for line in told), sum(map(len, told)) + 1)
    right = (written["corner"] - np.array(PICTURE.corner)) @ PICTURE.right + np.linalg.norm(written["right"], axis=1)
    assert right.max() <= PICTURE.width_m + 0.05 and written["corner"][:, 1].min() > 0.3


@pytest.mark.parametrize("light", [False, True])
def test_the_legends_numbers_stand_out_in_a_dark_room_and_a_light_one(ctx, light: bool):
    """By the ratio that WCAG 2.2 asks for of text, 4.5: of the ink's darkest or lightest pixels, of which thin strokes
    have few, to the plate's."""
    node = maps("a", 4, 4, 4, "input")
    world = furnished(chain(node), {"a": WALL}, [tiles_of(node, np.linspace(0.0, 6.0, 64).reshape(4, 4, 4))])
    world.look = replace(world.look, light=light, labels=False)
    world.selected, world.rested = ("a", 1), ("a", 1)
    renderer = renderer_of(ctx, world)
    eye = Pose.at(1.2, 1.2, 0.0)
    renderer.prepare(world, eye.position, 1e6)
    seen = draw(renderer, world, eye, Fov.symmetric(1.0, 1.0), (800, 800)).astype(int)
    world.selected = world.rested = None
    renderer.prepare(world, eye.position, 1e6)
    bare = draw(renderer, world, eye, Fov.symmetric(1.0, 1.0), (800, 800)).astype(int)
    rows, columns = np.nonzero(np.abs(seen - bare).max(axis=2) > 2)
    part = seen[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    digits = part[:, part.shape[1] * 3 // 5 :]
    lightness = (srgb_to_linear(digits / 255) @ [0.2126, 0.7152, 0.0722]).ravel()
    plate = float(np.median(lightness))
    ink = float(np.quantile(lightness, 0.01 if light else 0.99))
    ratio = (max(plate, ink) + 0.05) / (min(plate, ink) + 0.05)
    assert ratio > 4.5, ratio


def test_words_about_a_ray_that_moves_over_a_wall_change_ten_times_a_second():
    world = wall_world()

    def line_at(x: float, y: float, after_s: float) -> str:
        world.time_s = now_s = world.time_s + after_s
        point_at(world, x, y, frames=1)
        world.time_s = now_s
        return hover_line(world)

    line_at(0.2, 0.9, 0.0)
    first = line_at(0.3, 0.9, hands.REST_S * 1.01)
    assert first.startswith("a/0   (") and not hands.untold(world)
    assert line_at(0.1, 0.9, hands.TELL_S / 2) == first, "not yet"
    assert hands.untold(world), "frames go on until it is told"
    second = line_at(0.1, 0.9, hands.TELL_S * 0.51)
    assert second.startswith("a/0   (") and second != first and not hands.untold(world)
    told = world.told
    assert told is not None
    world.told = replace(told, key="another", value=99.0)
    assert hover_line(world) == second, "what is told of another wall says nothing of this one"
    assert line_at(0.3, -0.2, 0.0) == "", "of nothing there is nothing to tell, at once"
