"""Rehearsal: a room of one tile, drawn before the first true one, so that the driver has compiled all it will need."""

from __future__ import annotations

import numpy as np

from walkin.accepting import accept
from walkin.geometry import Pose
from walkin.graph import Network, Node
from walkin.readings import Scores
from walkin.results import Fed
from walkin.state.arrangement import Look
from walkin.state.places import Layout, Place, Ribbon
from walkin.state.things import Enlarged
from walkin.state.visitor import Pointer, Teleport
from walkin.tiles import Tiles
from walkin.world import World


def tiny_room(eye: Pose, look: Look, *, hands: bool = False) -> World:
    """One wall, ribbon, shadow, label, picture, result board and large tile before the eye: each kind of thing
    that is drawn, in the colours that it will be drawn in.

    With `hands` all that only a headset shows, too: a desktop does not wait for what it never draws.
    """
    node = Node("a", "conv", (1, 1, 3, 3))
    x, y, z = (eye.position + 2.0 * eye.forward).tolist()
    place = Place((x, y, z), 0.0, 1, 1, 0.01, 0.9)
    points = np.array([(x, z), (x, z - 1.0)], np.float32)
    world = World(look=look)
    ribbons = (Ribbon("input", "a", points, "main"), Ribbon("a", "", points, "skip", dashed=True))
    layout = Layout({"a": place}, ribbons, place, place, Pose(), 1.0)
    world.furnish(Network("rehearsal", (Node("input", "input", (1, 3, 3, 3)), node), ("a",)), layout)
    # Sides that are no powers of two: llvmpipe compiles other code for those, and pictures have them.
    accept(world, Fed(np.zeros((20, 12, 3), np.uint8), ("a",)))
    accept(world, Scores(("a",), (1.0,)))
    zero, one = np.zeros(1, np.float32), np.ones(1, np.float32)
    codes = tuple(np.zeros(level, np.uint8) for level in _level_sizes(node))
    accept(world, Tiles("a", node.mosaic, codes, zero, one, zero, np.zeros(1, np.int32), (0.0, 1.0), (0.0, 1.0)))
    world.enlarged = Enlarged("a", 0, place)
    world.notify("a")
    if hands:
        before = Pose(eye.position + eye.forward, eye.orientation)
        end = eye.position + 2.0 * eye.forward
        world.pointers["right"] = Pointer(before, before, end, True, True)
        world.teleport = Teleport(np.array([before.position, end]), end, 0.0)
        world.advice, world.world_from_advice = ("a",), before
        world.vignette = 1.0
    return world


def _level_sizes(node: Node) -> list[tuple[int, int]]:
    height, width = node.mosaic.size
    return [(height >> level, width >> level) for level in range(node.mosaic.levels)]
