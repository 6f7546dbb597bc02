"""Walks along bookmarks: the way itself, and the pictures of it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from walkin.errors import WalkinError
from walkin.filming.ffmpeg import Encoder
from walkin.filming.film import Film, film_into
from walkin.geometry import Pose
from walkin.interact.moving.walk import walk
from walkin.state.places import Viewpoint
from walkin.world import World

SOURCE = Path(__file__).parent.parent / "src"


def at(x: float, z: float, yaw: float = 0.0, pitch: float = 0.0, scale: float = 1.0) -> Viewpoint:
    return Viewpoint(Pose(np.array([x, 0.0, z]), scale=scale), Pose.at(0.0, 1.7, 0.0, yaw=yaw, pitch=pitch))


def heads(steps: list[Viewpoint]) -> list[Pose]:
    return [step.world_from_stage @ step.stage_from_head for step in steps]


def test_it_begins_and_ends_at_its_places_and_goes_through_those_between():
    places = [at(0, 0), at(3, -2, 0.5, 0.2), at(3, -9, -0.5, scale=4.0)]
    way = heads(walk(places, 60))
    for place in heads(places):
        nearest = min(way, key=lambda pose: float(np.linalg.norm(pose.position - place.position)))
        assert np.linalg.norm(nearest.position - place.position) < 0.05
        assert nearest.forward @ place.forward > 0.999
    np.testing.assert_allclose(way[0].position, heads(places)[0].position, atol=1e-9)
    np.testing.assert_allclose(way[-1].matrix, heads(places)[-1].matrix, atol=1e-9)


def test_it_is_smooth_and_stands_at_both_ends():
    way = np.array([pose.position for pose in heads(walk([at(0, 0), at(4, -2), at(4, -9), at(0, -12)], 100))])
    speed = np.diff(way, axis=0) * 100
    change = np.linalg.norm(np.diff(speed, axis=0), axis=1) * 100
    assert np.linalg.norm(speed[0]) < 0.1 and np.linalg.norm(speed[-1]) < 0.1
    assert np.linalg.norm(speed, axis=1).max() < 4.0
    assert change.max() < 12.0  # metres a second, in a second: a jolt at 100 Hz would be hundreds


def test_it_turns_the_short_way_round():
    steps = walk([at(0, 0, math.radians(170)), at(0, -1, math.radians(-170))], 30)
    assert all(pose.forward[2] > 0.9 for pose in heads(steps))


def test_as_long_as_was_asked_for():
    assert len(walk([at(0, 0), at(9, 9)], 25, 4.0)) == 101


def test_the_visitor_is_as_large_as_each_step_says():
    world = World()
    world.world_from_stage = Pose.at(5.0, 0.0, 5.0)  # as a scene has left it
    film = Film(world, walk([at(0, 0, scale=4.0), at(2, -6, scale=4.0)], 4), lambda picture: None)
    given = film.script(0)
    head = world.world_from_stage @ given.stage_from_head
    np.testing.assert_allclose(head.position, [0.0, 1.7 * 4.0, 0.0], atol=1e-9)
    assert head.scale == pytest.approx(4.0)


def test_a_film_that_fails_leaves_nothing_and_none_is_written_over(tmp_path):
    picture = np.zeros((4, 6, 3), np.uint8)
    with pytest.raises(WalkinError), film_into(tmp_path / "walk", 30) as sheets:
        sheets.add(picture)
        raise WalkinError("the room is gone")
    assert not list(tmp_path.iterdir())
    for name in ("walk", "walk-2"):
        with film_into(tmp_path / "walk", 30) as sheets:
            sheets.add(picture)
        assert sheets.path.name == name and [file.name for file in sheets.path.iterdir()] == ["00001.png"]


def decoded(path: Path) -> tuple[dict, list[np.ndarray]]:
    """(what the film says of itself, uint8 (H, W, 3) pictures), by ffmpeg."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    frames = imageio_ffmpeg.read_frames(str(path), pix_fmt="rgb24")
    about = next(frames)
    width, height = about["source_size"]
    return about, [np.frombuffer(frame, np.uint8).reshape(height, width, 3) for frame in frames]


