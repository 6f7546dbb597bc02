"""Checkpoints over time: which there are, when they are whole, and a room that goes from one to the next."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save, save_file

from walkin.accepting import TAKEN_BY
from walkin.app import App, Settings
from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.frame import Frame, Input
from walkin.interact.doing import do
from walkin.interact.remembering.session import scene_of
from walkin.keeping.kept import Kept
from walkin.keeping.reopening import requests_of
from walkin.keeping.scene import from_json, to_json
from walkin.keeping.storing import Loaded
from walkin.network.training.timeline import Timeline, check, natural
from walkin.requests import Open
from walkin.results import Checkpoints, Restated
from walkin.room_requests import Cancel
from walkin.state.panel_state import Change
from walkin.state.training import names_of
from walkin.targets.offscreen import OffscreenTarget

NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.conv = torch.nn.Conv2d(3, 4, 3)
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.conv(x).mean((2, 3)))
"""


def state(value: float) -> dict[str, torch.Tensor]:
    """Whose filters all give `value`, whatever goes in."""
    return {
        "conv.weight": torch.zeros(4, 3, 3, 3),
        "conv.bias": torch.full((4,), value),
        "head.weight": torch.zeros(2, 4),
        "head.bias": torch.zeros(2),
    }


# --- files


def test_numbers_are_sorted_by_what_they_are_worth():
    names = ["step10.pt", "step9.pt", "step100.pt", "best.pt", "step9-b.pt"]
    assert sorted(names, key=natural) == ["best.pt", "step9-b.pt", "step9.pt", "step10.pt", "step100.pt"]


def test_a_folder_and_a_pattern_are_listed_in_natural_order(tmp_path: Path):
    for number in (10, 9, 1):
        save_file(state(number), tmp_path / f"step{number}.safetensors")
    (tmp_path / "log.txt").write_text("no checkpoint")
    (tmp_path / ".step4.safetensors").write_bytes(b"")
    expected = [str(tmp_path / f"step{number}.safetensors") for number in (1, 9, 10)]
    assert list(Timeline(str(tmp_path)).look()) == expected
    assert list(Timeline(str(tmp_path / "*.safetensors")).look()) == expected
    assert list(Timeline(str(tmp_path / "**" / "step1*.safetensors")).look()) == [expected[0], expected[2]]
    (tmp_path / "last.safetensors").symlink_to(expected[2])
    assert list(Timeline(str(tmp_path)).look()) == expected  # a link to one of them is no other


def test_archives_by_their_double_ending_are_checkpoints_too(tmp_path: Path):
    for number in (10, 9):
        torch.save(state(number), tmp_path / f"checkpoint-{number}.pth.tar")
    (tmp_path / "data.tar").write_bytes(b"PK")
    found = Timeline(str(tmp_path)).look()
    assert [Path(path).name for path in found] == ["checkpoint-9.pth.tar", "checkpoint-10.pth.tar"]
    assert names_of(found) == ["checkpoint-9", "checkpoint-10"]


def test_names_have_as_much_of_their_folders_as_tells_them_apart():
    assert names_of(["runs/checkpoint-500/model.safetensors", "runs/checkpoint-1000/model.safetensors"]) == [
        "checkpoint-500/model",
        "checkpoint-1000/model",
    ]
    assert names_of(["a/x/net.pt", "b/x/net.pt", "b/y/last.pt"]) == ["a/x/net", "b/x/net", "last"]
    assert names_of(["a/best.pt", "a/best.ckpt"]) == ["best.pt", "best.ckpt"]
    assert names_of(["a/one.pt", "a/one.pt"]) == ["one", "one"] and names_of([]) == []


@pytest.mark.parametrize("ending", [".safetensors", ".pt"])
def test_a_file_that_is_still_being_written_is_waited_for(tmp_path: Path, ending: str):
    path = tmp_path / f"step1{ending}"
    if ending == ".pt":
        torch.save(state(1), path)
        data = path.read_bytes()
    else:
        data = save(state(1))
    line = Timeline(str(tmp_path))
    for share in (0, 5, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:share])
        assert line.look() == (), share
    path.write_bytes(data)
    assert line.look() == (str(path),)
    assert line.problems() == []


def test_one_that_stays_incomplete_is_told_of_once(tmp_path: Path):
    path = tmp_path / "step1.safetensors"
    path.write_bytes(save(state(1))[:-4])
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))
    line = Timeline(str(tmp_path))
    assert line.look() == () and line.problems() == ["step1.safetensors is damaged or not complete: left out"]
    assert line.look() == () and line.problems() == []


