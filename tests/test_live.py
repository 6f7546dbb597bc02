"""Live input: the newest whole picture of a folder or of a camera goes in, older ones are let go, and it ends."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from test_jobs import Picky, of, opened

from walkin.errors import WalkinError
from walkin.mailbox import Mailbox, Worker
from walkin.network import jobs
from walkin.network.feeding import live
from walkin.network.feeding.live import CameraFrames, FolderFrames, open_frames
from walkin.picture_source import File
from walkin.requests import Watch
from walkin.results import Fed, Finished, Notice, Progress, Watching


def write(path: Path, grey: int, at_ns: int | None = None) -> Path:
    partial = path.with_name(f".{path.name}.part")
    Image.new("RGB", (32, 32), (grey,) * 3).save(partial, format="PNG")
    os.replace(partial, path)
    if at_ns is not None:
        os.utime(path, ns=(at_ns, at_ns))
    return path


def grey_of(found: Any) -> int | None:
    return None if found is None else int(found[1].pixels[0, 0, 0])


def test_the_newest_is_given_once_and_older_ones_are_let_go(tmp_path: Path):
    frames = FolderFrames(tmp_path)
    assert frames.newest() is None
    write(tmp_path / "b.png", 10, 1_000)
    write(tmp_path / "a.png", 20, 2_000)
    source, picture = frames.newest() or (None, None)
    assert source == File(str(tmp_path / "a.png")) and grey_of((source, picture)) == 20
    assert frames.newest() is None and frames.dropped == 0, "what was there before the start is not counted"
    for number in range(4):
        write(tmp_path / f"c{number}.png", 30 + number, 3_000 + number)
    frames._listed_s = -10.0
    assert grey_of(frames.newest()) == 33 and frames.dropped == 3
    assert frames.newest() is None


def test_one_file_that_is_replaced_again_and_again(tmp_path: Path):
    frames = FolderFrames(tmp_path)
    for number in range(3):
        write(tmp_path / "latest.png", 10 + number, 1_000 * (number + 1))
        assert grey_of(frames.newest()) == 10 + number
        assert frames.newest() is None


def test_a_half_written_file_waits_until_it_is_whole(tmp_path: Path):
    write(tmp_path / "a.png", 10, 1_000)
    whole = write(tmp_path / "elsewhere.png", 99).read_bytes()
    (tmp_path / "elsewhere.png").unlink()
    path = tmp_path / "b.png"
    path.write_bytes(whole[: len(whole) // 2])
    frames = FolderFrames(tmp_path)
    assert grey_of(frames.newest()) == 10, "the newest that is whole"
    assert frames.newest() is None and list(frames.notices()) == []
    with path.open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    assert grey_of(frames.newest()) == 99


def test_a_file_that_is_written_to_while_it_is_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write(tmp_path / "a.png", 10, 1_000)
    read = live.read_picture

    def slow(place: Any) -> Any:
        picture = read(place)
        monkeypatch.setattr(live, "read_picture", read)
        write(path, 20, 2_000)
        return picture

    monkeypatch.setattr(live, "read_picture", slow)
    frames = FolderFrames(tmp_path)
    assert frames.newest() is None
    assert grey_of(frames.newest()) == 20


def test_a_damaged_file_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n half")
    frames = FolderFrames(tmp_path)
    assert frames.newest() is None and list(frames.notices()) == []
    monkeypatch.setattr(live, "DAMAGED_S", -1.0)
    assert frames.newest() is None
    (notice,) = frames.notices()
    assert "skipped" in notice.text and "a.png" in notice.text
    assert frames.newest() is None and list(frames.notices()) == []


def test_a_folder_that_goes_away(tmp_path: Path):
    folder = tmp_path / "inner"
    folder.mkdir()
    frames = FolderFrames(folder)
    folder.rmdir()
    with pytest.raises(WalkinError, match="cannot watch"):
        frames.newest()


@pytest.mark.parametrize(("spec", "words"), [("nowhere", "is no folder"), ("camera:x", "no camera 'x'")])
def test_nothing_to_watch(spec: str, words: str):
    if spec.startswith("camera"):
        pytest.importorskip("cv2")
    with pytest.raises(WalkinError, match=words):
        open_frames(spec)


class Room:
    """A worker with one small network, and what came from it."""

    def __init__(self) -> None:
        self.sessions, _ = opened(Picky())
        self.box = Mailbox(lambda result: None)
        self.worker = Worker(self.box, finished=Finished)
        self.seen: list[Any] = []

    def watch(self, spec: str) -> None:
        def job(emit: Any) -> Any:
            return jobs.watch(self.sessions, Watch(spec), emit, lambda: self.worker.others_wait)

        self.worker.submit("live", job, replaces=("live",))

    def until(self, condition: Any, timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            self.seen += self.box.drain()
            assert time.monotonic() < deadline, f"waited in vain; {self.seen[-3:]}"
            time.sleep(0.005)

    def greys(self) -> list[int]:
        return [int(fed.pixels[0, 0, 0]) for fed in of(Fed, self.seen)]


@pytest.fixture
def room():
    made = Room()
    yield made
    assert made.worker.close(60.0)


def let_go(label: str) -> bool:
    return "frames/s" in label and int(label.split(", ")[1].split()[0]) > 0


@pytest.mark.slow
def test_a_folder_is_fed_while_it_is_written_to(room: Room, tmp_path: Path):
    room.watch(str(tmp_path))
    stop = threading.Event()

    def camera() -> None:  # as a program that saves its frames: far more than the network can take
        number = 0
        while not stop.is_set():
            number += 1
            write(tmp_path / f"{number:06}.png", number % 120)
            if number > 50:
                (tmp_path / f"{number - 50:06}.png").unlink()
            time.sleep(0.001)

    writer = threading.Thread(target=camera)
    writer.start()
    try:
        # ... of which older ones were let go: it says so each second.
        room.until(lambda: any(let_go(p.label) for p in of(Progress, room.seen)) and len(room.greys()) > 5)
    finally:
        stop.set()
        writer.join()
    assert all(p.label.startswith(tmp_path.name) for p in of(Progress, room.seen))
    paths = [fed.source.path for fed in of(Fed, room.seen)]
    assert paths == sorted(set(paths)), "never an older one after a newer, never one twice"
    last = write(tmp_path / "999999.png", 200)
    room.until(lambda: room.greys()[-1:] == [200])
    assert of(Fed, room.seen)[-1].source == File(str(last))
    room.worker.cancel(("live",))
    room.until(lambda: of(Finished, room.seen))
    assert of(Finished, room.seen) == [Finished("live", cancelled=True)]


def test_it_makes_way_for_another_job_and_goes_on(room: Room, tmp_path: Path):
    write(tmp_path / "a.png", 50)
    room.watch(str(tmp_path))
    room.until(lambda: room.greys() == [50])
    room.worker.submit("other", lambda emit: iter(["other"]), replaces=())
    room.until(lambda: len(of(Finished, room.seen)) == 2)
    assert of(Watching, room.seen) == [Watching(str(tmp_path), over=False)]
    assert "other" in room.seen
    room.watch(str(tmp_path))
    write(tmp_path / "b.png", 60)
    room.until(lambda: room.greys() == [50, 60])  # not the first one again: it goes on where it was


def test_what_has_made_way_is_let_go_when_all_is_closed(room: Room, long_video: Path):
    room.watch(f"camera:{long_video}")
    room.until(lambda: len(room.greys()) > 1)
    room.worker.submit("other", lambda emit: iter(["other"]), replaces=())
    room.until(lambda: "other" in room.seen)
    assert [thread for thread in threading.enumerate() if thread.name == "walkin camera"]
    room.sessions.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "walkin camera"]


def test_a_frame_that_the_network_fails_on_is_told_and_the_next_goes_in(room: Room, tmp_path: Path):
    room.watch(str(tmp_path))
    write(tmp_path / "a.png", 255)
    room.until(lambda: of(Notice, room.seen))
    assert "fails on a.png: AssertionError: too bright" in of(Notice, room.seen)[0].text
    write(tmp_path / "b.png", 40)
    room.until(lambda: room.greys()[-1:] == [40])
    assert not of(Finished, room.seen)


def test_no_network_yet(tmp_path: Path):
    with pytest.raises(WalkinError, match="no network to feed yet"):
        list(jobs.watch(jobs.Sessions(), Watch(str(tmp_path)), lambda result: None))


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Two seconds of 30 frames, each a little brighter, red on the left."""
    return film(tmp_path / "film.avi", 30)


