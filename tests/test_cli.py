"""The command line as people use it: what it answers, and one clear line for what cannot be done."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import walkin
from walkin import cli

NET = """
import torch
from torch import nn


class Small(nn.Sequential):
    def __init__(self, classes=5):
        super().__init__(
            nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, classes)
        )


class Sized(Small):
    def __init__(self, classes, depth):
        super().__init__(classes * depth)


class Wider(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 4, 3))


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, x):
        return self.table(x.ids)


class Two(nn.Module):
    def forward(self, x, y):
        return x["a"] + y


def broken():
    raise RuntimeError("no data here\\nsecond line")


def nothing():
    return None


number = 3
"""
OFFSCREEN = ("--target", "offscreen", "--window-size", "320x200", "--timeout", "100")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with net.py, a picture and settings of its own, which is the current one."""
    (tmp_path / "net.py").write_text(NET)
    Image.fromarray(np.arange(40 * 30 * 3, dtype=np.uint8).reshape(30, 40, 3)).save(tmp_path / "small.png")
    for name in ("CONFIG", "CACHE", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "pictures"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    before_s = sys.getswitchinterval()
    yield tmp_path
    sys.setswitchinterval(before_s)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Lines on stderr that are no progress and no success."""
    lines = capsys.readouterr().err.splitlines()
    return [line for line in lines if line.startswith("walkin: ") and not line.endswith("...")]


def child(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    source = str(Path(walkin.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": source}
    command = [sys.executable, "-m", "walkin", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=timeout_s)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("view", "--window-size", "3"), ("'3' is not WxH", "1280x720")),
        (("view", "--window-size", "9x9"), ("between 16 and 8192",)),
        (("view", "--target", "moon"), ("'moon'", "desktop", "offscreen")),
        (("view", "--frames", "-1"), ("'-1'", "whole number")),
        (("view", "--timeout", "0"), ("'0'", "seconds")),
        (("info", "--input-size", "big"), ("'big'", "224x224")),
        (("info", "--input-size", "0x3"), ("between 1 and 16384",)),
        (("info", "--mean", "a,b"), ("'a,b'", "0.485")),
        (("info", "--std", "nan"), ("'nan'",)),
        (("info", "--std", "0"), ("--std may not be 0",)),
        (("info", "--mean", "1,2"), ("--mean takes 1 number or 3", "not 2")),
        (("info", "--fold", "thrice"), ("'thrice'", "ops", "layers", "blocks")),
        (("info", "--device", "toaster"), ("'toaster'", "cpu")),
        (("info", "demo", "resnet18"), ("resnet18", "--help")),
        (("inof", "demo"), ("'inof'", "info", "--help")),
        (("--nosuch",), ("--nosuch", "--help")),
        (("networks", "a", "b"), ("b", "--help")),
        (("info", "demo", "--key", "ema"), ("--key", "--weights FILE")),
        (("info", "demo", "--weights", "gone.pt"), ("no such file", "gone.pt")),
        (("info", "demo", "--weights", "V7"), ("'V7'", "none")),
        (("info", "demo", "--labels", "gone.txt"), ("--labels", "gone.txt")),
        (("info", "demo", "--image", "gone.jpg"), ("--image", "gone.jpg")),
        (("view", "demo", "--image", "."), ("is a folder", "--images")),
        (("view", "demo", "--images", "gone"), ("no folder gone",)),
        (("view", "demo", "--images", "config"), ("no pictures in config", ".png")),
        (("view", "demo", "--images", "small.png"), ("small.png is a file", "--image takes a file")),
        (("view", "demo", "--camera", "none.avi"), ("--camera none.avi", "a number", "file of video")),
        (("view", "demo", "--camera", "-1"), ("--camera",)),
        (("view", "demo", "--watch", "gone"), ("--watch", "no folder gone")),
        (("view", "demo", "--watch", "small.png"), ("--watch", "no folder small.png")),
        (("view", "demo", "--watch", "config", "--camera", "0"), ("--camera", "--watch", "one of them")),
        (("info", "net.py"), ("which network", "net.py:Small")),
        (("view", "demo", "--checkpoints", "gone/*.pt"), ("--checkpoints gone/*.pt", "no folder gone")),
        (("view", "demo", "--checkpoints", "gone"), ("--checkpoints", "no file or folder gone")),
        (("view", "demo", "net.py:Small", "--checkpoints", "config"), ("--checkpoints", "one network")),
        (("view", "--scene", "gone.json"), ("--scene", "no file gone.json", "name a network")),
        (("view", "demo", "--scene", "gone/a.json"), ("no folder gone", "create it first")),
        (("view", "--scene", "net.py"), ("net.py is no scene of walkin",)),
        (("view", "--speed", "-1"), ("'-1'", "between 0.1 and 50")),
        (("view", "--speed", "quick"), ("'quick'", "metres a second")),
        (("info", "net.py:Smal"), ("'Smal'", "Small")),
        (("info", "nte.py:Small"), ("nte.py", "did you mean net.py")),
        (("info", "no.such.module:Net"), ("no.such.module", "installed")),
        (("info", "net.py:Small(classes=x)"), ("(classes=x)", "literals")),
        (("info", "net.py:Small(color=3)"), ("'color'", "it takes (classes=5)")),
        (("info", "net.py:Sized(3)"), ("'depth'", "give it as in 'net.py:Sized(3, depth=...)'")),
        (("export", "demo", "--parts", "raw,blue"), ("'blue' is no part", "visualisations")),
        (("export", "demo", "--visualise", "furier"), ("'furier'", "did you mean fourier")),
        (("info", "weights.pt"), ("holds weights, not a network", "--weights")),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_line(here, capsys, arguments, words):
    (here / "config").mkdir()
    assert cli.run(arguments) == 2
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if not line.endswith("...")]
    assert len(lines) == 1 and lines[0].startswith("walkin: "), printed.err
    assert all(word in lines[0] for word in words), lines[0]
    assert printed.out == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("net.py:broken",), ("net.py:broken failed", "RuntimeError: no data here", "line")),
        (("net.py:nothing",), ("gave None", "nn.Module")),
        (("net.py:number",), ("an int", "nn.Module")),
        (("net.py:Words",), ("1x3x224x224", "--input-size", "--inputs FILE.py:FUNCTION")),
        (("net.py:Two",), ("takes x and y", "--inputs FILE.py:FUNCTION")),
        (("net.py:Small", "--input-size", "1x1"), ("1x3x1x1", "failed in 0", "--input-size")),
        (("net.py:Small", "--image", "half.png"), ("cannot read half.png", "truncated PNG")),
        (("net.py:Small", "--image", "half.jpg"), ("cannot read half.jpg", "truncated JPEG")),
        (("net.py:Small", "--image", "empty.jpg"), ("cannot read empty.jpg", "empty")),
        (("net.py:Small", "--image", "net.py"), ("cannot read net.py", "not a picture", "PNG")),
        (("net.py:Small", "--weights", "other.pt"), ("other.pt", "1.weight")),
        (("net.py:Small", "--weights", "evil.pt"), ("evil.pt",)),
        (("net.py:Small", "--weights", "net.py"), ("net.py",)),
    ],
)
def test_what_fails_is_exit_code_1_and_one_line(here, capsys, arguments, words):
    make_bad_files(here)
    assert cli.run(("info", *arguments)) == 1
    printed = capsys.readouterr()
    lines = [line for line in printed.err.splitlines() if not line.endswith("...")]
    assert len(lines) == 1 and lines[0].startswith("walkin: "), printed.err
    assert all(word in lines[0] for word in words), lines[0]
    assert printed.out == "" and not (here / "ran").exists()


class Evil:
    """A pickle that leaves a file behind when it is read."""

    def __reduce__(self):
        return os.system, ("touch ran",)


def make_bad_files(folder: Path) -> None:
    import torch
    from torch import nn

    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8))
    for ending in ("png", "jpg"):
        noise.save(folder / f"whole.{ending}")
        content = (folder / f"whole.{ending}").read_bytes()
        (folder / f"half.{ending}").write_bytes(content[: len(content) // 2])
    (folder / "empty.jpg").touch()
    other = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.Conv2d(8, 4, 3))
    torch.save(other.state_dict(), folder / "other.pt")
    torch.save({"state_dict": Evil()}, folder / "evil.pt", pickle_module=pickle)


def scene_file(path: Path, spec: str = "net.py:Small", **more: object) -> Path:
    """As little of a scene as there can be."""
    network = {"key": "", "spec": spec, "input_size": [64, 64], **more}
    scene = {"format": "walkin scene", "version": 1, "title": spec, "networks": [network]}
    look = {"color_map": "grey", "range_mode": "wall", "labels": False}
    path.write_text(json.dumps({**scene, "arrangement": {"look": look}}))
    return path


def colorful(name: str) -> int:
    """How many pixels of walls are of a colour."""
    pixels = np.asarray(Image.open(name).convert("RGB")).astype(int)
    return int((pixels[..., 0] - pixels[..., 2] > 40).sum())  # orange: the ribbons to the next layer are blue


@pytest.mark.slow
def test_a_scene_opens_its_network_and_looks_as_it_did(here, capsys, ctx):
    scene_file(here / "a.walkin.json")
    arguments = ("--goto", "0", *OFFSCREEN)
    assert cli.run(("--scene", "a.walkin.json", *arguments, "--screenshot-to", "a.png")) == 0, capsys.readouterr().err
    assert "Small: 4 nodes" in capsys.readouterr().err
    assert cli.run(("net.py:Small", "--input-size", "64x64", *arguments, "--screenshot-to", "b.png")) == 0
    assert colorful("a.png") < 100 < 300 < colorful("b.png")
    capsys.readouterr()
    assert cli.run(("--scene", "a.walkin.json", "--fold", "ops", *arguments, "--screenshot-to", "c.png")) == 0
    assert "Small: 6 nodes" in capsys.readouterr().err
    assert (here / "a.walkin.json").exists()


def test_a_damaged_scene_is_set_aside_and_the_room_opens_all_the_same(here, capsys, ctx):
    (here / "a.walkin.json").write_text('{"format": "walkin sc')
    arguments = ("net.py:Small", "--scene", "a.walkin.json", "--input-size", "64x64")
    assert cli.run((*arguments, *OFFSCREEN, "--screenshot-to", "a.png")) == 0
    (line,) = told(capsys)
    assert "a.walkin.json is damaged" in line and "a.walkin.json.bad" in line
    assert (here / "a.walkin.json.bad").exists() and not (here / "a.walkin.json").exists()


@pytest.mark.parametrize(
    ("arguments", "more", "code", "words"),
    [
        (("net.py:Wider",), {}, 2, ("scene of net.py:Small", "leave the network out")),
        ((), {"live": True}, 1, ("gave from Python", "that script")),
        ((), {"version": 9}, 1, ("newer walkin", "update walkin")),
    ],
)
def test_a_scene_that_cannot_be_opened_says_why(here, capsys, arguments, more, code, words):
    path = scene_file(here / "a.walkin.json", **{name: value for name, value in more.items() if name != "version"})
    if "version" in more:
        path.write_text(json.dumps(json.loads(path.read_text()) | more))
    assert cli.run((*arguments, "--scene", "a.walkin.json", *OFFSCREEN, "--screenshot-to", "a.png")) == code
    (line,) = told(capsys)
    assert all(word in line for word in words), line
    assert path.exists() and not (here / "a.png").exists()


@pytest.mark.slow
def test_a_picture_for_a_script_does_not_depend_on_what_somebody_likes(here, capsys, ctx):
    settings = here / "config" / "walkin" / "settings.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('{"format": "walkin settings", "version": 1, "look": {"color_map": "grey"}}')
    arguments = ("net.py:Small", "--input-size", "64x64", "--goto", "0", *OFFSCREEN)
    assert cli.run((*arguments, "--screenshot-to", "a.png")) == 0
    assert colorful("a.png") > 300
    assert cli.run((*arguments, "--screenshot-to", "b.png", "--colors", "grey")) == 0
    assert colorful("b.png") < 100
    assert not (here / "state").exists(), "nobody is there who could come back"


@pytest.mark.slow
@pytest.mark.parametrize(("address", "words"), [("0/3", ()), ("Small:0/3", ()), ("0/99", ("8 channels", "no 99"))])
def test_a_channel_that_is_gone_to(here, capsys, ctx, address, words):
    arguments = ("net.py:Small", "--input-size", "64x64", *OFFSCREEN)
    assert cli.run((*arguments, "--goto", "0", "--screenshot-to", "a.png")) == 0
    assert cli.run((*arguments, "--goto", address, "--screenshot-to", "b.png")) == 0
    assert told(capsys) == []
    a, b = (np.asarray(Image.open(name)).astype(int) for name in ("a.png", "b.png"))
    assert (a != b).any(), "it is outlined, or said that there is none"


def test_an_unknown_network_suggests_close_names(here, capsys):
    assert cli.run(("info", "resnt50")) == 2
    (line,) = told(capsys)
    assert "'resnt50'" in line and "did you mean resnet50" in line and "walkin networks" in line


@pytest.mark.parametrize(("name", "word"), [("photo.png", "--image takes"), ("photos", "--images takes")])
def test_a_file_in_the_place_of_a_network_says_where_it_belongs(here, capsys, name, word):
    (here / "photo.png").write_bytes(b"")
    (here / "photos").mkdir()
    assert cli.run(("info", name)) == 2
    (line,) = told(capsys)
    assert f"{name} is no network" in line and word in line


@pytest.mark.parametrize("form", ["one pixel", "20000 pixels", "16 bits", "CMYK", "palette", "rotated", "animated"])
def test_unusual_pictures_go_in(here, capsys, form):
    rgb = Image.new("RGB", (50, 40), (10, 200, 30))
    if form == "one pixel":
        Image.new("RGB", (1, 1)).save("odd.png")
    elif form == "20000 pixels":
        Image.new("L", (20000, 300), 128).save("odd.png")
    elif form == "16 bits":
        Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64)).save("odd.png")
    elif form == "CMYK":
        rgb.convert("CMYK").save("odd.jpg")
    elif form == "palette":
        rgb.convert("P").save("odd.png")
    elif form == "rotated":
        exif = Image.Exif()
        exif[0x0112] = 6
        rgb.save("odd.jpg", exif=exif)
    else:
        rgb.save("odd.gif", save_all=True, append_images=[Image.new("RGB", (50, 40))])
    (file,) = here.glob("odd.*")
    assert cli.run(("info", "net.py:Small", "--image", file.name)) == 0, capsys.readouterr().err
    assert told(capsys) == []


def test_debug_shows_where(here, capsys):
    assert cli.run(("info", "net.py:broken", "--debug")) == 1
    printed = capsys.readouterr().err
    assert "Traceback" in printed and "in broken" in printed


@pytest.mark.parametrize(
    "arguments", [(), ("view",), ("info",), ("networks",), ("doctor",)], ids=lambda words: " ".join(words) or "walkin"
)
def test_help_lists_every_option_with_a_text(capsys, arguments):
    assert cli.run((*arguments, "--help")) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("usage: walkin") and printed.err == ""


def test_version(capsys):
    assert cli.run(("--version",)) == 0
    assert capsys.readouterr().out == f"walkin {walkin.__version__}\n"


def test_help_and_version_load_nothing_heavy():
    heavy = ("numpy", "torch", "moderngl", "glfw", "PIL", "imgui_bundle", "xr")
    code = (
        "import sys, walkin.cli as c; c.run(['--help']); c.run(['view', '--help']); c.run(['--version'])\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_info_json(here, capsys):
    assert cli.run(("info", "net.py:Small(classes=7)", "--input-size", "32x32", "--json")) == 0
    told_object = json.loads(capsys.readouterr().out)
    assert told_object["network"] == "Small" and told_object["input"] == [1, 3, 32, 32]
    assert told_object["parameters"] == 3 * 8 * 9 + 8 + 8 * 7 + 7
    assert [(node["address"], node["shape"], node["inputs"]) for node in told_object["nodes"]] == [
        ("input", [1, 3, 32, 32], []),
        ("0", [1, 8, 15, 15], ["input"]),
        ("2", [1, 8, 1, 1], ["0"]),
        ("4", [1, 7], ["2"]),
    ]
    assert {"kind", "group"} <= set(told_object["nodes"][0])
    assert told_object["outputs"] == ["4"] and told_object["maps"] == 8 + 8 + 7
    assert told_object["elements"] == 8 * 15 * 15 + 8 + 7 and "weights" in told_object


def test_info_in_words(here, capsys):
    assert cli.run(("info", "net.py:Small")) == 0
    printed = capsys.readouterr().out
    assert "1x8x111x111" in printed and "269 parameters" in printed and "AdaptiveAvgPool2d" in printed


def test_networks(capsys):
    assert cli.run(("networks", "res*")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"resnet18", "resnet152", "resnext50_32x4d"} <= {line.split()[0] for line in lines}
    assert "densenet" not in "".join(lines)
    assert cli.run(("networks", "zzz")) == 1
    assert "'zzz'" in capsys.readouterr().err


def test_reset_forgets_the_settings_and_nothing_else(here, capsys):
    settings, other = here / "config" / "walkin", here / "config" / "other"
    for folder in (settings, other):
        folder.mkdir(parents=True)
        (folder / "file").touch()
    assert cli.run(("--reset",)) == 0
    assert str(settings) in capsys.readouterr().out
    assert not settings.exists() and (other / "file").exists()
    assert cli.run(("--reset",)) == 0
    assert "nothing to forget" in capsys.readouterr().out


@pytest.mark.parametrize("place", ["gone/a.png", "."])
def test_a_screenshot_that_cannot_be_written_is_refused_at_once(here, capsys, place):
    assert cli.run(("view", "demo", *OFFSCREEN, "--screenshot-to", place)) == 1
    (line,) = told(capsys)
    assert "cannot write" in line
    assert "torch" not in line


def test_a_folder_that_may_not_be_written_to(here, capsys, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # as root everything may be written to
    assert cli.run(("view", "demo", *OFFSCREEN, "--screenshot-to", "a.png")) == 1
    (line,) = told(capsys)
    assert "cannot write a.png: permission denied" in line


def test_a_screenshot_is_written_when_all_is_there(here, capsys, ctx):
    arguments = ("net.py:Small", *OFFSCREEN, "--screenshot-to", "a.png", "--input-size", "64x64")
    assert cli.run(arguments) == 0, capsys.readouterr().err
    with Image.open("a.png") as picture:
        assert picture.size == (320, 200)
        assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 200
    assert not list(here.glob(".*.part"))


def test_two_eyes_stand_side_by_side(here, capsys, ctx):
    assert cli.run(("net.py:Small", *OFFSCREEN, "--eyes", "2", "--screenshot-to", "a.png")) == 0
    with Image.open("a.png") as picture:
        assert picture.size == (640, 200)


def test_without_a_display_one_picture_is_drawn_and_named(here, capsys, ctx, monkeypatch):
    monkeypatch.delenv("DISPLAY", raising=False)
    assert cli.run(("net.py:Small", "--window-size", "320x200")) == 0
    printed = capsys.readouterr().err
    (file,) = here.rglob("Small-*.png") if list(here.rglob("Small-*.png")) else here.rglob("net.py_Small-*.png")
    assert str(file) in printed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("resnt50",), ("did you mean resnet50",)),
        (("net.py:broken",), ("no data here",)),
        (("net.py:nothing",), ("gave None",)),
        (("net.py:Words",), ("1x3x224x224", "--input-size")),
        (("net.py:Small", "--image", "half.png"), ("truncated PNG",)),
        (("net.py:Small", "--weights", "other.pt"), ("other.pt",)),
        (("net.py:Small", "--weights", "evil.pt"), ("evil.pt",)),
    ],
)
def test_a_room_that_cannot_be_opened_says_why_in_one_line(here, capsys, ctx, arguments, words):
    make_bad_files(here)
    assert cli.run((*arguments, *OFFSCREEN, "--screenshot-to", "a.png")) != 0
    (line,) = told(capsys)
    assert all(word in line for word in words), line
    assert not list(here.glob(".*.part")) and not (here / "ran").exists()


def test_without_gl_one_line_says_what_to_install(here, capsys, monkeypatch):
    import moderngl

    def refuse(**_):
        raise Exception("no driver")

    monkeypatch.setattr(moderngl, "create_standalone_context", refuse)
    assert cli.run(("view", "demo", *OFFSCREEN, "--screenshot-to", "a.png")) == 1
    (line,) = told(capsys)
    assert "no OpenGL 4.1" in line and "nstall" in line
    assert not (here / "a.png").exists()


@pytest.mark.slow
def test_doctor(ctx):
    done = child("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = {line[4:18].strip(): line[:3].strip() for line in done.stdout.splitlines()}
    assert rows["OpenGL"] == rows["GL and torch"] == rows["torch"] == rows["packages"] == "ok"
    assert rows["OpenXR"] == "-"


@pytest.mark.slow
def test_doctor_says_how_pictures_come_from_cuda(ctx, monkeypatch):
    import torch

    from walkin import doctor
    from walkin.network import devices
    from walkin.render import interop

    assert doctor._from_cuda(ctx) == [] or torch.cuda.is_available()
    monkeypatch.setattr(devices, "choose", lambda asked: torch.device("cuda"))

    class Refused:
        def __init__(self, *given: object) -> None:
            raise interop.Unusable("the room is drawn by another device than cuda:0")

    monkeypatch.setattr(interop, "Interop", Refused)
    (row,) = doctor._from_cuda(ctx)
    assert row.state == "-" and row.text.endswith("another device than cuda:0")


def test_doctor_survives_a_driver_that_crashes(monkeypatch, capsys):
    from walkin import doctor

    crash = [sys.executable, "-c", "import os; os.abort()"]
    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **given: popen(crash, **given))
    assert doctor.report() == 1
    assert "no  OpenGL        the process died of SIGABRT" in capsys.readouterr().out


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(ctx):
    source = str(Path(walkin.__file__).parent.parent)
    command = f"{sys.executable} -m walkin networks | head -1"
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stderr == "" and done.stdout.startswith("demo")


@pytest.mark.slow
def test_networks_open_by_name(tmp_path, ctx):
    """Small ones, of each family one; `python benchmarks/networks.py` opens all. What was done is not done again."""
    script = Path(__file__).parent.parent / "benchmarks" / "networks.py"
    command = [sys.executable, str(script), "--small", "--out", str(tmp_path), "--table", str(tmp_path / "table.md")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "17 of 17 opened" in done.stdout
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert again.stdout.splitlines() == ["17 of 17 opened"]
    assert "17 of 17 open." in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(("size", "told_of"), [("much", "no size"), ("5MB", "too little"), ("-1GB", "no size")])
def test_memory_that_is_no_size_or_too_little_is_refused_in_one_line(here, capsys, size: str, told_of: str):
    assert cli.run(("demo", f"--memory={size}")) == 2
    (line,) = told(capsys)
    assert told_of in line


def test_the_readme_lists_the_keys_and_no_option_that_is_not_there(capsys):
    from walkin.interact.acts import sheet

    readme = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", readme, re.MULTILINE)
    assert tuple(rows[1:]) == sheet()
    for command in ("", "view", "info", "networks", "featurevis", "export", "study train"):
        cli.run((*command.split(), "--help"))
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out))
    assert set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", readme)) <= options


@pytest.mark.parametrize("arguments", [("resnt50",), ("net.py:Smal",), ("net.py:Small", "--weights", "gone.pt")])
def test_wrong_usage_found_by_the_worker_is_exit_code_2_too(here, capsys, ctx, arguments):
    assert cli.run((*arguments, *OFFSCREEN, "--screenshot-to", "a.png")) == 2
    assert len(told(capsys)) == 1 and not (here / "a.png").exists()


def test_an_address_that_is_not_there(here, capsys, ctx):
    assert cli.run(("net.py:Small", *OFFSCREEN, "--goto", "nosuch", "--screenshot-to", "a.png")) == 2
    (line,) = told(capsys)
    assert "no node 'nosuch' in Small" in line


@pytest.mark.parametrize(("given", "words"), [("nosuch=0", "no wall nosuch"), ("0/99=0", "8 channels")])
def test_an_intervention_that_does_not_fit(here, capsys, ctx, given, words):
    arguments = ("net.py:Small", *OFFSCREEN, "--intervene", given, "--intervene", "0/1=0", "--screenshot-to", "a.png")
    assert cli.run(arguments) == 2
    (line,) = told(capsys)
    assert f"--intervene: {given} does not fit" in line and words in line


def test_a_camera_without_opencv_says_what_to_install(here, capsys, monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "cv2" else find(name, *more))
    assert cli.run(("view", "demo", "--camera", "0")) == 2
    (line,) = told(capsys)
    assert "pip install 'walkin[camera]'" in line


def photos_in_classes(folder: Path) -> None:
    for name, value in (("cats/one.png", 90), ("cats/two.png", 120), ("dogs/one.png", 200)):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (value, 20, 20)).save(folder / name)
    (folder / "cats" / "broken.png").write_text("no picture")


def test_images_in_folders_of_classes_come_onto_the_shelf_and_the_first_goes_in(here, capsys):
    photos_in_classes(here / "data")
    arguments = ("view", "net.py:Small", "--images", "data", "--screenshot-to", "a.png", *OFFSCREEN)
    assert cli.run(arguments) == 0, capsys.readouterr().err
    picture = np.asarray(Image.open("a.png")).astype(int)
    assert ((picture[..., 0] > 70) & (picture[..., 1] < 40)).sum() > 50, "a red picture hangs at the entrance"
    assert any("broken.png" in line for line in told(capsys)), "what cannot be read is told, and left out"


def test_a_data_set_that_fails_is_told(here, capsys):
    arguments = ("view", "net.py:Small", "--images", "net.py:gone", "--screenshot-to", "a.png", *OFFSCREEN)
    assert cli.run(arguments) in (1, 2)
    assert any("gone" in line for line in told(capsys))
    assert not (here / "a.png").exists()


def test_a_folder_that_is_watched_is_in_the_picture(here, capsys):
    (here / "new").mkdir()
    Image.new("RGB", (32, 32), (30, 220, 30)).save(here / "new" / "a.png")
    arguments = ("view", "net.py:Small", "--watch", "new", "--screenshot-to", "a.png", *OFFSCREEN)
    assert cli.run(arguments) == 0, capsys.readouterr().err
    picture = np.asarray(Image.open("a.png")).astype(int)
    assert ((picture[..., 1] > 100) & (picture[..., 0] < 80) & (picture[..., 2] < 80)).sum() > 50
