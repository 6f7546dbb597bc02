"""A room whose walls have not all room on the GPU: what is near is sharp and true to the byte, the limit holds, and
nothing is ever black; with the true worker. And what the panel says of it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from walkin import gl
from walkin.accepting import accept
from walkin.app import App, Settings
from walkin.detailing import Detailing
from walkin.errors import WalkinError
from walkin.frame import Input, View
from walkin.interact.doing import do
from walkin.picture_source import Noise
from walkin.requests import Feed, Open
from walkin.results import Finished
from walkin.state.atlas_room import AtlasRoom
from walkin.state.panel_state import Change
from walkin.state.wall import Wall
from walkin.targets import offscreen
from walkin.world import World

WALLS = 8
SIZE = (240, 1440)  # so many rows that walls have to be whole to be sharp
LIMIT = 600_000  # bytes; all of the walls take 730 thousand


class Deep(nn.Module):
    """Eight walls of 24 maps of 48 x 48, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.steps = nn.ModuleList(nn.Conv2d(24 if n else 3, 24, 3, padding=1) for n in range(WALLS))

    def forward(self, x: Any) -> Any:
        for step in self.steps:
            x = step(x)
        return x


@dataclass
class OneFrame:
    target: Any
    input: Input = field(default_factory=Input)
    dt_s: float = 0.1
    idle: bool = True

    def views(self) -> Iterator[View]:
        yield from self.target.draw_views(self.input.stage_from_head)


@pytest.fixture
def opened(ctx, monkeypatch: pytest.MonkeyPatch):
    """Rooms of the network above, settled."""
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    made: list[App] = []

    def build(limit: int | None) -> App:
        target = offscreen.OffscreenTarget(SIZE, eyes=1, samples=0)
        app = App(target, Settings(report=lambda line: None, memory_bytes=limit))
        made.append(app)
        app.open(Open("deep", model=Deep(), input_size=(48, 48)))
        settle(app)
        return app

    yield build
    for app in made:
        assert app.close(10.0)


def settle(app: App) -> None:
    """Until no job runs and all is uploaded; no wall that has tiles is black in between."""
    for _ in range(3000):
        app.step(OneFrame(app.target))
        atlas = app.renderer._atlas
        if atlas is not None and app.world.walls:
            assert app.world.room.limit_bytes is None or atlas.bytes <= app.world.room.limit_bytes
        if app.settled and app.world.walls:
            app.step(OneFrame(app.target))
            if app.settled:
                return
        app.target.ctx.finish()
        wait(app)
    raise AssertionError("it never settles")


def wait(app: App) -> None:
    import time

    if app.workshop.worker.busy:
        time.sleep(0.005)


def go(app: App, wall: Wall) -> None:
    """Before a wall."""
    for request in do(app.world, Input(), Change("goto", (wall.key,))):
        app.dispatch(request)
    settle(app)


def on_gpu(app: App, wall: Wall, level: int) -> np.ndarray:
    """uint8: a wall's mosaic as it lies in the atlas."""
    atlas = app.renderer._atlas
    assert atlas is not None
    lay = atlas.lays[wall.key]
    (band,) = lay.bands
    block, down = atlas.blocks[band.block], level - lay.finest
    side = block.side >> down
    out = np.zeros((block.layers.count, side, side), np.uint8)
    assert block.texture is not None
    block.texture.use(0)
    gl.library().glPixelStorei(0x0D05, 1)  # GL_PACK_ALIGNMENT
    pointer = ctypes.c_void_p(out.ctypes.data)
    gl.library().glGetTexImage(gl.TEXTURE_2D_ARRAY, down, gl.RED, gl.UNSIGNED_BYTE, pointer)
    height, width = wall.mosaic.level_size(level)
    x, y = band.x >> down, band.y >> down
    return out[band.layer, y : y + height, x : x + width]


def is_whole(app: App, wall: Wall, true: Wall) -> bool:
    """Whether all of it is on the GPU and at hand, as where there is room for all."""
    tiles, expected = wall.tiles, true.tiles
    assert tiles is not None and expected is not None and expected.first_level == 0
    if tiles.first_level or app.renderer._atlas.lays[wall.key].finest:  # type: ignore[union-attr]
        return False
    assert (tiles.level(0) == expected.level(0)).all()
    for level in range(wall.mosaic.levels):
        assert (on_gpu(app, wall, level) == expected.level(level)).all()
    return True


@pytest.mark.slow
def test_what_she_comes_to_is_whole_and_what_she_leaves_is_coarse(opened):
    true, app = opened(None), opened(LIMIT)
    assert true.world.room.coarse == 0
    walls, expected = list(app.world.walls.values()), true.world.walls
    assert len(walls) == WALLS
    whole = [is_whole(app, wall, expected[wall.key]) for wall in walls]
    assert whole[0] and not whole[-1] and 0 < sum(whole) < WALLS - 1
    assert app.world.room.coarse == WALLS - sum(whole)
    for wall in (walls[-1], walls[3], walls[0], walls[-1]):
        go(app, wall)
        assert is_whole(app, wall, expected[wall.key]), f"{wall.key} has not become sharp"
        assert app.renderer.atlas_bytes <= LIMIT
        for other in walls:
            assert other.tiles is not None
            held = sum(level.nbytes for level in other.tiles.levels)
            assert held <= other.mosaic.bytes_from(other.first_level), "no more of it is kept than is shown"
            assert other.fresh == ()
            level = app.renderer._atlas.lays[other.key].finest
            if level < other.mosaic.levels:
                assert (on_gpu(app, other, level) == expected[other.key].tiles.level(level)).all()
    assert not is_whole(app, walls[0], expected[walls[0].key])


