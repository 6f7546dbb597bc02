"""walkin featurevis, walkin cache and walkin.visualise: what is written, what is said, and that it goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from growing_nets import small
from PIL import Image
from torch import nn

import walkin
from walkin.cli import run
from walkin.errors import WalkinError
from walkin.network.featurevis.command import expanded, with_changes
from walkin.network.featurevis.recipe import named
from walkin.network.featurevis.writing import Folder, sheet
from walkin.visualised import Visualised

pytestmark = pytest.mark.slow  # pictures grow in nearly all of them

NET = """
import torch
from torch import nn

def make():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 8, 5, padding=2))
"""


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


def featurevis(*arguments: str) -> int:
    usual = ("--input-size", "3,24x24", "--steps", "8", "--device", "cpu", "--out", "out", "--weights", "none")
    return run(["featurevis", "net.py:make", *arguments, *usual])


def index() -> list[dict]:
    return json.loads(Path("out/index.json").read_text())["pictures"]


def test_a_wall_becomes_pictures_a_sheet_and_an_index(here, capfd):
    assert featurevis("0", "2/3", "--seed", "0") == 0
    rows = index()
    assert [(row["address"], row["channel"]) for row in rows] == [*(("0", n) for n in range(6)), ("2", 3)]
    assert {"address", "channel", "file", "activation", "recipe", "steps", "seed", "seconds"} <= set(rows[0])
    assert (rows[0]["recipe"], rows[0]["steps"], rows[0]["seed"]) == ("fourier", 8, 0)
    with Image.open(f"out/{rows[0]['file']}") as picture:
        assert picture.size == (24, 24) and picture.mode == "RGB" and rows[0]["file"] == "0-0000.png"
    assert sorted(path.name for path in Path("out").glob("*-sheet.png")) == ["0-sheet.png", "2-sheet.png"]
    assert "7 pictures, 2 sheets and index.json" in capfd.readouterr().err


def test_the_activation_in_the_index_is_that_of_the_file(here):
    assert featurevis("2/3", "--mean", "0.5", "--std", "0.25") == 0
    (row,) = index()
    with Image.open(f"out/{row['file']}") as picture:
        x = torch.from_numpy(np.array(picture, np.float32) / 255).permute(2, 0, 1)
    namespace: dict = {}
    exec(NET, namespace)
    with torch.no_grad():
        value = namespace["make"]()((x[None] - 0.5) / 0.25)[0, 3].mean()
    assert row["activation"] == pytest.approx(float(value), rel=1e-4)


def test_it_goes_on_where_it_was_and_keeps_what_was_there(here, capfd, monkeypatch):
    assert featurevis("0", "--channels", "0-2") == 0
    before = {path.name: path.read_bytes() for path in Path("out").glob("0-000?.png")}
    made = []
    usual = walkin.network.featurevis.growing._one_batch  # type: ignore[attr-defined]
    monkeypatch.setattr(
        "walkin.network.featurevis.growing._one_batch",
        lambda studio, requests, *rest: made.extend(requests) or usual(studio, requests, *rest),
    )
    assert featurevis("0", "--channels", "0-4") == 0
    assert [request.objective.channel for request in made] == [3, 4]
    assert featurevis("2/1") == 0
    assert [row["file"] for row in index()] == [f"0-000{n}.png" for n in range(5)] + ["2-0001.png"]
    assert all(Path("out", name).read_bytes() == content for name, content in before.items())


def test_recipe_seed_and_copies_are_in_the_name(here):
    assert featurevis("2/1", "--recipe", "pixel", "--seed", "3") == 0
    assert featurevis("2/1 ~2", "2/1 - 2/3", "dream:2") == 0
    names = {row["file"] for row in index()}
    assert names == {"2-0001-pixel-seed3.png", "2~1 ~2-1.png".replace(" ", "~").replace("~~", "~"), *names}
    assert len(names) == 5 and all(set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789~-.=+,") for name in names)


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_ended_midway_it_keeps_what_is_finished_and_says_how_to_go_on(here, sign):
    (here / "net.py").write_text(NET.replace("Conv2d(3, 6", "Conv2d(3, 400").replace("Conv2d(6", "Conv2d(400"))  # hours
    words = ["featurevis", "net.py:make", "0", "--input-size", "3,24x24", "--steps", "120", "--batch", "1"]
    command = [sys.executable, "-m", "walkin", *words, "--weights", "none", "--device", "cpu", "--out", "out"]
    source = Path(walkin.__file__).parent.parent
    running = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(source)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Tests that were begun in the background have it ignored, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not (here / "out").is_dir() or not list((here / "out").glob("*.png")):
        assert running.poll() is None, running.communicate()
        time.sleep(0.01)
    running.send_signal(sign)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130 and "Traceback" not in told
    assert "of 400; the same command goes on" in told and index()


def test_a_recipe_is_saved_and_used_by_its_name(here, capfd, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(here / "config"))
    assert featurevis("2/3", "--set", "rate=0.02", "--save-recipe", "slow") == 0
    assert "--recipe slow from now on" in capfd.readouterr().err
    (row,) = index()
    assert (row["recipe"], row["file"]) == ("slow", "2-0003-slow.png")
    first = Path("out/2-0003-slow.png").read_bytes()
    Path("out/2-0003-slow.png").unlink()
    assert featurevis("2/3", "--recipe", "slow", "--no-cache") == 0
    assert Path("out/2-0003-slow.png").read_bytes() == first


def test_a_damaged_index_is_set_aside(here, capfd):
    Path("out").mkdir()
    Path("out/index.json").write_text("{")
    assert featurevis("2/1") == 0
    assert Path("out/index.json.bad").exists() and len(index()) == 1
    assert "kept as index.json.bad" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (["7"], 2, "no node '7'"),
        (["layer*"], 2, "no node of net matches 'layer*'"),
        (["0/6"], 2, "nearest is 5"),
        (["0", "--channels", "9"], 2, "no channel 9: the nearest is 5"),
        (["0", "--channels", "x"], 2, "is not channels"),
        (["0", "--recipe", "fourrier"], 2, "did you mean fourier"),
        (["0", "--set", "jiter=3"], 2, "did you mean jitter"),
        (["0", "--set", "views=1.5"], 2, "no whole number"),
        (["0", "--steps", "0"], 2, "at least 1"),
        (["0", "--save-recipe", "maco"], 2, "another name"),
        (["0", "--save-recipe", "a/b"], 2, "no name for a recipe"),
        ([], 2, "name an address"),
        (["0/1 from nothing.jpg"], 1, "nothing.jpg"),
    ],
)
def test_what_is_wrong_is_one_line_and_a_code(here, capfd, arguments, code, reason):
    given = [*arguments] if "--steps" not in arguments else arguments
    usual = ["--input-size", "3,24x24", "--device", "cpu", "--out", "out"]
    assert run(["featurevis", "net.py:make", *given, *usual]) == code
    said = capfd.readouterr().err.strip().splitlines()
    assert reason.replace("net ", "") in said[-1].replace("make ", "").replace("net.py:make ", "") or reason in said[-1]
    assert not Path("out/index.json").exists()


def test_a_folder_that_nothing_can_be_written_to_is_refused_before_anything_is_made(here):
    shut = Path("shut")
    shut.mkdir(mode=0o500)
    if os.access(shut, os.W_OK):  # as root
        shut = Path("/proc/self")
        if not shut.exists():
            pytest.skip("no folder that cannot be written to")
    with pytest.raises(WalkinError, match=r"cannot write to .*; name another --out"):
        Folder.open(shut, "net", "none", named("quick"))


def test_the_cache_is_listed_limited_and_cleared(here, capfd):
    assert featurevis("2", "--channels", "0-2") == 0
    assert run(["cache", "list"]) == 0
    assert "3 pictures" in capfd.readouterr().out
    assert run(["cache", "limit", "1KB"]) == 0
    assert "limit 1.0 KB, 3 files let go" in capfd.readouterr().out
    assert run(["cache", "limit", "1GB"]) == 0 and featurevis("2/0") == 0
    assert run(["cache", "clear"]) == 0
    assert "1 file removed" in capfd.readouterr().out and run(["cache", "limit", "lots"]) == 2
    assert featurevis("2/0", "--no-cache") == 0
    capfd.readouterr()
    assert run(["cache", "list"]) == 0 and capfd.readouterr().out.startswith("0 B of at most 1.00 GB")


def test_python_gets_pictures_in_the_order_asked_for_and_the_model_is_left_alone(here):
    model = small().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    shares = []
    found = walkin.visualise(
        model, ["2/5", "0"], [3, 1], steps=8, input_size=24, device="cpu", progress=lambda done, _: shares.append(done)
    )
    assert [one.objective for one in found] == ["2/5", "0/3", "0/1"]
    assert found[0].pixels.shape == (24, 24, 3) and found[0].pixels.dtype == np.uint8
    assert shares == sorted(shares) and model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.requires_grad for parameter in model.parameters())
    again = walkin.visualise(model, "2/5", steps=8, input_size=24, device="cpu", cache=False)
    assert np.array_equal(again[0].pixels, found[0].pixels)
    with pytest.raises(WalkinError, match="a recipe has no 'setps'"):
        walkin.visualise(model, "2/5", setps=8)
    with pytest.raises(WalkinError, match="no node"):
        walkin.visualise(model, "9", steps=8, input_size=24)


def test_maco_has_opacities(here):
    (one,) = walkin.visualise(
        nn.Sequential(nn.Conv2d(3, 4, 5)), "0/1", recipe="maco", steps=4, size=40, views=2, input_size=24, device="cpu"
    )
    assert one.pixels.shape == (40, 40, 4) and one.pixels[..., 3].std() > 5


def test_addresses_with_stars_are_walls(here):
    from growing_nets import loaded

    network = loaded(small())
    assert len(expanded(network, ["*"])) == len(expanded(network, [], everything=True)) == 6 + 8 + 8 + 4
    assert [str(one) for one in expanded(network, ["0", "0/1"], [1, 1, 2])] == ["0/1", "0/2"]
    assert len(expanded(network, ["dream:2", "class:1", "2/1 - 2/3"])) == 3


def test_changes_of_a_recipe_show_in_its_name():
    usual, changed = with_changes("fourier", None, []), with_changes("fourier", None, ["rate=0.2"])
    assert usual.name == with_changes("fourier", 99, []).name == "fourier" and changed.rate == 0.2
    assert changed.name.startswith("fourier-") and changed.name != with_changes("fourier", None, ["rate=0.3"]).name


def test_a_sheet_has_every_picture_and_nothing_is_cut_off():
    pictures = [
        Visualised("a", n, f"a/{n}", np.full((20, 30, 3), (40 + n, 200, 90), np.uint8), 1234.5 * n) for n in range(7)
    ]
    pixels = sheet(pictures, "a network with a very long name " * 4, "below", side=60)
    for n in range(7):
        assert ((pixels == (40 + n, 200, 90)).all(-1)).sum() >= 60 * 40 * 0.9
    paper = pixels[0, 0]
    assert (pixels[:, -3:] == paper).all() and (pixels[-3:] == paper).all()


def test_the_workers_job_grows_pictures_of_a_network_in_the_room(here):
    from walkin.network import jobs
    from walkin.network.jobs import Sessions
    from walkin.requests import Open, Visualise
    from walkin.results import Progress
    from walkin.visualised import GrownTiles

    sessions = Sessions()
    picture = np.full((24, 24, 3), 90, np.uint8)
    opening = Open("net", model=small(), network="k", picture=picture, input_size=(24, 24), device="cpu")
    list(jobs.open_network(sessions, opening, lambda result: None))
    request = Visualise(("2/1", "2/2"), changes=(("steps", 16), ("every", 4)), network="k")
    results = [r for r in jobs.visualise(sessions, request, lambda result: None) if r is not None]
    shown = [r for r in results if isinstance(r, GrownTiles)]
    assert [r.step for r in shown] == [1, 4, 8, 12, 16, 16] and shown[-1].done
    assert [each.channel for each in shown[-1].pictures] == [1, 2]
    assert all(r.network == "k" for r in results)
    etas = [r.eta_s for r in results if isinstance(r, Progress) and r.eta_s is not None]
    assert etas and etas[-1] < 0.5
    again = [r for r in jobs.visualise(sessions, request, lambda result: None) if isinstance(r, GrownTiles)]
    assert [r.done for r in again] == [True, True]
    with pytest.raises(WalkinError, match="no node"):
        list(jobs.visualise(sessions, Visualise(("9/1",), network="k"), lambda result: None))


def test_what_real_pictures_reach_stands_beside_what_these_reach(here, capfd):
    (here / "pics").mkdir()
    for number in range(5):
        pixels = np.random.default_rng(number).integers(0, 50 * (number + 1), (24, 24, 3), np.uint8)
        Image.fromarray(pixels).save(here / "pics" / f"{number}.png")
    (here / "pics" / "bad.png").write_bytes(b"no")
    assert featurevis("0", "2/3", "0/1 - 0/2", "--images", "pics", "--mean", "0.5", "--std", "0.25") == 0
    rows = {row["objective"]: row for row in index()}
    assert "evidence" not in rows["0/1 - 0/2"] and "peak" not in rows["0/1 - 0/2"]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 6, 5, padding=2), nn.ReLU(), nn.Conv2d(6, 8, 5, padding=2))

    def peak(file: Path) -> float:
        """Of channel 3 of the last layer, by a forward of one's own."""
        planes = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
        with torch.no_grad():
            return float(model(((planes - 0.5) / 0.25)[None])[0, 3].max())

    row, beside = rows["2/3"], rows["2/3"]["evidence"]
    reached = sorted((peak(here / "pics" / f"{number}.png") for number in range(5)), reverse=True)
    assert beside["images"] == 5 and beside["largest"] == pytest.approx(reached[0], rel=1e-4)
    assert beside["median"] == pytest.approx(reached[2], rel=2e-3)
    assert [each["value"] for each in beside["top"]] == pytest.approx(reached, rel=1e-4)
    assert peak(Path(beside["top"][0]["image"]["path"])) == pytest.approx(reached[0], rel=1e-4)
    assert row["peak"] == pytest.approx(peak(Path("out") / row["file"]), rel=1e-4)
    assert beside["peak_over_largest"] == pytest.approx(row["peak"] / reached[0], rel=1e-4)
    assert "bad.png" in capfd.readouterr().err
    one = Visualised("2", 3, "2/3", np.zeros((24, 24, 3), np.uint8), 1.0)
    with Image.open("out/2-sheet.png") as with_ratios:
        assert with_ratios.height == len(sheet([one], "title", ratios=[1.0])) > len(sheet([one], "title"))
    assert run(["cache", "list"]) == 0
    listed = capfd.readouterr().out
    assert "evidence" in listed and "1 files" in listed
    assert run(["cache", "clear"]) == 0 and "9 files removed" in capfd.readouterr().out


