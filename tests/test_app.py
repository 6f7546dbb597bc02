"""The frame loop: what becomes of results and requests, when it draws and when it rests, and how a run ends."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rooms import chain, maps, tiles_of

from walkin import app as app_module
from walkin.app import CLOSE_S, App, Settings
from walkin.errors import WalkinError
from walkin.frame import Hand, Input, View
from walkin.geometry import UP, Pose
from walkin.imports import collector_resting
from walkin.picture_source import File, Item
from walkin.readings import Histogram, Scores
from walkin.requests import Close, Feed, Measure, Open, Watch
from walkin.results import Fed, Finished, Notice, Progress, Traced, Watching
from walkin.room_requests import Cancel, Quit, Screenshot
from walkin.targets import offscreen
from walkin.tiles import Tiles

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
    for name in ("UPLOAD_MS", "STILL_UPLOAD_MS"):  # how much a frame uploads is no matter of the machine's speed
        monkeypatch.setattr(app_module, name, 1e9)
    made: list[App] = []

    def build(jobs: dict[str, Any] | None = None, eyes: int = 1, **settings: Any) -> App:
        lines: list[str] = []
        target = offscreen.OffscreenTarget(SIZE, eyes=eyes, samples=0)
        app = App(target, Settings(report=lines.append, **settings))
        app.lines = lines  # type: ignore[attr-defined]
        monkeypatch.setattr(app.workshop, "_job", lambda name, request, **more: (jobs or {})[name])
        made.append(app)
        return app

    yield build
    for app in made:
        assert app.close(60.0)


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


def test_what_is_uploaded_without_other_news_is_drawn(make, monkeypatch):
    """Tiles that came in a frame whose time for uploads was over."""
    app = make()
    furnish(app)
    step(app)
    app.accept(tiles(0, serial=2))
    plain = app.renderer._uploads.step
    monkeypatch.setattr(app.renderer._uploads, "step", lambda *given: None)
    step(app)
    monkeypatch.setattr(app.renderer._uploads, "step", plain)
    app.pacing.filling_s = 0.0
    assert step(app).drawn == 1
    assert step(app).drawn == 0


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


def test_frames_go_on_until_what_is_pointed_at_is_told(make, monkeypatch):
    app = make()
    furnish(app)
    place = next(wall.place for wall in app.world.walls.values() if wall.tiles is not None)
    hints: dict[str, Any] = {}
    monkeypatch.setattr(app.target, "hint", hints.__setitem__)

    def aimed(x: float) -> Input:
        """At metres from the middle of the wall's first tile, from before it."""
        half = place.pitch_m / 2
        middle = np.array(place.corner) + place.right * (half + x) + UP * (place.height_m - half)
        yaw = float(np.arctan2(place.normal[0], place.normal[2]))
        aim = Pose.at(*(middle + place.normal).tolist(), yaw=yaw)
        return Input(right=Hand(stage_from_aim=app.world.world_from_stage.inverse @ aim))

    def rested(x: float) -> None:
        for _ in range(30):
            step(app, input=aimed(x))

    rested(0.0)
    assert app.world.hover is not None and app.world.hover is app.world.told and not hints["continuous"]
    step(app, input=aimed(0.3 * place.pitch_m))
    step(app, input=aimed(0.2 * place.pitch_m))
    assert app.world.hover is not app.world.told and hints["continuous"]
    rested(0.2 * place.pitch_m)
    assert app.world.hover is app.world.told and not hints["continuous"]


def test_a_notice_ends_and_then_it_rests(make):
    app = make()
    furnish(app)
    app.accept(Notice("hello"))
    assert [banner.text for banner in app.world.banners] == ["hello"]
    drawn = [step(app, dt_s=0.1).drawn for _ in range(100)]
    assert app.world.banners == []
    assert 2 <= sum(drawn) <= 4
    assert sum(drawn[-20:]) == 0