@pytest.mark.slow
def test_another_picture_is_as_fine_as_the_walls_are(opened):
    true, app = opened(None), opened(LIMIT)
    for each in (true, app):
        each.dispatch(Feed(Noise("gaussian", 5)))
        settle(each)
    for key, wall in app.world.walls.items():
        assert wall.tiles is not None and wall.tiles.first_level == wall.first_level
        is_whole(app, wall, true.world.walls[key])
    assert 0 < app.world.room.coarse < WALLS


@pytest.mark.slow
def test_walls_are_seen_while_they_become_finer_and_coarser(opened):
    """The picture from before a wall, frame after frame while she goes there: never darker than by what it shows."""
    app = opened(LIMIT)
    last = list(app.world.walls.values())[-1]
    for request in do(app.world, Input(), Change("goto", (last.key,))):
        app.dispatch(request)
    lights = []
    for _ in range(200):
        app.step(OneFrame(app.target, idle=False))
        lights.append(float(app.target.read().mean()))
        if app.settled and len(lights) > 5:
            break
        wait(app)
    assert last.tiles is not None and last.tiles.first_level == 0
    assert min(lights[1:]) > 0.8 * lights[-1]


def test_a_coarse_wall_from_afar_is_the_same_picture(ctx):
    """Beyond where its level would be used anyway nothing of it is to be seen."""
    from drawing import draw, renderer_of
    from rooms import chain, facing, furnished, maps, tiles_of

    from walkin.state.places import Place

    node = maps("a", 12, 40, 24)
    tiles = tiles_of(node, np.random.default_rng(4).normal(size=(12, 40, 24)))
    where = Place((-0.3, 0.5, -3.0), 0.0, 4, 3, 0.25, 0.9)
    pictures = {}
    assert node.mosaic.levels == 4
    for level in range(node.mosaic.levels + 1):
        world = furnished(chain(node), {"a": where})
        world.walls["a"].first_level = level
        accept(world, tiles)
        assert world.walls["a"].tiles is not None
        assert world.walls["a"].tiles.first_level == level
        renderer = renderer_of(ctx, world)
        for pixels in (60, 30, 10, 5, 3, 1):  # a tile
            picture = draw(renderer, world, *facing(where), (4 * pixels, 3 * pixels)).astype(int)
            pictures[level, pixels] = picture
            if pixels * 2**level <= 40 and level < node.mosaic.levels:
                assert np.abs(picture - pictures[0, pixels]).max() <= 1, f"level {level} at {pixels} pixels a tile"
    assert np.abs(pictures[4, 1] - pictures[0, 1]).max() <= 1, "a pixel a tile: its mean"
    assert np.abs(pictures[2, 60] - pictures[0, 60]).max() > 20
    assert pictures[1, 60].mean() > 0.8 * pictures[0, 60].mean(), "coarse, not black"


def test_what_a_network_may_take_before_its_walls_are_known():
    world = World()
    detailing = Detailing(world)
    request = Open("a")
    assert detailing.share(request) is None
    world.room.limit_bytes = 1000
    assert 500 < (detailing.share(request) or 0) < 1000


def test_what_was_cancelled_is_asked_for_again():
    detailing = Detailing(World())
    detailing._asked = {"": {"a": 0}, "b": {"c": 1}}
    detailing.accept(Finished("detail"))
    assert detailing._asked.keys() == {"", "b"}
    detailing.accept(Finished("detail b", cancelled=True))
    assert detailing._asked.keys() == {""}


def test_the_line_about_memory():
    assert AtlasRoom(None, 1_234_000_000).told == "atlas 1,234 MB"
    assert AtlasRoom(10**9, 640_300_000).told == "atlas 640 of 1,000 MB"
    assert AtlasRoom(10**9, 640_300_000, coarse=12).told == "atlas 640 of 1,000 MB, 12 walls coarse"
    assert AtlasRoom(10**9, 0, coarse=1).told == "atlas 0 of 1,000 MB, 1 wall coarse"


def test_the_card_of_a_wall_says_that_it_is_coarse():
    from rooms import chain, furnished, maps, tiles_of

    from walkin.state.places import Place
    from walkin.ui.sections.wall import coarse

    node = maps("a", 4, 40, 24)
    world = furnished(chain(node), {"a": Place((0, 0, 0), 0.0, 2, 2, 0.2, 0.9)})
    wall = world.walls["a"]
    tiles = tiles_of(node, np.random.default_rng(0).normal(size=(4, 40, 24)))
    assert coarse(wall) == "", "there is nothing yet"
    told = []
    for level in (0, 1, 3, node.mosaic.levels):
        wall.show(tiles.from_level(level))
        told.append(coarse(wall))
    values = "coarse: a texel is the mean of {0} x {0}"
    assert told == ["", values.format(2), values.format(8), "coarse: each tile is its mean"]


def test_memory_given_from_python_is_checked():
    from walkin.api.given import memory_bytes

    assert memory_bytes(None) is None
    assert memory_bytes("500MB") == 5 * 10**8
    assert memory_bytes(10**9) == 10**9
    for bad in ("much", "-1GB", "1KB", 5, True, 1.5):
        with pytest.raises(WalkinError, match=r"memory|size"):
            memory_bytes(bad)  # type: ignore[arg-type]
