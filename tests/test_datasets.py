"""What `--images` may name: folders flat and with classes, torchvision's sets on disk, one's own; search and draws."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from walkin.catalogue import Catalogue, Page, Spoiled, Thumbnail
from walkin.errors import WalkinError
from walkin.network.feeding import shelf as jobs
from walkin.network.feeding.datasets import Pictures, open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.shelf import Shelf
from walkin.picture_source import File, Item
from walkin.results import Notice
from walkin.shelf_requests import Browse, Slots, Thumbnails


def picture(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 10), (grey,) * 3).save(path)
    return path


def listed(spec: Any, dataset: Any = None) -> Pictures:
    pictures = open_pictures(str(spec), dataset)
    for _ in pictures.listing():
        pass
    return pictures


def names(pictures: Pictures, query: str = "", first: int = 0, count: int = 100, seed: int | None = None) -> list[str]:
    return [slot.name for slot in pictures.page(Slots(pictures.spec, first, count, query, seed)).slots]


def test_a_flat_folder_in_order_of_names(tmp_path: Path):
    for name in ("b.JPG", "a.png", "C.webp", ".hidden.png", "._a.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    picture(tmp_path / "deeper" / "d.png")
    pictures = listed(tmp_path)
    assert names(pictures) == ["a.png", "b.JPG", "C.webp"]
    seen = pictures.catalogue()
    assert (seen.title, seen.count, seen.complete, seen.classes) == (tmp_path.name, 3, True, ())
    assert pictures.page(Slots("", 0, 1)).slots[0].source == File(str(tmp_path / "a.png"))


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    for name in ("Dog/rex.png", "Dog/old/fido.png", "cat/ace.png", "cat/rex.png", "empty/notes.txt", ".git/x.png"):
        path = tmp_path / name
        picture(path) if path.suffix == ".png" else (path.parent.mkdir(), path.write_text(""))
    return tmp_path


def test_a_folder_for_each_class(classes: Path):
    pictures = listed(classes)
    assert pictures.catalogue().classes == ("Dog", "cat")  # as torchvision's ImageFolder orders them
    page = pictures.page(Slots("", 0, 10))
    assert [(slot.name, slot.label) for slot in page.slots] == [
        ("fido.png", "Dog"), ("rex.png", "Dog"), ("ace.png", "cat"), ("rex.png", "cat"),
    ]  # fmt: skip
    assert all(Path(slot.source.path).is_file() for slot in page.slots)
    gallery = Gallery()
    gallery.add("x", pictures)
    assert gallery.label(File(str(classes / "Dog" / "old" / "fido.png"))) == "Dog"


def test_it_is_the_order_of_torchvisions_imagefolder(classes: Path):
    from torchvision.datasets import ImageFolder

    (classes / "empty" / "notes.txt").unlink()
    (classes / "empty").rmdir()
    (classes / ".git" / "x.png").unlink()
    (classes / ".git").rmdir()
    theirs = ImageFolder(str(classes))
    page = listed(classes).page(Slots("", 0, 10))
    assert sorted(slot.source.path for slot in page.slots) == sorted(path for path, _ in theirs.samples)
    assert list(listed(classes).catalogue().classes) == theirs.classes


def test_a_link_that_leads_back_ends(classes: Path):
    try:
        (classes / "cat" / "again").symlink_to(classes / "cat")
    except OSError:
        pytest.skip("no links here")
    assert len(names(listed(classes))) == 4


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("rex", ["rex.png", "rex.png"]),
        ("REX dog", ["rex.png"]),
        ("dog png", ["fido.png", "rex.png"]),
        ("  ace ", ["ace.png"]),
        ("ace dog", []),
    ],
)
def test_search_wants_all_words_in_name_or_class(classes: Path, query: str, expected: list[str]):
    pictures = listed(classes)
    assert names(pictures, query) == expected
    assert pictures.page(Slots("", 0, 0, query)).total == len(expected)


def test_pages_and_draws(tmp_path: Path):
    for number in range(30):
        picture(tmp_path / f"{number:02}.png")
    pictures = listed(tmp_path)
    whole = names(pictures)
    assert names(pictures, first=10, count=5) == whole[10:15]
    assert names(pictures, first=28, count=5) == whole[28:]
    assert names(pictures, first=99) == []
    drawn = names(pictures, seed=4)
    assert drawn != whole and sorted(drawn) == whole
    assert names(pictures, seed=4) == drawn and names(pictures, seed=5) != drawn
    assert names(pictures, seed=4, first=7, count=3) == drawn[7:10]
    assert sorted(names(pictures, "1", seed=2)) == names(pictures, "1")


def test_a_folder_without_pictures(tmp_path: Path):
    (tmp_path / "a.txt").write_text("")
    (tmp_path / "inner").mkdir()
    with pytest.raises(WalkinError, match=r"no pictures in .*looked for \.jpg"):
        listed(tmp_path)


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nowhere", "there is no folder nowhere"),
        ("caltech101:nowhere", "there is no folder nowhere; Caltech101"),
        ("fakedata:here", "FakeData reads no files"),
        ("json:nothing", "no 'nothing' in json"),
        ("no_such_package:Set", "no module 'no_such_package'"),
        ("json:dumps", "dumps failed: TypeError"),
        ("math:pi", "is a float, not a data set"),
        ("a b:c d", "FILE.py:NAME"),
    ],
)
def test_what_names_nothing(spec: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WalkinError) as told:
        listed(spec)
    assert words in str(told.value) and "\n" not in str(told.value)


def test_a_file_is_no_collection(tmp_path: Path):
    with pytest.raises(WalkinError, match="is a file; --image takes a file"):
        listed(picture(tmp_path / "a.png"))


def test_torchvisions_caltech101_from_disk(tmp_path: Path):
    root = tmp_path / "caltech101"
    for kind in ("BACKGROUND_Google", "Faces", "Leopards", "Faces_easy", "Motorbikes", "accordion"):
        for number in (1, 2):
            picture(root / "101_ObjectCategories" / kind / f"image_{number:04}.jpg", 30 * number)
        (root / "Annotations" / kind).mkdir(parents=True, exist_ok=True)
    spec = f"caltech101:{tmp_path}"
    pictures = listed(spec)
    assert pictures.catalogue().count == 10 and "accordion" in pictures.catalogue().classes
    page = pictures.page(Slots(spec, 0, 4, "accordion"))
    assert page.total == 2 and page.slots[0].label == "accordion"
    source = page.slots[1].source
    assert isinstance(source, Item)
    assert page.slots[1].name == "image_0002.jpg"
    read = Gallery().picture(source)  # opens it anew, as a session that is restored does
    assert read.pixels.shape == (10, 20, 3) and abs(int(read.pixels[0, 0, 0]) - 60) < 4


def test_torchvisions_cifar_says_which_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import pickle

    from torchvision.datasets import CIFAR10

    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    folder = tmp_path / CIFAR10.base_folder
    folder.mkdir()
    batch = {"data": np.arange(2 * 3072, dtype=np.int64).reshape(2, 3072).astype(np.uint8), "labels": [3, 5]}
    (folder / "test_batch").write_bytes(pickle.dumps(batch))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": [f"kind{n}" for n in range(10)]}))
    pictures = listed(f"cifar10:{tmp_path}")
    assert (pictures.catalogue().count, pictures.catalogue().note) == (2, "test split")
    assert [slot.label for slot in pictures.page(Slots("", 0, 2)).slots] == ["kind3", "kind5"]


def test_of_several_splits_the_first_that_is_on_disk(tmp_path: Path):
    data = tmp_path / "dtd" / "dtd"
    picture(data / "images" / "dotted" / "dotted_01.jpg")
    picture(data / "images" / "woven" / "woven_07.jpg")
    (data / "labels").mkdir()
    for split, name in (("train", "dotted/dotted_01.jpg"), ("test", "woven/woven_07.jpg")):
        (data / "labels" / f"{split}1.txt").write_text(f"{name}\n")
    pictures = listed(f"DTD:{tmp_path}")
    assert pictures.catalogue().note == "test split"
    (slot,) = pictures.page(Slots("", 0, 9)).slots
    assert (slot.name, slot.label) == ("woven_07.jpg", "woven")


def test_a_set_that_is_not_on_disk_says_how_to_get_it_and_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("it went to the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    for name in ("cifar10", "flowers102", "food101", "stl10", "svhn", "caltech101", "dtd", "mnist", "gtsrb", "eurosat"):
        with pytest.raises(
            WalkinError, match=r"its files are not there; get it with torchvision.datasets.*download=True"
        ):
            listed(f"{name}:{tmp_path}")
    assert list(tmp_path.iterdir()) == [] or not any(path.is_file() for path in tmp_path.rglob("*"))


OWN = """
import numpy as np, torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset

