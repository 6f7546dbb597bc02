"""Filming: one picture for each step of a walk, when all is there to be seen, as numbered files or as a film."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from walkin.errors import WalkinError
from walkin.files.staging import check_folder, staged_file, staged_folder
from walkin.filming import ffmpeg
from walkin.filming.ffmpeg import Encoder
from walkin.frame import Frame, Input
from walkin.state.places import Viewpoint
from walkin.world import World

ENDING = ".mp4"
CALM = 2  # frames in which everything is there, before the first picture: what is made when it is first drawn has been
TOLD = 0.1  # of the pictures, between two lines about them


class Film:
    """Moves the head of an offscreen target; its `script` goes to the target, its `on_frame` to the app."""

    def __init__(
        self,
        world: World,
        steps: Sequence[Viewpoint],
        add: Callable[[np.ndarray], None],
        say: Callable[[str], None] = lambda line: None,
    ):
        self._world, self._steps, self._add, self._say = world, steps, add, say
        self._at = 0
        self._calm = 0
        self._told = 0.0

    @property
    def done(self) -> bool:
        return self._at == len(self._steps)

    def script(self, number: int) -> Input:
        """Before each frame: the room's stage and the head in it, whatever a scene has said of them."""
        view = self._steps[min(self._at, len(self._steps) - 1)]
        self._world.world_from_stage = view.world_from_stage
        self._world.revision += 1
        return Input(stage_from_head=view.stage_from_head)

    def on_frame(self, app: Any, frame: Frame) -> None:
        app.target.hint("pitch", 0.0)  # a scene that is taken up asks for the pitch of the head that saved it
        if self._world.network is None:
            app.quitting = app.quitting or app.settled  # it could not be opened
            return
        self._calm = self._calm + 1 if app.settled and not app.keeper.restoring else 0
        if self._calm <= CALM or self.done:
            return
        self._add(app.target.read())
        self._at += 1
        if self._at / len(self._steps) - self._told >= TOLD or self.done:
            self._told = self._at / len(self._steps)
            self._say(f"walkin: picture {self._at} of {len(self._steps)}")
        app.quitting = app.quitting or self.done


class Sheets:
    """Where pictures go."""

    def __init__(self, add: Callable[[np.ndarray], None], staged: Any):
        self.add = add
        self._staged = staged

    @property
    def path(self) -> Path:
        return self._staged.path


def check_film(path: Path) -> None:
    """WalkinError now, not when all has been drawn."""
    if path.suffix.lower() == ENDING and ffmpeg.missing():
        raise WalkinError(f"cannot film {path}: films need ffmpeg: pip install 'walkin[video]'", code=2)
    check_folder(path)


@contextlib.contextmanager
def film_into(path: Path, rate_hz: int) -> Iterator[Sheets]:
    """A folder of pictures, or a film: under that name, or the next that is free, when all of it is there."""
    if path.suffix.lower() != ENDING:
        with staged_folder(path) as staged:
            numbers = iter(range(1, 1 << 30))

            def add(pixels: np.ndarray) -> None:
                Image.fromarray(pixels).save(staged.partial / f"{next(numbers):05d}.png")

            yield (sheets := Sheets(add, staged))
        assert sheets.path.is_dir()
        return
    with staged_file(path) as staged:
        encoder = Encoder(staged.partial, rate_hz)
        try:
            yield Sheets(encoder.add, staged)
            encoder.close()
        finally:
            encoder.stop()
