"""Addresses in words, the tile that they mean, and the frame around it; what is copied and what is pasted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import Display
from drawing import draw, renderer_of
from PIL import Image
from rooms import chain, facing, furnished, maps, tiles_of_codes
from test_scene import room

from walkin.interact.remembering.addresses import address_of, find, select
from walkin.render.outline import TINT
from walkin.state.places import Place
from walkin.targets.clipboard import MISSING, NOTHING, Clipboard, Pasted, path_in


def test_words_for_a_tile_and_back():
    world = room("resnet50", "vgg")
    assert address_of(world, "a", 5) == "resnet50:a/5"
    assert address_of(world, "vgg:b") == "vgg:b"
    for key in world.walls:
        for channel in (None, 0, 7):
            found = find(world, address_of(world, key, channel))
            assert found == (world.walls[key], channel)
    assert find(world, " a/5 ") == (world.walls["a"], 5)
    for text in ("", "c", "a/", "a/x", "a/-1", "a/²", "other:a", "a/5/5"):
        assert find(world, text) is None, text


def test_a_module_that_was_called_twice_and_an_operation_have_their_own_addresses():
    nodes = maps("relu", 4, 2, 2), maps("relu:1", 4, 2, 2), maps("block/add", 4, 2, 2), maps("block/add:1", 4, 2, 2)
    places = {node.address: Place((0.0, 0.0, 0.0), 0.0, 2, 2, 1.0, 1.0) for node in nodes}
    world = furnished(chain(*nodes), places)
    for key in world.walls:
        assert find(world, key) == (world.walls[key], None)
        assert find(world, f"{key}/1") == (world.walls[key], 1)


def test_a_tile_that_is_named_is_chosen_and_one_that_is_not_there_is_told():
    world = room()
    assert select(world, "net:b/2") is world.walls["b"]
    assert world.selected == ("b", 2)
    assert select(world, "b/9") is world.walls["b"]
    assert world.selected == ("b", 2)
    assert "9 channels" in world.banners[-1].text


def test_where_a_tile_is_is_where_the_ray_finds_it():
    world = room()
    wall = world.walls["a"]
    wall.order = np.random.default_rng(0).permutation(16)
    for channel in range(16):
        square = wall.square_of(channel)
        assert square is not None
        away = square.centre - np.array(wall.place.corner)
        width, height = square.fill * square.pitch_m, square.fill * square.pitch_m
        middle = np.array(square.corner) + square.right * width / 2 + np.array([0.0, height / 2, 0.0])
        away = middle - np.array(wall.place.corner)
        x, y = float(away @ wall.place.right) / wall.place.pitch_m, float(away[1]) / wall.place.pitch_m
        found = wall.tile_at(x, wall.place.rows - y)
        assert found is not None and found[0] == channel
        assert found[1:] == pytest.approx((0.5, 0.5))
    assert wall.square_of(16) is None


@pytest.mark.parametrize("order", [None, np.array([3, 2, 1, 0])])
def test_the_chosen_tile_has_a_frame_and_no_other(ctx, order: np.ndarray | None):
    node = maps("a", 4, 8, 8)
    place = Place((-1.0, 0.5, -3.0), 0.0, 2, 2, 1.0, 0.8)
    world = furnished(chain(node), {"a": place}, [tiles_of_codes(node, np.zeros((4, 8, 8)), 0, 1)])
    world.walls["a"].order = order
    world.selected = ("a", 1)
    renderer = renderer_of(ctx, world)
    eye, fov = facing(place)

    def framed() -> list[bool]:
        seen = draw(renderer, world, eye, fov, (80, 80)).astype(int)
        cyan = (seen[..., 2] > 180) & (seen[..., 0] < 140) & (seen[..., 1] > 150)
        return [bool(cyan[y : y + 40, x : x + 40].any()) for y in (0, 40) for x in (0, 40)]

    assert framed() == ([False, True, False, False] if order is None else [False, False, True, False])
    world.selected = None
    renderer.prepare(world, np.zeros(3))
    assert framed() == [False] * 4
    assert TINT[0] < 0.3


@pytest.mark.parametrize(
    "form", ["{path}", " '{path}' \n", '"{path}"', "{uri}", "copy\n{uri}\n", "{uri}\r\nfile:///other"]
)
def test_a_text_that_names_a_file(tmp_path: Path, form: str):
    path = tmp_path / "a photo ä.png"
    path.touch()
    assert path_in(form.format(path=path, uri=path.as_uri())) == str(path)


@pytest.mark.parametrize("text", ["", "\n\n", "hello", "/no/such/file.png", "file:///no.png", "/", "x" * 9000, "a\0b"])
def test_a_text_that_names_none(text: str):
    assert path_in(text) is None


def test_without_a_program_for_it_a_notice_says_which(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert fetched() == Pasted(notices=(MISSING,))


def fetched(text: str = "") -> Pasted:
    come = threading.Event()
    clipboard = Clipboard(come.set)
    clipboard.paste(text)
    assert come.wait(60) and clipboard.news
    found = clipboard.take()
    assert not clipboard.news
    return found


def test_a_picture_on_the_clipboard_comes_as_it_is(display: Display, tmp_path: Path):
    if shutil.which("xclip") is None:
        pytest.skip("no xclip")
    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    command = ["xclip", "-selection", "clipboard", "-t", "image/png", "-i", str(tmp_path / "a.png")]
    owner = subprocess.Popen([*command, "-quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while not (found := fetched()).pictures and time.monotonic() < deadline:
            time.sleep(0.05)
        assert (found.pictures[0] == pixels).all()
        assert found.notices == ()
    finally:
        owner.kill()
        owner.wait(10)
    assert fetched("words").notices == (NOTHING,)


COPIED = """
import glfw, sys, time
from walkin.targets.desktop import DesktopTarget
target = DesktopTarget({"CTRL+V": "paste"}, (200, 100))
frames = target.frames()
next(frames)
target.hint("copy", sys.argv[1])
target._paste()
deadline = time.monotonic() + 60
while time.monotonic() < deadline:
    given = next(frames).input
    if given.dropped_files or given.pasted or given.notices:
        break
print(given.dropped_files, len(given.pasted), given.notices)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Xvfb is for X")
@pytest.mark.parametrize("is_file", [True, False])
def test_what_the_window_copied_itself_can_be_pasted_there(display: Display, tmp_path: Path, is_file: bool):
    """It is asked for by another process while the window goes on: neither waits for the other for ever."""
    text = str(tmp_path / "a.png") if is_file else "resnet50:layer1/3"
    (tmp_path / "a.png").touch()
    done = subprocess.run(
        [sys.executable, "-c", COPIED, text], capture_output=True, text=True, timeout=120, env=dict(os.environ)
    )
    notices = () if is_file else ((NOTHING,) if shutil.which("xclip") else (MISSING,))
    assert done.stdout.strip() == f"{(text,) if is_file else ()} 0 {notices}", done.stderr
