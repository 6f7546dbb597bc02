"""Ribbons: only the slabs of the floor that are in view are drawn, and nobody sees the difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import FAR_AWAY, chain, maps

from walkin.geometry import Fov, Pose
from walkin.render.ribbons import BENDS_M, Slabs
from walkin.state.places import Layout, Ribbon
from walkin.world import World

FOV = Fov(-0.6, 0.6, 0.45, -0.45)
LENGTH_M = 260.0


def line(source: float, target: float, kind: str, aside: float) -> Ribbon:
    t = np.linspace(0.0, 1.0, 24)[:, None]
    points = np.concatenate([aside * np.sin(np.pi * t), -(source + (target - source) * t)], axis=1)
    return Ribbon(f"{source}", f"{target}", points.astype(np.float32), kind, dashed=kind == "skip")


def turn(source: float, target: float, aside: float) -> Ribbon:
    """Into a track within two metres, along it, and back, with as many points for a turn as the room has."""
    t = np.linspace(0.0, 1.0, 14)[:, None]
    bend = 3 * t**2 - 2 * t**3
    into = np.concatenate([aside * bend, -(source + 2 * t)], axis=1)
    back = np.concatenate([aside * (1 - bend), -(target - 2 + 2 * t)], axis=1)
    return Ribbon(f"{source}", f"{target}", np.concatenate([into, back]).astype(np.float32), "skip", dashed=False)


@pytest.fixture(scope="module")
def lines() -> tuple[Ribbon, ...]:
    """As in a network in which each layer reads many before it: short ones and some that run far."""
    random = np.random.default_rng(5)
    short = [line(z, z + 4.0, "main", random.uniform(-2, 2)) for z in np.arange(0.0, LENGTH_M, 4.0)]
    far = [
        line(z, min(LENGTH_M, z + random.uniform(4, 120)), "skip", random.uniform(-9, 9))
        for z in random.uniform(0, LENGTH_M, 200)
    ]
    return (*short, *far)


def room(lines: tuple[Ribbon, ...]) -> World:
    node = maps("a", 4, 4, 4)
    world = World()
    world.furnish(chain(node), Layout({"a": FAR_AWAY}, lines, FAR_AWAY, FAR_AWAY, Pose(), LENGTH_M))
    return world


def eyes(count: int, seed: int) -> list[Pose]:
    random = np.random.default_rng(seed)
    return [
        Pose.at(
            random.uniform(-6, 6), random.choice([1.7, 1.7, 4.0, 12.0]), random.uniform(-LENGTH_M - 5, 8),
            yaw=random.uniform(-np.pi, np.pi), pitch=random.uniform(-1.2, 0.3),
        )
        for _ in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize("light", [False, True])
@pytest.mark.slow
def test_what_is_left_out_would_not_be_seen(ctx, lines, monkeypatch: pytest.MonkeyPatch, light: bool):
    world = room(lines)
    world.look = replace(world.look, light=light)
    renderer = renderer_of(ctx, world)
    drawn, pictures = [], []
    seen = Slabs.seen
    monkeypatch.setattr(
        Slabs, "seen", lambda self, eye, pixels, reached: seen(self, eye, np.inf, reached)
    )  # with all its points
    for eye in eyes(24, 1):
        pictures.append(draw(renderer, world, eye, FOV, (160, 120)))
        drawn.append(renderer._ribbons.drawn)
    monkeypatch.setattr(Slabs, "seen", lambda self, eye, pixels, reached: [(0, len(self.segments))])
    most = 0
    for eye, picture in zip(eyes(24, 1), pictures, strict=True):
        everything = draw(renderer, world, eye, FOV, (160, 120))
        assert np.abs(everything.astype(int) - picture).max() <= 1
        most = renderer._ribbons.drawn
    assert most == 2 * sum(len(one.points) - 1 for one in lines)
    assert np.median(drawn) < 0.4 * most and max(drawn) > 0, "or nothing would be gained"


@pytest.mark.slow
def test_fewer_points_from_afar_are_hardly_seen(ctx, monkeypatch: pytest.MonkeyPatch):
    random = np.random.default_rng(6)
    turns = [turn(z, z + random.uniform(6, 30), random.uniform(-2, 2)) for z in np.arange(0.0, LENGTH_M, 1.5)]
    renderer = renderer_of(ctx, world := room(tuple(turns)))
    size = 640, 480
    few, pictures = [], []
    for eye in eyes(12, 3):
        pictures.append(draw(renderer, world, eye, FOV, size).astype(int))
        few.append(renderer._ribbons.drawn)
    seen = Slabs.seen
    monkeypatch.setattr(Slabs, "seen", lambda self, eye, pixels, reached: seen(self, eye, np.inf, reached))
    many = []
    for eye, picture in zip(eyes(12, 3), pictures, strict=True):
        differs = np.abs(draw(renderer, world, eye, FOV, size) - picture).max(axis=2)
        many.append(renderer._ribbons.drawn)
        assert (differs > 24).mean() < 1e-3, f"{(differs > 24).mean():.3%}"
    assert sum(few) < 0.85 * sum(many)


@pytest.mark.parametrize("level", range(1, len(BENDS_M) + 1))
def test_joined_segments_go_where_the_others_go(level: int):
    """Each from a point of a ribbon to a later one of the same, all points between within a few mm of it."""
    t = np.linspace(0.0, 1.0, 50)[:, None]
    lines = [np.concatenate([a * t**2, -40 * t], axis=1) for a in (0.0, 0.3, 9.0, 20.0)]
    lines.append(np.array([(0.0, 0.0), (5.0, 0.0), (0.0, 0.0), (5.0, 0.1), (5.0, 3.0)]))
    lines.append(np.array([(0.0, 0.0), (5.0, 0.0), (4.0, 0.0)]))  # back beyond its end
    slabs = Slabs.of(lines)
    points, first = np.concatenate(lines), 0
    fewer = slabs.levels[level]
    joined = {int(a): int(b) for a, b in fewer.ends}
    for line in lines:
        at, end = first, first + len(line) - 1
        while at < end:
            chord = points[joined[at]] - points[at]
            for between in points[at : joined[at] + 1] - points[at]:
                assert abs(between[0] * chord[1] - between[1] * chord[0]) <= (BENDS_M[level - 1] + 1e-4) * np.hypot(
                    *chord
                )
                assert 0 <= between @ chord <= chord @ chord
            at = joined.pop(at)
        assert at == end
        first = end + 1
    assert not joined, "nothing twice"
    assert len(fewer.ends) <= len(slabs.levels[level - 1].ends) and len(fewer.ends) < 0.7 * len(slabs.segments)
    assert fewer.starts[-1] == len(fewer.ends) and len(fewer.starts) == len(slabs.starts)


def test_what_has_moved_is_looked_for_where_it_is_now(ctx, lines):
    world = room(lines)
    renderer = renderer_of(ctx, world)
    eye = Pose.at(60.0, 1.7, -100.0, pitch=-0.4)
    before = draw(renderer, world, eye, FOV, (96, 64))
    moved = replace(lines[25], points=lines[25].points + np.array([60.0, 0.0], np.float32))
    world.here.ribbons = (*lines[:25], moved, *lines[26:])
    world.places_revision += 1
    for _ in range(2):
        renderer.prepare(world, np.zeros(3), budget_ms=1e6)
    after = draw(renderer, world, eye, FOV, (96, 64))
    assert (before != after).any()


def test_segments_are_all_there_once():
    random = np.random.default_rng(2)
    lines = [random.uniform(-50, 50, (count, 2)) for count in (2, 5, 3)]
    slabs = Slabs.of(lines)
    assert sorted(slabs.segments.tolist()) == [0, 2, 3, 4, 5, 7, 8]
    assert slabs.starts[0] == 0 and slabs.starts[-1] == 7 and (np.diff(slabs.starts) > 0).all()
    points = np.concatenate(lines)
    for centre, radius, first, end in zip(slabs.centres, slabs.radii, slabs.starts, slabs.starts[1:], strict=False):
        for segment in slabs.segments[first:end]:
            for x, z in points[segment : segment + 2]:
                assert np.hypot(x - centre[0], z - centre[2]) <= radius + 1e-9
