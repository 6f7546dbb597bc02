"""Clipboard: a picture, or the path of one, that is pasted. Fetched on a thread: whoever has it may be slow."""

from __future__ import annotations

import sys
import threading
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

NOTHING = "there is no picture on the clipboard, and no path of one"
MISSING = "pasting a picture needs xclip or wl-clipboard: install one; a path can be pasted as it is"


@dataclass
class Pasted:
    """What has come since it was asked for last."""

    pictures: tuple[np.ndarray, ...] = ()
    """uint8 (H, W, 3)."""
    files: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


@dataclass
class Clipboard:
    wake: Callable[[], None]
    """Called, on the thread, when something has come."""
    _found: Pasted = field(default_factory=Pasted)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _busy: bool = False

    @property
    def news(self) -> bool:
        with self._lock:
            return self._found != Pasted()

    def take(self) -> Pasted:
        with self._lock:
            found, self._found = self._found, Pasted()
        return found

    def paste(self, text: str) -> None:
        """`text`: what the window system has on the clipboard as text; where that names a file, it is meant."""
        path = path_in(text)
        if path is not None:
            self._put(Pasted(files=(path,)))
        elif not self._busy:
            self._busy = True
            # Not here: a program that owns the clipboard may be this one, which would wait for itself.
            threading.Thread(target=self._fetch, name="walkin clipboard", daemon=True).start()

    def _fetch(self) -> None:
        try:
            self._put(picture_on_clipboard())
        finally:
            self._busy = False

    def _put(self, found: Pasted) -> None:
        with self._lock:
            self._found = found
        self.wake()


def path_in(text: str) -> str | None:
    """The file that a text names: a path, in quotes or not, or a file:// address as file managers copy it."""
    lines = [line for line in text.strip().splitlines() if line.strip() and line.strip() not in ("copy", "cut")]
    if not lines or len(lines[0]) > 4096:
        return None
    first = lines[0].strip().strip("\"'")
    if first.startswith("file://"):
        first = urllib.parse.unquote(urllib.parse.urlparse(first).path)
        if sys.platform == "win32":
            first = first.lstrip("/")
    try:
        path = Path(first).expanduser()
        return str(path.resolve()) if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def picture_on_clipboard() -> Pasted:
    """Takes as long as the program that owns it."""
    from PIL import Image, ImageGrab

    try:
        found = ImageGrab.grabclipboard()
    except NotImplementedError:  # Pillow's word for: neither wl-paste nor xclip
        return Pasted(notices=(MISSING,))
    except Exception as problem:  # what there is may be damaged, or its owner gone
        return Pasted(
            notices=(f"nothing could be pasted: {str(problem).splitlines()[0] if str(problem) else problem!r}",)
        )
    if isinstance(found, Image.Image):
        return Pasted(pictures=(np.asarray(found.convert("RGB")),))
    if isinstance(found, list) and found and Path(found[0]).is_file():
        return Pasted(files=(str(found[0]),))
    return Pasted(notices=(NOTHING,))