@pytest.fixture
def long_video(tmp_path: Path) -> Path:
    """A minute, so that it is not over however long the network takes."""
    return film(tmp_path / "film.avi", 900)


def film(path: Path, count: int) -> Path:
    cv2 = pytest.importorskip("cv2")
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 15.0, (64, 48))
    assert writer.isOpened()
    for number in range(count):
        frame = np.full((48, 64, 3), 20 + 5 * (number % 30), np.uint8)
        frame[:, :16] = (0, 0, 255)  # OpenCV's order: blue, green, red
        writer.write(frame)
    writer.release()
    return path


def test_a_camera_gives_its_newest_frame_in_the_right_colours(video: Path):
    began_s = time.monotonic()
    frames = CameraFrames(str(video))
    try:
        while frames.dropped < 4:
            assert time.monotonic() - began_s < 60
            time.sleep(0.005)
        _, picture = frames.newest() or pytest.fail("no frame")
        number = (int(picture.pixels[24, 40, 1]) - 20) / 5
        assert picture.pixels.shape == (48, 64, 3) and picture.name == "film.avi"
        assert np.abs(picture.pixels[24, 4].astype(int) - (255, 0, 0)).max() < 30
        assert number > 3, "the newest, not the first"
        assert number < (time.monotonic() - began_s) * 15 + 2, "played at its own speed, not raced through"
    finally:
        frames.close()
    assert not frames._thread.is_alive()


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a film's first frames each waits until the one before was taken; after that it goes at its own speed."""
    count = 0
    newest, opencv = CameraFrames.newest, live._opencv()
    capture = opencv.VideoCapture

    def counted(frames: CameraFrames) -> Any:
        nonlocal count
        found = newest(frames)
        count += found is not None
        return found

    class Film:
        """Not a subclass: OpenCV's objects do not survive being one."""

        def __init__(self, which: Any) -> None:
            self._film, self._number = capture(which), -1

        def read(self) -> Any:
            self._number += 1
            end_s = time.monotonic() + 60
            while count < min(self._number, 4) and time.monotonic() < end_s:
                time.sleep(0.001)
            return self._film.read()

        def __getattr__(self, name: str) -> Any:
            return getattr(self._film, name)

    monkeypatch.setattr(CameraFrames, "newest", counted)
    monkeypatch.setattr(opencv, "VideoCapture", Film)


