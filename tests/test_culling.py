"""What is left out of a view is not in it: rooms drawn whole, against what is chosen for the view, pixel by pixel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import tiles_of

from walkin.accepting import accept
from walkin.geometry import UP, Fov, Pose, quaternion_product
from walkin.graph import Network, Node
from walkin.interact.planning.layout import lay_out
from walkin.readings import Scores
from walkin.render import cells, cover, eye, labels, sight
from walkin.render.background import WHOLE
from walkin.render.cover import DEPTH_M, MARGIN_M, Bodies, Cover
from walkin.render.ribbons import Slabs
from walkin.results import Fed
from walkin.state.bounds import Bounds
from walkin.state.places import LayoutParameters
from walkin.world import World

SIZE = (128, 72)
NARROW = Fov(-0.25, 0.15, 0.12, -0.18)
WIDE = Fov(-0.9, 0.7, 0.6, -0.7)


def _all_is_shown(self: Cover, bounds: Bounds, walls: np.ndarray, others: Bodies) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat([[0.0, 1.0]], len(walls), axis=0), np.zeros(len(others.tops), bool)


@contextmanager
def everything_drawn() -> Iterator[None]:
    """Whatever asks whether a sphere reaches into a frustum is told that it does; nothing is behind the fog, no wall
    behind another, and the background everywhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(eye, "GONE", 1e9)
        patch.setattr(sight.Cover, "hides", lambda self, bodies: np.zeros(len(bodies.tops), bool))
        patch.setattr(sight.Cover, "find", _all_is_shown)
        patch.setattr(eye, "spheres_in_frustum", lambda centres, *_: np.ones(len(centres), bool))
        patch.setattr(sight.Cells, "of", lambda *_: WHOLE)
        yield


def room(kind: str) -> World:
    """Sixty stages: large walls, small ones, and single columns whose names are far wider than they are; skips."""
    random = np.random.default_rng(1)
    nodes = [Node("input", "input", (1, 3, 8, 8))]
    for stage in range(60):
        name = f"stages.{stage}.of_a_name_that_is_long/add"
        count, side = ((320, 6), (4, 12), (1, 5))[stage % 3]
        inputs = (nodes[-1].address, *((nodes[-4].address,) if stage > 3 else ()))
        nodes.append(Node(name, "conv", (1, count, side, side), inputs, operation="conv2d", module_class="Conv2d"))
    network = Network("net", tuple(nodes), (nodes[-1].address,))
    world = World()
    world.furnish(network, lay_out(network, LayoutParameters(kind=kind)))
    for node in nodes[1:]:
        count, height, width = node.shape[1:]
        accept(world, tiles_of(node, random.normal(size=(count, height, width))))
    return world


def heads(world: World, count: int) -> Iterator[Pose]:
    """Anywhere among the walls, looking anywhere; every other one close before a wall and along it."""
    random = np.random.default_rng(7)
    places = [wall.place for wall in world.walls.values()]
    for number in range(count):
        place = places[random.integers(len(places))]
        away = random.normal(size=3) * (0.3, 0.2, 0.3) if number % 2 else random.normal(size=3) * (4.0, 1.0, 4.0)
        x, y, z = place.centre + place.normal * random.uniform(0.2, 3.0) + away
        yaw = place.yaw + random.uniform(-np.pi, np.pi) * (0.5 if number % 2 else 1.0)
        yield Pose.at(x, max(0.2, y), z, yaw=yaw, pitch=random.uniform(-0.7, 0.7))