def test_a_picture_for_a_script_shows_every_notice_however_long_it_takes(make, tmp_path):
    app = make(screenshot_to=tmp_path / "a.png")
    furnish(app)
    app.accept(Notice("hello"))
    app.world.tick(1000.0)
    assert [banner.text for banner in app.world.banners] == ["hello"]


def test_while_the_librarian_works_frames_are_paced(make):
    app = make()
    told = []
    app.target.hint = lambda name, value: told.append((name, value))
    step(app)
    assert ("waiting", False) in told and ("waiting", True) not in told
    going = threading.Event()
    app.workshop.librarian.submit("thumbnails", lambda emit: going.wait(60.0))
    step(app)
    going.set()
    assert ("waiting", True) in told


def test_the_frame_after_a_job_comes_before_its_time(make, monkeypatch):
    monkeypatch.setattr(offscreen, "PERIOD_S", 1e5)
    app = make()
    app.target.hint("waiting", True)
    frames, came = app.target.frames(), []
    next(frames)  # the first is not waited for
    waiting = threading.Thread(target=lambda: came.append(next(frames)), daemon=True)
    waiting.start()
    app.workshop.worker.submit("job", lambda emit: iter(()))
    waiting.join(60.0)
    assert came and came[0].idle


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


def test_all_threads_together_have_the_time_that_is_left_to_the_end(make, monkeypatch: pytest.MonkeyPatch):
    """Each of them given all of it, leaving took as many times as long."""
    app, clock, waited = make(), [0.0], []
    busy = threading.Event()
    app._importer = threading.Thread(target=busy.wait, daemon=True)
    app._importer.start()
    for thread in (app.workshop.worker, app.workshop.librarian):
        thread.submit("endless", lambda emit: iter([busy.wait()]))

    def join(thread: threading.Thread, timeout: float | None = None) -> None:
        waited.append(timeout)
        clock[0] += timeout or 0.0

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", join)
        patch.setattr(time, "monotonic", lambda: clock[0])
        ended = app.close(1.0)
    busy.set()
    assert not ended and len(waited) == 3 and sum(waited) == 1.0


def test_nobody_waits_for_the_import_of_torch_to_end(make, monkeypatch: pytest.MonkeyPatch):
    app, waited = make(), []
    monkeypatch.setattr(app.workshop, "close", lambda timeout_s: waited.append(timeout_s) or True)
    app.close()
    with collector_resting("nothing of this name"):
        app.close()
        app.close(5.0)  # who goes on afterwards does
    assert waited == [CLOSE_S, 0.0, 5.0]
    monkeypatch.undo()


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
    app.world.notice_s = math.inf  # a room's time passes by frames, and nobody knows how many there are meanwhile
    deadline = time.monotonic() + 60
    while app.workshop.worker.busy or not app.results.empty:
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

    def drawn(app: App, frame: Any) -> None:  # before the frame's requests go out
        app.first_drawn = app.first_drawn or frame.drawn  # type: ignore[attr-defined]

    app = make({"open_network": open_network}, on_frame=drawn)
    app.first_drawn = 0
    app.open(Open("fake"))
    assert app.world.progress is not None
    assert not app.settled
    step(app)
    wait_for(app, "open")
    step(app)
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
    app = make({"open_network": open_network}, screenshot_to=path, timeout_s=300.0)
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

    def long_after(app: App, frame: Any) -> None:
        if app.world.progress is not None and app.world.progress.label == "loading":
            app.settling._began_s -= 400

    app = make({"open_network": open_network}, frames=1, timeout_s=300, on_frame=long_after)
    app.open(Open("fake"))
    with pytest.raises(WalkinError, match=r"not ready after 300 s .*loading"):
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


# Live input, measuring, closing


def histogram(kind: str = "activations", serial: int = 1, network: str = "", address: str = "conv1") -> Histogram:
    edges = np.linspace(0, 1, 17, dtype=np.float32)
    return Histogram(network, address, kind, edges, np.ones(16, np.int64), 0, serial)


