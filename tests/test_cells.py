"""A view in cells: what is left out of the background is behind a wall from wherever the eye may come to be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, furnished, maps, tiles_of

from walkin.geometry import UP, Fov, Pose, quaternion_product
from walkin.render import cells, eye
from walkin.render.background import WHOLE
from walkin.render.cells import Cells, Grid
from walkin.render.cover import MARGIN_M
from walkin.state.bounds import Bounds
from walkin.state.places import Place
from walkin.world import World

SIZE = (160, 96)
FOV = Fov(-0.8, 0.6, 0.5, -0.6)
Corners = tuple[float, float, float, float]


@pytest.fixture(autouse=True)
def small_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "CELL", 8)
    monkeypatch.setattr(cells, "MOST_ACROSS", 20)


def covered(parts: tuple[Corners, ...], grid: Grid) -> np.ndarray:
    """(columns, rows): how many of the rectangles each cell is in."""
    count = np.zeros((len(grid.right) - 1, len(grid.up) - 1), int)
    for left, low, right, high in parts:
        x, y = np.searchsorted(grid.clip_x, (left, right)), np.searchsorted(grid.clip_y, (low, high))
        count[x[0] : x[1], y[0] : y[1]] += 1
    return count


def strayed(head: Pose, random: np.random.Generator) -> Pose:
    """As far away and as far turned as what was chosen has to hold for."""
    way, axis = random.normal(size=(2, 3))
    half = 0.499 * eye.SLACK_RAD
    turn = np.array([*(axis / np.linalg.norm(axis) * math.sin(half)), math.cos(half)])
    return Pose(head.position + way / np.linalg.norm(way) * eye.SLACK_M, quaternion_product(head.orientation, turn))


def room(random: np.random.Generator, count: int) -> Bounds:
    """Walls low and high, at all angles; some reach down under the floor."""
    yaws = random.uniform(-math.pi, math.pi, count)
    rights = np.stack([np.cos(yaws), np.zeros(count), -np.sin(yaws)], axis=1)
    normals = np.stack([np.sin(yaws), np.zeros(count), np.cos(yaws)], axis=1)
    extents = random.uniform(0.4, 5.0, (count, 2))
    corners = random.uniform((-5, -2.0, -5), (5, 1.0, 5), (count, 3))
    centres = corners + rights * extents[:, :1] / 2 + UP * extents[:, 1:] / 2
    addresses = tuple(str(number) for number in range(count))
    return Bounds(addresses, centres, normals, np.hypot(*extents.T), corners, rights, extents)


def test_each_cell_is_open_or_mixed_or_behind_a_wall_wherever_the_eye_comes_to_be():
    """Rays through corners and insides of cells against each wall from the floor up, from its front."""
    random = np.random.default_rng(5)
    behind = 0
    for _ in range(60):
        bounds = room(random, 12)
        at = random.uniform((-4, 0.2, -4), (4, 4.0, 4))
        head = Pose.at(*at, yaw=random.uniform(-math.pi, math.pi), pitch=random.uniform(-0.6, 0.6))
        seen = eye.Eye.of(World(), head, FOV, 0.05, 1000.0)
        found = Cells.of(seen, bounds, np.ones(12, bool), SIZE, (eye.SLACK_M, eye.SLACK_RAD))
        grid = Grid.of(seen.tangents, SIZE, cells.CELL)
        count = covered(found.open, grid) + covered(found.mixed, grid)
        assert count.max() <= 1
        columns, rows = np.nonzero(count == 0)
        behind += len(columns)
        if not len(columns):
            continue
        tops = bounds.corners[:, 1] + bounds.extents[:, 1] + MARGIN_M
        for _ in range(6):
            later = strayed(head, random)
            share = random.uniform(size=(2, len(columns), 5))
            share[..., :2] = share[..., :2].round()
            x = grid.right[columns, None] + share[0] * (grid.right[columns + 1] - grid.right[columns])[:, None]
            y = grid.up[rows, None] + share[1] * (grid.up[rows + 1] - grid.up[rows])[:, None]
            ways = np.stack([x, y, -np.ones_like(x)], axis=-1).reshape(-1, 3) @ later.matrix[:3, :3].T
            with np.errstate(divide="ignore", invalid="ignore"):
                reach = ((bounds.corners - later.position) * bounds.normals).sum(axis=1) / (ways @ bounds.normals.T)
            met = later.position + reach[..., None] * ways[:, None]
            right = ((met - bounds.corners) * bounds.rights).sum(axis=2)
            inside = (right >= -MARGIN_M) & (right <= bounds.extents[:, 0] + MARGIN_M)
            inside &= (met[..., 1] >= 0) & (met[..., 1] <= tops) & (reach > 0.05) & (ways @ bounds.normals.T < 0)
            assert inside.any(axis=1).all()
    assert behind > 500


def test_open_cells_are_those_that_walls_fill_for_the_smaller_part():
    """One wall in the middle of the view: all around it is open, and where it is is mixed, or behind it."""
    bounds = Bounds.of(
        furnished(chain(maps("a", 4, 4, 4)), {"a": Place((-1.0, 0.5, -4.0), 0.0, 2, 2, 1.0, 0.9)}, []).walls
    )
    seen = eye.Eye.of(World(), Pose.at(0.0, 1.6, 0.0), FOV, 0.05, 1000.0)
    found = Cells.of(seen, bounds, np.ones(1, bool), SIZE, (eye.SLACK_M, eye.SLACK_RAD))
    grid = Grid.of(seen.tangents, SIZE, cells.CELL)
    x, y = (at[:-1] + np.diff(at) / 2 for at in (grid.right, grid.up))
    inside = (np.abs(x)[:, None] * 4 < 1.0) & (np.abs(y * 4 + 1.6 - 1.25) < 1.25)
    around = (np.abs(x)[:, None] * 4 < 1.5) & (np.abs(y * 4 + 1.6 - 1.25) < 1.75)
    opened = covered(found.open, grid)
    assert (opened[~around] == 1).all() and (opened[inside] == 0).all()
    assert (covered(found.open, grid) + covered(found.mixed, grid) == 0).sum() > 4, "behind it nothing is drawn"


def test_the_background_is_the_same_in_cells_and_in_one_piece(ctx, monkeypatch: pytest.MonkeyPatch):
    """Heads that are bent and on one side, above the floor and under it, before a wall and beside it."""
    node = maps("a", 4, 4, 4)
    place = Place((-1.0, 0.5, -4.0), 0.3, 2, 2, 1.0, 0.9)
    world = furnished(chain(node), {"a": place}, [tiles_of(node, np.ones((4, 4, 4)))])
    renderer = renderer_of(ctx, world)
    random = np.random.default_rng(2)
    parts = set()
    for number in range(40):
        at = Pose.at(*random.uniform((-2, -0.3, -3), (2, 4, 3)), yaw=random.uniform(-1, 1), pitch=random.uniform(-1, 1))
        half = random.uniform(-1, 1)
        head = Pose(at.position, quaternion_product(at.orientation, np.array([0, 0, math.sin(half), math.cos(half)])))
        renderer._sight = None
        pieces = draw(renderer, world, head, FOV, SIZE).astype(int)
        found = renderer._sight.cells[0]
        parts |= {bool(found.open), 2 + bool(found.mixed)}
        renderer._sight = None
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Cells, "of", lambda *_: WHOLE)
            whole = draw(renderer, world, head, FOV, SIZE).astype(int)
        # What is linear in a view is rounded otherwise in each of its parts: noise falls on the other side of a step.
        differ = np.abs(pieces - whole).max(axis=2)
        assert differ.max() <= 2 and (differ > 0).mean() < 0.005, f"view {number}: {(differ > 0).sum()} pixels"
    assert parts == {True, 2, 3} or parts == {False, True, 2, 3}