class Squares(Dataset):
    classes = ["small", "large"]
    def __init__(self, count=4): self.count = count
    def __len__(self): return self.count
    def __getitem__(self, k):
        if k == 2: raise ValueError("no square\\nat all")
        return torch.full((3, 8, 8), k / 10), k % 2

class Endless(IterableDataset):
    def __iter__(self): yield 1

arrays = [np.zeros((5, 6), np.uint8), np.ones((5, 6, 3), np.float32)]
pairs = [(Image.new("RGB", (4, 4)), "a name")]
words = {"a": 1}
nothing = []
def made(count=3): return [{"image": np.zeros((2, 2, 3), np.uint8), "label": k} for k in range(count)]
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[str]:
    path = tmp_path / "mine.py"
    path.write_text(OWN)
    before = list(sys.path)
    yield str(path)
    sys.path[:] = before


@pytest.mark.parametrize(
    ("name", "count", "size", "label"),
    [
        ("Squares", 4, (8, 8), "small"),
        ("Squares(count=9)", 9, (8, 8), "small"),
        ("arrays", 2, (6, 5), ""),
        ("pairs", 1, (4, 4), "a name"),
        ("made", 3, (2, 2), "class 0"),
        ("made(count=7)", 7, (2, 2), "class 0"),
    ],
)
def test_one_s_own(own: str, name: str, count: int, size: tuple[int, int], label: str):
    pictures = listed(f"{own}:{name}")
    assert pictures.catalogue().count == count
    read = pictures.picture(0)
    assert read.size_before == size and pictures.label(0) == label


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Endless", "class Endless, which has no items by number"),
        ("words", "words is an object of class dict"),
        ("nothing", "nothing is empty"),
        ("Square", "there is Squares"),
    ],
)
def test_one_s_own_that_is_none(own: str, name: str, words: str):
    with pytest.raises(WalkinError) as told:
        listed(f"{own}:{name}")
    assert words in str(told.value) and "\n" not in str(told.value)


