"""An export of what was changed, and of a difference: exact values, and a manifest that says so."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from test_jobs import of, opened, run

import walkin
from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.network import jobs
from walkin.picture_source import Noise
from walkin.requests import Compare, Feed, Intervene, State
from walkin.results import Exported

MODEL = """
import torch


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two, self.end = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 5, 3), torch.nn.Linear(5, 3)

    def forward(self, x):
        return self.end(self.two(self.one(x)).mean((2, 3)))
"""


def raw(folder: Path, manifest: dict, address: str) -> np.ndarray:
    node = next(node for node in manifest["nodes"] if node["address"] == address)
    return np.load(folder / node["files"]["raw"])["values"]


@pytest.fixture
def net(tmp_path: Path) -> str:
    (tmp_path / "net.py").write_text(MODEL)
    return f"{tmp_path / 'net.py'}:Net"


def test_the_command_line_changes_what_is_exported(net: str, tmp_path: Path, capsys):
    from walkin.cli import run as walkin_cli

    out = tmp_path / "out"
    flags = ["--weights", "none", "--input-size", "32x32", "--intervene", "one/1,3=0", "--intervene", "two=*0.5"]
    assert walkin_cli(["export", net, "--out", str(out), *flags]) == 0
    manifest = json.loads((out / "manifest.json").read_text())
    assert [each["text"] for each in manifest["interventions"]] == ["one/1,3=0", "two=*0.5"]
    assert [each["words"] for each in manifest["interventions"]] == ["one/1,3 off", "two × 0.5"]
    assert manifest["interventions"][0]["channels"] == [1, 3] and manifest["interventions"][0]["problem"] is None
    assert len(manifest["effects"]) == 3 and manifest["difference"] is None
    assert float(np.abs(raw(out, manifest, "one")[:, [1, 3]]).max()) == 0.0
    plain = tmp_path / "plain"
    assert walkin_cli(["export", net, "--out", str(plain), *flags[:4]]) == 0
    whole = json.loads((plain / "manifest.json").read_text())
    assert np.array_equal(raw(out, manifest, "one")[:, 2], raw(plain, whole, "one")[:, 2])
    assert not np.array_equal(raw(out, manifest, "end"), raw(plain, whole, "end"))
    assert whole["interventions"] == [] and whole["effects"] == []
    capsys.readouterr()


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("nowhere=0", "no wall nowhere"),
        ("oen=0", "no wall oen as the network is cut now; did you mean one"),
        ("one/9=0", "it has 4 channels"),
        ("one=7", "says nothing of what is to be changed"),
        ("one=swap:not-there.png", "there is no file not-there.png"),
    ],
)
def test_what_does_not_fit_is_no_export(net: str, tmp_path: Path, capsys, what: str, words: str):
    from walkin.cli import run as walkin_cli

    code = walkin_cli(["export", net, "--weights", "none", "--out", str(tmp_path / "out"), "--intervene", what])
    said = capsys.readouterr().err.strip().splitlines()
    assert code == 2 and words in said[-1]
    assert not (tmp_path / "out").exists()


def test_a_difference_is_exported_as_it_is_seen(tmp_path: Path):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3)).eval()
    sessions, _ = opened(model)
    session = sessions.by_key[""]
    first = session.inputs[0].clone()
    source = session.shown.fed.source
    run(jobs.compare, sessions, Compare(State(source)))
    run(jobs.feed, sessions, Feed(Noise("gaussian", 3)))
    run(jobs.intervene, sessions, Intervene(()))
    sent = run(jobs.export, sessions, Export(str(tmp_path / "out"), parts=("raw", "colour")))
    assert of(Exported, sent)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    a, b = (walkin.activations(model, x) for x in (first, session.inputs[0]))
    for address in ("0", "2"):
        wanted = (a[address] - b[address]).numpy()
        assert np.array_equal(raw(tmp_path / "out", manifest, address), wanted)
        found = next(each for each in manifest["difference"]["nodes"] if each["address"] == address)
        assert found["relative"] > 0.01
    assert manifest["difference"]["values"] == "A - B"


def test_from_python(net: str, tmp_path: Path):
    folder = walkin.export(net, tmp_path / "out", weights="none", parts=("raw",), interventions=["one/0=*2"])
    assert json.loads((folder / "manifest.json").read_text())["interventions"][0]["factor"] == 2.0
    with pytest.raises(WalkinError, match="none; walkin"):
        walkin.export(net, tmp_path / "no", weights="none", interventions=[3])  # type: ignore[list-item]


def test_difference_of_two_states():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 3)).eval()
    x, y = torch.randn(2, 1, 3, 8, 8)
    same = walkin.difference(model, x, x.clone())
    assert [each.relative for each in same.values()] == [0.0] * len(same)
    changed = walkin.difference(model, x, interventions=["0/1=0"])
    assert changed["input"].relative == 0.0 and changed["0"].relative > 0 and changed["2"].relative > 0
    assert changed["0"].channels[[0, 2, 3]].tolist() == [0.0, 0.0, 0.0] and changed["0"].channels[1] > 0
    one, two = walkin.difference(model, x, y), walkin.difference(model, y, x)
    assert [e.relative for e in one.values()] == pytest.approx([e.relative for e in two.values()])
    assert all(0 < each.relative <= 2 for each in one.values())
    with pytest.raises(WalkinError, match="B is A"):
        walkin.difference(model, x)
    with pytest.raises(WalkinError, match=r"differ in the shapes of input, 0.*there is no A - B"):
        walkin.difference(model, x, x[..., :-2])
