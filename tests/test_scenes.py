"""Whole pictures of a small room against references: pytest tests/test_scenes.py --regenerate writes them anew.

Compared only where llvmpipe draws: another renderer rounds otherwise. Elsewhere the scenes are drawn all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawing import draw, renderer_of
from PIL import Image
from rooms import FAR_AWAY, facing, tiles_of
from rooms import furnished as furnished_by_hand

from walkin.accepting import accept
from walkin.frame import Input, View
from walkin.geometry import Fov, Pose
from walkin.graph import Network, Node
from walkin.interact.moving.locomotion import stand_at_entrance, stand_before
from walkin.interact.planning.layout import lay_out
from walkin.readings import Scores
from walkin.render import ribbons, tints
from walkin.render.colors import linear_to_srgb, srgb_to_linear
from walkin.render.rectangles import Rectangles, as_it_is, rectangle
from walkin.render.rooms import LIGHT
from walkin.render.surface import Surface
from walkin.results import Fed
from walkin.state.arrangement import Look
from walkin.state.places import Place
from walkin.targets.offscreen import EYE_DISTANCE_M, LEFT_EYE, RIGHT_EYE
from walkin.world import World

SIZE = (480, 270)
REFERENCES = Path(__file__).parent / "reference"
OUT = Path(__file__).parent / "out"  # ignored by git
NOTICED = 3  # codes
ALLOWED = 0.001  # share of pixels
INKS = {
    "name": tints.NAME,
    "dim": tints.DIM,
    "accent": tints.ACCENT,
    "alert": tints.ALERT,
    "main": (*ribbons.TINTS["main"], 1.0),
    "skip": (*ribbons.TINTS["skip"], 1.0),
}


def network() -> Network:
    """A branch, a skip, a vector, and sizes from many large maps to few small ones."""

    def node(address: str, kind: str, count: int, side: int, *inputs: str) -> Node:
        return Node(address, kind, (1, count, side, side), inputs, operation=kind, module_class=kind.title())

    nodes = (
        Node("input", "input", (1, 3, 64, 64)),
        node("stem", "conv", 16, 32, "input"),
        node("left.conv", "conv", 36, 16, "stem"),
        node("right.conv", "conv", 25, 16, "stem"),
        node("join/cat", "cat", 61, 16, "left.conv", "right.conv", "stem"),
        node("deep", "conv", 100, 8, "join/cat"),
        Node("head", "linear", (1, 40), ("deep",), operation="linear", module_class="Linear"),
    )
    return Network("small", nodes, ("head",), parameters=12345, input_shape=(1, 3, 64, 64))


def furnished() -> World:
    random = np.random.default_rng(42)
    world, small = World(), network()
    world.furnish(small, lay_out(small))
    for node in small:
        if node.kind == "input":
            continue
        mosaic = node.mosaic
        v, u = np.mgrid[0 : mosaic.height, 0 : mosaic.width] / max(mosaic.height, mosaic.width)
        angle, wave, shift = (
            random.uniform(low, high, (mosaic.count, 1, 1)) for low, high in ((0, 3), (4, 20), (0, 6))
        )
        values = np.sin(wave * (u * np.cos(angle) + v * np.sin(angle)) + shift) * (0.3 + u) + 0.3 * v
        accept(world, tiles_of(node, values))
    v, u = np.mgrid[0:64, 0:64]
    photo = np.stack([4 * u, 4 * v, 255 * ((u // 8 + v // 8) % 2)], axis=2).astype(np.uint8)
    accept(world, Fed(photo, ("checks.png", "64 x 64"), 0))
    accept(world, Scores(("tabby", "Egyptian cat", "tiger cat"), (0.62, 0.27, 0.11), 0))
    return world


def entrance(renderer, world: World) -> np.ndarray:
    assert world.layout is not None
    stand_at_entrance(world, Input(), world.layout)
    return draw(renderer, world, Pose.at(0, 1.7, 0), Fov.symmetric(math.radians(60), SIZE[0] / SIZE[1]), SIZE)


def close_wall(renderer, world: World) -> np.ndarray:
    """Before a wall, to its left and turned, with the overlay's line of what is pointed at."""
    stand_before(world, Input(), world.walls["join/cat"].place)
    world.notify("range per channel")
    eye = Pose.at(-0.3, 1.6, -0.2, yaw=-0.25, pitch=0.1)
    return draw(renderer, world, eye, Fov.symmetric(math.radians(60), SIZE[0] / SIZE[1]), SIZE, overlay=True)


