"""Flights: a picture that is thrown away is seen on its way back to where it is from."""

from __future__ import annotations

import numpy as np

from walkin.geometry import UP, Pose, quaternion_from_yaw_pitch
from walkin.picture_source import Noise, Tile
from walkin.state.places import Place
from walkin.state.things import Carried, Flight
from walkin.world import World

SLOWEST_S, FASTEST_S = 0.7, 0.3
SPEED_M_S = 6.0


def fly_back(world: World, carried: Carried, *, gone: bool = False) -> None:
    """Begin; `gone`: it does not hang in the room any more, so it goes to where it was before."""
    place = carried.thing.place if carried.thing is not None and not gone else origin(world, carried.source)
    start = carried.world_from_picture
    if place is None:  # nobody knows: on where it was thrown to, and smaller and smaller
        thrown = world.world_from_stage.matrix[:3, :3] @ carried.velocity_m_s * 0.35
        end, size = Pose(start.position + thrown, start.orientation), 0.0
    else:
        end, size = Pose(place.centre + place.normal * 0.01, quaternion_from_yaw_pitch(place.yaw, 0.0)), place.width_m
    length = float(np.linalg.norm(end.position - start.position))
    lasts = min(max(length / (SPEED_M_S * world.world_from_stage.scale), FASTEST_S), SLOWEST_S)
    world.flights.append(Flight(carried.source, start, end, (carried.size_m, size), world.time_s, lasts))
    world.revision += 1


def origin(world: World, source: object) -> Place | None:
    """Where a picture can be seen without a hand: on the shelf or on its wall."""
    shelf = world.shelf
    if isinstance(source, Tile):
        key = f"{source.network}:{source.address}" if source.network else source.address
        wall = world.walls.get(key)
        if wall is None:
            return None
        found = np.flatnonzero(wall.order == source.channel) if wall.order is not None else [source.channel]
        row, column = divmod(int(found[0]), wall.place.columns)
        pitch = wall.place.pitch_m
        corner = np.array(wall.place.corner) + wall.place.right * (column * pitch)
        x, y, z = (corner + UP * ((wall.place.rows - 1 - row) * pitch)).tolist()
        return Place((x, y, z), wall.place.yaw, 1, 1, pitch, 1.0)
    if shelf is None or not shelf.spec:
        return None
    if source in shelf.slots:
        return shelf.slot(shelf.slots.index(source))
    kinds = [noise.kind for noise in shelf.noises if isinstance(noise, Noise)]
    if isinstance(source, Noise) and source.kind in kinds:
        return shelf.noise(kinds.index(source.kind))
    board = shelf.place  # somewhere on another page
    x, y, z = (board.centre - board.right * 0.02 - UP * 0.02).tolist()
    return Place((x, y, z), board.yaw, 1, 1, 0.04, 1.0)


def land(world: World) -> None:
    """Those that have arrived are gone; as long as one flies, there is something to draw."""
    if not world.flights:
        return
    world.flights = [flight for flight in world.flights if world.time_s < flight.began_s + flight.lasts_s]
    world.revision += 1
