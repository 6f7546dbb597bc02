"""Where a visitor stands before a wall: all of it is in the picture, and nothing hides any of it; or its lower part."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rooms import chain, furnished, maps
from test_locomotion import seen_from_where_one_stands

from walkin.frame import Input
from walkin.geometry import UP, Pose
from walkin.graph import Network
from walkin.interact.moving.locomotion import stand_before
from walkin.interact.planning.layout import lay_out
from walkin.state.places import LayoutParameters, Place
from walkin.world import World

GIVEN = Input(stage_from_head=Pose.at(0.2, 1.7, -0.1, yaw=0.3))
THICK_M, FRAME_M = 0.06, 0.05  # of a wall behind its tiles, and around them


def eye(world: World) -> np.ndarray:
    return (world.world_from_stage @ GIVEN.stage_from_head).position


def points(place: Place, count: int = 6) -> list[np.ndarray]:
    """Of a wall's tiles, to their very edges."""
    shares = np.linspace(0.0, 1.0, count)
    corner = np.array(place.corner)
    return [corner + place.right * place.width_m * x + UP * place.height_m * y for y in shares for x in shares]


def hides(other: Place, begin: np.ndarray, ends: list[np.ndarray]) -> bool:
    """Whether one of the lines of sight from a point meets a wall's body, from the floor up: a box, sampled slowly."""
    shares = np.linspace(0.0, 0.999, 1500)[:, None]
    for end in ends:
        along = begin + shares * (end - begin)
        apart = along - np.array(other.corner)
        x, behind = apart @ other.right, -(apart @ other.normal)
        inside = (x > -FRAME_M) & (x < other.width_m + FRAME_M) & (behind > -0.002) & (behind < THICK_M)
        if (inside & (along[:, 1] < other.corner[1] + other.height_m + FRAME_M)).any():
            return True
    return False


def is_near(place: Place, begin: np.ndarray, end: np.ndarray, reach_m: float) -> bool:
    """Whether a wall comes nearer than so many metres to a line along the floor."""
    line, apart = (end - begin)[[0, 2]], (place.centre - begin)[[0, 2]]
    share = min(max(float(apart @ line) / float(line @ line), 0.0), 1.0)
    return math.hypot(*(apart - share * line)) < reach_m + place.width_m / 2


def unseen(world: World, key: str) -> str:
    """What is wrong with where one stands before a wall; '' if all of it is seen."""
    place, at = world.walls[key].place, eye(world)
    for point in points(place):
        across, up = seen_from_where_one_stands(world, GIVEN, point)
        if not (abs(across) < 1 and abs(up) < 1):
            return f"{key}: out of the picture at {across:.2f}, {up:.2f}"
    foot = points(place)[:6]  # what stands on the floor hides the foot first
    for other, wall in world.walls.items():
        near = other != key and is_near(wall.place, at, place.centre, place.width_m / 2 + 0.2)
        if near and hides(wall.place, at, foot):
            return f"{key}: {other} hides some of it"
    return ""


def torchvision_network(name: str) -> Network:
    import torch
    import torchvision

    import walkin

    model = getattr(torchvision.models, name)(weights=None).eval()
    return walkin.trace(model, torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize("kind", ["line", "spiral"])
@pytest.mark.parametrize(
    "name",
    ["resnet18", pytest.param("resnet50", marks=pytest.mark.slow), pytest.param("densenet121", marks=pytest.mark.slow)],
)
def test_each_wall_of_a_network_is_seen_from_where_one_is_put_before_it(name: str, kind: str):
    network = torchvision_network(name)
    world = World()
    world.furnish(network, lay_out(network, LayoutParameters(kind=kind)))
    problems, near = [], 0
    for key, wall in world.walls.items():
        stand_before(world, GIVEN, wall.place)
        assert name != "resnet18" or slant(world, wall.place) < 50.1, f"{key}: too much aslant to tell what it shows"
        if problem := unseen(world, key):
            near += 1
            assert slant(world, wall.place) < 45
            if untold := unseen_where_it_begins(world, key):
                problems.append(f"{problem}; {untold}")
    assert len(world.walls) > 20 and not problems, "\n".join(problems)
    assert near < len(world.walls) / 2, "most are seen whole"


def unseen_where_it_begins(world: World, key: str) -> str:
    """What is wrong with where one stands before the lower left part of a wall; '' if that is seen."""
    place, at = world.walls[key].place, eye(world)
    foot = np.array(place.corner)
    across, up = seen_from_where_one_stands(world, GIVEN, foot)
    if not (abs(across) < 1 and abs(up) < 1):
        return f"out of the picture at {across:.2f}, {up:.2f}"
    behind = [other for other, wall in world.walls.items() if other != key and hides(wall.place, at, [foot])]
    return f"{behind[0]} hides where it begins" if behind else ""


def slant(world: World, place: Place) -> float:
    """Degrees between a wall's normal and the way to who looks at it, along the floor: to where on it they look."""
    x, _, z = eye(world) - place.centre
    away = x * place.normal[0] + z * place.normal[2]
    along = abs(x * place.right[0] + z * place.right[2])
    return math.degrees(math.atan2(along, away))


def test_one_stands_straight_before_a_wall_that_nothing_hides_and_aslant_of_one_behind_another():
    behind, before = (
        Place((-1.5, 0.45, -9.0), 0.0, 18, 18, 0.16, 0.9),
        Place((-2.5, 0.45, -6.5), 0.0, 18, 18, 0.16, 0.9),
    )
    world = furnished(chain(maps("a", 324, 4, 4), maps("b", 324, 4, 4)), {"a": behind, "b": before})
    stand_before(world, GIVEN, world.walls["b"].place)
    assert slant(world, before) < 0.1 and unseen(world, "b") == ""
    stand_before(world, GIVEN, world.walls["a"].place)
    assert 10 < slant(world, behind) < 60 and unseen(world, "a") == ""
    assert eye(world)[0] > behind.centre[0], "on the side to which it stands clear of the other"


def test_what_is_lower_than_the_line_of_sight_is_looked_over():
    """A wall of three rows stands on a high foot; what lies before it is not as high as that."""
    high, low = Place((-1.5, 1.6, -6.0), 0.0, 18, 3, 0.16, 0.9), Place((-1.5, 0.45, -4.6), 0.0, 18, 2, 0.16, 0.9)
    world = furnished(chain(maps("a", 54, 4, 4), maps("b", 36, 4, 4)), {"a": high, "b": low})
    stand_before(world, GIVEN, world.walls["a"].place)
    assert slant(world, high) < 0.1 and unseen(world, "a") == ""


def test_the_input_picture_is_in_the_way_as_a_wall_is():
    behind = Place((-1.5, 0.45, -9.0), 0.0, 18, 18, 0.16, 0.9)
    world = furnished(chain(maps("a", 324, 4, 4)), {"a": behind})
    assert world.here.layout is not None
    picture = Place((-1.0, 0.75, -7.0), 0.0, 1, 1, 2.0, 1.0)
    layout = world.here.layout
    world.furnish(world.network, type(layout)(layout.places, (), picture, layout.board, layout.entrance, 10.0))
    stand_before(world, GIVEN, world.walls["a"].place)
    assert slant(world, behind) > 5 and not hides(picture, eye(world), points(behind)[:6])