def two_eyes(renderer, world: World) -> np.ndarray:
    """In the middle of the room, walls near and far on both sides, as a headset's asymmetric eyes see it."""
    assert world.layout is not None
    stand_at_entrance(world, Input(), world.layout)
    half = SIZE[0] // 2, SIZE[1]
    eyes = [
        draw(renderer, world, Pose.at(side * EYE_DISTANCE_M, 1.5, -5.2, yaw=-0.35), fov, half)
        for side, fov in ((-0.5, LEFT_EYE), (0.5, RIGHT_EYE))
    ]
    return np.concatenate(eyes, axis=1)


def light(renderer, world: World) -> np.ndarray:
    """The aisle of the light room, with what the overlay says."""
    assert world.layout is not None
    stand_at_entrance(world, Input(), world.layout)
    world.notify("range per channel")
    eye = Pose.at(-0.2, 1.6, -2.6, yaw=-0.1)
    before, world.look = world.look, replace(world.look, light=True)
    try:
        return draw(renderer, world, eye, Fov.symmetric(math.radians(70), SIZE[0] / SIZE[1]), SIZE, overlay=True)
    finally:
        world.look = before


SCENES: dict[str, Callable] = {
    "entrance": entrance,
    "close_wall": close_wall,
    "two_eyes": two_eyes,
    "light": light,
}


@pytest.fixture(scope="module")
def room() -> World:
    return furnished()


def share_of_difference(picture: np.ndarray, reference: np.ndarray) -> float:
    if picture.shape != reference.shape:
        return 1.0
    return float((np.abs(picture.astype(int) - reference).max(axis=2) > NOTICED).mean())


@pytest.mark.parametrize("name", SCENES)
def test_scene(name: str, ctx, room: World, request: pytest.FixtureRequest):
    room.banners.clear()
    room.revision += 1
    picture = SCENES[name](renderer_of(ctx, room), room)
    assert picture.shape == (SIZE[1], SIZE[0], 3)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500, "there is nothing to be seen"
    on_llvmpipe = "llvmpipe" in ctx.info["GL_RENDERER"].lower()
    path = REFERENCES / f"{name}.png"
    if request.config.getoption("--regenerate"):
        assert on_llvmpipe, f"references are llvmpipe's, this is {ctx.info['GL_RENDERER']}"
        REFERENCES.mkdir(exist_ok=True)
        Image.fromarray(picture).save(path, optimize=True)
        return
    if not on_llvmpipe:
        return  # drawn, and that is all that can be asked
    reference = np.asarray(Image.open(path))
    share = share_of_difference(picture, reference)
    if share >= ALLOWED:
        OUT.mkdir(exist_ok=True)
        Image.fromarray(picture).save(OUT / f"{name}.png")
        difference = np.abs(picture.astype(int) - reference).max(axis=2)
        Image.fromarray(np.minimum(difference * 8, 255).astype(np.uint8)).save(OUT / f"{name}-difference.png")
    assert share < ALLOWED, f"{share:.2%} of the pixels differ from {path}: see {OUT}"


def mirrored(picture: np.ndarray) -> np.ndarray:
    return picture[:, ::-1]


def upturned(picture: np.ndarray) -> np.ndarray:
    return picture[::-1]


def shifted(picture: np.ndarray) -> np.ndarray:
    return np.roll(picture, 1, axis=1)


