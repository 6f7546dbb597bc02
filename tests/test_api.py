"""What a script calls: the room, the graph and the values of a live module, which is left as it was."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import walkin
from walkin.errors import WalkinError


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    )


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "pictures"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def look(model, **options):
    """A small room, drawn once; its picture."""
    walkin.view(model, **{"target": "offscreen", "size": (320, 200), "screenshot_to": "a.png", **options})
    with Image.open("a.png") as picture:
        return np.asarray(picture.convert("RGB"))


def test_public_names():
    functions = {"activations", "difference", "export", "on_select", "panel", "trace", "view", "visualise"}
    assert set(walkin.__all__) == {"Intervention", "Room", "WalkinError", "__version__", "nn"} | functions
    assert set(walkin.__all__) <= set(dir(walkin))
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        walkin.nothing_of_the_kind  # noqa: B018


def test_importing_walkin_loads_nothing_heavy():
    heavy = ("numpy", "torch", "moderngl", "glfw", "PIL", "imgui_bundle", "xr")
    code = f"import sys, walkin; dir(walkin); print([name for name in {heavy} if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_live_module_is_shown_and_left_as_it_was(here, ctx):
    model = small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    requires = [parameter.requires_grad for parameter in model.parameters()]
    threads, interval_s = torch.get_num_threads(), sys.getswitchinterval()
    picture = look(model, input_size=32, labels=["ant", "bee", "cat", "dog"])
    assert picture.shape == (200, 320, 3) and picture.std() > 5
    assert model.training and all(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [parameter.requires_grad for parameter in model.parameters()] == requires
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    assert torch.get_num_threads() == threads and sys.getswitchinterval() == interval_s
    assert torch.is_grad_enabled() and threading.active_count() == 1 + len(alien_threads())


def alien_threads() -> list[threading.Thread]:
    """Threads of other tests and libraries: of walkin's own there may be none left."""
    others = [thread for thread in threading.enumerate() if thread is not threading.main_thread()]
    assert not [thread.name for thread in others if thread.name.startswith("walkin")]
    return others


@pytest.mark.parametrize("form", ["path", "Path", "folder", "array", "float", "tensor", "batch", "PIL", "list"])
def test_forms_of_images(here, ctx, form, capsys):
    pixels = np.full((40, 60, 3), (200, 30, 30), np.uint8)
    Image.fromarray(pixels).save(here / "red.png")
    (here / "folder").mkdir()
    Image.fromarray(pixels).save(here / "folder" / "red.png")
    tensor = torch.from_numpy(pixels).permute(2, 0, 1) / 255
    given = {
        "path": "red.png",
        "Path": here / "red.png",
        "folder": "folder",
        "array": pixels,
        "float": pixels / 255,
        "tensor": tensor,
        "batch": torch.stack([tensor, tensor]),
        "PIL": Image.fromarray(pixels),
        "list": ["red.png", pixels, tensor],
    }[form]
    picture = look(small(), images=given, input_size=32).astype(int)
    redness = picture[..., 0] - picture[..., 1:].max(axis=2)
    assert ((redness > 100) & (picture[..., 0] > 150)).sum() > 100, "the red picture hangs at the entrance"


def test_pictures_that_are_no_files_are_kept_exactly_and_go_in_the_end(here):
    from contextlib import ExitStack

    from walkin.api.given import files_of

    pixels = np.random.default_rng(0).integers(0, 255, (9, 7, 3), np.uint8)
    with ExitStack() as stack:
        files = files_of([pixels, torch.from_numpy(pixels).permute(2, 0, 1)], stack)
        assert len(files) == 2
        for file in files:
            assert np.array_equal(np.asarray(Image.open(file)), pixels)
    assert not any(Path(file).exists() for file in files)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model_or_name": 42}, "an int is no nn.Module"),
        ({"model_or_name": None}, "no nn.Module"),
        ({"fold": "thrice"}, "ops, layers, blocks"),
        ({"target": "moon"}, "auto, desktop, offscreen"),
        ({"images": "gone.jpg"}, "no file or folder gone.jpg"),
        ({"images": []}, "images is empty"),
        ({"images": np.zeros((3, 4, 5, 6, 7))}, "no picture: its shape is"),
        ({"images": object()}, "no picture"),
        ({"input_size": "big"}, "input_size='big'"),
        ({"mean": "a"}, "mean='a'"),
        ({"screenshot_to": "gone/a.png"}, "no folder gone"),
        ({"block": False}, "block=False"),
        ({"layout": "spirla"}, "layout='spirla': one of line, spiral is wanted"),
        ({"scene": "gone/a.walkin.json"}, "no folder gone"),
        ({"model_or_name": "demo", "scene": "gone.walkin.json"}, "no file gone.walkin.json"),
    ],
)
def test_what_is_wrong_is_said_before_a_room_is_made(here, arguments, words):
    options = {"model_or_name": small(), "target": "offscreen", "screenshot_to": "a.png", **arguments}
    with pytest.raises(WalkinError) as refusal:
        walkin.view(options.pop("model_or_name"), **options)
    assert words in str(refusal.value) and "\n" not in str(refusal.value)
    assert not Path("a.png").exists()


