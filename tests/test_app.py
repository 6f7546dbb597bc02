"""The frame loop: what becomes of results and requests, when it draws and when it rests, and how a run ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rooms import chain, maps, tiles_of

from walkin.app import App, Settings
from walkin.errors import WalkinError
from walkin.frame import Input, View
from walkin.geometry import Pose
from walkin.requests import Cancel, Feed, File, Open, Quit, Screenshot
from walkin.results import Fed, Finished, Notice, Progress, Scores, Tiles, Traced
from walkin.targets import offscreen

SIZE = (160, 90)
NODES = (maps("conv1", 4, 8, 8, "input"), maps("conv2", 9, 4, 4, "conv1"))
NETWORK = chain(*NODES, name="fake")


def tiles(number: int = 0, serial: int = 1) -> Tiles:
    node = NODES[number]
    values = np.random.default_rng(number + serial).normal(size=(node.maps, node.mosaic.height, node.mosaic.width))
    made = tiles_of(node, values)
    object.__setattr__(made, "serial", serial)
    return made


@dataclass
class CountedFrame:
    """A frame that knows how often it was drawn."""

    target: Any
    input: Input = field(default_factory=Input)
    dt_s: float = 1 / 60
    idle: bool = True
    drawn: int = 0

    def views(self) -> Iterator[View]:
        for view in self.target.draw_views(self.input.stage_from_head):
            self.drawn += 1
            yield view


@pytest.fixture
def make(ctx, monkeypatch: pytest.MonkeyPatch):
    """App on an offscreen target of the one context, whose jobs are given instead of torch's."""
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    made: list[App] = []

    def build(jobs: dict[str, Any] | None = None, eyes: int = 1, **settings: Any) -> App:
        lines: list[str] = []
        target = offscreen.OffscreenTarget(SIZE, eyes=eyes, samples=0)
        app = App(target, Settings(report=lines.append, **settings))
        app.lines = lines  # type: ignore[attr-defined]
        monkeypatch.setattr(app, "_job", lambda name, request: (jobs or {})[name])
        made.append(app)
        return app

    yield build
    for app in made:
        assert app.worker.close(5.0)


def step(app: App, **frame: Any) -> CountedFrame:
    made = CountedFrame(app.target, **frame)
    app.step(made)
    return made


def furnish(app: App) -> None:
    app.accept(Traced(NETWORK))
    app.accept(tiles(0))
    app.accept(tiles(1))
    for _ in range(100):
        step(app)
        if app.settled:
            return
    raise AssertionError("uploads never end")


@pytest.mark.parametrize("eyes", [1, 2])
def test_idle_draws_nothing(make, eyes: int):
    app = make(eyes=eyes)
    furnish(app)
    step(app)
    assert [step(app).drawn for _ in range(5)] == [0] * 5
    assert step(app, idle=False).drawn == eyes
    assert step(app).drawn == 0
    app.accept(Notice("hello"))
    assert step(app).drawn == eyes
    assert step(app).drawn == 0
    head = Input(stage_from_head=Pose.at(0.0, 1.7, 0.01))
    assert step(app, input=head).drawn == eyes
    assert step(app, input=head).drawn == 0
    app.accept(tiles(0, serial=2))
    assert step(app).drawn == eyes
    assert step(app).drawn == 0


def test_a_notice_ends_and_then_it_rests(make):
    app = make()
    furnish(app)
    app.accept(Notice("hello"))
    assert [banner.text for banner in app.world.banners] == ["hello"]
    drawn = [step(app, dt_s=0.1).drawn for _ in range(100)]
    assert app.world.banners == []
    assert 2 <= sum(drawn) <= 4
    assert sum(drawn[-20:]) == 0


def test_traced_network_is_laid_out_and_tiles_are_shown(make):
    app = make()
    app.accept(Traced(NETWORK))
    assert list(app.world.walls) == ["conv1", "conv2"]
    assert app.world.layout is not None
    assert any("fake: 3 nodes, 13 maps" in line for line in app.lines)
    step(app, idle=False)
    empty = app.target.read()
    app.accept(tiles(0))
    app.accept(tiles(1))
    while not app.settled:
        step(app)
    step(app, idle=False)
    assert (app.target.read() != empty).any()
    assert app.world.walls["conv1"].tiles is not None


