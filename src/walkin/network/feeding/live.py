"""Live input: the newest picture of a camera, or of a folder that is being written to; older ones are let go."""

from __future__ import annotations

import importlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from walkin.errors import WalkinError
from walkin.network.feeding.folders import ENDINGS
from walkin.network.feeding.pictures import Picture, read_picture
from walkin.picture_source import File, Pixels, Source
from walkin.results import Notice

LOOK_S = 0.01  # between two looks for something new
LIST_S = 0.5  # between two listings of a folder that does not seem to have changed
DAMAGED_S = 1.0  # a file that stays unreadable for so long is not being written any more
SILENT_S = 5.0  # without a picture, a camera has gone; without a question, nobody watches any more
CAMERA = "camera:"


class Frames(Protocol):
    """Where pictures keep coming from."""

    title: str
    dropped: int
    """Pictures that a newer one has overtaken."""
    over: bool

    @property
    def asleep(self) -> bool:
        """Whether it gives nothing more because nobody has asked for long."""
        ...

    def newest(self) -> tuple[Source, Picture] | None:
        """The newest picture, if it has not been given out yet."""
        ...

    def notices(self) -> Iterator[Notice]: ...
    def close(self) -> None: ...


def open_frames(spec: str) -> Frames:
    """`camera:0`, `camera:FILE` for a file of video, or a folder."""
    if spec.startswith(CAMERA):
        return CameraFrames(spec.removeprefix(CAMERA))
    if not Path(spec).is_dir():
        raise WalkinError(f"nothing to watch: {spec} is no folder; a camera is camera:0", code=2)
    return FolderFrames(Path(spec))