@pytest.mark.slow
def test_a_film_is_fed_to_its_end(room: Room, video: Path, taken: None):
    room.watch(f"camera:{video}")
    room.until(lambda: of(Finished, room.seen))
    assert of(Finished, room.seen) == [Finished("live")]
    assert of(Watching, room.seen) == [Watching(f"camera:{video}")]
    serials = [fed.serial for fed in of(Fed, room.seen)]
    assert len(serials) > 3 and serials == sorted(serials)
    source = of(Fed, room.seen)[-1].source
    assert room.sessions.gallery.picture(source).pixels.shape == (48, 64, 3), "a frame can be taken in the hand"


def test_cancelling_a_camera_lets_it_go(room: Room, long_video: Path):
    room.watch(f"camera:{long_video}")
    room.until(lambda: len(room.greys()) > 1)
    room.worker.cancel()
    room.until(lambda: of(Finished, room.seen))
    assert not [thread for thread in threading.enumerate() if thread.name == "walkin camera"]


def test_a_camera_that_is_not_there():
    pytest.importorskip("cv2")
    with pytest.raises(WalkinError, match="cannot open camera 97: is it plugged in"):
        CameraFrames("97")


def test_without_opencv_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    import sys

    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(WalkinError, match=r"pip install 'walkin\[camera\]'"):
        CameraFrames("0")