@pytest.mark.parametrize("kind", ["line", "spiral"])
def test_what_is_left_out_would_not_have_touched_a_pixel(ctx, kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(eye, "FOG_M", 14.0)  # nearer, so that much of the room is behind it
    world = room(kind)
    renderer = renderer_of(ctx, world)
    for _ in range(80):  # text is laid out a few walls a frame
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    left_out = hidden = 0
    for number, head in enumerate(heads(world, 100)):
        fov = (NARROW, WIDE)[number // 2 % 2]
        chosen = draw(renderer, world, head, fov, SIZE).astype(int)
        left_out += len(world.walls) - sum(renderer._walls._counts)
        assert renderer._sight is not None
        hidden += int(renderer._sight.hidden.sum())
        renderer._sight = None  # or what was chosen would hold
        with everything_drawn():
            whole = draw(renderer, world, head, fov, SIZE).astype(int)
        # One step: ribbons end where the fog has taken all but that (GONE in render/eye.py).
        differ = np.abs(chosen - whole).max(axis=2) > 1
        assert not differ.any(), f"view {number}: {differ.sum()} pixels, the first at {np.argwhere(differ)[0]}"
    assert left_out > 100 * len(world.walls) / 2, "most of the room was out of view"
    assert hidden > 100, "in many views some stand behind others"


@pytest.fixture(autouse=True)
def all_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small letters as far as the names above them: in these small views they would never be seen."""
    monkeypatch.setattr(labels, "READABLE", 1e9)
    monkeypatch.setattr(cover, "FEWEST", 0)  # and walls behind others are looked for, however few they are
    monkeypatch.setattr(cells, "CELL", 4)  # pixels: as many of them as in a larger view
    monkeypatch.setattr(cells, "MOST_ACROSS", 32)


@pytest.fixture
def all_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ribbons with all their points from wherever they are seen: how far fewer are told from all is another test's."""
    seen = Slabs.seen
    monkeypatch.setattr(Slabs, "seen", lambda self, eye, pixels, reached: seen(self, eye, np.inf, reached))


def test_pictures_captions_and_boards_are_drawn_where_they_are_seen(ctx, all_points: None):
    """Views all around the picture and the board, from near and far, of heads that have strayed: each time what had
    been chosen for where they were before."""
    world = room("line")
    random = np.random.default_rng(3)
    accept(world, Fed(random.integers(0, 256, (24, 32, 3), np.uint8), ("a photo.jpg", "32 x 24", "no more is known")))
    accept(world, Scores(("cat", "dog", "newt"), (0.6, 0.3, 0.1)))
    renderer = renderer_of(ctx, world)
    for _ in range(80):
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    assert world.layout is not None
    fewer = []
    for number in range(120):
        place = (world.layout.picture, world.layout.board)[number % 2]
        x, y, z = place.centre + place.normal * random.choice((0.3, 1.5, 5.0)) + random.normal(size=3) * (1.0, 0.3, 1.0)
        head = Pose.at(x, max(0.2, y), z, yaw=place.yaw + random.uniform(-1.6, 1.6), pitch=random.uniform(-0.7, 0.7))
        fov = (NARROW, WIDE)[number // 2 % 2]
        renderer._sight = None
        draw(renderer, world, head, fov, SIZE)
        later = strayed(head, random)
        chosen = draw(renderer, world, later, fov, SIZE).astype(int)
        fewer.append(renderer.draw_calls)
        renderer._sight = None
        with everything_drawn():
            whole = draw(renderer, world, later, fov, SIZE).astype(int)
        fewer[-1] -= renderer.draw_calls
        differ = np.abs(chosen - whole).max(axis=2) > 2
        assert not differ.any(), f"view {number}: {differ.sum()} pixels, the first at {np.argwhere(differ)[0]}"
    assert (np.array(fewer) < 0).sum() > 30, "often there is nothing of them to be drawn"
    world.look = replace(world.look, labels=False)  # of the words nothing but those of picture and board
    views = [Pose.at(*(p.centre + p.normal * 2.0), yaw=p.yaw) for p in (world.layout.picture, world.layout.board)]
    truth, calls = [], []
    for view in views:
        renderer._sight = None
        with everything_drawn():
            truth.append(draw(renderer, world, view, WIDE, SIZE).astype(int))
    renderer._labels._changed, renderer._sight = True, None
    for number in (1, 0, 1, 0):  # from before the picture the board is seen too
        assert np.abs(draw(renderer, world, views[number], WIDE, SIZE) - truth[number]).max() <= 2
        calls.append(renderer._pictures.draw())
    assert calls == [0, 1, 0, 1], "the picture where it is seen"


def strayed(head: Pose, random: np.random.Generator) -> Pose:
    """As far away and as far turned as what was chosen for a head has to hold."""
    way = random.normal(size=3)
    axis = random.normal(size=3)
    half = 0.499 * eye.SLACK_RAD
    turn = np.array([*(axis / np.linalg.norm(axis) * math.sin(half)), math.cos(half)])
    at = head.position + way / np.linalg.norm(way) * 0.999 * eye.SLACK_M
    return Pose(at, quaternion_product(head.orientation, turn))


def test_the_numbers_of_an_eye_are_its_matrices():
    """Lopsided eyes, stages that are turned and scaled: projection and view, and back again."""
    random = np.random.default_rng(11)
    for fov in (NARROW, WIDE, Fov(left=-0.8, right=0.5, up=0.6, down=-0.3)):
        world, turns = World(), random.normal(size=(2, 4))
        turns /= np.linalg.norm(turns, axis=1, keepdims=True)
        world.world_from_stage = Pose(random.normal(size=3), turns[0], random.uniform(0.3, 5.0))
        head = Pose(random.normal(size=3), turns[1])
        seen = eye.Eye.of(world, head, fov, 0.1, 100.0)
        whole = world.world_from_stage @ head
        assert np.allclose(seen.clip_from_world, fov.projection(0.1, 100.0) @ whole.inverse_matrix, atol=1e-9)
        assert np.allclose(seen.world_from_clip @ seen.clip_from_world, np.eye(4), atol=1e-9)
        assert np.allclose(seen.position, whole.position)
        assert np.allclose(seen.axes, whole.matrix[:3, :3] / whole.scale)
        assert seen.zoom == pytest.approx(fov.projection(0.1, 100.0)[1, 1])
        assert seen.tangents == fov.tangents and seen.range_m[1] == pytest.approx(100.0 * whole.scale)


def test_what_was_chosen_holds_for_a_head_that_moves_and_turns_a_little(
    ctx, all_points: None, monkeypatch: pytest.MonkeyPatch
):
    """Among walls, at their edges and before and behind their faces; ribbons and labels too."""
    monkeypatch.setattr(eye, "FOG_M", 14.0)
    world = room("line")
    renderer = renderer_of(ctx, world)
    for _ in range(80):
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    random, held, hidden = np.random.default_rng(11), 0, 0
    places = [wall.place for wall in world.walls.values()]
    begun = list(heads(world, 60))
    for number in range(60):  # in the plane of a wall, a hand's breadth beside it
        place = places[random.integers(len(places))]
        x, y, z = place.centre + place.right * (place.width_m / 2 + 0.1) + place.normal * random.uniform(-0.06, 0.06)
        begun.append(Pose.at(x, y, z, yaw=place.yaw + math.pi / 2 + random.uniform(-0.3, 0.3) * (number % 2)))
    for number, head in enumerate(begun):
        fov = (NARROW, WIDE)[number // 2 % 2]
        renderer._sight = None
        draw(renderer, world, head, fov, SIZE)
        sight = renderer._sight
        hidden += int(sight.hidden.sum())
        later = strayed(head, random)
        chosen = draw(renderer, world, later, fov, SIZE).astype(int)
        held += renderer._sight is sight
        renderer._sight = None
        with everything_drawn():
            whole = draw(renderer, world, later, fov, SIZE).astype(int)
        differ = np.abs(chosen - whole).max(axis=2) > 2  # the shaders for close, far and other walls agree to that
        assert not differ.any(), f"view {number}: {differ.sum()} pixels, the first at {np.argwhere(differ)[0]}"
    assert held == len(begun), "each time what had been chosen was drawn"
    assert hidden > 100, "in many views some stand behind others"
    renderer._sight = sight
    draw(renderer, world, Pose(later.position + np.array([0.0, 2.1 * eye.SLACK_M, 0.0]), later.orientation), fov, SIZE)
    assert renderer._sight is not sight, "further away it is chosen anew"


def test_what_is_hidden_is_behind_another_wall_from_wherever_the_eye_may_come_to_be():
    """Walls low and high, at all angles, seen from knee height to above them, and parts of walls: each point against
    each rectangle."""
    random = np.random.default_rng(23)
    hidden = partly = 0
    for _ in range(60):
        count = 40
        yaws = random.uniform(-math.pi, math.pi, count)
        rights = np.stack([np.cos(yaws), np.zeros(count), -np.sin(yaws)], axis=1)
        normals = np.stack([np.sin(yaws), np.zeros(count), np.cos(yaws)], axis=1)
        extents = random.uniform(0.2, 4.0, (count, 2))
        corners = random.uniform((-9, 0.1, -9), (9, 1.0, 9), (count, 3))
        centres = corners + rights * extents[:, :1] / 2 + UP * extents[:, 1:] / 2
        addresses = tuple(str(number) for number in range(count))
        bounds = Bounds(addresses, centres, normals, np.hypot(*extents.T), corners, rights, extents)
        head = Pose.at(*random.uniform((-6, 0.2, -6), (6, 7.0, 6)))
        seen = eye.Eye.of(World(), head, WIDE, 0.05, 1000.0)
        screens = Cover((seen,), bounds, np.ones(count, bool), eye.SLACK_M)
        tops = corners[:, 1] + extents[:, 1] + MARGIN_M
        parts = [(wall, 0.0, 1.0) for wall in screens.hides(Bodies.of_walls(bounds, np.arange(count))).nonzero()[0]]
        hidden += len(parts)
        for wall, (first, last) in enumerate(screens.find(bounds, np.arange(count), Bodies.none())[0].tolist()):
            parts += [(wall, 0.0, first)] * (first > 0) + [(wall, last, 1.0)] * (last < 1)
        partly += len(parts)
        for wall, first, last in parts:
            share = random.uniform(size=(60, 3))
            share[:20] = share[:20].round()  # its corners among them
            share[:, 0] = first + share[:, 0] * (last - first)
            across = -MARGIN_M + share[:, :1] * (extents[wall, 0] + 2 * MARGIN_M)
            points = corners[wall] + rights[wall] * across - normals[wall] * share[:, 2:] * DEPTH_M
            points[:, 1] = share[:, 1] * tops[wall]
            for way in random.normal(size=(12, 3)):
                begin = head.position + way / np.linalg.norm(way) * eye.SLACK_M
                ways = points - begin
                with np.errstate(divide="ignore", invalid="ignore"):
                    reach = ((corners - begin) * normals).sum(axis=1) / (ways @ normals.T)
                met = begin + reach[..., None] * ways[:, None] - corners
                right, height = (met * rights).sum(axis=2), met[..., 1] + corners[:, 1]
                inside = (right >= -MARGIN_M) & (right <= extents[:, 0] + MARGIN_M) & (height >= 0) & (height <= tops)
                before = inside & (reach > 0) & (reach < 1)
                before[:, wall] = False
                assert before.any(axis=1).all(), f"wall {wall}, from {begin}"
    assert hidden > 100
    assert partly > 2 * hidden
