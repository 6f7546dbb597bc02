"""Coverage: the share of a view's pixels whose first surface is a tile, by casting a ray through a grid of them."""

from __future__ import annotations

import numpy as np

from walkin.frame import View
from walkin.geometry import UP
from walkin.state.places import Place
from walkin.state.wall import Wall, tile_fill
from walkin.world import World

GRID = (192, 108)
MARGIN_M = 0.05  # of a panel around its tiles


def coverage(world: World, view: View) -> float:
    """0 to 1. Panels, the picture and the board hide what is behind them; gaps, margins and plinths do not count."""
    width, height = GRID
    fov = view.fov
    x = np.tan(fov.left) + (np.tan(fov.right) - np.tan(fov.left)) * (np.arange(width) + 0.5) / width
    y = np.tan(fov.down) + (np.tan(fov.up) - np.tan(fov.down)) * (np.arange(height) + 0.5) / height
    rays = np.stack([np.repeat(x, height), np.tile(y, width), np.full(width * height, -1.0)], axis=1)
    world_from_eye = world.world_from_stage.matrix @ view.stage_from_eye.matrix
    rays = rays @ world_from_eye[:3, :3].T
    eye = world_from_eye[:3, 3]
    # The floor hides what nothing else does, but nothing stands below it.
    nearest = np.full(len(rays), np.inf)
    tile = np.zeros(len(rays), bool)
    for wall in world.walls.values():
        _meet(wall.place, wall, eye, rays, nearest, tile)
    if world.layout is not None:
        for place in (world.layout.picture, world.layout.board):
            _meet(place, None, eye, rays, nearest, tile)
    return float(tile.mean())


def _meet(
    place: Place, wall: Wall | None, eye: np.ndarray, rays: np.ndarray, nearest: np.ndarray, tile: np.ndarray
) -> None:
    """Update, ray by ray, the nearest distance met and whether a tile is there."""
    normal, right = place.normal, place.right
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = ((np.array(place.corner) - eye) @ normal) / (rays @ normal)
    met = eye + distance[:, None] * rays - np.array(place.corner)
    x, y = met @ right, met @ UP
    foot = -place.corner[1] if wall is not None else -MARGIN_M  # a wall's panel reaches down to the floor
    inside = (x > -MARGIN_M) & (x < place.width_m + MARGIN_M) & (y > foot) & (y < place.height_m + MARGIN_M)
    hit = np.flatnonzero(inside & (distance > 0) & (distance < nearest))
    nearest[hit] = distance[hit]
    tile[hit] = False
    if wall is None or wall.tiles is None or float((eye - place.centre) @ normal) <= 0:
        return
    column, row = x[hit] / place.pitch_m, place.rows - y[hit] / place.pitch_m
    whole_column, whole_row = np.floor(column), np.floor(row)
    fill_x, fill_y = tile_fill(place.fill, wall.mosaic)
    index = whole_row * place.columns + whole_column
    in_grid = (whole_column >= 0) & (whole_column < place.columns) & (whole_row >= 0) & (index < wall.count)
    in_tile = (abs(column - whole_column - 0.5) < fill_x / 2) & (abs(row - whole_row - 0.5) < fill_y / 2)
    tile[hit] = in_grid & in_tile
