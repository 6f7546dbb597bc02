"""What is seen of pictures in the room: shelf, hung and held pictures, frames that light up, flights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import facing
from test_grab import AWAY, HUNG, hung, slot
from visitor import FRAME, RIGHT, Holder, at

from walkin.catalogue import Thumbnail
from walkin.frame import View
from walkin.geometry import Fov, Pose
from walkin.interact.handling import shelf as shelves
from walkin.picture_source import File
from walkin.render.renderer import Renderer
from walkin.render.surface import Surface
from walkin.render.walls import Variant
from walkin.state.arrangement import Look

NARROW = Fov(-0.12, 0.12, 0.12, -0.12)


def plain(color: tuple[int, int, int], height: int = 64, width: int = 64) -> np.ndarray:
    return np.tile(np.array(color, np.uint8), (height, width, 1))


RED, GREEN = plain((200, 30, 20)), plain((20, 180, 60))


def show(visitor: Holder, source: object, pixels: np.ndarray, *caption: str, full: bool = False) -> None:
    shelves.accept(visitor.world, Thumbnail(source, pixels, caption or ("name", "8 x 8"), "a class", (8, 8), full))


def seen(renderer: Renderer, visitor: Holder, point: np.ndarray, fov: Fov = NARROW, eye=None) -> np.ndarray:
    """(48, 48, 3): a look at a point of the room from the visitor's head."""
    eye = visitor.head.position if eye is None else eye
    x, y, z = point - eye
    pose = Pose.at(*eye, yaw=float(np.arctan2(-x, -z)), pitch=float(np.arctan2(y, np.hypot(x, z))))
    for _ in range(2):
        renderer.prepare(visitor.world, np.zeros(3), 1e6)
    return draw(renderer, visitor.world, pose, fov, (48, 48)).astype(int)


def like(pixel: np.ndarray, color: np.ndarray) -> bool:
    return bool((np.abs(pixel - color[0, 0]) < 6).all())


@pytest.fixture
def visitor() -> Holder:
    made = Holder(by="mouse")
    show(made, File("1.png"), RED)
    show(made, File("hung.png"), GREEN)
    return made


