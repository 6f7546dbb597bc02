"""Pointing: what a ray meets first: a tile, the rim of a wall, a picture, a frame, the panel."""

from __future__ import annotations

from collections.abc import Sequence

from walkin.frame import Hand
from walkin.geometry import Ahead, Pose, Quads, Ray, rays_meet_quads
from walkin.state.things import Met
from walkin.state.visitor import Hover
from walkin.state.wall import Wall
from walkin.world import World

RIM_M = 0.09  # around the tiles of a wall: here it is taken hold of
CORNER_M = 0.28  # of the rim, from its corners: here it is scaled
SCROLLS_M = 2.2  # walls higher than this have a scrollbar


def meets(world: World, ray: Ray, side: str = "") -> Met | None:
    """The first thing that a ray meets, walls from their front; `side`: the hand that it comes from, which points past
    what it holds itself."""
    return meet_all(world, [ray], [side])[0]


def meet_all(world: World, rays: Sequence[Ray], sides: Sequence[str] = ()) -> list[Met | None]:
    """For each ray."""
    found: list[Met | None] = [None] * len(rays)
    bounds, aims = world.bounds, world.aims
    quads = _all_quads(world)
    walls = len(bounds.addresses)
    for number, met in enumerate(_first(world, rays, sides, quads) if rays and quads is not None else ()):
        if met is None:
            continue
        index, distance, x, y = met
        ray = rays[number]
        if index < walls:
            found[number] = _wall_met(world.walls[bounds.addresses[index]], distance, ray, x, y)
        elif aims.quads is not None:
            kind, key = aims.kinds[index - walls]
            width, height = aims.quads.extents[index - walls].tolist()
            found[number] = Met(kind, key, distance, ray.at(distance), x / width, 1.0 - y / height)
    if world.carried:
        for number, (ray, side) in enumerate(zip(rays, sides or [""] * len(rays), strict=True)):
            met = _carried_met(world, ray, side)
            nearest = found[number]
            if met is not None and (nearest is None or met.distance < nearest.distance):
                found[number] = met
    return found


def _first(
    world: World, rays: Sequence[Ray], sides: Sequence[str], quads: Quads
) -> list[tuple[int, float, float, float] | None]:
    """What each ray meets first; of a hand's, which is asked for in each frame, it is known what lies ahead."""
    if not sides or "" in sides:
        return rays_meet_quads(rays, quads)
    found, kept = [], world.gestures.ahead
    for side, ray in zip(sides, rays, strict=True):
        ahead = kept.get(side)
        if ahead is None or not ahead.holds(ray, quads):
            ahead = kept[side] = Ahead(ray, quads)
        found.append(ahead.met_by(ray))
    return found


def _all_quads(world: World) -> Quads | None:
    """Walls, then all else that can be pointed at, as they stand; made anew when one of these moves."""
    bounds, aims = world.bounds, world.aims
    made = world.gestures.aimed
    if made is None or made[0] is not bounds or made[1] is not aims:
        parts = [bounds.quads] if aims.quads is None else [bounds.quads, aims.quads]
        quads = Quads.joined(parts, [RIM_M, 0.0][: len(parts)])
        made = world.gestures.aimed = bounds, aims, quads if len(quads.corners) else None
    return made[2]


def _carried_met(world: World, ray: Ray, side: str) -> Met | None:
    """A picture in the other hand, from either side."""
    for other, carried in world.carried.items():
        if other == side:
            continue
        right, up, front = carried.world_from_picture.matrix[:3, :3].T
        slope = float(front @ ray.direction)
        if abs(slope) < 1e-6:
            continue
        distance = float(front @ (carried.world_from_picture.position - ray.origin)) / slope
        point = ray.origin + ray.direction * distance
        away = point - carried.world_from_picture.position
        x, y = float(right @ away) / carried.size_m, float(up @ away) / carried.size_m
        if distance > 0 and abs(x) <= 0.5 and abs(y) <= 0.5:
            return Met("carried", other, distance, point, x + 0.5, 0.5 - y)
    return None