class FolderFrames:
    """The newest file of a folder that is a whole picture."""

    def __init__(self, folder: Path):
        self.title, self.dropped, self.over = folder.name or str(folder), 0, False
        self._folder = folder
        self._given: tuple[int, str] = (-1, "")
        """(nanoseconds of the last change, name) of the file given out last."""
        self._size = -1
        self._unreadable: dict[tuple[int, str, int], float | None] = {}
        """(change, name, bytes) -> since when it is known to be unreadable; None once that was told."""
        self._problems: list[Notice] = []
        self._candidates: list[tuple[int, str, int]] = []
        self._listed_s, self._changed_ns = -LIST_S, -1

    def newest(self) -> tuple[Source, Picture] | None:
        newer = [seen for seen in self._look() if self._is_new(seen)]
        for place, seen in enumerate(newer):
            if seen in self._unreadable:
                self._tell(seen)
                continue
            path = self._folder / seen[1]
            try:
                picture = read_picture(path)
                after = os.stat(path)
            except (WalkinError, OSError):  # it is still being written; or it has been taken away
                self._unreadable[seen] = time.monotonic()
                continue
            if (after.st_mtime_ns, after.st_size) != (seen[0], seen[2]):
                continue  # written to while it was read
            self.dropped += len(newer) - place - 1 if self._given[0] >= 0 else 0
            self._given, self._size = seen[:2], seen[2]
            self._unreadable = {key: since for key, since in self._unreadable.items() if key > seen}
            return File(str(path)), picture
        return None

    def notices(self) -> Iterator[Notice]:
        told, self._problems = self._problems, []
        yield from told

    @property
    def asleep(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def _is_new(self, seen: tuple[int, str, int]) -> bool:
        return seen[:2] > self._given or (seen[1] == self._given[1] and seen[2] != self._size)

    def _look(self) -> list[tuple[int, str, int]]:
        """(change, name, bytes) of the pictures, newest first."""
        try:
            changed_ns, now_s = os.stat(self._folder).st_mtime_ns, time.monotonic()
            if changed_ns == self._changed_ns and now_s - self._listed_s < LIST_S:
                # Only what is there already may have grown.
                self._candidates = sorted((self._stat(name) for _, name, _ in self._candidates), reverse=True)
                return self._candidates
            self._changed_ns, self._listed_s = changed_ns, now_s
            found = []
            with os.scandir(self._folder) as entries:
                for entry in entries:
                    if entry.name.lower().endswith(ENDINGS) and not entry.name.startswith("."):
                        try:
                            about = entry.stat()
                        except OSError:
                            continue
                        seen = (about.st_mtime_ns, entry.name, about.st_size)
                        if self._is_new(seen):
                            found.append(seen)
        except OSError as problem:
            raise WalkinError(f"cannot watch {self._folder}: {problem.strerror or problem}") from problem
        found.sort(reverse=True)
        self._candidates = found
        if not found and self._given[1]:
            self._candidates = [self._stat(self._given[1])]
        return self._candidates

    def _stat(self, name: str) -> tuple[int, str, int]:
        try:
            about = os.stat(self._folder / name)
        except OSError:
            return -1, name, self._size
        return about.st_mtime_ns, name, about.st_size

    def _tell(self, seen: tuple[int, str, int]) -> None:
        since = self._unreadable[seen]
        if since is not None and time.monotonic() - since > DAMAGED_S:
            self._unreadable[seen] = None
            try:
                read_picture(self._folder / seen[1])
            except WalkinError as problem:
                self._problems.append(Notice(f"skipped: {problem}", "warning"))


class CameraFrames:
    """A camera, or a file of video played at its own speed, read by a thread of its own: OpenCV keeps old frames."""

    def __init__(self, which: str):
        cv2 = _opencv()
        number = int(which) if which.isdigit() else None
        if number is None and not Path(which).is_file():
            raise WalkinError(f"no camera {which!r}: a number is wanted, --camera 0, or a file of video", code=2)
        self.title = f"camera {number}" if number is not None else Path(which).name
        self.dropped, self.over = 0, False
        self._source = Pixels(f"{CAMERA}{which}", self.title)
        self._capture: Any = cv2.VideoCapture(which if number is None else number)
        if not self._capture.isOpened():
            self._capture.release()
            hint = "is it plugged in, and free?" if number is not None else "OpenCV does not read this kind of video"
            raise WalkinError(f"cannot open {self.title}: {hint}")
        rate = self._capture.get(cv2.CAP_PROP_FPS) if number is None else 0.0
        self._period_s = 1 / rate if 0 < rate <= 1000 else 0.0
        if number is not None:
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._lock = threading.Lock()
        self._frame: np.ndarray | None = None
        self._asked_s = self._came_s = time.monotonic()
        self._stop = threading.Event()
        self._is_file = number is None
        self._thread = threading.Thread(target=self._read, name="walkin camera", daemon=True)
        self._thread.start()

    def newest(self) -> tuple[Source, Picture] | None:
        self._asked_s = time.monotonic()
        with self._lock:
            frame, self._frame = self._frame, None
        if frame is None:
            if not self._thread.is_alive() and not self.over:
                self.over = True
                if not self._is_file:
                    raise WalkinError(f"{self.title} gives no pictures any more: was it unplugged?")
            elif not self.over and self._asked_s - self._came_s > SILENT_S:
                self.over = True
                raise WalkinError(f"{self.title} has given no picture for {SILENT_S:.0f} s")
            return None
        pixels = np.ascontiguousarray(frame[:, :, ::-1]) if frame.ndim == 3 else np.repeat(frame[:, :, None], 3, 2)
        pixels.setflags(write=False)
        height, width = pixels.shape[:2]
        return self._source, Picture(pixels, self.title, (width, height))

    def notices(self) -> Iterator[Notice]:
        yield from ()

    @property
    def asleep(self) -> bool:
        return not self._is_file and not self._thread.is_alive()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(2.0)

    def _read(self) -> None:
        due_s = time.monotonic()
        try:
            while not self._stop.is_set() and time.monotonic() - self._asked_s < SILENT_S:
                there, frame = self._capture.read()
                if not there:
                    return
                with self._lock:
                    self.dropped += self._frame is not None
                    self._frame, self._came_s = frame, time.monotonic()
                if self._period_s:
                    due_s += self._period_s
                    self._stop.wait(max(0.0, due_s - time.monotonic()))
        finally:
            self._capture.release()


def _opencv() -> Any:
    try:
        cv2: Any = importlib.import_module("cv2")
    except ImportError as problem:
        raise WalkinError("a camera needs OpenCV: pip install 'walkin[camera]'") from problem
    # It writes lines of its own about each camera that is not there; the reason is told in one line here.
    logging = getattr(getattr(cv2, "utils", None), "logging", None)
    if logging is not None:
        logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    return cv2