def test_a_slot_shows_its_picture_and_is_outlined_when_pointed_at(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    point = slot(visitor, 1)
    before = seen(renderer, visitor, point)
    assert like(before[24, 24], RED)
    visitor.point(point)
    visitor.does()
    after = seen(renderer, visitor, point)
    assert like(after[24, 24], RED)
    assert (after.sum(axis=2) > 500).sum() > 20 + (before.sum(axis=2) > 500).sum(), "a bright edge"


def test_the_left_hand_outlines_what_it_points_at_as_well(ctx):
    visitor = Holder(side="left")
    show(visitor, File("1.png"), RED)
    renderer = renderer_of(ctx, visitor.world)
    before = seen(renderer, visitor, slot(visitor, 1))
    visitor.point(slot(visitor, 1))
    visitor.does()
    after = seen(renderer, visitor, slot(visitor, 1))
    assert (after.sum(axis=2) > 500).sum() > 20 + (before.sum(axis=2) > 500).sum()


def test_a_hung_picture_is_seen_where_it_hangs(ctx, visitor: Holder):
    hung(visitor)
    renderer = renderer_of(ctx, visitor.world)
    assert like(seen(renderer, visitor, at(HUNG))[24, 24], GREEN)


def test_a_picture_keeps_its_shape(ctx, visitor: Holder):
    show(visitor, File("hung.png"), plain((20, 180, 60), 32, 64))
    hung(visitor)
    renderer = renderer_of(ctx, visitor.world)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    picture = draw(renderer, visitor.world, *facing(HUNG), (64, 64)).astype(int)
    green = (np.abs(picture - (20, 180, 60)) < 6).all(axis=2)
    assert green[32].mean() > 0.95, "as wide as its place"
    assert 0.45 < green[:, 32].mean() < 0.55, "half as high"


def test_a_held_picture_tells_its_class_name_and_size(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    with_words = renderer._things._glyphs.count
    show(visitor, File("1.png"), RED, "")
    object.__setattr__(visitor.world.thumbnails[File("1.png")], "label", "")
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    assert with_words - renderer._things._glyphs.count == len("aclassname8x8")


def test_a_frame_lights_up_while_a_picture_would_go_in(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    edge = at(FRAME, -0.012, 0.2)
    before = seen(renderer, visitor, edge).sum()
    visitor.press(slot(visitor, 1))
    visitor.goes(at(FRAME, 0.5, 0.6))
    lit = seen(renderer, visitor, edge).sum()
    assert lit > 1.2 * before
    visitor.goes(AWAY)
    assert seen(renderer, visitor, edge).sum() == pytest.approx(before, rel=0.05)


def test_a_held_picture_that_moves_makes_nothing_anew_but_itself(ctx, visitor: Holder):
    hung(visitor)
    renderer = renderer_of(ctx, visitor.world)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    still = renderer._things._still
    visitor.goes(AWAY + RIGHT * 0.2, frames=3)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    assert renderer._things._still is still
    moved = visitor.world.carried["right"].world_from_picture
    assert like(seen(renderer, visitor, moved.position)[24, 24], RED)


def test_a_hand_that_keeps_still_writes_nothing(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    written: list[int] = []
    write = renderer._things._boards.write
    renderer._things._boards.write = lambda records: (written.append(len(records)), write(records))[1]  # type: ignore[method-assign]
    revision = visitor.world.revision
    visitor.does(frames=10)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    assert not written and visitor.world.revision == revision


def test_what_is_thrown_is_seen_on_its_way(ctx):
    visitor = Holder()
    show(visitor, File("1.png"), RED)
    renderer = renderer_of(ctx, visitor.world)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    visitor.world.carried["right"].velocity_m_s = np.array([-4.0, 1.0, 0.0])
    visitor.right = replace(visitor.right, select=False)
    visitor.does()
    (flight,) = visitor.world.flights
    for _ in range(3):
        visitor.does(frames=5)
        pose, size = flight.at(visitor.world.time_s)
        assert size > 0.2
        assert like(seen(renderer, visitor, pose.position)[24, 24], RED)
    visitor.does(frames=60)
    assert not visitor.world.flights


def test_a_large_picture_is_reduced_and_does_not_flicker(ctx, visitor: Holder):
    """Lines of one pixel, of which every fourth would be black or white: their mean is grey."""
    lines = np.zeros((1024, 1024, 3), np.uint8)
    lines[::2] = 255
    show(visitor, File("hung.png"), lines, full=True)
    hung(visitor)
    renderer = renderer_of(ctx, visitor.world)
    renderer.prepare(visitor.world, np.zeros(3), 1e6)
    picture = draw(renderer, visitor.world, *facing(HUNG), (64, 64)).astype(int)[16:48, 16:48]
    assert picture.std() < 3 and 100 < picture.mean() < 200


def stripes(width: int, height: int) -> np.ndarray:
    """Columns of two pixels, red and green in turn: of a quarter of them nothing is left but a mixture."""
    made = np.zeros((height, width, 3), np.uint8)
    made[:, (np.arange(width) // 2) % 2 == 0] = RED[0, 0]
    made[:, (np.arange(width) // 2) % 2 == 1] = GREEN[0, 0]
    return made


def test_what_is_held_is_drawn_with_all_the_pixels_that_have_come(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    pixels = stripes(1024, 512)
    show(visitor, File("1.png"), pixels[::4, ::4], full=False)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    (carried,) = visitor.world.carried.values()
    middle = carried.world_from_picture.position
    front = carried.world_from_picture.matrix[:3, 2]
    near = Fov(-0.01, 0.01, 0.01, -0.01)  # 4 mm of it from 20 cm: a dozen stripes

    def look() -> np.ndarray:
        return seen(renderer, visitor, middle, near, middle + front * 0.2)

    small = look()
    assert small[..., 0].max() - small[..., 0].min() < 60
    show(visitor, File("1.png"), pixels, full=True)
    large = look()
    assert large[24, :, 0].max() > 190 and large[24, :, 1].max() > 170
    visitor.release()
    assert renderer._things._thumbnails._large and look() is not None
    assert not renderer._things._thumbnails._large, "its texture goes with the hand"


def test_a_held_picture_stands_upright_and_unmirrored_with_all_its_pixels(ctx, visitor: Holder):
    renderer = renderer_of(ctx, visitor.world)
    pixels = np.zeros((600, 600, 3), np.uint8)
    pixels[:300, :300] = RED[0, 0]
    pixels[300:] = GREEN[0, 0]
    show(visitor, File("1.png"), pixels, full=True)
    visitor.press(slot(visitor, 1))
    visitor.goes(AWAY)
    (carried,) = visitor.world.carried.values()
    pose = carried.world_from_picture
    picture = seen(
        renderer, visitor, pose.position, Fov(-0.3, 0.3, 0.3, -0.3), pose.position + pose.matrix[:3, 2] * 0.4
    )
    assert like(picture[16, 16], RED) and picture[16, 32].max() < 20
    assert like(picture[32, 16], GREEN) and like(picture[32, 32], GREEN)


def test_the_large_tile_is_compiled_before_there_is_one(ctx):
    renderer = Renderer(ctx)
    look = Look("grey", "wall")
    renderer.rehearse(View(Pose.at(0.0, 1.7, 0.0), NARROW, Surface(ctx, (48, 48)).framebuffer), look)
    compiled = set(renderer._walls._programs)
    assert Variant(2, 1, grained=True) in compiled and Variant(2, 1) in compiled
