"""The study's data: how sets lie in folders, the split, and the stand-in; what is missing is said."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from walkin.errors import WalkinError
from walkin.network.feeding.pictures import read_picture
from walkin.study import data as data_of
from walkin.study.data import Data
from walkin.study.layouts import KINDS, listed
from walkin.study.split import stratified
from walkin.study.stand_in import CLASSES, drawn, write_stand_in


def save(file: Path, size: tuple[int, int] = (20, 16), shade: int = 0) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pixels = (np.arange(size[0] * size[1] * 3) + shade).astype(np.uint8).reshape(size[1], size[0], 3)
    Image.fromarray(pixels).save(file)


def read(kind: str, folder: Path, **more: bool) -> Data:
    return next(step for step in data_of.read(kind, folder, **more) if isinstance(step, Data))


@pytest.fixture
def caltech(tmp_path: Path) -> Path:
    """Three classes of 101, as torchvision has them, and the background that is none."""
    root = tmp_path / "caltech101" / "101_ObjectCategories"
    for name, count in (("BACKGROUND_Google", 3), ("anchor", 5), ("ant", 10), ("wrench", 1)):
        for number in range(count):
            save(root / name / f"image_{number:04}.jpg", shade=number)
    (root / "yin_yang").mkdir()
    save(root / "ant" / "._image_0001.jpg")
    return tmp_path


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """Two classes with a folder for each patient; patients of one class have from 2 to 5 scans."""
    for name in ("COVID", "non-COVID"):
        for patient in range(8):
            for number in range(2 + patient % 4):
                save(tmp_path / name / f"Patient ({patient})" / f"{number}.png", (40, 30), patient)
    return tmp_path


def test_caltech_is_found_from_each_of_its_levels_without_the_background(caltech: Path):
    for place in (caltech, caltech / "caltech101", caltech / "caltech101" / "101_ObjectCategories"):
        found = listed(KINDS["caltech101"], place)
        assert found.classes == ("anchor", "ant", "wrench")
        assert [found.labels.count(label) for label in range(3)] == [5, 10, 1]
    (caltech / "caltech101").rename(caltech / "caltech-101")  # as its makers' archive has it
    assert listed(KINDS["caltech101"], caltech).classes == ("anchor", "ant", "wrench")


def test_what_is_hidden_is_no_picture_and_links_to_folders_are_followed(caltech: Path):
    root = caltech / "caltech101" / "101_ObjectCategories"
    save(root / "ant" / ".ipynb_checkpoints" / "image_0001-checkpoint.jpg")  # a copy, which would be on both sides
    elsewhere = caltech / "elsewhere"
    save(elsewhere / "more.JPG", shade=77)
    (root / "ant" / "more").symlink_to(elsewhere, target_is_directory=True)
    (root / "ant" / "round").symlink_to(root / "ant", target_is_directory=True)  # and never ends
    found = listed(KINDS["caltech101"], caltech)
    ants = [file.relative_to(root).as_posix() for file in found.files if "ant/" in file.as_posix()]
    assert ants == [*(f"ant/image_{number:04}.jpg" for number in range(10)), "ant/more/more.JPG"]


def test_a_folder_that_may_not_be_looked_into_is_no_smaller_data_set(scans: Path, monkeypatch):
    scandir = os.scandir

    def shut(place: str | Path):  # not chmod: root looks into every folder
        if Path(place).name == "Patient (3)":
            raise PermissionError(13, "Permission denied", str(place))
        return scandir(place)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(WalkinError, match=r"cannot read .*Patient \(3\): Permission denied"):
        listed(KINDS["sars-cov-2"], scans)


def test_a_link_that_leads_nowhere_is_said_and_not_passed_over(scans: Path):
    (scans / "COVID" / "Patient (0)" / "gone.png").symlink_to(scans / "nowhere.png")
    with pytest.raises(WalkinError, match=r"cannot read .*gone\.png"):
        list(data_of.read("sars-cov-2", scans))


def test_pictures_that_are_on_both_sides_are_said(tmp_path: Path):
    for name in ("COVID", "non-COVID"):
        for number in range(10):
            save(tmp_path / name / f"{number}.png", shade=number + 20 * len(name))
    assert not any("training pictures" in note for note in read("sars-cov-2", tmp_path).notes)
    for number in range(10):
        save(tmp_path / "COVID" / f"{number}.png", shade=number // 5)
    (note,) = (note for note in read("sars-cov-2", tmp_path).notes if "training pictures" in note)
    assert note.startswith("2 of 4 test pictures are among the training pictures")


def test_missing_empty_and_single_image_classes_are_said(caltech: Path):
    data = read("caltech101", caltech)
    assert data.pixels.shape == (16, 3, 150, 175)
    said = "\n".join(data.notes)
    assert "98 of 101 classes are missing" in said
    assert "class yin_yang is left out" in said
    assert "class wrench has one picture: it is trained on, and not tested" in said
    assert 15 in data.split.train and 15 not in data.split.test


@pytest.mark.parametrize(
    ("kind", "make", "words"),
    [
        ("caltech101", lambda root: save(root / "cats" / "a.jpg"), ("no 101_ObjectCategories", "torchvision")),
        ("sars-cov-2", lambda root: save(root / "COVID" / "a.png"), ("one class, COVID", "DIR/non-COVID")),
        ("sars-cov-2", lambda root: save(root / "a.png"), ("no folder with pictures", "kaggle")),
        ("sars-cov-2", lambda root: [save(root / c / "a.png") for c in "abc"], ("3 folders", "not 2", "DIR/COVID")),
        (
            "sars-cov-2",
            lambda root: [save(root / part / c / "a.png") for part in ("Train", "test") for c in ("ill", "well")],
            ("Train and test are no classes", "DIR/COVID"),
        ),
    ],
)
def test_a_wrong_layout_is_one_line_that_says_what_is_wanted(tmp_path: Path, kind: str, make, words: tuple[str, ...]):
    make(tmp_path)
    with pytest.raises(WalkinError) as problem:
        list(data_of.read(kind, tmp_path))
    assert "\n" not in str(problem.value)
    assert all(word in str(problem.value) for word in words), str(problem.value)


def test_one_picture_of_each_class_leaves_nothing_to_test(tmp_path: Path):
    for name in ("COVID", "non-COVID"):
        save(tmp_path / name / "a.png")
    with pytest.raises(WalkinError, match="no class has two pictures"):
        list(data_of.read("sars-cov-2", tmp_path))


def test_scans_are_grey_three_times_and_keep_their_aspect(scans: Path):
    file = scans / "COVID" / "Patient (0)" / "0.png"
    Image.fromarray(np.full((90, 90, 3), (200, 10, 10), np.uint8)).save(file)
    data = read("sars-cov-2", scans)
    assert data.pixels.shape[1:] == (3, 180, 250)
    square = data.pixels[data.files.index(file)]
    assert (square == square[:1]).all()
    assert (square[0, :, 35:215] > 0).all()  # 180 x 180 in the middle,
    assert (square[0, :, :34] == 0).all() and (square[0, :, 216:] == 0).all()  # and black beside it


def test_no_subject_is_on_both_sides(scans: Path):
    data = read("sars-cov-2", scans, by_subject=True)

    def subjects(numbers: tuple[int, ...]) -> set[Path]:
        return {data.files[number].parent for number in numbers}

    assert subjects(data.split.train) & subjects(data.split.test) == set()
    for label in (0, 1):
        mine = [number for number in data.split.test if data.labels[number] == label]
        assert 0.2 <= len(mine) / 28 < 0.4
    by_picture = read("sars-cov-2", scans)
    assert subjects(by_picture.split.train) & subjects(by_picture.split.test)


def test_subjects_are_read_off_file_names_and_asked_for_in_vain_where_there_are_none(tmp_path: Path):
    for name in ("COVID", "non-COVID"):
        for number in range(6):
            save(tmp_path / name / f"patient_{number // 2}_slice_{number}.png")
    found = listed(KINDS["sars-cov-2"], tmp_path)
    assert found.subjects is not None and found.subjects[:3] == ("COVID/0", "COVID/0", "COVID/1")
    save(tmp_path / "COVID" / "Covid (1).png")
    with pytest.raises(WalkinError, match="does not say whom pictures are of"):
        list(data_of.read("sars-cov-2", tmp_path, by_subject=True))


def test_the_split_takes_a_fifth_of_each_class_and_is_always_the_same():
    labels = [0] * 10 + [1] * 25 + [2] * 2 + [3]
    split = stratified(labels)
    assert split == stratified(labels) and split != stratified(labels, seed=43)
    assert sorted((*split.train, *split.test)) == list(range(38))
    assert [sum(labels[number] == label for number in split.test) for label in range(4)] == [2, 5, 1, 0]
    assert split.single == (3,)
    # A class that is missing changes no other.
    assert stratified(labels[:35]).test == tuple(number for number in split.test if number < 35)


def test_inputs_are_what_the_room_feeds(caltech: Path):
    data = read("caltech101", caltech)
    fed = data.preprocess.apply(read_picture(data.files[3]).pixels)
    assert torch.allclose(data.inputs(torch.tensor([3])), fed, atol=1e-6)


def test_the_stand_in_is_the_same_each_time_and_whole(tmp_path: Path):
    folder = write_stand_in(tmp_path / "pictures", each=3)
    files = sorted(folder.rglob("*.png"))
    assert len(files) == 3 * len(CLASSES) == 24
    assert np.array_equal(np.asarray(Image.open(folder / "star" / "002.png")), drawn("star", 2))
    assert not np.array_equal(drawn("star", 1), drawn("star", 2))
    times = [file.stat().st_mtime_ns for file in files]
    write_stand_in(tmp_path / "pictures", each=3)
    assert [file.stat().st_mtime_ns for file in files] == times
    write_stand_in(tmp_path / "pictures", each=4)
    assert len(list(folder.rglob("*.png"))) == 32
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["pictures"]


def test_nobodys_pictures_make_room_for_the_stand_in(tmp_path: Path):
    save(tmp_path / "pictures" / "mine.png")
    with pytest.raises(WalkinError, match="no stand-in of ours"):
        write_stand_in(tmp_path / "pictures")
    assert (tmp_path / "pictures" / "mine.png").is_file()
