"""Where shaders and assets are: in a checkout, an editable install and a wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@cache
def _top_level(folder: str) -> Path:
    # The wheel carries the folder inside the package (force-include in pyproject.toml); a checkout and an editable
    # install, whose package lies in <checkout>/src/walkin, have it at the top level.
    for candidate in (_PACKAGE / folder, _PACKAGE.parent.parent / folder):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(
        f"walkin is not installed completely: no folder {folder!r} beside {_PACKAGE}; install it again"
    )


def asset_dir() -> Path:
    return _top_level("assets")


def shader_dir() -> Path:
    return _top_level("shaders")


def asset(name: str) -> Path:
    """Path of a file in assets/, `photos/chelsea.jpg`; FileNotFoundError, naming it, if it is not there."""
    path = asset_dir() / name
    if not path.exists():
        raise FileNotFoundError(
            f"walkin is not installed completely: no asset {name!r} in {asset_dir()}; install it again"
        )
    return path


def photos() -> tuple[Path, ...]:
    """The bundled photographs, the one that is shown first in front."""
    found = sorted(asset("photos").glob("*.jpg"))
    return tuple(sorted(found, key=lambda path: path.stem != "chelsea"))
