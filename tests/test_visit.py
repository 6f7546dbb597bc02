"""A whole visit with a mouse and keys on the offscreen target; tests/xr makes the same one with controllers."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
from visitor import at
from whole_visit import HEAD_M, End, Guest, left, opened, same, saved, settings, taken_up, visit

from walkin.app import App
from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.keeping.storing import Loaded, load
from walkin.picture_source import File
from walkin.state.wall import Wall
from walkin.targets.offscreen import OffscreenTarget

WINDOW = (1280, 900)
"""The panel is as large; the room is drawn smaller."""


class Mouse(Guest):
    """A window's input: a head that does not move by itself, a ray from the eye, acts by keys."""

    def __init__(self, app: App, frames: Iterator):
        super().__init__(app)
        self._frames = frames
        self._aim = Pose.at(0.0, HEAD_M, 0.0)
        self._pressed = False
        self._acts: frozenset[str] = frozenset()
        self._cursor: tuple[float, float] | None = None
        self._text = ""

    def input(self, number: int) -> Input:
        right = Hand(stage_from_aim=self._aim, select=self._pressed)
        given = Input(
            Pose.at(0.0, HEAD_M, 0.0), right=right, acts=self._acts, window=WINDOW, cursor=self._cursor, text=self._text
        )
        self._acts, self._text = frozenset(), ""
        return given

    def frame(self) -> None:
        self.app.step(next(self._frames))

    def aim(self, stage_from_aim: Pose) -> None:
        self._aim, self._cursor = stage_from_aim, None

    def button(self, down: bool) -> None:
        self._pressed = down

    def act(self, name: str) -> None:
        self._acts = frozenset([name])
        self.frame()

    def point_at_panel(self, x: float, y: float) -> None:
        self._cursor = x, y

    def type(self, text: str) -> None:
        self._text = text
        self.frame()

    def travel(self, wall: Wall) -> None:
        """From above everything is to be seen: point at it there, and stand before it."""
        self.act("bird")
        self.point(at(wall.place, 0.5, 0.25))
        met = self.world.met["right"]
        assert met is not None and met.key == wall.key
        self.act("focus")


@contextmanager
def by_mouse(folder: Path, loaded: Loaded | None = None) -> Iterator[Mouse]:
    """In the room of the visit, before its first frame; the app is new."""
    target = OffscreenTarget((320, 180), 1, samples=0)
    with closing(target), closing(target.frames()) as frames:
        app = App(target, settings(folder, loaded))
        guest = Mouse(app, frames)
        target.script = guest.input
        try:
            yield guest
        finally:
            app.close(5.0)


def in_a_new_process(file: Path) -> End:
    """What a program that knows nothing but a file makes of it."""
    out = file.with_suffix(".end")
    command = [sys.executable, __file__, str(file), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return pickle.loads(out.read_bytes())


def test_a_whole_visit_by_mouse_what_it_leaves_and_what_a_new_process_takes_up(tmp_path: Path):
    with by_mouse(tmp_path) as guest:
        opened(guest.app, tmp_path)
        end = visit(guest)
        assert end.arrangement.look.range_mode == "wall"
        assert [sort for _, sort in end.arrangement.sorts] == ["mean"]
        assert len(end.arrangement.places) == 1
        assert isinstance(end.fed, File) and dict(end.arrangement.fed) == {"": end.fed}
        last = list(guest.world.walls.values())[-1]
        large = guest.world.enlarged
        assert large is not None and large.channel == end.order[0]
        assert end.scene.selected == (last.key, end.order[0])
        same(end, end)
        file = saved(guest)
        # Undone to the beginning, the room is as it was; the network has its first picture again.
        for _ in range(20):
            guest.act("undo")
        guest.until(lambda: guest.app.settled, "end of the last run")
        first = guest.world.history.now
        assert first is not None and not first.places and not first.sorts and first.look.range_mode == "channel"
        assert guest.world.picture is not None and guest.world.picture.source == dict(first.fed)[""] != end.fed
        assert np.isfinite(guest.app.target.read()).all()
        left(guest)
    same(end, in_a_new_process(file))


def _take_up(file: Path, out: Path) -> None:
    loaded = load(file)
    with by_mouse(file.parent, loaded) as guest:
        out.write_bytes(pickle.dumps(taken_up(guest, loaded)))
        left(guest)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent / "src"))
    _take_up(Path(sys.argv[1]), Path(sys.argv[2]))
    os._exit(0)  # as the command line ends
