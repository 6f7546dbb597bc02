"""walkin.export: what a script calls writes what the command line writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import walkin
from walkin.errors import WalkinError

SOURCE = Path(__file__).parent.parent / "src"


def net() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3))
    return torch.nn.Sequential(*layers)


def test_a_live_module_is_written_and_left_alone(tmp_path):
    model = net().train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    told = []
    folder = walkin.export(
        model,
        tmp_path / "out",
        image=np.full((20, 20, 3), 90, np.uint8),
        nodes="3",
        parts=("raw", "grey"),
        input_size=20,
        progress=lambda *words: told.append(words),
    )
    assert folder == tmp_path / "out" and model.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    manifest = json.loads((folder / "manifest.json").read_text())
    (node,) = manifest["nodes"]
    assert node["address"] == "3" and sorted(node["files"]) == ["grey", "raw"]
    copy = net().eval()
    x = torch.full((1, 3, 20, 20), 90 / 255)
    held = np.load(folder / node["files"]["raw"])["values"]
    assert held.shape == copy(x).shape
    assert told and all(len(words) == 3 for words in told)


@pytest.mark.slow
def test_all_that_was_asked_for_is_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    torch.manual_seed(0)
    layers = (torch.nn.Conv2d(3, 4, 3), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 6))
    picture = np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8)
    folder = walkin.export(
        torch.nn.Sequential(*layers),
        tmp_path / "out",
        image=picture,
        nodes=["0", "3"],
        channels=True,
        visualise="quick",
        visualise_seed=5,
        colors="grey",
        color_range="wall",
        top=2,
        classes=3,
        input_size=20,
        labels=[f"class {number}" for number in range(6)],
    )
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["colours"] == {"map": "grey", "range": "wall"} and len(manifest["classes"]) == 3
    first = manifest["nodes"][0]
    assert [node["address"] for node in manifest["nodes"]] == ["0", "3"] and len(first["top"]) == 2
    assert {(row["recipe"], row["seed"]) for row in first["visualisations"]["channels"]} == {("quick", 5)}
    assert len(list((folder / first["files"]["channels"]).iterdir())) == 8  # in grey and in colours
    np.testing.assert_array_equal(np.asarray(Image.open(folder / "input.png")), picture)


def test_what_is_wrong_is_said_before_anything_is_computed(tmp_path):
    for asked, words in (
        ({"parts": ("colours",)}, "parts='colours'"),
        ({"colors": "blue"}, "colors='blue'"),
        ({"color_range": "all"}, "color_range='all'"),
        ({"visualise": "furier"}, "did you mean fourier"),
        ({"fold": "thrice"}, "fold='thrice'"),
    ):
        with pytest.raises(WalkinError, match=words):
            walkin.export(net(), tmp_path / "out", **asked, progress=lambda *words: pytest.fail(f"it began: {words}"))
    with pytest.raises(WalkinError, match="Module"):
        walkin.export(3, tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_script_and_the_command_line_write_the_same(tmp_path):
    (tmp_path / "net.py").write_text(
        "import torch\ndef net():\n    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 2, 3))\n"
    )
    script = (
        "import walkin\n"
        f"print(walkin.export({str(tmp_path / 'net.py') + ':net'!r}, {str(tmp_path / 'a')!r}, input_size=32))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    words = ["export", f"{tmp_path / 'net.py'}:net", "--input-size", "32x32", "--out", str(tmp_path / "b")]
    for command in ([sys.executable, "-c", script], [sys.executable, "-m", "walkin", *words]):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert Path(done.stdout.strip()).is_dir()
    names = [
        sorted(str(file.relative_to(tmp_path / each)) for file in (tmp_path / each).rglob("*") if file.is_file())
        for each in "ab"
    ]
    assert names[0] == names[1] and len(names[0]) > 8
    for name in names[0]:
        one, two = ((tmp_path / each / name).read_bytes() for each in "ab")
        if name not in ("manifest.json", "index.html"):  # these say when
            assert one == two, name
