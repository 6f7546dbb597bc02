"""What options ask for: a network and what goes into it. What can be seen not to be there is refused."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.interventions import Intervention, added, parsed
from walkin.picture_source import File
from walkin.requests import Open


@dataclass(frozen=True)
class Visit:
    """What `walkin view` is told beside its networks, each as its flag says; None where nothing is said."""

    target: str = "auto"
    images: str | None = None
    camera: str | None = None
    watch: str | None = None
    scene: Path | None = None
    goto: str | None = None
    seen_from: str = "entrance"
    screenshot_to: Path | None = None
    frames: int | None = None
    timeout: float = 300.0
    profile: Path | None = None
    memory: int | None = None
    window_size: tuple[int, int] = (1280, 720)
    msaa: int | None = None
    eyes: int = 1
    render_scale: float = 1.0
    mirror: str = "eye"
    turn: str | None = None
    speed: float | None = None
    vignette: bool | None = None
    left_handed: bool | None = None
    layout: str | None = None
    light: bool | None = None
    colors: str | None = None
    range: str | None = None
    walk_to: Path | None = None
    walk_s: float | None = None
    walk_fps: int = 30
    debug: bool = False

    @staticmethod
    def of(options: argparse.Namespace, **more: Any) -> Visit:
        """What a command's options say of it, and `more`."""
        said = {field.name: getattr(options, field.name) for field in fields(Visit) if hasattr(options, field.name)}
        return Visit(**{**said, **more})


def request_from(options: argparse.Namespace, spec: str) -> Open:
    named = ("weights", "key", "image", "device", "input_size", "mean", "std", "labels", "fold", "seed", "inputs")
    hidden, changed = tuple(getattr(options, "hide", None) or ()), interventions_from(getattr(options, "intervene", ()))
    return Open(spec, **{name: getattr(options, name) for name in named}, hide=hidden, interventions=changed)


def interventions_from(given: Iterable[Intervention | str]) -> tuple[Intervention, ...]:
    """As texts have them; WalkinError, with the grammar, for what says nothing."""
    found: tuple[Intervention, ...] = ()
    for each in [given] if isinstance(given, str | Intervention) else given:
        if not isinstance(each, str | Intervention):
            raise WalkinError(f"interventions: {each!r:.60} is none; walkin.Intervention or a text is wanted", code=2)
        found = added(found, parsed(each, File) if isinstance(each, str) else _with_file(each))
    return found


def _with_file(each: Intervention) -> Intervention:
    """The picture of a swap may be the path of its file."""
    if not isinstance(each.picture, str | os.PathLike):
        return each
    return replace(each, picture=File(os.fspath(each.picture)))


def check_files(request: Open) -> None:
    """Refuse what is not there before a window opens and torch is imported."""
    swapped = [
        (f"--intervene {each.where}=swap", getattr(each.picture, "path", None)) for each in request.interventions
    ]
    for option, file in (("--image", request.image), ("--labels", request.labels), *swapped):
        if file is None or Path(file).is_file():
            continue
        if Path(file).is_dir():
            hint = "; --images takes a folder" if option == "--image" else ""
            raise WalkinError(f"{option} {file} is a folder, not a file{hint}", code=2)
        raise WalkinError(f"{option}: there is no file {file}", code=2)


def live_input(camera: str | None, folder: str | None) -> str:
    """What is to be watched, as `Watch` names it; '' if nothing is. Refuses what can be seen not to be there."""
    if camera is not None and folder is not None:
        raise WalkinError("--camera and --watch both feed what is new: give one of them", code=2)
    if camera is not None:
        if not camera.isdecimal() and not Path(camera).is_file():
            raise WalkinError(f"--camera {camera}: a number is wanted, 0 for the first, or a file of video", code=2)
        if importlib.util.find_spec("cv2") is None:
            raise WalkinError("--camera needs OpenCV: pip install 'walkin[camera]'", code=2)
        return f"camera:{camera}"
    if folder is not None and not Path(folder).is_dir():
        raise WalkinError(f"--watch: there is no folder {folder}", code=2)
    return folder or ""