def test_histograms_are_kept_by_wall_and_kind_the_newest_of_each(make):
    app = make()
    furnish(app)
    for each in (histogram("weights", 0), histogram(serial=3), histogram(serial=2)):
        app.accept(each)
    assert {name: each.serial for name, each in app.world.histograms.items()} == {
        ("conv1", "weights"): 0,
        ("conv1", "activations"): 3,
    }
    app.accept(histogram(address="gone"))
    app.accept(histogram(network="b"))
    assert len(app.world.histograms) == 2
    app.accept(Traced(chain(maps("conv3", 4, 8, 8, "input"))))
    assert app.world.histograms == {}, "of walls that are gone"


def test_measure_goes_to_the_worker(make):
    def measure(emit):
        yield histogram("weights", 0)
        yield histogram(serial=1)

    app = make({"measure": measure})
    furnish(app)
    app.dispatch(Measure("conv1"))
    wait_for(app, "measure")
    step(app)
    assert set(app.world.histograms) == {("conv1", "weights"), ("conv1", "activations")}


def test_a_watch_that_made_way_is_asked_for_again(make):
    begun: list[str] = []

    def watch(emit):
        begun.append("watch")
        yield Progress("live", "camera 0: waiting for a picture", 0.0)
        yield Progress("live", "camera 0", 1.0)
        if len(begun) == 1:
            while not others():
                time.sleep(0.001)
                yield None
            yield Watching("camera:0", over=False)
        else:
            yield Watching("camera:0", over=True)

    def measure(emit):
        begun.append("measure")
        yield histogram()

    app = make({"watch": watch, "measure": measure, "let_go": lambda emit: iter(())})
    others = lambda: app.workshop.worker.others_wait  # noqa: E731
    furnish(app)
    app.dispatch(Watch("camera:0"))
    deadline = time.monotonic() + 60
    while app.world.exhibits[0].live != "camera 0":
        step(app)
        assert time.monotonic() < deadline
    assert app.world.progress is None, "it hides nothing else that is told"
    assert app.settled, "what may go on for ever is not waited for"
    app.dispatch(Measure("conv1"))
    wait_for(app, "watch")
    step(app)
    wait_for(app, "let_go")
    assert begun == ["watch", "measure", "watch"]
    assert app.world.exhibits[0].live == ""


def test_the_first_picture_of_a_live_input_is_waited_for(make):
    there: list[int] = []

    def watch(emit):
        yield Progress("live", "camera 0: waiting for a picture", 0.0)
        while not there:
            time.sleep(0.001)
            yield None
        yield Progress("live", "camera 0", 1.0)
        while True:
            time.sleep(0.001)
            yield None

    app = make({"watch": watch, "let_go": lambda emit: iter(()), "take_back": lambda emit: iter(())})
    furnish(app)
    app.dispatch(Watch("camera:0"))
    for _ in range(30):
        step(app)
        time.sleep(0.001)
        assert not app.settled
    there.append(1)
    deadline = time.monotonic() + 60
    while not app.settled:
        step(app)
        assert time.monotonic() < deadline


def test_a_picture_takes_the_place_of_a_live_input(make):
    fed: list[str] = []

    def watch(emit):
        while True:
            time.sleep(0.001)
            yield Progress("live", "camera 0")

    def feed(emit):
        fed.append("feed")
        yield Notice("fed")

    app = make({"watch": watch, "feed": feed, "let_go": lambda emit: iter(())})
    furnish(app)
    app.dispatch(Watch("camera:0"))
    app.dispatch(Feed(File("a.png")))
    wait_for(app, "feed")
    step(app)
    assert fed == ["feed"] and app.world.exhibits[0].live == "" and app.settled
    app.accept(Watching("camera:0", over=False))
    assert not app.workshop.worker.busy, "an answer that comes late does not begin it anew"


