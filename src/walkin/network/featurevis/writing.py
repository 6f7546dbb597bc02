"""Writing: visualisations as files: pictures named by address, a sheet for each wall, and what is known of them."""

from __future__ import annotations

import hashlib
import math
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from walkin._version import __version__
from walkin.errors import WalkinError
from walkin.files.pictures import save_png
from walkin.files.safe import Damaged, read_json, set_aside, write_whole
from walkin.network.featurevis.beside import Known, as_json
from walkin.network.featurevis.recipe import Recipe
from walkin.resources import asset
from walkin.state.findings import times
from walkin.visualised import Visualised

INDEX = "index.json"
_LONGEST_NAME = 120
_INK, _PAPER, _FAINT = (235, 235, 235), (24, 25, 28), (150, 152, 158)


@dataclass
class Folder:
    """Where one command writes. What lies there from earlier runs stays, and stays listed."""

    path: Path
    network: str
    weights: str
    """In words."""
    recipe: Recipe
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By file name."""
    fresh: dict[str, list[Visualised]] = field(default_factory=lambda: defaultdict(list))
    """By address: what this run has written, for its sheets."""
    known: Known | None = None
    """What real pictures reach, to stand beside what these reach."""

    @classmethod
    def open(cls, path: Path, network: str, weights: str, recipe: Recipe) -> tuple[Folder, str]:
        """And what is to be told about an index that could not be read."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=path):  # now, not when the first picture is made
                pass
        except OSError as problem:
            raise WalkinError(f"cannot write to {path}: {problem.strerror or problem}; name another --out") from problem
        folder, told = cls(path, network, weights, recipe), ""
        index = path / INDEX
        if index.exists():
            try:
                held = read_json(index)
                folder.rows = {row["file"]: dict(row) for row in held["pictures"] if (path / row["file"]).exists()}
            except (Damaged, KeyError, TypeError) as problem:
                told = f"{index} cannot be read ({problem}): kept as {set_aside(index).name}"
        return folder, told

    def add(self, one: Visualised) -> Path:
        """Write one picture; the index follows with `write_index`."""
        name = f"{self._name(one)}.png"
        save_png(self.path / name, one.pixels)
        self.rows[name] = {
            "address": one.address,
            "channel": one.channel,
            "objective": one.objective,
            "file": name,
            "activation": one.activation,
            "recipe": one.recipe,
            "steps": one.steps,
            "seed": one.seed,
            "copy": one.copy,
            "seconds": round(one.seconds, 3),
            "network": self.network,
        }
        if one.peak is not None:
            self.rows[name]["peak"] = one.peak
        if one.capped:  # so was its objective; the activation is that of the node as it is
            self.rows[name]["before_relu6"] = True
        if self.known is not None and (beside := self.known.beside(one)) is not None:
            self.rows[name]["evidence"] = as_json(beside)
        self.fresh[_wall(one)].append(one)
        return self.path / name

    def write_index(self) -> None:
        content = {
            "network": self.network,
            "weights": self.weights,
            "walkin": __version__,
            "recipe": asdict(self.recipe),
            "pictures": sorted(
                self.rows.values(), key=lambda row: (row["address"], row["channel"], row["objective"], row["file"])
            ),
        }
        write_text = _json(content)
        write_whole(self.path / INDEX, write_text)

    def write_sheets(self) -> list[Path]:
        """One for each wall of this run."""
        written = []
        for wall, pictures in self.fresh.items():
            pictures = sorted(pictures, key=lambda one: (one.channel, one.objective, one.copy))
            path = self.path / f"{_safe(wall)}{self._suffix(pictures[0])}-sheet.png"
            title = f"{self.network}   {wall}"
            below = f"{self.recipe.name}, {pictures[0].steps} steps, seed {pictures[0].seed}; {self.weights}"
            if pictures[0].capped:
                below += "; made for values before its ReLU6"
            ratios = [self.known.figures(one) for one in pictures] if self.known is not None else []
            if self.known is not None:
                below += f"; beside each: its largest value over that of {self.known.evidence.count:,} pictures"
            save_png(
                path, sheet(pictures, title, below, ratios=[each.over_largest if each else None for each in ratios])
            )
            written.append(path)
        return written

    def _name(self, one: Visualised) -> str:
        single = re.fullmatch(re.escape(one.address) + r"/\d+", one.objective) is not None
        base = f"{_safe(one.address)}-{one.channel:04d}" if single else _safe(one.objective)
        return base + self._suffix(one) + (f"-{one.copy + 1}" if "~" in one.objective else "")

    def _suffix(self, one: Visualised) -> str:
        recipe = "" if one.recipe == "fourier" else f"-{_safe(one.recipe)}"
        return recipe + (f"-seed{one.seed}" if one.seed else "")


def sheet(
    pictures: list[Visualised], title: str, below: str = "", side: int = 0, ratios: Sequence[float | None] = ()
) -> np.ndarray:
    """uint8 (H, W, 3): all pictures with their channel and activation, under a title. `ratios`: of each, how many times
    what real pictures reach it reaches; None where that says nothing."""
    count = len(pictures)
    side = side or (160 if count <= 64 else 112 if count <= 400 else 80)
    columns = min(count, max(4, math.ceil(math.sqrt(count * 1.5)))) or 1
    rows = math.ceil(count / columns)
    gap, head, label = 10, 74, 20 if not ratios else 38
    font, small = _font(22, bold=True), _font(13)
    width = max(gap + columns * (side + gap), 420)
    picture = Image.new("RGB", (width, head + rows * (side + label + gap)), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((gap, 10), _fitting(title, font, width - 2 * gap), font=font, fill=_INK)
    draw.text((gap, 42), _fitting(below, small, width - 2 * gap), font=small, fill=_FAINT)
    for number, one in enumerate(pictures):
        left = gap + number % columns * (side + gap)
        top = head + number // columns * (side + label + gap)
        picture.paste(_tile(one.pixels, side), (left, top))
        name = str(one.channel) if one.channel >= 0 else one.objective
        value = f"{one.activation:.3g}"
        room = side - small.getlength(value) - 6
        draw.text((left, top + side + 2), _fitting(name, small, room), font=small, fill=_INK)
        draw.text((left + side - small.getlength(value), top + side + 2), value, font=small, fill=_FAINT)
        if ratios:
            found = ratios[number]
            words = f"{times(found)} largest" if found is not None else "no ratio"
            ink = _INK if found is not None else _FAINT
            draw.text((left, top + side + 19), _fitting(words, small, side), font=small, fill=ink)
    return np.asarray(picture)


def _tile(pixels: np.ndarray, side: int) -> Image.Image:
    image = Image.fromarray(pixels)
    if image.mode == "RGBA":  # over mid grey, which a picture without detail is
        image = Image.alpha_composite(Image.new("RGBA", image.size, (128, 128, 128, 255)), image)
    image = image.convert("RGB")
    scale = side / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    tile = Image.new("RGB", (side, side), _PAPER)
    resample = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    tile.paste(image.resize(size, resample), ((side - size[0]) // 2, (side - size[1]) // 2))
    return tile


def _wall(one: Visualised) -> str:
    return "classes" if one.objective.startswith("class:") else one.address or "classes"


def _font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(asset(f"fonts/Inter-{'SemiBold' if bold else 'Regular'}.otf")), size)


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _safe(text: str) -> str:
    """A file name on every system; what is long keeps its beginning and a hash."""
    name = re.sub(r"[^\w.,+=-]+", "~", text).strip(".~") or "picture"
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    return name


def _json(content: dict[str, Any]) -> str:
    import json

    return json.dumps(content, indent=1) + "\n"
