"""Levels of detail against a supersampled truth: from close by to where a pixel holds a few tiles, head-on and aslant,
and a walk on which no change of level is to be seen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import moderngl
import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, furnished, maps, tiles_of_codes

from walkin.geometry import Fov, Pose
from walkin.render import eye as eye_module
from walkin.render.colors import linear_to_srgb, srgb_to_linear
from walkin.render.renderer import Renderer
from walkin.state.places import Place
from walkin.world import World

SIZE = 64
FINER = 8  # pixels of the truth to one, each way
AWAY_M = 8.0
PLACE = Place((-1.0, 0.4, 0.0), 0.0, 12, 12, 0.25, 1.0)


@pytest.fixture(autouse=True)
def clear_air(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eye_module, "FOG_M", 1e6)


def smooth(count: int, side: int) -> np.ndarray:
    """(count, side, side) codes: waves of a few tiles' widths down to a quarter of one."""
    random = np.random.default_rng(3)
    v, u = np.mgrid[0:side, 0:side] / side
    angle, wave, shift = (random.uniform(low, high, (count, 1, 1)) for low, high in ((0, 3), (1, 12), (0, 6)))
    middle = random.uniform(80, 170, (count, 1, 1))
    return middle + 75 * np.sin(wave * (u * np.cos(angle) + v * np.sin(angle)) + shift)


def room(ctx: moderngl.Context, codes: np.ndarray, fill: float) -> tuple[World, Renderer]:
    count, height, width = codes.shape
    node = maps("a", count, height, width)
    world = furnished(
        chain(node), {"a": replace(PLACE, fill=fill)}, [tiles_of_codes(node, codes.round().astype(int), 0, 1)]
    )
    world.look = replace(world.look, color_map="grey", range_mode="wall")
    return world, renderer_of(ctx, world)


def view(tile_pixels: float, turn: float, aside_m: float = 0.0) -> tuple[Pose, Fov]:
    """An eye AWAY_M before the wall's middle, to one side of it, that sees a tile so large when it looks straight."""
    half = math.atan(PLACE.pitch_m * SIZE / 2 / (tile_pixels * AWAY_M))
    position = PLACE.centre + AWAY_M * np.array([math.sin(turn), 0.0, math.cos(turn)]) + np.array([aside_m, 0.013, 0.0])
    return Pose(position, Pose.at(0, 0, 0, yaw=turn).orientation), Fov(-half, half, half, -half)


def inner(tile_pixels: float, turn: float) -> tuple[slice, slice]:
    """The part of a picture that the wall fills, its outermost pixels left out."""
    wide, high = (12 * tile_pixels * share for share in (math.cos(turn) * 0.85, 0.85))
    across, down = (max(2, SIZE // 2 - max(0, int(min(extent, SIZE) / 2) - 1)) for extent in (wide, high))
    return slice(down, SIZE - down), slice(across, SIZE - across)


def errors(world: World, renderer: Renderer, tile_pixels: float, turn: float, aside_m: float = 0.0, *, light: bool):
    """What is drawn minus the mean of 8 x 8 finer pixels: of codes, or of light given as codes."""
    eye, fov = view(tile_pixels, turn, aside_m)
    part = inner(tile_pixels, turn)
    drawn = draw(renderer, world, eye, fov, (SIZE, SIZE)).astype(float)[..., 0]
    fine = draw(renderer, world, eye, fov, (SIZE * FINER, SIZE * FINER)).astype(float)[..., 0]
    if light:
        fine = srgb_to_linear(fine / 255)
    truth = fine.reshape(SIZE, FINER, SIZE, FINER).mean(axis=(1, 3))
    if light:
        truth = linear_to_srgb(truth) * 255
    return (drawn - truth)[part]


SIZES = (40.0, 28.0, 20.0, 14.0, 10.0, 7.0, 5.0, 3.5, 2.6)  # pixels a tile
# How far codes may lie from the truth there (standard deviation). A pixel shows one tile, though it may reach into the
# next: the fewer pixels a tile has, the more of them do. Aslant a pixel is longer than it is wide, too.
STRAIGHT = (3, 13, 4, 10, 18, 17, 26, 44, 38)
ASLANT = (7, 10, 10, 14, 22, 37, 45, 40, 35)


@pytest.mark.parametrize("turn", [0.0, 0.9])
@pytest.mark.parametrize("side", [28, 7])
def test_each_level_is_the_mean_of_what_it_stands_for(ctx, turn: float, side: int):
    """Grey, in codes, of which levels are means; without gaps."""
    world, renderer = room(ctx, smooth(144, side), 1.0)
    for tile_pixels, most in zip(SIZES, ASLANT if turn else STRAIGHT, strict=True):
        found = errors(world, renderer, tile_pixels, turn, light=False)
        assert abs(found.mean()) < 1.5, f"{tile_pixels} pixels a tile: {found.mean():.2f}"
        assert found.std() < most, f"{tile_pixels} pixels a tile: {found.std():.2f}"


@pytest.mark.parametrize("turn", [0.0, 0.9])
def test_tiles_and_gaps_are_as_light_from_afar_as_from_near(ctx, turn: float):
    """Tiles of one colour each, up to three of them and their gaps to a pixel."""
    codes = np.random.default_rng(8).uniform(60, 255, (144, 1, 1)) * np.ones((1, 8, 8))
    world, renderer = room(ctx, codes, 0.9)
    for tile_pixels in (*SIZES, 2.0, 1.4, 1.0, 0.7):
        found = errors(world, renderer, tile_pixels, turn, light=True)
        assert abs(found.mean()) < 7, f"{tile_pixels} pixels a tile: {found.mean():.2f}"
        assert found.std() < 25, f"{tile_pixels} pixels a tile: {found.std():.2f}"


def walk() -> Iterator[tuple[float, float]]:
    """Pixels a tile and metres aside: towards the wall by a fiftieth a frame, swaying."""
    tile_pixels = 2.0
    while tile_pixels < 32.0:
        yield tile_pixels, 0.05 * math.sin(9.0 * math.log(tile_pixels))
        tile_pixels *= 1.04


@pytest.mark.slow
@pytest.mark.parametrize("turn", [0.0, 0.7])
def test_no_change_of_level_is_seen_on_a_walk(ctx, turn: float):
    """Beside the truth of each frame: neither its lightness nor its error jumps from one frame to the next."""
    world, renderer = room(ctx, smooth(144, 14), 0.9)
    means, deviations = [], []
    for tile_pixels, aside_m in walk():
        found = errors(world, renderer, tile_pixels, turn, aside_m, light=True)
        means.append(found.mean())
        deviations.append(found.std())
    assert np.abs(np.diff(means)).max() < 2.5
    assert np.abs(np.diff(deviations)).max() < 6.5
