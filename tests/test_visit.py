"""A whole visit with a mouse and keys on the offscreen target; tests/xr makes the same one with controllers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import numpy as np
from whole_visit import HEAD_M, Guest, opened, same, visit

from walkin.app import App, Settings
from walkin.frame import Hand, Input
from walkin.geometry import Pose
from walkin.requests import File
from walkin.targets.offscreen import OffscreenTarget


class Mouse(Guest):
    """A window's input: a head that does not move by itself, a ray from the eye, acts by keys."""

    def __init__(self, app: App, frames: Iterator):
        super().__init__(app)
        self._frames = frames
        self._aim = Pose.at(0.0, HEAD_M, 0.0)
        self._pressed = False
        self._acts: frozenset[str] = frozenset()

    def given(self, number: int) -> Input:
        right = Hand(stage_from_aim=self._aim, select=self._pressed)
        given = Input(Pose.at(0.0, HEAD_M, 0.0), right=right, acts=self._acts)
        self._acts = frozenset()
        return given

    def frame(self) -> None:
        self.app.step(next(self._frames))

    def aim(self, stage_from_aim: Pose) -> None:
        self._aim = stage_from_aim

    def button(self, down: bool) -> None:
        self._pressed = down

    def act(self, name: str) -> None:
        self._acts = frozenset([name])
        self.frame()


@contextmanager
def by_mouse(eyes: int = 1) -> Iterator[Mouse]:
    """In the room of the visit, before its first frame."""
    target = OffscreenTarget((320, 180), eyes, samples=0)
    with closing(target), closing(target.frames()) as frames:
        app = App(target, Settings(report=lambda line: None))
        guest = Mouse(app, frames)
        target.script = guest.given
        opened(app)
        try:
            yield guest
        finally:
            app.close(5.0)


def test_a_whole_visit_by_mouse_and_what_it_leaves():
    with by_mouse() as guest:
        end = visit(guest)
        assert end.arrangement.look.range_mode == "wall"
        assert [sort for _, sort in end.arrangement.sorts] == ["mean"]
        assert len(end.arrangement.places) == 1
        assert isinstance(end.fed, File) and dict(end.arrangement.fed) == {"": end.fed}
        last = list(guest.world.walls.values())[-1]
        assert end.enlarged is not None and end.enlarged.channel == end.order[0]
        assert end.selected == (last.key, end.order[0])
        same(end, end)
        # Undone to the beginning, the room is as it was; the network has its first picture again.
        for _ in range(20):
            guest.act("undo")
        guest.until(lambda: guest.app.settled, "end of the last run")
        first = guest.world.history.now
        assert first is not None and not first.places and not first.sorts and first.look.range_mode == "channel"
        assert guest.world.picture is not None and guest.world.picture.source == dict(first.fed)[""] != end.fed
        assert np.isfinite(guest.app.target.read()).all()
