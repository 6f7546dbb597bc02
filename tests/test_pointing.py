"""From a ray to wall, tile and value: against trying every texel of every wall."""

from __future__ import annotations

import numpy as np
import pytest
from rooms import chain, furnished, maps, tiles_of

from walkin.frame import Hand
from walkin.geometry import UP, Pose, Ray
from walkin.interact.handling.pointing import RIM_M, hover, nearest_wall, world_ray
from walkin.state.places import Place
from walkin.state.wall import tile_fill
from walkin.world import World


@pytest.fixture(scope="module")
def world() -> World:
    """Three walls, one partly behind another, of unlike tiles: wide, high, square; one sorted, one with places free."""
    random = np.random.default_rng(11)
    nodes = [maps("wide", 7, 3, 6), maps("high", 5, 8, 4), maps("behind", 16, 5, 5)]
    places = {
        "wide": Place((-1.2, 0.8, -2.5), 0.5, 3, 3, 0.3, 0.9),
        "high": Place((0.3, 0.6, -2.2), -0.6, 3, 2, 0.4, 0.8),
        "behind": Place((-0.8, 0.3, -4.0), 0.0, 4, 4, 0.5, 0.95),
    }
    tiles = [tiles_of(n, random.normal(size=(n.maps, n.mosaic.height, n.mosaic.width))) for n in nodes]
    made = furnished(chain(*nodes), places, tiles)
    made.walls["high"].order = np.array([3, 1, 4, 0, 2])
    return made


def brute_force(world: World, ray: Ray) -> tuple[str, int, int, int, float] | None:
    """(address, channel, row, column, distance): the nearest wall's grid is found first, then its texels are tried."""
    best = None
    for address, wall in world.walls.items():
        place = wall.place
        system = np.stack([place.right, UP, -ray.direction], axis=1)
        if abs(np.linalg.det(system)) < 1e-9 or ray.direction @ place.normal >= 0:
            continue
        x, y, distance = np.linalg.solve(system, ray.origin - np.array(place.corner))
        if (
            distance > 0
            and -RIM_M <= x <= place.width_m + RIM_M
            and y <= place.height_m + RIM_M
            and ray.origin[1] + distance * ray.direction[1] >= 0
            and (best is None or distance < best[1])
        ):
            best = (address, distance, x, place.height_m - y)
    if best is None:
        return None
    address, distance, x, y = best
    wall = world.walls[address]
    if not (0 <= x <= wall.place.width_m and 0 <= y <= wall.place.height_m):
        return None  # on the rim
    place, mosaic = wall.place, wall.mosaic
    width, height = (share * place.pitch_m for share in tile_fill(place.fill, mosaic))
    for position in range(wall.count):
        line, across = divmod(position, place.columns)
        left = (across + 0.5) * place.pitch_m - width / 2
        top = (line + 0.5) * place.pitch_m - height / 2
        for row in range(mosaic.height):
            for column in range(mosaic.width):
                u, v = left + column * width / mosaic.width, top + row * height / mosaic.height
                if u <= x < u + width / mosaic.width and v <= y < v + height / mosaic.height:
                    channel = position if wall.order is None else int(wall.order[position])
                    return address, channel, row, column, distance
    return None


def test_hover_is_what_trying_everything_finds(world: World):
    random = np.random.default_rng(12)
    met = 0
    found: set[str] = set()
    for _ in range(1500):
        pose = Pose.at(*random.uniform((-1.5, 0.5, -1.5), (1.5, 2.0, 0.5)), yaw=random.uniform(-0.9, 0.9),
                       pitch=random.uniform(-0.4, 0.4))  # fmt: skip
        hand = Hand(stage_from_aim=pose)
        ray = world_ray(world, hand)
        assert ray is not None
        expected, result = brute_force(world, ray), hover(world, hand)
        if expected is None:
            assert result is None
            continue
        met += 1
        assert result is not None
        found.add(result.address)
        address, channel, row, column, distance = expected
        assert (result.address, result.channel, result.row, result.column) == (address, channel, row, column)
        assert result.distance_m == pytest.approx(distance)
        tiles = world.walls[address].tiles
        assert tiles is not None
        y, x = tiles.mosaic.cell(channel)
        code = tiles.levels[0][y + row, x + column]
        value = tiles.low[channel] + code / 255 * (tiles.high[channel] - tiles.low[channel])
        assert result.value == pytest.approx(float(value), abs=1e-6)
    assert met > 200
    assert found == set(world.walls)


def test_the_nearest_wall_is_met(world: World):
    target = world.walls["wide"].place.centre
    direction = target - np.array([-0.5, 1.3, 0.5])
    met = nearest_wall(world, Ray(np.array([-0.5, 1.3, 0.5]), direction / np.linalg.norm(direction)))
    assert met is not None
    assert met[0].node.address == "wide"


def test_a_wall_is_not_met_from_behind(world: World):
    place = world.walls["behind"].place
    assert nearest_wall(world, Ray(place.centre - place.normal * 2, place.normal)) is None


def test_nothing_is_pointed_at(world: World):
    assert world_ray(world, Hand()) is None
    assert hover(world, Hand()) is None
    assert hover(world, Hand(stage_from_aim=Pose.at(0, 1.5, 0, yaw=np.pi))) is None


def test_a_hand_is_moved_by_what_the_visitor_stands_on(world: World):
    moved = World(world_from_stage=Pose.at(3.0, 1.0, -2.0, yaw=np.pi / 2))
    ray = world_ray(moved, Hand(stage_from_aim=Pose.at(0.0, 1.5, -1.0)))
    assert ray is not None
    assert ray.origin == pytest.approx([2.0, 2.5, -2.0])
    assert ray.direction == pytest.approx([-1.0, 0.0, 0.0])


def test_walls_without_tiles_show_no_value():
    node = maps("a", 1, 4, 4)
    bare = furnished(chain(node), {"a": Place((-0.5, 0.5, -2.0), 0.0, 1, 1, 1.0, 1.0)})
    assert hover(bare, Hand(stage_from_aim=Pose.at(0, 1, 0))) is None