def test_a_film_has_every_picture(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    hashes = []
    for _ in range(2):
        with film_into(tmp_path / "walk.mp4", 10) as sheets:
            for number in range(7):
                sheets.add(np.full((64, 97, 3), (30 * number, 90, 255 - 30 * number), np.uint8))
        hashes.append(hashlib.sha256(sheets.path.read_bytes()).hexdigest())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["walk-2.mp4", "walk.mp4"]
    assert hashes[0] == hashes[1]
    about, frames = decoded(tmp_path / "walk.mp4")
    assert about["fps"] == 10 and about["source_size"] == (96, 64) and len(frames) == 7
    for number, frame in enumerate(frames):
        assert np.abs(frame.mean((0, 1)) - (30 * number, 90, 255 - 30 * number)).max() < 4


def test_a_film_says_by_which_matrix_its_colours_are_written(tmp_path):
    """Else players guess by its size, and greens and reds are another shade."""
    pytest.importorskip("imageio_ffmpeg")
    with film_into(tmp_path / "walk.mp4", 10) as sheets:
        sheets.add(np.zeros((64, 96, 3), np.uint8))
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(sheets.path)]
    told = subprocess.run(command, capture_output=True, text=True).stderr
    assert "yuv420p(tv, bt709/bt709/iec61966-2-1" in told, told


def test_a_film_s_colours_are_written_by_the_matrix_that_it_names(tmp_path):
    """As BT.709 has it, in its lesser range; not what ffmpeg reads out of its own film."""
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    color = np.array([200, 60, 30])
    with film_into(tmp_path / "walk.mp4", 10) as sheets:
        sheets.add(np.full((64, 96, 3), color, np.uint8))
    frames = imageio_ffmpeg.read_frames(str(sheets.path), pix_fmt="yuv420p", bits_per_pixel=12)
    next(frames)
    planes = np.frombuffer(next(frames), np.uint8).astype(float)
    count = 64 * 96
    luma, blue, red = (part.mean() for part in np.split(planes, [count, count * 5 // 4]))
    light = color @ (0.2126, 0.7152, 0.0722) / 255
    assert luma == pytest.approx(16 + 219 * light, abs=1.5)
    assert blue == pytest.approx(128 + 224 * (color[2] / 255 - light) / 1.8556, abs=1.5)
    assert red == pytest.approx(128 + 224 * (color[0] / 255 - light) / 1.5748, abs=1.5)


def test_a_film_that_cannot_be_written_says_why(tmp_path):
    pytest.importorskip("imageio_ffmpeg")
    encoder = Encoder(tmp_path / "gone" / "walk.mp4", 10)
    with pytest.raises(WalkinError, match=r"cannot write .*gone.*No such file"):
        encoder.add(np.zeros((64, 96, 3), np.uint8))
        encoder.close()
    encoder.stop()


def test_a_film_is_the_pictures_the_right_way_up(tmp_path):
    """Two tones, a step to the side and an odd size; the last column and row go, as 4:2:0 wants it."""
    pytest.importorskip("imageio_ffmpeg")
    pictures = []
    for number in range(5):
        picture = np.full((91, 121, 3), (20, 40, 60), np.uint8)
        picture[:30] = (220, 60, 30)
        picture[50:, 10 + 8 * number : 40 + 8 * number] = (60, 200, 90)
        pictures.append(picture)
    with film_into(tmp_path / "walk.mp4", 10) as sheets:
        for picture in pictures:
            sheets.add(picture)
    _, frames = decoded(sheets.path)
    for picture, frame in zip(pictures, frames, strict=True):
        assert frame.shape == (90, 120, 3)
        assert np.abs(frame.astype(int) - picture[:90, :120]).mean() < 3


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "walkin", "view", *map(str, arguments)]
    return subprocess.run(
        words, env={**os.environ, "PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_a_scene_s_bookmarks_become_pictures_the_same_each_time(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\ndef net():\n    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.Conv2d(8, 4, 3))\n"
    )
    from walkin.interact.remembering.history import arrangement
    from walkin.keeping.scene import Bookmark, Opened, Scene, to_json

    spec = f"{tmp_path / 'net.py'}:net"
    bookmarks = (Bookmark("door", at(0, 2)), Bookmark("near", at(0.6, -1, -0.4)))
    scene = Scene("net", (Opened("", spec, input_size=(32, 32)),), arrangement(World()), bookmarks=bookmarks)
    (tmp_path / "a.walkin.json").write_text(json.dumps(to_json(scene)))
    found = []
    for name in ("one", "two"):
        done = command(
            "--scene", tmp_path / "a.walkin.json", "--walk-to", tmp_path / name, "--walk-fps", 4, "--walk-s", 1,
            "--window-size", "320x180",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == str(tmp_path / name)
        files = sorted((tmp_path / name).iterdir())
        assert [file.name for file in files] == [f"{number:05d}.png" for number in range(1, 6)]
        found.append([np.asarray(Image.open(file)) for file in files])
    for one, two in zip(*found, strict=True):
        np.testing.assert_array_equal(one, two)
    assert (found[0][0] != found[0][-1]).mean() > 0.1 and found[0][0].std() > 2


def test_without_two_bookmarks_there_is_no_walk(tmp_path):
    done = command("--walk-to", tmp_path / "walk")
    assert done.returncode == 2 and "bookmarks" in done.stderr and not list(tmp_path.iterdir())
