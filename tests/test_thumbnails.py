"""Small pictures: their sides, their turn, their words; the newest request first, and none that was given up."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from walkin.catalogue import Page, Spoiled, Thumbnail
from walkin.errors import WalkinError
from walkin.mailbox import Mailbox, Worker
from walkin.network.feeding import shelf as jobs
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.shelf import Shelf
from walkin.network.feeding.thumbnails import Thumbnails as Maker
from walkin.network.feeding.thumbnails import fitted
from walkin.picture_source import File, Noise, Pixels, Source, Tile
from walkin.results import Finished, Notice
from walkin.shelf_requests import Full, Keep, Slots, Thumbnails


def two_tone(size: tuple[int, int]) -> Image.Image:
    """Left third red, the rest blue: turned, mirrored or squeezed, it shows."""
    image = Image.new("RGB", size, (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, size[0] // 3, size[1]))
    return image


@pytest.fixture
def maker() -> Maker:
    return Maker(Gallery())


@pytest.mark.parametrize("ending", ["jpg", "png"])
@pytest.mark.parametrize("size", [(3000, 1500), (700, 350), (256, 128)])
def test_sides_and_content(tmp_path: Path, maker: Maker, size: tuple[int, int], ending: str):
    path = tmp_path / f"a.{ending}"
    two_tone(size).save(path)
    made = maker.get(File(str(path)))
    assert made.pixels.shape == (128, 256, 3) and made.pixels.dtype == np.uint8
    assert made.size == size and made.caption[:2] == (f"a.{ending}", f"{size[0]}x{size[1]}")
    assert np.abs(made.pixels[64, 20].astype(int) - (255, 0, 0)).max() < 12
    assert np.abs(made.pixels[64, 120].astype(int) - (0, 0, 255)).max() < 12
    edge = int(np.argmax(made.pixels[64, :, 2] > made.pixels[64, :, 0]))
    assert abs(edge - 256 / 3) <= 1.5


def test_full_is_at_most_1024_and_small_pictures_are_not_enlarged(tmp_path: Path, maker: Maker):
    two_tone((3000, 1500)).save(tmp_path / "a.jpg")
    two_tone((32, 20)).save(tmp_path / "b.png")
    assert maker.get(File(str(tmp_path / "a.jpg")), full=True).pixels.shape == (512, 1024, 3)
    assert maker.get(File(str(tmp_path / "b.png")), full=True).pixels.shape == (20, 32, 3)
    assert (maker.get(File(str(tmp_path / "b.png"))).pixels == np.asarray(two_tone((32, 20)))).all()


def test_a_large_jpeg_is_read_at_a_fraction(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, maker: Maker):
    """The decoder does the first reduction: it never makes all the pixels."""
    two_tone((4000, 2000)).save(tmp_path / "a.jpg")
    seen: list[tuple[int, int]] = []
    load = Image.Image.convert

    def watched(self: Image.Image, *args: Any, **kwargs: Any) -> Image.Image:
        seen.append(self.size)
        return load(self, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "convert", watched)
    assert maker.get(File(str(tmp_path / "a.jpg"))).size == (4000, 2000)
    assert seen and max(max(size) for size in seen) <= 1000


def test_it_stands_upright(tmp_path: Path, maker: Maker):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held on its side: turn it to the right
    two_tone((600, 300)).save(tmp_path / "a.jpg", exif=exif)
    made = maker.get(File(str(tmp_path / "a.jpg")))
    assert made.pixels.shape == (256, 128, 3) and made.size == (300, 600)
    assert made.pixels[20, 64, 0] > 200 and made.pixels[200, 64, 2] > 200
    assert "turned upright" in made.caption[2]


def test_a_file_that_was_written_anew_is_read_anew(tmp_path: Path, maker: Maker):
    path = tmp_path / "a.png"
    two_tone((30, 30)).save(path)
    first = maker.get(File(str(path)))
    assert maker.get(File(str(path))) is first
    Image.new("RGB", (31, 30)).save(path)
    assert maker.get(File(str(path))).size == (31, 30)


def test_every_kind_of_source(maker: Maker):
    gallery = maker._gallery
    gallery.keep(Pixels("1", "pasted"), np.full((500, 400, 3), 9, np.uint8))
    gallery.keep(Tile("b", "conv1", 4), np.arange(6.0).reshape(2, 3))
    assert maker.get(Pixels("1", "pasted")).pixels.shape == (256, 205, 3)
    tile = maker.get(Tile("b", "conv1", 4))
    assert tile.pixels[..., 0].tolist() == [[0, 51, 102], [153, 204, 255]]
    assert tile.caption[0] == "conv1/4 of b" and "fed as grey: 0 black, 5 white" in tile.caption[2]
    assert maker.get(Noise("uniform", 3)).pixels.std() > 50


def test_extreme_shapes():
    assert fitted(np.zeros((1, 5000, 3), np.uint8), 256).shape == (1, 256, 3)
    assert fitted(np.zeros((256, 256, 3), np.uint8), 256).shape == (256, 256, 3)


class Served:
    """A shelf whose jobs are run as plain generators."""

    def __init__(self) -> None:
        self.shelf = Shelf(Gallery())
        self.running = jobs.serve(self.shelf, lambda result: None)

    def next(self) -> Any:
        return next(self.running, None)


@pytest.fixture
def files(tmp_path: Path) -> list[Source]:
    made: list[Source] = []
    for number in range(6):
        two_tone((30 + number, 30)).save(tmp_path / f"{number}.png")
        made.append(File(str(tmp_path / f"{number}.png")))
    return made


def test_the_newest_request_goes_first_and_the_older_is_given_up(files: list[Source]):
    served = Served()
    served.shelf.desk.ask(Thumbnails((files[0], files[1], files[0], files[2])))
    assert served.next().source == files[0]
    served.shelf.desk.ask(Thumbnails((files[4], files[2])))
    assert [served.next().source for _ in range(2)] == [files[4], files[2]]
    assert served.next() is None


def test_the_large_one_and_pages_go_before_thumbnails(files: list[Source], tmp_path: Path):
    served = Served()
    shelf = served.shelf
    shelf.desk.ask(Thumbnails(tuple(files[:3])))
    shelf.desk.ask(Full(files[5]))
    shelf.desk.ask(Slots(str(tmp_path), 0, 2))
    page, large, small = (served.next() for _ in range(3))
    assert isinstance(page, Page)
    assert (large.source, large.full) == (files[5], True)
    assert (small.source, small.full) == (files[0], False)


def test_nothing_wanted_any_more(files: list[Source]):
    served = Served()
    served.shelf.desk.ask(Thumbnails(tuple(files)))
    assert served.next().source == files[0]
    served.shelf.desk.ask(Thumbnails(()))
    assert served.next() is None


def test_what_cannot_be_read_is_told_once(files: list[Source], tmp_path: Path):
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 half")
    bad = File(str(tmp_path / "bad.jpg"))
    shelf = Shelf(Gallery())
    for expected in ([Spoiled, Notice, Thumbnail], [Spoiled, Thumbnail]):
        shelf.desk.ask(Thumbnails((bad, files[0])))
        results = list(jobs.serve(shelf, lambda result: None))
        assert [type(result) for result in results] == expected
    assert "bad.jpg: truncated JPEG" in results[0].reason


@pytest.mark.parametrize("after", [1, 2])
def test_what_cannot_be_read_is_told_though_the_page_is_turned_while_it_is(files: list[Source], tmp_path: Path, after):
    """The worker ends a job that is replaced at its next result, which is then lost."""
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 half")
    shelf = Shelf(Gallery())
    shelf.desk.ask(Thumbnails((File(str(tmp_path / "bad.jpg")),)))
    cut_off = jobs.serve(shelf, lambda result: None)
    for _ in range(after):
        next(cut_off)
    cut_off.close()
    results = list(jobs.serve(shelf, lambda result: None))
    assert [type(result) for result in results] == [Notice]
    assert list(jobs.serve(shelf, lambda result: None)) == []


def test_on_a_worker_it_can_be_cancelled(files: list[Source]):
    shelf, box = Shelf(Gallery()), Mailbox(lambda result: None)
    worker = Worker(box, finished=Finished)
    gate = threading.Event()
    get = shelf.maker.get

    def slow(source: Source, full: bool = False) -> Thumbnail:
        assert gate.wait(60)
        return get(source, full)

    shelf.maker.get = slow  # type: ignore[method-assign]
    shelf.desk.ask(Thumbnails(tuple(files)))
    worker.submit("shelf", lambda emit: jobs.serve(shelf, emit))
    worker.cancel()
    gate.set()
    assert worker.close(60.0)
    results = box.drain()
    assert results[-1].cancelled and len(results) <= 2


def test_what_was_pasted_is_laid_up_and_seen(maker: Maker):
    shelf, pasted = Shelf(Gallery()), Pixels("clip-1", "pasted")
    assert list(jobs.keep(shelf, Keep(pasted, Image.new("RGB", (40, 30), (1, 2, 3))), lambda result: None)) == []
    shelf.desk.ask(Thumbnails((pasted,)))
    (seen,) = jobs.serve(shelf, lambda result: None)
    assert seen.caption == ("pasted", "40x30") and seen.pixels[0, 0].tolist() == [1, 2, 3]


def test_a_kept_picture_that_nobody_kept():
    with pytest.raises(WalkinError, match="'pasted' was not kept"):
        Gallery().picture(Pixels("1", "pasted"))