def test_a_network_that_fails_raises_and_leaves_no_thread(here, ctx):
    with pytest.raises(WalkinError, match="does not run on an input of shape 1x3x1x1"):
        look(small(), input_size=1)
    alien_threads()


def test_a_wrapped_module_is_called_by_its_own_name(here, ctx, capsys):
    look(nn.DataParallel(small()), input_size=32)
    assert "Sequential: 4 nodes" in capsys.readouterr().err


@pytest.mark.slow
def test_light_and_layout_are_seen_and_a_scene_brings_both_and_the_pictures_that_were_given(here, ctx, capsys):
    dark, light = (float(look(small(), input_size=32, light=on).mean()) for on in (False, True))
    assert light > dark + 60
    picture = np.random.default_rng(5).integers(0, 255, (32, 32, 3), np.uint8)
    options = {"input_size": 32, "target": "offscreen", "block": False}
    with walkin.view(small(), images=[picture], light=True, layout="spiral", **options) as room:
        room.screenshot("b.png")
        room.save("a.walkin.json")
        while not Path("a.walkin.json").exists():
            time.sleep(0.05)
    capsys.readouterr()
    with walkin.view(small(), scene="a.walkin.json", layout="line", **options) as room:
        room.screenshot("b.png")
        assert room._app is not None
        world = room._app.world
        assert (world.look.light, world.look.layout.kind) == (True, "line")
        assert world.picture is not None and (world.picture.pixels == picture).all()
    assert "gone" not in capsys.readouterr().err
    said_now = {"fold": "ops", "interventions": ["0/3=0"]}
    with walkin.view(small(), scene="a.walkin.json", images=[255 - picture], **said_now, **options) as room:
        room.screenshot("b.png")
        assert room._app is not None
        world = room._app.world
        assert world.network is not None and world.network.fold == "ops"
        assert world.picture is not None and (world.picture.pixels == 255 - picture).all()
        assert [each.address for each in world.exhibits[0].interventions] == ["0"]
    with pytest.raises(WalkinError, match="is a scene of Sequential, and Linear was given"):
        walkin.view(nn.Linear(3, 3), scene="a.walkin.json", target="offscreen", screenshot_to="c.png")
    with pytest.raises(WalkinError, match="only that script can take it up"):
        walkin.view(scene="a.walkin.json", target="offscreen", screenshot_to="c.png")


def test_what_is_to_be_changed_joins_what_a_scene_has(here, ctx):
    options = {"input_size": 32, "target": "offscreen", "block": False}
    model = small()
    with walkin.view(model, interventions=["0/1=0"], **options) as room:
        room.save("a.walkin.json")
        while not Path("a.walkin.json").exists():
            time.sleep(0.05)
    with walkin.view(model, scene="a.walkin.json", interventions=["0/2=*3", "0/1=*2"], **options) as room:
        room.screenshot("b.png")
        assert room._app is not None
        assert list(map(str, room._app.world.here.interventions)) == ["0/1=*2", "0/2=*3"]
        assert room._app.world.here.intervened.problems == ("", "")


@pytest.mark.parametrize("form", ["path", "Path", "array", "tensor", "image"])
def test_forms_of_pictures_that_values_are_taken_from(here, ctx, form):
    pixels = np.random.default_rng(5).integers(0, 255, (32, 32, 3), np.uint8)
    Image.fromarray(pixels).save("other.png")
    picture = {
        "path": "other.png", "Path": Path("other.png"), "array": pixels, "image": Image.fromarray(pixels),
        "tensor": torch.from_numpy(pixels).permute(2, 0, 1),
    }[form]  # fmt: skip
    model, swap = small(), walkin.Intervention("0", act="swap", picture=picture)
    options = {"input_size": 32, "mean": 0.5, "std": 0.25}
    tensor = (torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255 - 0.5) / 0.25
    theirs = walkin.activations(model.eval(), tensor, nodes="0")["0"]
    folder = walkin.export(model, "out", interventions=[swap], nodes="0", parts=["raw"], **options)
    assert np.allclose(np.load(next(folder.rglob("*.npz")))["values"], theirs.numpy(), atol=1e-5)
    with walkin.view(model, interventions=[swap], target="offscreen", block=False, **options) as room:
        room.screenshot("b.png")
        app = room._app
        assert app is not None and app.world.here.intervened.problems == ("",)
        before = app.world.walls["0"].tiles
        room.act("take_back")
        room.act("intervene", swap)
        room.screenshot("b.png")
        after = app.world.walls["0"].tiles
        assert np.allclose(before.low, after.low, atol=1e-6) and np.allclose(
            after.high[0], theirs[0, 0].max(), atol=1e-5
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"interventions": ["9/1=0"]}, "9/1=0 does not fit: no wall 9"),
        ({"interventions": ["0/88=0"]}, "0/88=0 does not fit: it has 8 channels, from 0 on"),
        ({"goto": "nowhere"}, "goto: no node 'nowhere' in Sequential"),
    ],
)
def test_a_picture_that_would_be_another_than_was_asked_for_says_why_there_is_none(here, ctx, options, words):
    with pytest.raises(WalkinError) as problem:
        walkin.view(small(), input_size=32, target="offscreen", screenshot_to="a.png", **options)
    assert str(problem.value).startswith(words) and problem.value.code == 2