def test_a_live_data_set():
    gallery, data = Gallery(), [np.full((4, 4), 9, np.uint8), np.full((4, 4), 8, np.uint8)]
    shelf = Shelf(gallery)
    results = list(jobs.browse(shelf, Browse("images", data), lambda result: None))
    assert isinstance(results[-1], Catalogue) and results[-1].count == 2
    assert (gallery.picture(Item("images", 1)).pixels == 8).all()


def test_an_item_that_raises_leaves_the_others_alone(own: str):
    spec = f"{own}:Squares"
    shelf = Shelf(Gallery())
    shelf.desk.ask(Thumbnails(tuple(Item(spec, k) for k in range(4))))
    results = list(jobs.browse(shelf, Browse(spec), lambda result: None))
    assert [result.source.index for result in results if isinstance(result, Thumbnail)] == [0, 1, 3]
    (spoiled,) = [result for result in results if isinstance(result, Spoiled)]
    assert spoiled.source == Item(spec, 2) and spoiled.reason == "Squares, item 2: ValueError: no square at all"
    assert [result.text for result in results if isinstance(result, Notice)] == [spoiled.reason]
    last = [result for result in results if isinstance(result, Catalogue)][-1]
    assert (last.count, last.skipped) == (3, 1)
    page = shelf.gallery.opened(spec).page(Slots(spec, 0, 9))
    assert [slot.source.index for slot in page.slots] == [0, 1, 3] and page.total == 3
    labels = [result.label for result in results if isinstance(result, Thumbnail)]
    assert labels == ["small", "large", "large"]


