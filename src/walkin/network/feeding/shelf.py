"""The jobs behind the shelf: list a collection, say what stands where, make thumbnails. Needs no torch, and has a
worker of its own: nobody waits for a network to see a picture."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator

from walkin.catalogue import Spoiled
from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.feeding.datasets import open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.network.feeding.thumbnails import Thumbnails as Maker
from walkin.picture_source import Source
from walkin.results import Notice, Result
from walkin.shelf_requests import Browse, Full, Keep, Slots, Thumbnails

TELL_S = 0.2  # between two counts of a folder that is being listed


class Desk:
    """What the visitor wants now: the newest page first, nothing of a page that was turned. Any thread may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._slots: dict[str, Slots] = {}
        self._full: deque[Source] = deque()
        self._small: deque[Source] = deque()

    def ask(self, request: Slots | Thumbnails | Full) -> None:
        with self._lock:
            if isinstance(request, Slots):
                self._slots[request.spec] = request
            elif isinstance(request, Full):
                self._full = deque([request.source])  # one hand holds one picture before one's eyes
            else:
                self._small = deque(dict.fromkeys(request.sources))

    def take(self) -> Slots | Full | Source | None:
        """What is to be done next, and no longer to be done after."""
        with self._lock:
            if self._slots:
                return self._slots.pop(next(iter(self._slots)))
            if self._full:
                return Full(self._full.popleft())
            return self._small.popleft() if self._small else None


class Shelf:
    """What the shelf's worker keeps."""

    def __init__(self, gallery: Gallery):
        self.gallery = gallery
        self.desk = Desk()
        self.maker = Maker(gallery)
        self.news: deque[Result] = deque()
        """What must be told even if the job that found it out is replaced while it says so."""


def browse(shelf: Shelf, request: Browse, emit: Emit) -> Iterator[Result]:
    """Open a collection and look it through; pages and thumbnails are served in between."""
    pictures = shelf.gallery.add(request.spec, open_pictures(request.spec, request.dataset))
    shelf.maker.forget()
    told_s = 0.0
    for _ in pictures.listing():
        now_s = time.monotonic()
        catalogue = pictures.catalogue()
        if catalogue.count and now_s - told_s > TELL_S:
            told_s = now_s
            yield catalogue
        wanted = shelf.desk.take() if catalogue.count else None
        if wanted is not None:
            yield from _serve(shelf, wanted)
    yield pictures.catalogue()
    yield from serve(shelf, emit)


def serve(shelf: Shelf, emit: Emit) -> Iterator[Result]:
    """Do all that lies on the desk, also what comes in the meantime."""
    yield from _tell(shelf)
    while (wanted := shelf.desk.take()) is not None:
        yield from _serve(shelf, wanted)


def _tell(shelf: Shelf) -> Iterator[Result]:
    while shelf.news:
        yield shelf.news[0]
        shelf.news.popleft()  # only now has it arrived


def keep(shelf: Shelf, request: Keep, emit: Emit) -> Iterator[Result]:
    """Lay up a picture that came in memory."""
    shelf.gallery.keep(request.source, request.picture)
    yield from ()


def _serve(shelf: Shelf, wanted: Slots | Full | Source) -> Iterator[Result]:
    if isinstance(wanted, Slots):
        try:
            yield shelf.gallery.opened(wanted.spec).page(wanted)
        except WalkinError as problem:
            yield Notice(str(problem), "error")
        return
    full = isinstance(wanted, Full)
    source = wanted.source if isinstance(wanted, Full) else wanted
    try:
        yield shelf.maker.get(source, full)
    except WalkinError as problem:
        # Named once; a picture that the visitor holds may come up again.
        if shelf.gallery.spoil(source):
            shelf.news += (Notice(str(problem), "warning"), *shelf.gallery.catalogues_with(source))
        yield Spoiled(source, str(problem))
        yield from _tell(shelf)