def test_cancel_ends_a_live_input(make):
    def watch(emit):
        while True:
            time.sleep(0.001)
            yield Progress("live", "camera 0")

    app = make({"watch": watch, "let_go": lambda emit: iter(()), "take_back": lambda emit: iter(())})
    furnish(app)
    app.dispatch(Watch("camera:0"))
    app.dispatch(Cancel())
    wait_for(app, "let_go")
    step(app)
    assert app.world.exhibits[0].live == "" and app.settled


def test_a_network_that_is_closed_takes_its_walls_along(make):
    closed: list[str] = []

    def close_network(emit):
        closed.append("b")
        yield from ()

    app = make({"close_network": close_network, "open_network": lambda emit: iter(())})
    app.open(Open("fake"), Open("b"))
    app.accept(Traced(NETWORK))
    app.accept(Traced(chain(*NODES, name="b"), key="b"))
    app.accept(Fed(np.zeros((4, 4, 3), np.uint8), ("a",), 1, "b"))
    app.accept(histogram(network="b"))
    assert len(app.world.walls) == 4 and len(app.world.bounds.addresses) == 4
    for _ in range(4):  # rehearsal, setting up, showing
        step(app)
    assert list(app.renderer._pictures._shown) == ["b"]
    app.dispatch(Close("b"))
    wait_for(app, "close")
    step(app)
    assert closed == ["b"]
    assert list(app.world.walls) == ["conv1", "conv2"] == list(app.world.bounds.addresses)
    assert [exhibit.key for exhibit in app.world.exhibits] == [""] and not app.world.histograms
    assert list(app.renderer._pictures._shown) == []
    app.dispatch(Close(""))
    assert list(app.world.walls) == ["conv1", "conv2"], "there is always one"
    assert "stays" in app.world.banners[-1].text


@pytest.mark.parametrize(
    ("job", "screenshot", "code", "lasting"),
    [("open", False, 1, True), ("feed", False, 0, False), ("feed b", False, 0, False), ("feed", True, 1, False),
     ("measure", False, 0, False), ("live", False, 0, True)],
)  # fmt: skip
def test_what_fails_and_how_long_it_is_told(make, tmp_path: Path, job: str, screenshot: bool, code: int, lasting: bool):
    app = make({"let_go": lambda emit: iter(())}, **({"screenshot_to": tmp_path / "a.png"} if screenshot else {}))
    furnish(app)
    app.accept(Finished(job, "it fails"))
    assert app.code == code
    (banner,) = (banner for banner in app.world.banners if banner.text == "it fails")
    assert (banner.until_s is None) == lasting and banner.level == "error"
    assert "walkin: it fails" in app.lines
    app.quitting = True


@pytest.fixture
def real(ctx, monkeypatch: pytest.MonkeyPatch):
    """App with the true jobs, on the one context."""
    monkeypatch.setattr(offscreen, "standalone_context", lambda: ctx)
    made: list[App] = []

    def build(**settings: Any) -> App:
        lines: list[str] = []
        app = App(offscreen.OffscreenTarget(SIZE, samples=0), Settings(report=lines.append, **settings))
        app.world.notice_s = math.inf
        app.lines = lines  # type: ignore[attr-defined]
        made.append(app)
        return app

    yield build
    for app in made:
        assert app.close(60.0)


def until_settled(app: App) -> None:
    deadline = time.monotonic() + 60
    step(app)
    while not app.settled:
        step(app)
        time.sleep(0.002)
        assert time.monotonic() < deadline


def grey(path: Path, value: int) -> File:
    Image.new("RGB", (32, 32), (value,) * 3).save(path)
    return File(str(path))


