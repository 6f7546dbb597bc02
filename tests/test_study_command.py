"""walkin study: training, report and room from the command line, on a few drawn pictures; and what it refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import walkin
from walkin import cli
from walkin.errors import WalkinError
from walkin.network.feeding.datasets import open_pictures
from walkin.network.loading.loaded import load
from walkin.study import keeping
from walkin.study.data import Data
from walkin.study.data import read as read_data
from walkin.study.plan import read_study
from walkin.study.recipe import Recipe
from walkin.study.showing import TestSet, networks
from walkin.study.stand_in import write_stand_in

FEW = (
    "--models",
    "covid_resnet_small",
    "--variants",
    "clean,random",
    "--epochs",
    "1",
    "--batch",
    "8",
    "--device",
    "cpu",
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stand_in(tmp_path_factory.mktemp("standin") / "pictures", each=4)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """Four networks, and their report."""
    out = tmp_path_factory.mktemp("study")
    few = ["--data", str(pictures), "--kind", "standin", "--seeds", "2", *FEW]
    assert cli.run(["study", "train", "--out", str(out), *few]) == 0
    assert cli.run(["study", "report", "--out", str(out), "--device", "cpu"]) == 0
    return out


class Page(HTMLParser):
    """What a page would fetch, and its ids."""

    def __init__(self, text: str):
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("src", "href", "xlink:href") and value and not value.startswith(("data:", "#")):
                self.fetched.append(value)
            if name == "id" and value:
                self.ids.append(value)


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


@pytest.mark.slow
def test_a_study_leaves_networks_tables_plots_and_a_page_that_needs_nothing(study: Path):
    names = {f"covid_resnet_small-{variant}-seed{seed}" for variant in ("clean", "random") for seed in (0, 1)}
    assert {file.name.removesuffix(keeping.ENDING) for file in (study / "standin").glob("*.safetensors")} == names
    report = study / "report"
    assert sorted(entry.name for entry in study.iterdir()) == ["report", "standin"]
    accuracy = rows(report / "accuracy-seeds.csv")
    assert len(accuracy) == 4
    for row in accuracy:
        assert float(row["gap"]) == pytest.approx(float(row["train"]) - float(row["test"]), abs=1e-5)
    spread = rows(report / "accuracy.csv")
    assert [(row["variant"], row["seeds"]) for row in spread] == [("clean", "2"), ("random", "2")]
    changes = rows(report / "changes-seeds.csv")
    assert all(row["agreement"] == "1.0" for row in changes if row["family"] == "none")
    assert len({row["family"] for row in changes}) == 8 and {row["set"] for row in changes} == {"train", "test"}
    what = {row["of"] for row in rows(report / "high.csv")}
    assert what == {"filters", "gradients, train", "gradients, test", "visualisations", "pictures"}
    layers = {row["layer"] for row in rows(report / "responses.csv")}
    assert len(layers) >= 6
    plots = sorted(file.stem for file in report.glob("*.svg"))
    assert len(plots) == 7 and plots == sorted(file.stem for file in report.glob("*.png"))
    page = Page((report / "index.html").read_text(encoding="utf-8"))
    assert page.fetched == [] and len(page.ids) == len(set(page.ids)) > 100
    text = (report / "index.html").read_text(encoding="utf-8")
    assert "Do networks that memorise have high-frequency features?" in text
    assert "hang on where exactly pixels lie?" in text


@pytest.mark.slow
def test_a_second_time_nothing_is_trained_or_measured_again(study: Path, pictures: Path, capsys):
    files = sorted((study / "standin").glob("*covid*"))
    assert len(files) == 8
    times = [file.stat().st_mtime_ns for file in files]
    again = ["study", "train", "--out", str(study), "--data", str(pictures), "--kind", "standin", "--seeds", "2", *FEW]
    assert cli.run(again) == 0
    assert "4 of 4 networks are trained already" in capsys.readouterr().err
    assert cli.run(["study", "report", "--out", str(study), "--device", "cpu"]) == 0
    assert capsys.readouterr().out.strip() == str(study / "report" / "index.html")
    assert [file.stat().st_mtime_ns for file in files] == times
    assert cli.run([*again[:-1], "cpu", "--epochs", "2"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "another recipe (epochs 1, now 2)" in said[0]
    assert read_study(study / "standin").setting.epochs == 1


@pytest.mark.slow
def test_other_pictures_are_not_mixed_in(study: Path, tmp_path: Path, capsys):
    other = write_stand_in(tmp_path / "pictures", each=5)
    assert cli.run(["study", "train", "--out", str(study), "--data", str(other), "--kind", "standin", *FEW]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "is a study of other pictures" in said[0]
    assert cli.run(["study", "report", "--out", str(study), "--data", str(other)]) == 1
    assert "are not those that" in capsys.readouterr().err


@pytest.mark.slow
def test_the_room_opens_them_with_the_training_s_classes_and_pictures(study: Path):
    requests = networks(study)
    assert [Path(str(request.weights)).name for request in requests] == [
        "covid_resnet_small-clean-seed0.safetensors",
        "covid_resnet_small-random-seed0.safetensors",
    ]
    job = load(requests[0])
    while True:
        try:
            next(job)
        except StopIteration as end:
            loaded = end.value
            break
    root = read_study(study / "standin").root
    assert root is not None
    (data,) = (step for step in read_data("standin", root) if isinstance(step, Data))
    assert loaded.name == "covid_resnet_small, clean"
    assert loaded.labels == data.classes and loaded.preprocess == data.preprocess
    shelf = TestSet(str(study / "standin"))
    assert len(shelf) == len(data.split.test) == 8 and shelf.files == [str(data.files[n]) for n in data.split.test]
    assert requests[0].image == shelf.files[0]


def test_what_the_room_of_a_study_is_told_goes_into_its_networks(study: Path, monkeypatch: pytest.MonkeyPatch):
    found: list[Any] = []
    monkeypatch.setattr("walkin.opening.stay", lambda visit, requests: found.append((visit, requests)) or 0)
    said = ["--image", "mine.png", "--fold", "blocks", "--device", "cpu", "--goto", "layer2", "--from", "bird"]
    assert cli.run(["study", "view", "--out", str(study), "--seed", "1", *said]) == 0
    ((visit, requests),) = found
    assert {(each.image, each.fold, each.device) for each in requests} == {("mine.png", "blocks", "cpu")}
    assert len(requests) == 2 and all("seed1" in str(each.weights) for each in requests)
    assert (visit.goto, visit.seen_from) == ("layer2", "bird") and visit.images == requests[0].images


@pytest.mark.slow
def test_the_room_shows_them_side_by_side(study: Path, tmp_path: Path):
    picture = tmp_path / "room.png"
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent), "HOME": str(tmp_path)}
    command = [sys.executable, "-m", "walkin", "study", "view", "--out", str(study), "--target", "offscreen"]
    done = subprocess.run(
        [*command, "--screenshot-to", str(picture)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert Image.open(picture).size == (1280, 720)


def report(out: Path, *more: str) -> int:
    return cli.run(["study", "report", "--out", str(out), "--device", "cpu", *more])


@pytest.mark.slow
def test_a_report_takes_the_place_of_a_report_and_of_nothing_else(study: Path, tmp_path: Path, capsys):
    out = Path(shutil.copytree(study, tmp_path / "out"))
    (out / "report" / ".DS_Store").write_text("of a Mac's Finder")
    assert report(out) == 0
    for name, holds in (("thesis.tex", "mine"), ("index.html", "<title>My thesis</title>")):
        shutil.rmtree(out / "report")
        (out / "report").mkdir()
        (out / "report" / name).write_text(holds)
        capsys.readouterr()
        assert report(out) == 1
        (line,) = capsys.readouterr().err.splitlines()  # and nothing was measured
        assert name in line and "nothing of ours" in line
        assert (out / "report" / name).read_text() == holds


@pytest.mark.slow
def test_of_a_model_the_variants_that_there_are_are_shown(study: Path, tmp_path: Path):
    out = Path(shutil.copytree(study, tmp_path / "out"))
    for file in out.rglob("*random-seed0*"):
        file.unlink()
    (one,) = networks(out, "covid_resnet_small")
    assert "clean-seed0" in str(one.weights)
    with pytest.raises(WalkinError, match=r"random with seed 0 is not trained; there is covid_resnet_small clean$"):
        networks(out, variants="random")
    with pytest.raises(WalkinError, match="covid_densenet_small clean with seed 0 is not trained"):
        networks(out, "covid_densenet_small")


@pytest.mark.slow
def test_a_study_of_two_data_sets(study: Path, pictures: Path, tmp_path: Path, capsys):
    out = Path(shutil.copytree(study, tmp_path / "out"))
    for name in ("COVID", "non-COVID"):
        (tmp_path / "scans" / name).mkdir(parents=True)
        for number in range(5):
            pixels = np.random.default_rng(number).integers(0, 255, (30, 40), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "scans" / name / f"{number}.png")
    begun = out / "sars-cov-2" / "study.json"
    begun.parent.mkdir()
    held = json.loads((out / "standin" / "study.json").read_text())
    begun.write_text(json.dumps({**held, "kind": "sars-cov-2", "data": "somewhere"}))
    # Nothing is trained of one: what is there of the other is reported, and shown.
    assert report(out) == 0
    assert f"no network is trained in {out / 'sars-cov-2'} yet" in capsys.readouterr().err
    assert "standin" in networks(out)[0].images
    shutil.rmtree(begun.parent)
    few = (*FEW, "--variants", "clean", "--batch", "4", "--seeds", "1")
    scans = ("--data", str(tmp_path / "scans"), "--kind", "sars-cov-2")
    assert cli.run(["study", "train", "--out", str(out), *few, *scans]) == 0
    setting = json.loads(begun.read_text())["setting"] | {"pictures": 2, "visualised": 1, "steps": 1}
    begun.write_text(json.dumps(json.loads(begun.read_text()) | {"setting": setting}))
    assert "sars-cov-2" in networks(out)[0].images and "standin" in networks(out, kind="standin")[0].images
    with pytest.raises(WalkinError, match=r"--kind caltech101 is not in .*: there is sars-cov-2, standin"):
        networks(out, kind="caltech101")
    # The pictures of one have been moved.
    study_file = out / "standin" / "study.json"
    study_file.write_text(json.dumps({**json.loads(study_file.read_text()), "data": str(tmp_path / "gone")}))
    moved = networks(out, kind="standin", data=pictures)[0]
    assert str(moved.image).startswith(str(pictures)) and len(open_pictures(moved.images).catalogue().classes) == 8
    capsys.readouterr()
    for arguments, code, words in (
        ((), 2, ("--data", "no folder", "gone")),
        (("--data", str(pictures)), 2, ("the pictures of which", "--kind sars-cov-2 or --kind standin")),
        (("--data", str(pictures), "--kind", "caltech101"), 2, ("is not in this study", "sars-cov-2, standin")),
        (("--kind", "standin"), 2, ("say with --data",)),
    ):
        assert report(out, *arguments) == code
        line = capsys.readouterr().err.splitlines()[-1]
        assert all(word in line for word in words), line
    assert report(out, "--data", str(pictures), "--kind", "standin") == 0
    assert {row["data"] for row in rows(out / "report" / "accuracy.csv")} == {"sars-cov-2", "standin"}


@pytest.mark.slow
def test_the_report_tells_all_numbers_that_networks_were_trained_with(study: Path, pictures: Path, tmp_path: Path):
    out = Path(shutil.copytree(study, tmp_path / "out"))
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert "1 epochs, batches of 8; " in page and "noise of deviation" not in page and "Note:" not in page
    more = ("--variants", "noise", "--alpha", "0.25", "--ratio", "1", "--rate", "0.01", "--seeds", "1")
    where = ("--data", str(pictures), "--kind", "standin")
    assert cli.run(["study", "train", "--out", str(out), *where, *FEW, *more]) == 0
    assert report(out) == 0
    page = (out / "report" / "index.html").read_text(encoding="utf-8")
    assert "largest rate 0.001 or 0.01, " in page and "noise of deviation 0.25 on 1 copies" in page
    assert "Note: not all networks were trained with the same numbers" in page


@pytest.mark.slow
def test_a_file_that_came_there_in_another_way_counts_for_nothing(study: Path, tmp_path: Path, capsys):
    out = Path(shutil.copytree(study, tmp_path / "out"))
    path = out / "standin" / "covid_resnet_small-clean-seed0.safetensors"
    path.with_name(f"._{path.name}").write_bytes(b"a Mac's, beside each file on a stick")
    assert report(out) == 0
    kept = keeping.read(path)
    recipe = Recipe(**kept.recipe)
    for other, name, words in (
        (recipe, "covid_resnet_small-clean-seed0 copy", "holds covid_resnet_small-clean-seed0, and its name"),
        (replace(recipe, seed=7, by_subject=True), "covid_resnet_small-clean-seed7", "another split"),
        (replace(recipe, seed=7, digest="0"), "covid_resnet_small-clean-seed7", "with other pictures"),
        (replace(recipe, variant="later"), "covid_resnet_small-later-seed0", "of another version"),
    ):
        strange = path.with_name(f"{name}.safetensors")
        keeping.write(strange, kept.tensors, other, kept.about)
        capsys.readouterr()
        assert report(out) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert str(strange) in line and words in line
        strange.unlink()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_ctrl_c_leaves_nothing_half_and_says_how_to_go_on(pictures: Path, tmp_path: Path):
    out = tmp_path / "out"
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    command = [sys.executable, "-m", "walkin", "study", "train", "--out", str(out), "--data", str(pictures)]
    child = subprocess.Popen(
        [*command, "--kind", "standin", *FEW[:-4], "--epochs", "100000", "--device", "cpu"],
        env=environment, stderr=subprocess.PIPE, text=True,
        # Tests that were begun in the background have it ignored, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert child.stderr is not None
    line = child.stderr.readline()
    while line and "epoch" not in line:
        line = child.stderr.readline()
    child.send_signal(signal.SIGINT)
    said = child.stderr.read()
    assert child.wait(60) == 130
    assert "stopped after 0 networks; the same command goes on" in said and "Traceback" not in said
    assert [entry.name for entry in out.rglob("*") if ".part" in entry.name] == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "--data", "gone", "--kind", "caltech101"), ("no folder gone", "101_ObjectCategories")),
        (("train", "--data", "gone"), ("--data", "no folder gone")),
        (("train", "--data", "."), ("--data", "add --kind caltech101")),
        (("train", "--kind", "caltech101"), ("which folder", "--data")),
        (("train", "--models", "resnet18"), ("no network 'resnet18'", "covid_resnet_small")),
        (("train", "--variants", "clean,noisy"), ("no variant 'noisy'", "random")),
        (("train", "--seeds", "0"), ("--seeds", "at least 1")),
        (("train", "--epochs", "0"), ("--epochs", "at least 1")),
        (("train", "--batch", "0"), ("--batch 0", "at least 2")),
        (("train", "--batch", "1"), ("--batch 1", "at least 2")),
        (("train", "--alpha", "-1"), ("'-1'", "above 0")),
        (("train", "--kind", "mnist"), ("'mnist'", "caltech101")),
        (("report",), ("there is no study in out", "walkin study train")),
        (("view",), ("there is no study in out", "walkin study train")),
    ],
)
def test_wrong_usage_is_exit_code_2_and_one_line(tmp_path: Path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert cli.run(["study", *arguments, "--out", "out"]) == 2
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("walkin: ") and all(word in lines[0] for word in words), printed.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_done(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.run(["study", "train", "--out", str(tmp_path / "file")]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1 and "cannot write" in said[0]
