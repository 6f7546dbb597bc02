"""Whole pictures of a small room against references: pytest tests/test_scenes.py --regenerate writes them anew.

Compared only where llvmpipe draws: another renderer rounds otherwise. Elsewhere the scenes are drawn all the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from drawing import draw, renderer_of
from PIL import Image
from rooms import tiles_of

from walkin.frame import Input
from walkin.geometry import Fov, Pose
from walkin.graph import Network, Node
from walkin.interact.layout import lay_out
from walkin.interact.locomotion import stand_at_entrance, stand_before
from walkin.results import Fed, Scores
from walkin.targets.offscreen import EYE_DISTANCE_M, LEFT_EYE, RIGHT_EYE
from walkin.world import World

SIZE = (480, 270)
REFERENCES = Path(__file__).parent / "reference"
OUT = Path(__file__).parent / "out"  # ignored by git
NOTICED = 3  # codes
ALLOWED = 0.001  # share of pixels


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
        world.accept(tiles_of(node, values))
    v, u = np.mgrid[0:64, 0:64]
    photo = np.stack([4 * u, 4 * v, 255 * ((u // 8 + v // 8) % 2)], axis=2).astype(np.uint8)
    world.accept(Fed(photo, ("checks.png", "64 x 64"), 0))
    world.accept(Scores(("tabby", "Egyptian cat", "tiger cat"), (0.62, 0.27, 0.11), 0))
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


SCENES: dict[str, Callable] = {"entrance": entrance, "close_wall": close_wall, "two_eyes": two_eyes}


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