def test_a_file_that_is_half_written_is_skipped_counted_and_named(tmp_path: Path):
    whole = picture(tmp_path / "a.png").read_bytes()
    (tmp_path / "b.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "c.png").write_bytes(b"")
    picture(tmp_path / "d.png")
    spec, shelf = str(tmp_path), Shelf(Gallery())
    list(jobs.browse(shelf, Browse(spec), lambda result: None))
    assert names(shelf.gallery.opened(spec)) == ["a.png", "b.png", "c.png", "d.png"]
    shelf.desk.ask(Thumbnails(tuple(File(str(tmp_path / f"{name}.png")) for name in "abcd")))
    results = list(jobs.serve(shelf, lambda result: None))
    notices = [result.text for result in results if isinstance(result, Notice)]
    assert len(notices) == 2 and "b.png: truncated PNG" in notices[0] and "c.png: the file is empty" in notices[1]
    assert [result for result in results if isinstance(result, Catalogue)][-1].skipped == 2
    assert names(shelf.gallery.opened(spec)) == ["a.png", "d.png"]
    # Whole by now, and opened again: it has another chance.
    (tmp_path / "b.png").write_bytes(whole)
    list(jobs.browse(shelf, Browse(spec), lambda result: None))
    assert names(shelf.gallery.opened(spec)) == ["a.png", "b.png", "c.png", "d.png"]


def test_a_large_folder_gives_its_first_page_before_it_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """And opens none of its files: they are not even pictures."""
    monkeypatch.setattr("walkin.network.feeding.folders.CHUNK", 50)
    for number in range(500):
        (tmp_path / f"{number:03}.jpg").touch()
    monkeypatch.setattr("walkin.network.feeding.folders.read_picture", None)
    shelf = Shelf(Gallery())
    shelf.desk.ask(Slots(str(tmp_path), 0, 12))
    running = jobs.browse(shelf, Browse(str(tmp_path)), lambda result: None)
    first, page = next(running), next(running)
    assert isinstance(first, Catalogue) and first.count == 50 and not first.complete
    assert isinstance(page, Page) and len(page.slots) == 12 and not page.complete
    last = list(running)[-1]
    assert isinstance(last, Catalogue) and last.complete and last.count == 500
    shelf.desk.ask(Slots(str(tmp_path), 0, 2))
    (page,) = jobs.serve(shelf, lambda result: None)
    assert [slot.name for slot in page.slots] == ["000.jpg", "001.jpg"] and page.complete


def test_torch_is_not_needed_for_a_folder(tmp_path: Path):
    import subprocess

    picture(tmp_path / "a.png")
    program = (
        "import sys\nfrom walkin.network.feeding import shelf\nfrom walkin.network.feeding.gallery import Gallery\n"
        "from walkin.picture_source import File\nfrom walkin.shelf_requests import Browse, Thumbnails\n"
        f"s = shelf.Shelf(Gallery()); s.desk.ask(Thumbnails((File({str(tmp_path / 'a.png')!r}),)))\n"
        f"print([type(r).__name__ for r in shelf.browse(s, Browse({str(tmp_path)!r}), None)], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, env=os.environ)
    assert done.stdout.strip() == "['Catalogue', 'Thumbnail', 'Catalogue'] False", done.stderr