def test_tiles_of_an_older_picture_are_dropped(make):
    app = make()
    furnish(app)
    app.accept(tiles(0, serial=3))
    old, new = tiles(0, serial=2), app.world.walls["conv1"].tiles
    app.accept(old)
    assert app.world.walls["conv1"].tiles is new
    app.accept(Fed(np.zeros((4, 4, 3), np.uint8), ("old",), 2))
    assert app.world.picture is None
    app.accept(Scores(("cat",), (1.0,), 2))
    assert app.world.scores is None
    app.accept(Scores(("cat",), (1.0,), 3))
    assert app.world.scores is not None


def test_tiles_of_a_wall_that_is_gone_are_dropped(make):
    app = make()
    app.accept(tiles(0))
    app.accept(Traced(chain(NODES[0])))
    app.accept(tiles(1))
    assert app.world.walls["conv1"].tiles is None


def test_the_same_network_keeps_its_tiles(make):
    app = make()
    furnish(app)
    before = app.world.walls["conv1"].tiles
    app.accept(Traced(chain(*NODES, name="fake")))
    assert app.world.walls["conv1"].tiles is before
    app.accept(Traced(chain(NODES[0])))
    assert app.world.walls["conv1"].tiles is None


def test_quit(make):
    app = make()
    app.dispatch(Quit())
    assert app.quitting
    assert app.run() == 0


def test_screenshot(make, tmp_path: Path):
    app = make()
    furnish(app)
    step(app, idle=False)
    app.dispatch(Screenshot(str(tmp_path / "a.png")))
    assert (np.asarray(Image.open(tmp_path / "a.png")) == app.target.read()).all()
    assert app.target.read().max() > 60
    assert app.world.banners[-1].text.startswith("saved ")


def test_screenshot_that_cannot_be_written_is_told(make, tmp_path: Path):
    app = make()
    (tmp_path / "file").write_text("")
    app.dispatch(Screenshot(str(tmp_path / "file" / "a.png")))
    assert app.world.banners[-1].level == "error"
    assert not app.quitting


def wait_for(app: App, job: str) -> None:
    deadline = time.monotonic() + 10
    while app.worker.busy or not app.results.empty:
        step(app)
        assert time.monotonic() < deadline, f"{job} never ended"


def test_a_job_from_first_frame_to_last_upload(make):
    started_at: list[int] = []

    def open_network(emit):
        started_at.append(app.first_drawn)
        yield Progress("open", "tracing")
        yield Traced(NETWORK, 1)
        emit(tiles(0))
        emit(tiles(1))
        yield Scores(("cat", "dog"), (0.7, 0.3), 1)

    app = make({"open_network": open_network})
    app.first_drawn = 0
    app.open(Open("fake"))
    assert app.world.progress is not None
    assert not app.settled
    app.first_drawn = step(app).drawn
    wait_for(app, "open")
    step(app)
    assert started_at == [1], "the job waits for the first frame to be on the screen"
    assert app.settled
    assert app.world.progress is None
    assert app.world.scores.names == ("cat", "dog")
    assert all(wall.tiles is not None for wall in app.world.walls.values())
    assert app.lines[0] == "walkin: tracing ..."


def test_a_failing_job_is_told_and_makes_the_run_fail(make):
    def open_network(emit):
        yield Progress("open", "loading")
        raise WalkinError("no such network")

    app = make({"open_network": open_network}, frames=1)
    app.open(Open("fake"))
    assert app.run() == 1
    assert "walkin: no such network" in app.lines
    (banner,) = app.world.banners
    assert (banner.text, banner.level, banner.until_s) == ("no such network", "error", None)


def test_a_new_picture_cancels_the_one_before(make):
    def feed(emit):
        while not done:
            time.sleep(0.001)
            yield Progress("feed", "running")
        yield Notice("fed")

    done: list[int] = []
    app = make({"feed": feed})
    app.dispatch(Feed(File("a.png")))
    app.dispatch(Feed(File("b.png")))
    done.append(1)
    wait_for(app, "feed")
    step(app)
    assert [banner.text for banner in app.world.banners] == ["fed"]