def eyes_swapped(picture: np.ndarray) -> np.ndarray:
    return np.roll(picture, SIZE[0] // 2, axis=1)


def linear_written_as_srgb(picture: np.ndarray) -> np.ndarray:
    return (255 * (picture / 255) ** 2.2).astype(np.uint8)


@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("fault", [mirrored, upturned, shifted, eyes_swapped, linear_written_as_srgb])
def test_faults_are_noticed(name: str, fault: Callable):
    reference = np.asarray(Image.open(REFERENCES / f"{name}.png"))
    assert share_of_difference(reference, reference) == 0
    assert share_of_difference(fault(reference), reference) > 10 * ALLOWED


# --- the light room


def luminance(picture: np.ndarray) -> np.ndarray:
    """Relative luminance as WCAG 2.1 has it."""
    linear = srgb_to_linear(picture / 255.0)
    return linear @ (0.2126, 0.7152, 0.0722)


def test_tiles_and_pictures_have_the_same_colours_in_a_light_room(ctx):
    place = Place((-1.0, 0.5, -3.0), 0.0, 2, 2, 1.0, 1.0)
    node = Node("a", "conv", (1, 4, 8, 8))
    values = np.random.default_rng(0).normal(size=(4, 8, 8))
    seen = []
    for is_light in (False, True):
        world = furnished_by_hand(Network("n", (node,), ("a",)), {"a": place}, [tiles_of(node, values)])
        world.look = Look(labels=False, light=is_light)
        eye, fov = facing(place)
        seen.append(draw(renderer_of(ctx, world), world, eye, fov, (128, 128)).astype(int))
    assert np.abs(seen[0] - seen[1]).max() <= 4  # the air takes 0.3 % over two metres


@pytest.mark.parametrize("tint", INKS.values(), ids=INKS)
def test_text_is_legible_in_a_light_room(ctx, tint: tuple[float, float, float, float]):
    """At least 4.5 to 1 for what is to be read (WCAG 2.1, AA), 3 to 1 for what is large or quiet, on wall and air."""
    world = furnished_by_hand(Network("n", (Node("a", "conv", (1, 4, 8, 8)),), ("a",)), {"a": FAR_AWAY})
    world.look = Look(labels=False, light=True)
    renderer = renderer_of(ctx, world)
    ink = luminance(shown(ctx, renderer, world, tint))
    for ground in (LIGHT.air, LIGHT.panel):
        paper = float(np.array(ground[:3]) @ (0.2126, 0.7152, 0.0722))
        contrast = (paper + 0.05) / (ink + 0.05)
        quiet = tint in (tints.DIM, tints.ACCENT, tints.ALERT, ribbon_tint("main"), ribbon_tint("skip"))
        assert contrast >= (3.0 if quiet else 4.5), (ground, contrast)


def ribbon_tint(kind: str) -> tuple[float, float, float, float]:
    return (*ribbons.TINTS[kind], 1.0)


def shown(ctx, renderer, world: World, tint: tuple[float, float, float, float]) -> np.ndarray:
    """(3,) sRGB codes of a rectangle of this tint in the room."""
    drawn = Rectangles(ctx)
    buffer = drawn.buffer()
    buffer.write(rectangle(np.array([-1.0, -1.0, -1.0]), np.array([2.0, 0, 0]), np.array([0, 2.0, 0]), tint))
    surface = Surface(ctx, (32, 32))
    renderer.draw(world, View(Pose(), Fov.symmetric(0.5, 1.0), surface.framebuffer))
    surface.framebuffer.use()
    ctx.enable_only(0)
    buffer.draw()
    return surface.read()[16, 16].astype(float)


def test_what_is_part_of_a_picture_keeps_its_colour_in_a_light_room(ctx):
    world = furnished_by_hand(Network("n", (Node("a", "conv", (1, 4, 8, 8)),), ("a",)), {"a": FAR_AWAY})
    world.look = Look(labels=False, light=True)
    renderer = renderer_of(ctx, world)
    tint = (0.02, 0.3, 0.9, 1.0)
    wanted = linear_to_srgb(np.array(tint[:3])) * 255
    assert shown(ctx, renderer, world, as_it_is(tint)) == pytest.approx(wanted, abs=4)
    assert np.abs(shown(ctx, renderer, world, tint) - wanted).max() > 20
