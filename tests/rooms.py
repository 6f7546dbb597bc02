"""Small rooms made by hand for tests: no torch, tiles packed by a slow truth that shares no code with the worker's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from walkin.accepting import accept
from walkin.geometry import Fov, Pose
from walkin.graph import Network, Node
from walkin.mosaic import Mosaic
from walkin.render.colors import linear_to_srgb, lookup_table
from walkin.state.arrangement import Look
from walkin.state.places import Layout, Place
from walkin.tiles import Tiles
from walkin.world import COLOR_MAPS, World

FAR_AWAY = Place((500.0, 0.0, 500.0), 0.0, 1, 1, 1.0, 1.0)
"""For the picture and the board, where a test wants none."""


def maps(address: str, count: int, height: int, width: int, *inputs: str) -> Node:
    return Node(address, "conv", (1, count, height, width), inputs, operation="conv2d", module_class="Conv2d")


def chain(*nodes: Node, name: str = "net") -> Network:
    return Network(name, (Node("input", "input", (1, 3, 8, 8)), *nodes), (nodes[-1].address,))


def mosaic_levels(mosaic: Mosaic, codes: np.ndarray) -> list[np.ndarray]:
    """(C, H, W) codes in mosaic order, then box means of 2 x 2, exact, in float: one cell after the other."""
    height, width = mosaic.size
    level = np.zeros((height, width))
    for index in range(mosaic.count):
        y, x = mosaic.cell(index)
        down, right = mosaic.cell_height - mosaic.height, mosaic.cell_width - mosaic.width
        level[y : y + mosaic.cell_height, x : x + mosaic.cell_width] = np.pad(
            codes[index].astype(float), ((0, down), (0, right)), mode="edge"
        )
    levels = [level]
    for _ in range(mosaic.levels - 1):
        height, width = height // 2, width // 2
        levels.append(levels[-1].reshape(height, 2, width, 2).mean(axis=(1, 3)))
    return levels


def tiles_of_codes(node: Node, codes: np.ndarray, low, high, *, flawed: np.ndarray | None = None) -> Tiles:
    """Tiles whose codes (C, H, W) are given."""
    count = node.mosaic.count
    low, high = np.broadcast_to(np.float32(low), count).copy(), np.broadcast_to(np.float32(high), count).copy()
    mean = low + codes.reshape(count, -1).mean(axis=1).astype(np.float32) / np.float32(255) * (high - low)
    wall = (float(low.min()), float(high.max()))
    levels = tuple(np.floor(level + 0.5).astype(np.uint8) for level in mosaic_levels(node.mosaic, codes))
    none = np.zeros(count, np.int32) if flawed is None else flawed.astype(np.int32)
    return Tiles(node.address, node.mosaic, levels, low, high, mean, none, wall, wall)


def tiles_of(node: Node, values: np.ndarray) -> Tiles:
    """Tiles of finite values (C, H, W), a range per channel."""
    values = np.asarray(values, np.float32)
    low, high = values.min(axis=(1, 2)), values.max(axis=(1, 2))
    span = (high - low)[:, None, None]
    share = np.divide(values - low[:, None, None], span, out=np.zeros_like(values), where=span > 0)
    return tiles_of_codes(node, np.floor(share * 255 + 0.5).astype(np.uint8), low, high)


def furnished(network: Network, places: Mapping[str, Place], tiles: Iterable[Tiles] = ()) -> World:
    """A world in which nothing but these walls stands."""
    world = World(look=Look(labels=False))
    world.furnish(network, Layout(dict(places), (), FAR_AWAY, FAR_AWAY, Pose(), 10.0))
    for each in tiles:
        accept(world, each)
    return world


def facing(place: Place, distance_m: float = 2.0) -> tuple[Pose, Fov]:
    """An eye before a wall, and a view that holds the wall's grid exactly: each tile gets the same whole pixels."""
    eye = Pose(place.centre + place.normal * distance_m, Pose.at(0, 0, 0, yaw=place.yaw).orientation)
    # Tiles lie 2 mm before the wall's plane.
    across = float(np.arctan(place.width_m / 2 / (distance_m - 0.002)))
    up = float(np.arctan(place.height_m / 2 / (distance_m - 0.002)))
    return eye, Fov(-across, across, up, -up)


def color(value: float, low: float, high: float, name: str = "signed") -> np.ndarray:
    """(3,) sRGB codes of a value in a range, near enough that the air takes nothing."""
    if name == "signed":
        t = 0.5 + 0.5 * value / max(abs(low), abs(high), 1e-30)
    else:
        t = (value - low) / max(high - low, 1e-30)
    linear = lookup_table()[COLOR_MAPS.index(name), int(min(max(t, 0.0), 1.0) * 511 + 0.5), :3]
    return linear_to_srgb(linear.astype(float)) * 255
