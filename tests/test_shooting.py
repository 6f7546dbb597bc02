"""Films of walks that are made inside the room: the pictures themselves, and that the room goes on beside them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rooms import FAR_AWAY, maps, tiles_of
from test_walk import decoded

from walkin.accepting import accept
from walkin.app import App
from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.graph import Network, Node
from walkin.interact.doing import do
from walkin.interact.moving.walk import walk
from walkin.render.renderer import Renderer
from walkin.room_requests import FilmWalk
from walkin.state.panel_state import Change
from walkin.state.places import Layout, Place, Viewpoint
from walkin.state.visitor import Gestures
from walkin.targets.offscreen import OffscreenTarget
from walkin.world import World

SIZE = (160, 90)


def at(x: float, z: float, yaw: float = 0.0) -> Viewpoint:
    return Viewpoint(Pose(np.array([x, 0.0, z])), Pose.at(0.0, 1.7, 0.0, yaw=yaw))


@pytest.fixture
def app() -> Iterator[App]:
    """A room with two walls and two bookmarks, without a worker."""
    nodes = [Node("input", "input", (1, 3, 8, 8)), maps("one", 8, 6, 6, "input"), maps("two", 8, 6, 6, "one")]
    network = Network("little", tuple(nodes), ("two",))
    places = {node.address: Place((n - 1.0, 0.8, -2.0 - n), 0.0, 4, 2, 0.4, 0.9) for n, node in enumerate(nodes[1:])}
    target = OffscreenTarget(SIZE, samples=0)
    made = App(target)
    world = made.world
    world.furnish(network, Layout(places, (), FAR_AWAY, FAR_AWAY, Pose(), 10.0))
    for node in nodes[1:]:
        accept(world, tiles_of(node, np.random.default_rng(1).normal(size=(8, 6, 6))))
    world.bookmarks = {"door": at(0, 2), "near": at(0.8, -0.5, -0.3)}
    yield made
    made.close(5.0)


def run(app: App, *, until: Any, ask: Any = None, given: Input | None = None, most: int = 200_000) -> int:
    """Frames until something is true; `ask` is called once, as soon as all is there."""
    asked: list[bool] = []
    count = 0

    def on_frame(app: App, frame: Any) -> None:
        nonlocal count
        count += 1
        assert count < most
        time.sleep(0.001)  # the film is written beside
        if ask is not None and not asked and app.settled:
            asked.append(True)
            ask(app, frame)
        elif (asked or ask is None) and until(app):
            app.quitting = True

    app.settings.on_frame = on_frame
    if given is not None:
        app.target.script = lambda number: given
    app.run()
    return count


def film(to: Path, seconds: float = 1.0) -> Any:
    return lambda app, frame: app.dispatch(FilmWalk(str(to), SIZE, 4, seconds))


def over(app: App) -> bool:
    return app.shooting is None and app.results.empty


def by_hand(world: World) -> list[np.ndarray]:
    """The same views, drawn one after the other in a room of nobody."""
    target = OffscreenTarget(SIZE, samples=0, overlay=False)
    renderer, found = Renderer(target.ctx), []
    for view in walk(list(world.bookmarks.values()), 4, 1.0):
        world.world_from_stage = view.world_from_stage
        renderer.prepare(world, np.zeros(3))
        while renderer.uploads_waiting:
            renderer.prepare(world, np.zeros(3))
        for each in target.draw_views(view.stage_from_head):
            renderer.draw(world, each)
        found.append(target.read())
    target.close()
    return found


def test_pictures_are_those_of_a_room_that_nobody_is_in(app, tmp_path):
    hand = Hand(Pose.at(0.3, 1.0, -0.2, yaw=0.4), Pose.at(0.3, 1.0, -0.2), select=False)
    before = app.world.world_from_stage.matrix
    run(app, until=over, ask=film(tmp_path / "walk"), given=Input(right=hand, profile="oculus/touch_controller"))
    files = sorted((tmp_path / "walk").iterdir())
    assert [file.name for file in files] == [f"{number:05d}.png" for number in range(1, 6)]
    np.testing.assert_allclose(app.world.world_from_stage.matrix, before)
    assert app.world.filming is None and app.world.hover is not None
    assert any("filmed" in banner.text for banner in app.world.banners)
    app.world.pointers.clear()
    app.world.met.clear()
    app.world.hover = app.world.rested = None
    app.world.advice, app.world.gestures = (), Gestures()
    truth = by_hand(app.world)
    for file, picture in zip(files, truth, strict=True):
        seen = np.asarray(Image.open(file)).astype(int)
        assert (np.abs(seen - picture).max(-1) > 3).mean() < 0.001, file.name
    assert (truth[0] != truth[-1]).mean() > 0.1


def test_a_film_decodes_to_the_pictures_of_the_same_walk(app, tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    run(app, until=over, ask=film(tmp_path / "walk"))
    app.quitting = False
    again = App(OffscreenTarget(SIZE, samples=0), world=app.world)
    try:
        run(again, until=over, ask=film(tmp_path / "walk.mp4"))
    finally:
        again.close(5.0)
    about, frames = decoded(tmp_path / "walk.mp4")
    files = sorted((tmp_path / "walk").iterdir())
    assert about["source_size"] == SIZE and len(frames) == len(files)
    for file, frame in zip(files, frames, strict=True):
        picture = np.asarray(Image.open(file)).astype(int)
        assert np.abs(frame - picture).mean() < 3
        assert np.abs(frame[::-1] - picture).mean() > 2 * np.abs(frame - picture).mean()  # nor upside down


def test_given_up_in_the_middle_nothing_of_it_stays(app, tmp_path):
    there: list[str] = []

    def until(app: App) -> bool:
        begun = app.world.filming is not None and (app.world.filming.fraction or 0) > 0.3
        if not there and begun and list(tmp_path.glob(".walk*/*")):
            there.extend(file.name for file in tmp_path.iterdir())
            for request in do(app.world, Input(), Change("film_stop")):
                app.dispatch(request)
        return over(app)

    run(app, until=until, ask=film(tmp_path / "walk", 20.0))
    assert there and not list(tmp_path.iterdir())
    assert any("given up" in banner.text for banner in app.world.banners)


def test_a_room_that_is_left_leaves_no_half_a_film(app, tmp_path):
    run(app, until=lambda app: app.world.filming is not None, ask=film(tmp_path / "walk", 20.0))
    assert app.close(10.0) and not list(tmp_path.iterdir())


def test_nothing_is_written_over(app, tmp_path):
    (tmp_path / "walk").mkdir()
    run(app, until=over, ask=film(tmp_path / "walk"))
    assert not list((tmp_path / "walk").iterdir()) and len(list((tmp_path / "walk-2").iterdir())) == 5


def test_where_it_cannot_be_written_is_one_line_in_the_room(app, tmp_path):
    (tmp_path / "file").write_text("")
    run(app, until=over, ask=film(tmp_path / "file" / "walk"))
    (banner,) = [banner for banner in app.world.banners if banner.level == "error"]
    assert "cannot write" in banner.text and "\n" not in banner.text


def test_the_act_needs_two_bookmarks_and_goes_where_exports_go(app, tmp_path):
    world = app.world
    list(do(world, Input(), Change("exporting", ("folder", str(tmp_path)))))
    list(do(world, Input(), Change("exporting", ("height", 1080))))
    (asked,) = do(world, Input(), Change("film"))
    assert asked == FilmWalk(str(tmp_path / "little-walk"), (1920, 1080))
    list(do(world, Input(), Change("exporting", ("film", "film"))))
    (asked,) = do(world, Input(), Change("film"))
    assert asked.to == str(tmp_path / "little-walk.mp4")
    world.bookmarks.pop("door")
    assert list(do(world, Input(), Change("film"))) == []
    assert "bookmarks" in world.banners[-1].text