def test_an_old_pickle_is_taken_when_it_rests(tmp_path: Path):
    path = tmp_path / "step1.pth"
    torch.save(state(1), path, _use_new_zipfile_serialization=False)
    assert Timeline(str(tmp_path)).look() == ()
    long_ago = time.time() - 60
    os.utime(path, (long_ago, long_ago))
    assert Timeline(str(tmp_path)).look() == (str(path),)


def test_one_that_is_taken_away_goes(tmp_path: Path):
    for number in (1, 2):
        save_file(state(number), tmp_path / f"step{number}.safetensors")
    line = Timeline(str(tmp_path))
    assert len(line.look()) == 2
    (tmp_path / "step1.safetensors").unlink()
    assert [Path(path).name for path in line.look()] == ["step2.safetensors"]


def test_one_that_is_written_anew_is_told_of_when_it_is_whole(tmp_path: Path):
    path = tmp_path / "last.safetensors"
    save_file(state(1), path)
    line = Timeline(str(tmp_path))
    assert line.look() == (str(path),) and line.renewed() == ()
    path.write_bytes(save(state(2))[:-4])
    assert line.look() == (str(path),) and line.renewed() == ()
    path.write_bytes(save(state(2) | {"more": torch.ones(3)}))
    assert line.look() == (str(path),) and line.renewed() == (str(path),)
    assert line.look() == (str(path),) and line.renewed() == ()


