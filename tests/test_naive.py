"""What benchmarks/naive.py draws, a texture and a draw call a map: the maps of the room, in the same colours."""

from __future__ import annotations

import importlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rooms import chain, furnished, maps, tiles_of

from walkin.geometry import Pose
from walkin.render.renderer import Renderer
from walkin.state.places import Place
from walkin.targets.offscreen import OffscreenTarget


@pytest.mark.parametrize("culled", [True, False])
def test_the_naive_scene_has_the_maps_of_the_room(ctx, monkeypatch: pytest.MonkeyPatch, culled: bool):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    naive = importlib.import_module("naive")
    node, behind = maps("a", 12, 16, 12), maps("b", 4, 8, 8)
    places = {
        "a": Place((-1.2, 0.5, -2.2), 0.0, 4, 3, 0.6, 0.9),
        "b": Place((-1.0, 0.5, 6.0), 0.0, 2, 2, 0.6, 0.9),
    }
    random = np.random.default_rng(2)
    tiles = [tiles_of(each, random.normal(size=each.shape[1:])) for each in (node, behind)]
    world = furnished(chain(node, behind), places, tiles)
    world.look = replace(world.look, range_mode="wall", labels=False, ribbons=False)
    with closing(OffscreenTarget((320, 240), 1, samples=0)) as target:
        renderer, head = Renderer(target.ctx), Pose.at(0.0, 1.4, 0.0)
        for _ in range(3):
            renderer.prepare(world, head.position, budget_ms=1e6)
        for view in target.draw_views(head):
            renderer.draw(world, view)
        room = target.read().astype(int)
        scene = naive.Naive(SimpleNamespace(target=target, world=world, renderer=renderer))
        assert scene.frame(head, culled=culled) > 0.0
        assert scene.draws == (12 if culled else 16)
        picture = target.read().astype(int)
    maps_there = picture.sum(axis=2) > 30
    assert maps_there.mean() > 0.3
    assert np.median(np.abs(picture - room)[maps_there]) <= 2
