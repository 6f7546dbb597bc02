"""Pointing: which wall, tile and value a ray meets."""

from __future__ import annotations

from collections.abc import Sequence

from walkin.frame import Hand
from walkin.geometry import Pose, Ray, rays_meet_quads
from walkin.world import Hover, Wall, World


def world_ray(world: World, hand: Hand) -> Ray | None:
    """Where a hand points, in the room; None while it is not tracked."""
    if hand.stage_from_aim is None:
        return None
    return ray_of(world.world_from_stage @ hand.stage_from_aim)


def ray_of(world_from_aim: Pose) -> Ray:
    return Ray(world_from_aim.position, world_from_aim.forward)


def floor_distance(ray: Ray) -> float | None:
    """How far along a ray the floor is; None for one that does not come down to it."""
    height, slope = float(ray.origin[1]), float(ray.direction[1])
    return -height / slope if slope < -1e-6 and height > 0 else None


Met = tuple[Wall, float, float, float]
"""(wall, distance, x, y): the first wall a ray meets from its front, and where: in tile pitches from its upper left
corner, y down."""


def nearest_wall(world: World, ray: Ray) -> Met | None:
    return nearest_walls(world, [ray])[0]


def nearest_walls(world: World, rays: Sequence[Ray]) -> list[Met | None]:
    """For each ray."""
    bounds = world.bounds
    if not bounds.addresses or not rays:
        return [None] * len(rays)
    found: list[Met | None] = []
    for met in rays_meet_quads(rays, bounds.quads):
        if met is None:
            found.append(None)
            continue
        index, distance, x, y = met
        wall = world.walls[bounds.addresses[index]]
        pitch = wall.place.pitch_m
        found.append((wall, distance, x / pitch, wall.place.rows - y / pitch))
    return found


def hover(world: World, hand: Hand) -> Hover | None:
    """The tile and value under a hand's ray; None over anything else."""
    ray = world_ray(world, hand)
    met = nearest_wall(world, ray) if ray is not None else None
    return hover_of(met) if met is not None else None


def hover_of(met: Met) -> Hover | None:
    """The tile and value where `nearest_wall` met a wall."""
    wall, distance, x, y = met
    tile = wall.tile_at(x, y)
    if tile is None or wall.tiles is None:
        return None
    channel, u, v = tile
    row, column = int(v * wall.mosaic.height), int(u * wall.mosaic.width)
    return Hover(wall.node.address, channel, row, column, wall.tiles.value(channel, row, column), distance)