def test_a_follower_tells_what_is_new(tmp_path: Path):
    import queue

    from walkin.network.training.following import Follower

    results: queue.SimpleQueue[Any] = queue.SimpleQueue()
    follower = Follower(str(tmp_path), "net", results.put, look_s=0.01)
    try:
        assert results.get(timeout=30) == Checkpoints((), "net")
        path = tmp_path / "step1.safetensors"
        save_file(state(1), path)
        assert results.get(timeout=30) == Checkpoints((str(path),), "net")
    finally:
        follower.close()
    assert not follower._thread.is_alive()


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("", "a folder or a path with"),
        ("nowhere/*.pt", "there is no folder"),
        ("nowhere", "there is no file or folder"),
        ("one.pt", "is one file: --weights opens it"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(tmp_path: Path, monkeypatch, pattern: str, line: str):
    monkeypatch.chdir(tmp_path)
    torch.save(state(1), "one.pt")
    with pytest.raises(WalkinError) as problem:
        check(pattern)
    assert line in str(problem.value)
    check(str(tmp_path))
    check("*.pt")


# --- the room


class Visit:
    """Someone who looks at a training's checkpoints, frame by frame."""

    def __init__(self, app: App, frames: Iterator[Frame]):
        self.app, self.world, self._frames = app, app.world, frames

    def until(self, holds: Callable[[], bool], what: str, wait_s: float = 120.0) -> None:
        end = time.monotonic() + wait_s
        while True:
            self.app.step(next(self._frames))
            if holds():
                return
            assert time.monotonic() < end, f"{what}: {[banner.text for banner in self.world.banners]}"
            time.sleep(0.005)

    def do(self, act: str, *arguments: object) -> None:
        for request in do(self.world, Input(), Change(act, arguments)):
            self.app.dispatch(request)

    @property
    def level(self) -> float:
        """What the filters give: the number of the checkpoint that is seen."""
        wall = self.world.walls.get("conv")
        return float(wall.tiles.mean[0]) if wall is not None and wall.tiles is not None else float("nan")

    def shows(self, number: int) -> None:
        here = self.world.here
        self.until(
            lambda: self.app.settled and not here.training.awaited and np.isclose(self.level, number), f"step {number}"
        )
        assert here.training.words.startswith(f"step{number}") and here.training.asked.endswith(
            f"step{number}.safetensors"
        )

    @property
    def told(self) -> list[str]:
        return [banner.text for banner in self.world.banners]


@contextmanager
def room(runs: Path, loaded: Loaded | None = None, **options: Any) -> Iterator[Visit]:
    target = OffscreenTarget((160, 120), 1, samples=0)
    with closing(target), closing(target.frames()) as frames:
        app = App(target, Settings(kept=Kept(loaded=loaded), report=lambda line: None))
        app.world.notice_s = math.inf  # a room's time passes by frames, and nobody knows how many there are meanwhile
        requests = requests_of(loaded.scene) if loaded is not None else None
        spec = f"{runs.parent / 'net.py'}:Net"
        opens = Open(spec, input_size=(16, 16), **{"checkpoints": str(runs), **options})
        app.open(*(requests or (opens,)))
        app.keeper.begin()
        try:
            yield Visit(app, frames)
        finally:
            app.close(10.0)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    folder.mkdir()
    for number in (1, 2, 9, 10):
        save_file(state(number), folder / f"step{number}.safetensors")
    (tmp_path / "net.py").write_text(NET)
    return folder


def test_the_newest_goes_in_and_one_goes_through_them_by_key_slider_and_undo(runs: Path, ctx: Any):
    with room(runs) as visit:
        visit.shows(10)
        assert len(visit.world.here.training.paths) == 4
        visit.do("checkpoint_previous")
        visit.shows(9)
        assert visit.world.here.training.words == "step9, 3 of 4"
        visit.do("checkpoint", 0)
        visit.shows(1)
        visit.do("checkpoint_previous")
        assert visit.told[-1] == "that was the first checkpoint"
        visit.do("checkpoint", "step2")
        visit.shows(2)
        visit.do("undo")
        visit.shows(1)
        visit.do("undo")
        visit.shows(9)
        visit.do("redo")
        visit.shows(1)


def test_checkpoints_in_folders_of_their_own_are_told_apart(runs: Path, ctx: Any):
    """As Hugging Face's trainers write them: every file has the same name."""
    for number in (1, 2):
        folder = runs.parent / "out" / f"checkpoint-{number}"
        folder.mkdir(parents=True)
        save_file(state(number), folder / "model.safetensors")
    with room(runs, checkpoints=str(runs.parent / "out" / "*" / "model.safetensors")) as visit:
        here = visit.world.here
        visit.until(lambda: visit.app.settled and len(here.training.paths) == 2, "both")
        assert np.isclose(visit.level, 2) and here.training.words == "checkpoint-2/model, 2 of 2"
        visit.do("checkpoint", "checkpoint-1/model")
        visit.until(lambda: visit.app.settled and np.isclose(visit.level, 1), "the first")
        assert here.training.words == "checkpoint-1/model, 1 of 2"


def test_walls_stay_where_they_are_put(runs: Path, ctx: Any):
    with room(runs) as visit:
        visit.shows(10)
        wall = visit.world.walls["conv"]
        before = wall.place
        visit.do("checkpoint", 1)
        visit.shows(2)
        assert visit.world.walls["conv"] is wall and wall.place == before


def test_new_files_appear_as_they_are_written_and_play_goes_on_to_them(runs: Path, ctx: Any):
    with room(runs) as visit:
        visit.shows(10)
        visit.until(lambda: visit.world.here.training.words == "step10, 4 of 4", "how many there are")
        visit.do("checkpoint", 0)
        visit.shows(1)
        visit.do("checkpoint_play")
        assert visit.world.here.training.playing
        visit.until(lambda: np.isclose(visit.level, 10), "the end")
        data = save(state(11))
        (runs / "step11.safetensors").write_bytes(data[:-9])
        half = len(visit.world.here.training.paths)
        assert half == 4 and visit.world.here.training.playing  # it waits for what is to come
        (runs / "step11.safetensors").write_bytes(data)
        visit.until(lambda: np.isclose(visit.level, 11), "the new one")
        visit.do("checkpoint_play")
        assert not visit.world.here.training.playing and not visit.told
        visit.shows(11)
        (runs / "step12.safetensors").write_bytes(save(state(12)))
        visit.until(lambda: visit.world.here.training.words == "step11, 5 of 6", "that there is another one")


def test_a_file_that_is_written_anew_is_shown_as_it_is_now(runs: Path, ctx: Any):
    """Many trainings write their last state, or their best, into one file again and again."""
    with room(runs) as visit:
        visit.shows(10)
        visit.until(lambda: visit.world.here.training.words == "step10, 4 of 4", "how many there are")
        steps = len(visit.world.history.past)
        for level in (3, 4):
            whole = runs.parent / "whole"
            whole.write_bytes(save(state(level) | {"loss": torch.ones(level)}))
            os.replace(whole, runs / "step10.safetensors")
            visit.until(lambda level=level: visit.app.settled and np.isclose(visit.level, level), f"level {level}")
        assert not visit.told and len(visit.world.history.past) == steps
        save_file({"conv.weight": torch.zeros(5, 3, 3, 3)}, runs / "step9.safetensors")
        visit.until(lambda: visit.app.settled, "rest")
        visit.do("checkpoint", 2)
        visit.until(lambda: bool(visit.told), "why not")
        os.replace(_written(runs.parent / "whole", 9), runs / "step9.safetensors")
        visit.until(lambda: not visit.world.here.training.unfit, "that it is another")
        visit.do("checkpoint_previous")
        visit.shows(9)


def _written(path: Path, number: int) -> Path:
    path.write_bytes(save(state(number)))
    return path


def test_what_does_not_fit_is_told_once_and_passed_over(runs: Path, ctx: Any):
    save_file({"conv.weight": torch.zeros(5, 3, 3, 3)}, runs / "step9.safetensors")
    with room(runs) as visit:
        visit.shows(10)
        visit.do("checkpoint", 2)
        visit.until(lambda: bool(visit.told), "why not")
        (line,) = visit.told
        assert line.startswith("step9.safetensors has weights of another network: 3 missing (conv.bias")
        visit.shows(10)
        assert not visit.world.history.past  # what was not shown is no step
        visit.do("checkpoint_previous")
        visit.shows(2)
        assert visit.told == [line]


def test_a_newest_one_that_does_not_fit_makes_way_for_the_one_before(runs: Path, ctx: Any):
    save_file({"other": torch.zeros(3)}, runs / "step12.safetensors")
    with room(runs) as visit:
        visit.shows(10)
        assert len(visit.told) == 1 and visit.told[0].startswith("step12.safetensors has weights of another network")


def test_a_folder_that_is_empty_is_waited_for(runs: Path, ctx: Any):
    for path in runs.iterdir():
        path.unlink()
    with room(runs) as visit:
        visit.until(lambda: visit.app.settled and bool(visit.world.walls), "walls")
        visit.do("checkpoint_next")
        assert visit.told == [f"no checkpoint yet in {runs}"]
        save_file(state(3), runs / "step3.safetensors")
        visit.until(lambda: len(visit.world.here.training.paths) == 1, "the first")
        visit.do("checkpoint_next")
        visit.shows(3)


def test_many_wishes_at_once_end_at_the_last(runs: Path, ctx: Any, monkeypatch: pytest.MonkeyPatch):
    with room(runs) as visit:
        visit.shows(10)
        seen: list[str] = []
        accept = TAKEN_BY[Restated]
        monkeypatch.setitem(TAKEN_BY, Restated, lambda of, result: (seen.append(result.words), accept(of, result))[1])
        for number in (0, 1, 2, 0, 3, 1):
            visit.do("checkpoint", number)
        visit.shows(2)
        assert seen == ["step1, 1 of 4", "step2, 2 of 4"]  # the first was under way; of the others the last


def test_an_export_that_takes_hours_is_of_one_state(runs: Path, tmp_path: Path, ctx: Any):
    with room(runs) as visit:
        visit.shows(10)
        export = Export(str(tmp_path / "out"), nodes=("conv",), parts=("raw", "visualisations"), visualise=True)
        visit.app.dispatch(export)
        visit.do("checkpoint", 0)
        assert visit.told == ["an export is under way: the weights stay as they are until it is done"]
        assert visit.world.here.training.asked.endswith("step10.safetensors")
        visit.app.dispatch(Cancel())
        visit.until(lambda: visit.app.settled, "the end of the export")
        assert not visit.world.history.past
        visit.do("checkpoint", 0)
        visit.shows(1)


def test_a_scene_has_the_checkpoint_that_was_chosen(runs: Path, ctx: Any):
    with room(runs) as visit:
        visit.shows(10)
        visit.do("checkpoint", 1)
        visit.shows(2)
        scene = from_json(to_json(scene_of(visit.world, Input())))
    with room(runs, Loaded(scene)) as visit:
        visit.shows(2)
        assert visit.world.here.request.weights == str(runs / "step2.safetensors")  # it is not loaded after another
        assert not visit.told and len(visit.world.here.training.paths) == 4
        visit.do("checkpoint_next")
        visit.shows(9)


def test_without_checkpoints_the_acts_say_how_to_have_them(runs: Path, ctx: Any):
    with room(runs) as visit:
        visit.until(lambda: visit.app.settled and bool(visit.world.walls), "walls")
        visit.world.here.training.paths = ()
        visit.world.here.request = Open("resnet18")
        for act in ("checkpoint_next", "checkpoint_previous", "checkpoint_play"):
            visit.do(act)
        assert visit.told == ["no checkpoints: --checkpoints 'runs/*.safetensors' has them"]


def test_the_panel_has_a_slider(runs: Path, ctx: Any):
    from walkin.ui.sections.network import Network

    with room(runs) as visit:
        visit.shows(10)
        before = Network().watch(visit.world)
        visit.world.panel.shown, visit.world.panel.tab = True, "Network"
        visit.world.panel.size = (600, 400)
        for _ in range(5):
            visit.app.step(next(visit._frames))
        interface = visit.app.panel.interface
        assert interface is not None and {"Time", "Before", "Play", "After"} <= set(interface.widgets.spots)
        visit.do("checkpoint", 0)
        assert Network().watch(visit.world) != before
