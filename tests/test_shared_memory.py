"""What has grown counts in the limit of what walls show: walls give memory up for it, and have it back afterwards."""

from __future__ import annotations

import pytest
import torch
from test_detailing import OneFrame, on_gpu, wait
from test_growing_walls import grown
from torch import nn

from walkin.accepting import accept
from walkin.app import App, Settings
from walkin.frame import Input
from walkin.interact.doing import do
from walkin.render import grown as grown_module
from walkin.requests import Open
from walkin.state.panel_state import Change
from walkin.state.wall import Wall
from walkin.targets import offscreen

WALLS = 8
SIDE = 64
LIMIT = 3_200_000  # bytes; all of the walls take 2.8 million, and what has grown may take six layers
LAYER = 87_380


class Wide(nn.Module):
    """Eight walls of 64 maps of 64 x 64, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.steps = nn.ModuleList(nn.Conv2d(64 if n else 3, 64, 3, padding=1) for n in range(WALLS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in self.steps:
            x = step(x)
        return x


@pytest.fixture
def opened(ctx, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    monkeypatch.setattr(grown_module, "FIRST_LAYERS", 2)
    made: list[App] = []

    def build(limit: int | None) -> App:
        app = App(
            offscreen.OffscreenTarget((240, 1440), eyes=1, samples=0),
            Settings(report=lambda line: None, memory_bytes=limit),
        )
        made.append(app)
        app.open(Open("wide", model=Wide(), input_size=(SIDE, SIDE)))
        settle(app)
        return app

    yield build
    for app in made:
        assert app.close(10.0)


def settle(app: App) -> None:
    """Until no job runs and all is uploaded; in no frame more than the limit is taken."""
    for _ in range(3000):
        app.step(OneFrame(app.target))
        limit = app.world.room.limit_bytes
        assert limit is None or app.renderer.atlas_bytes <= limit
        assert app.world.room.used_bytes == app.renderer.atlas_bytes
        if app.settled and app.world.walls:
            app.step(OneFrame(app.target))
            if app.settled:
                return
        app.target.ctx.finish()
        wait(app)
    raise AssertionError("it never settles")


def go(app: App, wall: Wall) -> None:
    for request in do(app.world, Input(), Change("goto", (wall.key,))):
        app.dispatch(request)
    settle(app)


def there(app: App, wall: Wall) -> list[int]:
    """Channels of which the visualisation is on the GPU, as it is now."""
    shown = app.renderer._uploads.grown._shown
    pictures = app.world.growth.pictures[wall.key]
    return sorted(channel for channel, bloom in pictures.items() if shown.get((wall.key, channel)) is bloom)


def true_on_gpu(app: App) -> None:
    """Every wall lies there as its tiles are."""
    atlas = app.renderer._atlas
    assert atlas is not None
    for wall in app.world.walls.values():
        level = atlas.lays[wall.key].finest
        assert wall.tiles is not None and level <= wall.mosaic.levels
        if level < wall.mosaic.levels:
            assert (on_gpu(app, wall, level) == wall.tiles.level(level)).all()


@pytest.mark.slow
@pytest.mark.parametrize("limit", [LIMIT, 2_700_000], ids=["all whole at first", "some coarse from the first"])
def test_a_small_limit_holds_with_many_visualised_walls(opened, limit: int) -> None:
    app = opened(limit)
    walls, before = list(app.world.walls.values()), app.renderer._atlas.bytes
    layers = int(limit / 6 / LAYER)
    assert (app.world.room.coarse == 0) == (limit == LIMIT)
    coarse = app.world.room.coarse
    for wall in walls:
        accept(app.world, grown(wall.node.address, (0, 1, 2, 3)))
        settle(app)
    first, last = walls[0], walls[-1]
    assert there(app, first) == [0, 1, 2, 3] and there(app, last) == []
    assert sum(len(there(app, wall)) for wall in walls) == layers
    assert app.renderer._uploads.grown.bytes == layers * LAYER
    true_on_gpu(app)
    for wall in (last, walls[3], first, last):
        go(app, wall)
        assert there(app, wall) == [0, 1, 2, 3], "what was dropped comes back"
        assert wall.tiles is not None and wall.tiles.first_level == 0, "and the wall itself is sharp"
        true_on_gpu(app)
    assert app.world.room.coarse > coarse
    app.world.growth.forget({wall.key for wall in walls}.__contains__)
    settle(app)
    assert app.renderer._uploads.grown.bytes <= LAYER
    assert app.renderer._atlas.bytes > 0.85 * before
    go(app, first)
    assert app.world.room.coarse <= coarse + 1
    true_on_gpu(app)


@pytest.mark.slow
def test_where_walls_cannot_give_way_less_has_grown(opened, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(LIMIT)
    monkeypatch.setattr(type(app.renderer._atlas), "leave", lambda self, key: False)
    monkeypatch.setattr("walkin.render.uploads.TRIES", 5)
    walls = list(app.world.walls.values())
    for wall in walls:
        accept(app.world, grown(wall.node.address, (0, 1, 2, 3)))
        settle(app)
    assert 0 < sum(len(there(app, wall)) for wall in walls) < 6
    true_on_gpu(app)


@pytest.mark.slow
def test_without_a_tight_limit_all_is_shown(opened) -> None:
    app = opened(10**9)
    walls = list(app.world.walls.values())
    for wall in walls:
        accept(app.world, grown(wall.node.address, (0, 1, 2, 3)))
    settle(app)
    assert all(there(app, wall) == [0, 1, 2, 3] for wall in walls) and app.world.room.coarse == 0
    app.world.growth.forget({wall.key for wall in walls[1:]}.__contains__)
    settle(app)
    assert there(app, walls[0]) == [0, 1, 2, 3]
    assert app.renderer._uploads.grown.bytes <= 16 * LAYER, "fewer layers, when most are empty"


@pytest.mark.slow
def test_where_there_is_no_room_at_all_nothing_has_grown(opened) -> None:
    app = opened(500_000)
    wall = next(iter(app.world.walls.values()))
    accept(app.world, grown(wall.node.address, (0, 1)))
    settle(app)
    assert there(app, wall) == [] and app.renderer._uploads.grown.texture is None