def test_a_script_is_told_what_real_pictures_reach_as_the_command_is(here, capfd):
    (here / "pics").mkdir()
    items = [np.random.default_rng(number).integers(0, 50 * (number + 1), (24, 24, 3), np.uint8) for number in range(5)]
    for number, pixels in enumerate(items):
        Image.fromarray(pixels).save(here / "pics" / f"{number}.png")
    assert featurevis("2/3", "--images", "pics") == 0
    (row,) = index()
    options = {"steps": 8, "input_size": (3, 24, 24), "device": "cpu", "weights": "none"}
    told: list[float] = []
    one, sum_of_two = walkin.visualise(
        "net.py:make",
        ["2/3", "0/1 - 0/2"],
        images=here / "pics",
        progress=lambda done, left: told.append(done),
        **options,
    )
    assert sum_of_two.beside is None and one.beside is not None and told
    for name in ("images", "of", "largest", "median", "peak_over_largest", "peak_over_median", "fired", "fires"):
        assert getattr(one.beside, name) == row["evidence"][name], name
    assert [value for _, value in one.beside.top] == [each["value"] for each in row["evidence"]["top"]]

    class Items:
        """A data set in Python."""

        def __len__(self) -> int:
            return len(items)

        def __getitem__(self, number: int) -> tuple[np.ndarray, int]:
            return items[number], 0

    (of_items,) = walkin.visualise("net.py:make", "2/3", images=Items(), **options)
    assert of_items.beside is not None and of_items.beside.of == "Items"
    assert of_items.beside.largest == pytest.approx(one.beside.largest)
    assert walkin.visualise("net.py:make", "2/3", **options)[0].beside is None
    for wrong, words in ((here / "nowhere", "there is no folder"), (3, "images: a folder")):
        with pytest.raises(WalkinError, match=words):
            walkin.visualise("net.py:make", "2/3", images=wrong, **options)


def test_classes_have_evidence_too_and_it_is_of_what_comes_before_the_softmax(here):
    (here / "net.py").write_text(
        "import torch\nfrom torch import nn\n\ndef make():\n    torch.manual_seed(0)\n"
        "    return nn.Sequential(nn.Conv2d(3, 4, 5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Softmax(1))\n"
    )
    (here / "pics").mkdir()
    Image.fromarray(np.full((24, 24, 3), 200, np.uint8)).save(here / "pics" / "one.png")
    assert featurevis("class:2", "--images", "pics") == 0
    (row,) = index()
    assert row["evidence"]["fires"] == "value > 0" and len(row["evidence"]["top"]) == 1
