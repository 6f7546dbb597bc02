"""Walls are drawn by the cheapest shader that will do for where they stand; which of them it is, nobody sees."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, furnished, maps, tiles_of, tiles_of_codes

from walkin.geometry import Fov, Pose
from walkin.gl import write_bytes
from walkin.mosaic import MAX_LEVELS
from walkin.render import atlas, walls
from walkin.render.sight import Sight
from walkin.state.places import Place
from walkin.world import World

SIZE = (160, 120)
VIEWS = (Fov(-0.5, 0.5, 0.4, -0.4), Fov(-0.2, 0.1, 0.1, -0.15), Fov(-0.9, 0.7, 0.6, -0.8))


def room() -> World:
    """Two walls, one of tall pictures, turned: what is near and what is far differs along each."""
    nodes = maps("a", 60, 14, 14), maps("b", 24, 20, 12)
    places = {"a": Place((-1.6, 0.4, -3.0), 0.3, 10, 6, 0.25, 0.85), "b": Place((0.6, 0.3, -2.5), -0.5, 4, 6, 0.3, 0.8)}
    random = np.random.default_rng(1)
    values = [random.normal(size=node.shape[1:]).cumsum(axis=2) for node in nodes]
    return furnished(chain(*nodes), places, [tiles_of(*pair) for pair in zip(nodes, values, strict=True)])


def heads(world: World, count: int, *, near: bool) -> list[Pose]:
    random = np.random.default_rng(2)
    found = []
    for number in range(count):
        place = list(world.walls.values())[number % 2].place
        distance = random.uniform(0.15, 1.2) if near else random.uniform(2.0, 60.0)
        at = place.centre + place.normal * distance + random.normal(size=3) * 0.15 * distance
        yaw, pitch = place.yaw + random.normal() * 0.5, random.normal() * 0.3
        found.append(Pose.at(*at, yaw=yaw, pitch=pitch))
    return found


def drawn_by(renderer) -> tuple[int, int, int]:
    """How many walls the shaders for close ones, for all and for far ones draw."""
    counts, pages = renderer._walls._counts, renderer.pages
    return sum(counts[:pages]), sum(counts[pages : 3 * pages]), counts[3 * pages]


def test_close_walls_look_as_those_that_could_be_anywhere(ctx, monkeypatch: pytest.MonkeyPatch):
    world = room()
    renderer = renderer_of(ctx, world)
    looks = [(head, VIEWS[n % 3]) for n, head in enumerate(heads(world, 90, near=True))]
    close, pictures = 0, []
    for head, fov in looks:
        pictures.append(draw(renderer, world, head, fov, SIZE).astype(int))
        close += drawn_by(renderer)[0]
    assert 30 < close < 170, "some are close, not all"
    monkeypatch.setattr(Sight, "coarsest_m", lambda self, walls: np.full(len(walls), np.inf))
    for number, ((head, fov), picture) in enumerate(zip(looks, pictures, strict=True)):
        plain = draw(renderer, world, head, fov, SIZE)
        assert drawn_by(renderer)[0] == 0
        assert np.abs(plain - picture).max() <= 2, f"view {number}"


def test_walls_are_drawn_as_means_only_where_every_tile_has_faded(ctx, monkeypatch: pytest.MonkeyPatch):
    """With texels in which nothing is left of the picture: had a pixel not faded, it would tell."""
    world = room()
    renderer = renderer_of(ctx, world)
    looks = [(head, VIEWS[n % 3]) for n, head in enumerate(heads(world, 90, near=False))]
    chosen = []
    for head, fov in looks:
        draw(renderer, world, head, fov, SIZE)
        chosen.append(drawn_by(renderer)[2])
    assert 10 < sum(chosen) < 170, "some are far, not all"
    monkeypatch.setattr(Sight, "finest_m", lambda self, walls: np.full(len(walls), -np.inf))
    before = [draw(renderer, world, head, fov, SIZE).astype(int) for head, fov in looks]
    for block in renderer._atlas.blocks:
        for layer, level in product(range(block.layers.count), range(MAX_LEVELS)):
            side = block.side >> level
            write_bytes(block.texture, layer, (0, 0), level, np.full((side, side), 7, np.uint8))
    told = []
    for (head, fov), picture, means in zip(looks, before, chosen, strict=True):
        differs = np.abs(draw(renderer, world, head, fov, SIZE) - picture).max()
        told.append(differs > 2)
        assert means < 2 or differs <= 2, f"{means} walls were taken for faded"
    assert any(told)


def vectors_of(renderer) -> int:
    counts = renderer._walls._counts
    return counts[len(counts) // 2 - 1] + counts[-1]  # among the nearest, and of the others


@pytest.mark.parametrize("flawed", [False, True])
def test_vectors_look_as_what_is_read_from_a_page(ctx, flawed: bool):
    """Beside a wall of pictures, in view together; with values that are not finite, and without."""
    nodes = maps("a", 60, 1, 1), maps("b", 24, 20, 12)
    places = {"a": Place((-1.6, 0.4, -3.0), 0.3, 10, 6, 0.25, 0.85), "b": Place((0.6, 0.3, -2.5), -0.5, 4, 6, 0.3, 0.8)}
    values = [np.random.default_rng(1).normal(size=node.shape[1:]) for node in nodes]
    wrong = np.arange(60) % 7 == 0 if flawed else np.zeros(60, bool)
    vector = tiles_of_codes(nodes[0], np.zeros((60, 1, 1), int), *[values[0].ravel()] * 2, flawed=wrong)
    world = furnished(chain(*nodes), places, [vector, tiles_of(nodes[1], values[1])])
    world.look = replace(world.look, range_mode="wall")
    renderer = renderer_of(ctx, world)
    looks = [(head, VIEWS[n % 3]) for n, head in enumerate(heads(world, 30, near=True) + heads(world, 30, near=False))]
    pictures, vectors = [], 0
    for head, fov in looks:
        pictures.append(draw(renderer, world, head, fov, SIZE).astype(int))
        vectors += vectors_of(renderer)
    assert 20 < vectors <= 60
    renderer._walls._vectors[:] = False
    renderer._walls.stale = True
    for number, ((head, fov), picture) in enumerate(zip(looks, pictures, strict=True)):
        plain = draw(renderer, world, head, fov, SIZE)
        assert vectors_of(renderer) == 0
        assert np.abs(plain - picture).max() <= 1, f"view {number}"


def test_the_nearest_walls_are_drawn_before_all_others_on_whatever_block_they_lie(ctx, monkeypatch: pytest.MonkeyPatch):
    """Rows of walls, the nearest on the last block; the same picture as in the order of blocks."""
    monkeypatch.setattr(atlas, "USUAL_SIDE", 64)
    monkeypatch.setattr(atlas, "SOFTWARE_BLOCK_BYTES", 4 * 64 * 64)
    random, count = np.random.default_rng(4), 40
    nodes = [maps(f"wall{number}", 12, 14, 14) for number in range(count)]
    places = {
        node.address: Place((2.0 * (n % 4) - 4.0, 0.3, -1.5 * (count - n) / 3), 0.2, 4, 3, 0.4, 0.9)
        for n, node in enumerate(nodes)
    }
    tiles = [tiles_of(node, random.normal(size=node.shape[1:])) for node in nodes]
    world = furnished(chain(*nodes), places, tiles)
    renderer = renderer_of(ctx, world)
    assert renderer.pages > 2
    head = Pose.at(0.0, 1.7, 0.0)
    picture = draw(renderer, world, head, VIEWS[0], SIZE)
    counts, sight = renderer._walls._counts, renderer._sight
    first = sum(counts[: len(counts) // 2])
    assert sight is not None and walls.NEAREST < first + 1 <= walls.NEAREST + 2 and sum(counts) > first + 4
    monkeypatch.setattr(walls, "NEAREST", 10**6)
    renderer._sight = None
    assert (draw(renderer, world, head, VIEWS[0], SIZE) == picture).all()
    assert sum(renderer._walls._counts[len(counts) // 2 :]) == 0