def test_a_swap_with_what_is_no_picture_is_one_line(here, ctx):
    wrong = ((object(), "no picture"), ("nowhere.png", "there is no file"), (torch.ones(7, 7, 7), "shape"))
    for picture, words in wrong:
        swap = walkin.Intervention("0", act="swap", picture=picture)
        with pytest.raises(WalkinError, match=words):
            walkin.view(small(), interventions=[swap], target="offscreen", screenshot_to="a.png")
        with pytest.raises(WalkinError, match=words):
            walkin.export(small(), "out", interventions=[swap])
    assert not Path("out").exists()


@pytest.mark.slow
def test_rooms_can_be_opened_one_after_the_other(here, ctx):
    """Pictures on the shelf come in any order, hence lie elsewhere on their page; none may show of its neighbours."""
    first = look(small(), input_size=32).astype(int)
    assert (
        np.abs(first - look(small(), input_size=32)).max() <= 1
    )  # what a place on a page does to a coordinate's rounding


def test_trace_gives_the_graph():
    model = small()
    network = walkin.trace(model, torch.zeros(1, 3, 32, 32))
    assert [node.address for node in network] == ["input", "0", "3", "5"]
    assert [node.address for node in walkin.trace(model, torch.zeros(1, 3, 32, 32), fold="ops")][:4] == [
        "input", "0", "1", "2",
    ]  # fmt: skip
    assert network.find("0").shape == (1, 8, 15, 15)
    assert list(network.to_networkx().edges) == [("input", "0"), ("0", "3"), ("3", "5")]
    with pytest.raises(WalkinError, match="does not run"):
        walkin.trace(model, torch.zeros(1, 2, 32, 32))
    with pytest.raises(WalkinError, match=r"no nn\.Module"):
        walkin.trace(torch.relu, torch.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(WalkinError, match="fold="):
        walkin.trace(model, torch.zeros(1, 3, 32, 32), fold="thrice")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["trace", "activations"])
def test_a_call_without_what_the_network_is_called_with_says_so(what: str):
    class Constant(torch.nn.Module):
        def forward(self) -> torch.Tensor:
            return torch.ones(1, 3)

    with pytest.raises(WalkinError) as refused:
        getattr(walkin, what)(torch.nn.Linear(2, 3))
    assert str(refused.value) == f"{what}: give what Linear is called with: walkin.{what}(model, x)"
    assert walkin.trace(Constant()).notes == ("nothing that was computed depends on an input",)


def test_trace_by_name():
    network = walkin.trace("demo", fold="blocks")
    assert network.name == "demo" and network.fold == "blocks" and len(network) > 10
    with pytest.raises(WalkinError, match="takes no inputs"):
        walkin.trace("demo", torch.zeros(1, 3, 224, 224))


def test_activations_are_exact_copies():
    model = small().eval()
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    values = walkin.activations(model, x, nodes=["0", "5"])
    with torch.no_grad():
        assert torch.equal(values["0"], model[:3](x)) and torch.equal(values["5"], model(x))
    assert list(values) == ["0", "5"]
    assert set(walkin.activations(model, x)) >= {"0", "3", "5"}
    with pytest.raises(WalkinError, match="no node '9'"):
        walkin.activations(model, x, nodes="9")


def test_a_networks_random_numbers_are_its_own():
    """Looking at a network draws none of the caller's random numbers."""
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(4, 2)).train()
    torch.manual_seed(3)
    wanted = torch.rand(3)
    torch.manual_seed(3)
    walkin.trace(model, torch.ones(1, 4))
    assert torch.equal(torch.rand(3), wanted)


class Photos:
    """A data set as torch has them: items by number, with a class each."""

    classes = ("ant", "bee")

    def __len__(self) -> int:
        return 5

    def __getitem__(self, index: int):
        if index == 3:
            raise OSError("no such item")
        return Image.new("RGB", (32, 32), (200, 30, 30)), index % 2


def test_a_data_set_comes_onto_the_shelf_and_its_first_picture_goes_in(here, ctx):
    picture = look(small(), images=Photos(), input_size=32).astype(int)
    redness = picture[..., 0] - picture[..., 1:].max(axis=2)
    assert ((redness > 100) & (picture[..., 0] > 150)).sum() > 100


def test_a_data_set_that_is_none_is_refused(here, ctx):
    class Empty(Photos):
        def __len__(self) -> int:
            return 0

    with pytest.raises(WalkinError, match="Empty is empty"):
        look(small(), images=Empty(), input_size=32)