def test_a_bad_picture_and_then_a_good_one(real, tmp_path: Path):
    from test_jobs import Picky

    app = real()
    first = grey(tmp_path / "first.png", 20)
    app.open(Open("picky", model=Picky(), image=first.path, input_size=(32, 32)))
    until_settled(app)
    world = app.world
    shown = {key: wall.tiles for key, wall in world.walls.items()}
    scores = world.scores
    assert shown and all(shown.values()) and world.picture.source == first and scores is not None

    app.dispatch(Feed(grey(tmp_path / "bright.png", 255)))
    until_settled(app)
    assert any("fails on bright.png: AssertionError: too bright" in banner.text for banner in world.banners)
    assert all(banner.until_s is not None for banner in world.banners), "a notice that passes"
    assert app.code == 0
    assert world.picture.source == first and world.scores.probabilities == scores.probabilities
    for key, tiles in shown.items():
        assert (world.walls[key].tiles.levels[0] == tiles.levels[0]).all(), "the room is as it was"

    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    app.dispatch(Feed(File(str(tmp_path / "broken.png"))))
    until_settled(app)
    assert any("broken.png" in banner.text for banner in world.banners)
    assert world.picture.source == first

    second = grey(tmp_path / "second.png", 90)
    app.dispatch(Feed(second))
    until_settled(app)
    assert world.picture.source == second, "the frame is usable again"
    assert any((world.walls[key].tiles.levels[0] != tiles.levels[0]).any() or
               world.walls[key].tiles.high[0] != tiles.high[0] for key, tiles in shown.items())  # fmt: skip
    step(app, idle=False)
    assert app.target.read().max() > 60


def test_a_folder_is_watched_from_the_start_until_a_picture_is_fed(real, tmp_path: Path):
    from test_jobs import Picky

    folder = tmp_path / "new"
    folder.mkdir()
    grey(folder / "a.png", 40)
    app = real(watch=str(folder))
    app.open(Open("picky", model=Picky(), image=grey(tmp_path / "first.png", 20).path, input_size=(32, 32)))
    until_settled(app)
    deadline = time.monotonic() + 120
    while app.world.picture.source != File(str(folder / "a.png")):
        step(app)
        assert time.monotonic() < deadline
    app.dispatch(Measure(next(iter(app.world.walls))))
    while not app.world.histograms:
        step(app)
        assert time.monotonic() < deadline
    newer = grey(folder / "b.png", 60)
    while app.world.picture.source != newer:
        step(app)
        assert time.monotonic() < deadline, "after it has made way it goes on"
    mine = grey(tmp_path / "mine.png", 80)
    app.dispatch(Feed(mine))
    until_settled(app)
    grey(folder / "c.png", 100)
    for _ in range(60):
        step(app)
        time.sleep(0.005)
    assert app.world.picture.source == mine and not app.workshop.worker.busy


def test_the_first_picture_of_the_shelf_goes_in_first(real, tmp_path: Path):
    from test_jobs import Picky

    for name, value in (("b/two.png", 40), ("b/one.png", 60), ("c/zero.png", 80)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        grey(tmp_path / name, value)
    (tmp_path / "b" / "a-broken.png").write_text("no picture")
    app = real(browse=str(tmp_path))
    app.open(Open("picky", model=Picky(), images=str(tmp_path), input_size=(32, 32)))
    until_settled(app)
    assert app.world.picture.source == File(str(tmp_path / "b" / "one.png"))
    assert app.world.shelf is not None and app.world.shelf.total >= 3
    step(app, input=Input(acts=frozenset({"picture"})))
    until_settled(app)
    assert app.world.picture.source == File(str(tmp_path / "b" / "two.png")), "P goes through the shelf"


def test_a_live_data_set_on_the_shelf(real):
    from test_jobs import Picky

    data = [(Image.new("RGB", (32, 32), (value,) * 3), value // 20) for value in (20, 40, 60)]
    app = real(browse="list", dataset=data)
    app.open(Open("picky", model=Picky(), images="list", input_size=(32, 32)))
    until_settled(app)
    assert app.world.picture.source == Item("list", 0)
    assert app.world.shelf.slots == tuple(Item("list", index) for index in range(3))
