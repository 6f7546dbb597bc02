"""What lies a few millimetres before its box stays before it, from wherever it can be seen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drawing import draw, renderer_of
from rooms import chain, maps, tiles_of

from walkin.accepting import accept
from walkin.geometry import Fov, Pose
from walkin.interact.planning.layout import lay_out
from walkin.render import eye
from walkin.results import Fed
from walkin.world import World


@pytest.mark.parametrize("away_m", [0.5, 3.0, 20.0, 90.0])
@pytest.mark.parametrize("aslant", [0.0, 1.2])
def test_a_picture_stays_before_its_frame(ctx, monkeypatch: pytest.MonkeyPatch, away_m: float, aslant: float):
    """A white one, straight and aslant, whose frame is dark: not one pixel of the frame comes through."""
    monkeypatch.setattr(eye, "FOG_M", 1e6)
    node = maps("a", 4, 4, 4)
    network = chain(node)
    world = World()
    world.furnish(network, lay_out(network))
    accept(world, tiles_of(node, np.ones((4, 4, 4))))
    accept(world, Fed(np.full((32, 32, 3), 255, np.uint8), ("white",)))
    assert world.layout is not None
    place = world.layout.picture
    middle = place.centre
    way = place.normal * math.cos(aslant) + place.right * math.sin(aslant)
    yaw = place.yaw + aslant
    half = math.atan(0.04 * place.width_m / away_m)
    x, y, z = middle + way * away_m
    renderer = renderer_of(ctx, world)
    picture = draw(renderer, world, Pose.at(x, y, z, yaw=yaw), Fov(-half, half, half, -half), (64, 64))
    assert picture.min() > 250