def _wall_met(wall: Wall, distance: float, ray: Ray, x: float, y: float) -> Met:
    """What of a wall is met, at metres from the lower left corner of its tiles."""
    place = wall.place
    pitch, width, height = place.pitch_m, place.width_m, place.height_m
    column, row = x / pitch, place.rows - y / pitch
    tile = None
    if 0 <= x <= width and 0 <= y <= height:
        tile = wall.tile_at(column, row)
        kind = "tile" if tile is not None else "gap"
    elif x < 0 and scrolls(wall) and y > 0:
        kind = "scroll"
    elif min(x + RIM_M, width + RIM_M - x) < CORNER_M and height + RIM_M - y < CORNER_M:
        kind = "corner"
    else:
        kind = "rim"
    return Met(kind, wall.key, distance, ray.at(distance), column, row, tile)


def scrolls(wall: Wall) -> bool:
    """Whether a wall is so high that it has a scrollbar."""
    return wall.place.height_m > SCROLLS_M


def hover_at(world: World, met: Met) -> Hover | None:
    """The tile and value there; None over anything else."""
    if met.kind == "enlarged" and world.enlarged is not None:
        wall = world.walls.get(world.enlarged.key)
        if wall is None:
            return None
        return _hover(wall, world.enlarged.channel, *_inside(wall, met), met.distance)
    if met.kind != "tile":
        return None
    wall = world.walls[str(met.key)]
    return _hover(wall, *met.tile, met.distance) if met.tile is not None else None


def _inside(wall: Wall, met: Met) -> tuple[float, float]:
    """(u, v) on a single tile that fills a square as far as its shape allows."""
    longer = max(wall.mosaic.width, wall.mosaic.height)
    u = (met.x - 0.5) * longer / wall.mosaic.width + 0.5
    v = (met.y - 0.5) * longer / wall.mosaic.height + 0.5
    return u, v


def _hover(wall: Wall, channel: int, u: float, v: float, distance: float) -> Hover | None:
    if wall.tiles is None or not (0 <= u < 1 and 0 <= v < 1):
        return None
    mosaic = wall.node.mosaic
    row, column = int(v * mosaic.height), int(u * mosaic.width)
    value = wall.tiles.value(channel, row, column)
    return Hover(wall.key, wall.node.address, channel, row, column, value, distance)


def world_ray(world: World, hand: Hand) -> Ray | None:
    """Where a hand points, in the room; None while it is not tracked."""
    if hand.stage_from_aim is None:
        return None
    return ray_of(world.world_from_stage @ hand.stage_from_aim)


def ray_of(world_from_aim: Pose) -> Ray:
    return Ray(world_from_aim.position, world_from_aim.forward)


def floor_distance(ray: Ray) -> float | None:
    """How far along a ray the floor is; None for one that does not come down to it."""
    _, height, _, _, slope, _ = ray.numbers
    return -height / slope if slope < -1e-6 and height > 0 else None


def nearest_wall(world: World, ray: Ray) -> tuple[Wall, float, float, float] | None:
    """(wall, distance, x, y): the first wall a ray meets from its front, and where: in tile pitches from its upper left
    corner, y down."""
    bounds = world.bounds
    if not bounds.addresses:
        return None
    met = rays_meet_quads([ray], bounds.quads)[0]
    if met is None:
        return None
    index, distance, x, y = met
    wall = world.walls[bounds.addresses[index]]
    pitch = wall.place.pitch_m
    return wall, distance, x / pitch, wall.place.rows - y / pitch


def hover(world: World, hand: Hand) -> Hover | None:
    """The tile and value under a hand's ray; None over anything else."""
    ray = world_ray(world, hand)
    met = meets(world, ray) if ray is not None else None
    return hover_at(world, met) if met is not None else None
