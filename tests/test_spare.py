"""Blocks that are made before the walls are there: taken where they fit, and gone where they are not needed."""

from __future__ import annotations

import moderngl
import numpy as np
import pytest
from rooms import chain, furnished, maps, tiles_of
from test_jobs import of, opened, run
from torch import nn

from walkin.app import App, Settings
from walkin.mosaic import Mosaic
from walkin.network import jobs
from walkin.network.tracing import catching
from walkin.picture_source import Noise
from walkin.render import atlas as atlas_module
from walkin.render.atlas import Atlas, layer_bytes
from walkin.render.renderer import Renderer
from walkin.render.spare import Spare
from walkin.requests import Feed
from walkin.results import Expected, Finished
from walkin.state.places import Place
from walkin.targets.offscreen import OffscreenTarget
from walkin.world import World

SIDE = 64
LAYERS = 4
FULL = LAYERS * SIDE * SIDE


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_module, "USUAL_SIDE", SIDE)
    monkeypatch.setattr(atlas_module, "SOFTWARE_BLOCK_BYTES", LAYERS * layer_bytes(SIDE))


def made(spare: Spare) -> list[moderngl.TextureArray]:
    return list(spare._made)


def test_as_many_are_made_as_walls_are_sure_to_fill(ctx) -> None:
    spare = Spare(ctx)
    for texels, wanted in ((FULL - 1, 0), (FULL, 1), (3 * FULL - 1, 2), (3 * FULL, 3)):
        spare.expect(texels)
        for _ in range(5):
            before = len(made(spare))
            spare.make()
            assert len(made(spare)) <= before + 1, "one a frame"
        assert len(made(spare)) == wanted
    spare.expect(0)
    assert not made(spare) and not spare.sides


def test_no_more_than_the_limit_are_made(ctx) -> None:
    spare = Spare(ctx, limit_bytes=int(2.5 * LAYERS * layer_bytes(SIDE)))
    spare.expect(100 * FULL)
    for _ in range(5):
        spare.make()
    assert len(made(spare)) == 2


def test_walls_lie_on_what_is_there(ctx) -> None:
    spare = Spare(ctx)
    spare.expect(2 * FULL)
    spare.make()
    spare.make()
    there = made(spare)
    atlas = Atlas(ctx, spare=spare)
    atlas.take_over({f"{n}": Mosaic(4, 32, 32) for n in range(LAYERS * 2 + 1)})
    assert [(block.side, block.layers.count) for block in atlas.blocks] == [(SIDE, LAYERS), (SIDE, LAYERS), (SIDE, 1)]
    while atlas.unmade:
        atlas.make_block()
    assert {block.texture.glo for block in atlas.blocks[:2]} == {texture.glo for texture in there}
    assert atlas.blocks[2].texture.glo not in {texture.glo for texture in there}
    assert not made(spare)


def test_what_is_there_counts_more_than_a_little_memory(ctx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atlas_module, "USUAL_SIDE", 256)
    monkeypatch.setattr(atlas_module, "SOFTWARE_BLOCK_BYTES", 3 * layer_bytes(512))
    walls = {f"{n}": Mosaic(4, 128, 128) for n in range(46)}  # a layer each, or four on one of twice the side
    walls |= {f"small {n}": Mosaic(1, 96, 96) for n in range(10)}  # four on a layer, ten on half a larger one
    spare = Spare(ctx)
    sides = {}
    for there in (False, True):
        spare.expect(there * 12 * 256 * 256)
        spare.make()
        atlas = Atlas(ctx, spare=spare)
        atlas.take_over(walls)
        sides[there] = {block.side for block in atlas.blocks}, sum(block.bytes for block in atlas.blocks)
    assert [side for side, _ in sides.values()] == [{512}, {256}]
    assert sides[False][1] < sides[True][1] < 1.04 * sides[False][1]


def test_what_is_not_needed_is_gone_when_walls_lie_there(ctx) -> None:
    node = maps("a", 4, 4, 4)
    tiles = tiles_of(node, np.arange(64, dtype=float).reshape(4, 4, 4))
    world = furnished(chain(node), {"a": Place((0.0, 0.5, -3.0), 0.0, 2, 2, 0.25, 1.0)}, [tiles])
    renderer = Renderer(ctx)
    renderer.expect(2 * FULL)
    renderer.prepare(World(), np.zeros(3))
    assert len(made(renderer._uploads.spare)) == 1
    while renderer.uploads_waiting or not renderer.walls_uploaded:
        renderer.prepare(world, np.zeros(3), 1e6)
    assert not made(renderer._uploads.spare)


def test_a_network_that_does_not_open_leaves_none_behind() -> None:
    for failed in ({"error": "no"}, {"cancelled": True}):
        app = App(OffscreenTarget((64, 64), 1, samples=0), Settings(report=lambda line: None))
        app.accept(Expected(2 * FULL))
        app.renderer._uploads.spare.make()
        assert made(app.renderer._uploads.spare)
        app.accept(Finished("open", **failed))
        assert not made(app.renderer._uploads.spare)
        app.close()
        app.target.close()


def test_a_worker_tells_how_large_walls_become_while_it_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catching, "TOLD_TEXELS", 4000)
    net = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    sessions, results = opened(net, fold="ops")
    told = of(Expected, results)
    plan = sessions.by_key[""].plan
    assert plan is not None
    texels = sum(node.mosaic.texels for node in plan.network if node.kind != "input")
    assert [each.texels for each in told] == [8192, 16384, 24576] and texels == 24576
    order = [type(each).__name__ for each in results]
    assert order.index("Expected") < order.index("Traced")

    assert not of(Expected, run(jobs.feed, sessions, Feed(Noise("grey"))))