def test_cancel(make):
    def feed(emit):
        while True:
            time.sleep(0.001)
            yield Progress("feed", "running")

    app = make({"feed": feed})
    app.dispatch(Feed(File("a.png")))
    app.dispatch(Cancel())
    wait_for(app, "feed")
    step(app)
    assert app.world.progress is None
    assert app.code == 0


def test_screenshot_to_is_written_when_all_is_there(make, tmp_path: Path):
    def open_network(emit):
        yield Traced(NETWORK, 1)
        time.sleep(0.1)
        yield tiles(0)
        yield tiles(1)

    path = tmp_path / "room.png"
    app = make({"open_network": open_network}, screenshot_to=path, timeout_s=20.0)
    app.open(Open("fake"))
    surfaces = app.target.surfaces[0]
    assert app.run() == 0
    assert all(wall.tiles is not None for wall in app.world.walls.values())
    assert not app.renderer.uploads_waiting
    assert (np.asarray(Image.open(path)) == surfaces.read()).all()


def test_frames_count_from_when_all_is_there(make):
    settled: list[bool] = []
    app = make(frames=4, on_frame=lambda app, frame: settled.append(app.settled))
    app.accept(Traced(NETWORK))
    app.accept(tiles(0))
    assert app.run() == 0
    assert sum(settled) == 4


def test_waiting_ends(make):
    def open_network(emit):
        while True:
            time.sleep(0.01)
            yield Progress("open", "loading")

    app = make({"open_network": open_network}, frames=1, timeout_s=0.3)
    app.open(Open("fake"))
    with pytest.raises(WalkinError, match=r"not ready after 0 s .*loading"):
        app.run()


def test_progress_is_reported_in_steps(make):
    app = make()
    for percent in range(101):
        app.accept(Progress("open", "downloading", percent / 100))
    app.accept(Progress("open", "tracing"))
    assert app.lines[0] == "walkin: downloading ..."
    assert app.lines[-1] == "walkin: tracing ..."
    assert 8 <= len(app.lines) <= 14


def test_the_end_of_another_job_leaves_progress_alone(make):
    app = make()
    app.accept(Progress("open", "loading"))
    app.accept(Finished("feed"))
    assert app.world.progress is not None
    app.accept(Finished("open"))
    assert app.world.progress is None


def test_acts(make):
    app = make(pictures=("a.png", "b.png"))
    furnish(app)
    fed: list[str] = []
    app.dispatch = lambda request: fed.append(request.source.path)  # type: ignore[method-assign]

    def press(act: str) -> None:
        step(app, input=Input(acts=frozenset({act})))

    press("keys")
    assert app.world.show_keys
    press("labels")
    assert not app.world.look.labels
    press("ribbons")
    assert not app.world.look.ribbons
    press("colors")
    assert app.world.look.color_map == "unsigned"
    press("range")
    assert app.world.look.range_mode == "wall"
    press("picture")
    press("picture")
    press("picture")
    assert fed == ["b.png", "a.png", "b.png"]
    entrance = app.world.world_from_stage.position.copy()
    press("next")
    assert app.world.visited == "conv1"
    press("next")
    assert app.world.visited == "conv2"
    assert app.world.world_from_stage.position[2] < entrance[2]
    press("previous")
    assert app.world.visited == "conv1"
    press("bird")
    assert app.world.world_from_stage.position[1] > 2
    press("entrance")
    assert app.world.world_from_stage.position == pytest.approx(entrance)


def test_a_dropped_file_is_fed(make):
    app = make()
    fed: list[Any] = []
    app.dispatch = fed.append  # type: ignore[method-assign]
    step(app, input=Input(dropped_files=("a.png", "b.png")))
    assert fed == [Feed(File("b.png"))]


def test_goto(make):
    app = make(goto="conv2")
    furnish(app)
    wall = app.world.walls["conv2"]
    eye = app.world.world_from_stage.matrix @ np.array([0, 1.7, 0, 1])
    assert (eye[:3] - wall.place.centre) @ wall.place.normal > 0.5
    assert app.world.visited == "conv2"


def test_goto_nowhere_says_what_is_near(make):
    app = make(goto="conv3")
    furnish(app)
    assert any("did you mean" in banner.text for banner in app.world.banners)
