"""Bakes glyphs.npz, the signed-distance glyph atlas that walkin.render.font reads, from the bundled fonts' outlines.

Run it after changing anything here:   python assets/bake_glyphs.py [--preview atlas.png]

Distances are measured to the outline itself (its curves flattened to a hundredth of a texel), not to a
rendering of it: no rasteriser has a say, so every machine bakes the same atlas. Needs fontTools (extra `dev`).
"""

from __future__ import annotations

import argparse
import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont

ASSETS = Path(__file__).parent
FACES = {"regular": "Inter-Regular.otf", "semibold": "Inter-SemiBold.otf"}

TEXELS_PER_EM = 48  # a label read from arm's length in a headset has about this many pixels per em
SPREAD = 6  # texels either side of the outline: an eighth of an em, enough for antialiasing at 4 px/em and for a halo
WIDTH = 1024
ALIGN = 4  # cells begin on multiples of this, so that mip levels 0-2 never average two glyphs
FLATNESS = 0.01  # texels by which a chord may miss its curve; one grey level is 0.047 texel

SYMBOLS = "–—‘’“”•…‰⁰⁴₀₁₂€√∞≈≠≤≥−∂∅∫ΔσμλπαβθΣ←↑→↓↔↖↗↘↙⟶■□●○◆▲▶▼◀✓✗′″"
# Figures and separators of one width, which Inter keeps at these private codes: numbers that change do not jitter.
TABULAR = (*range(0xE071, 0xE07B), 0xE093, 0xE094, 0xE095, 0xE096)
# Drawn for whatever the atlas lacks. Inter has no such glyph, and its .notdef is a loud striped block: a hollow square.
REPLACEMENT = 0xFFFD
CODES = sorted({*range(0x20, 0x7F), *range(0xA0, 0x100), *map(ord, SYMBOLS), *TABULAR, REPLACEMENT} - {0xAD})


@dataclass(frozen=True)
class Glyph:
    """One glyph of one face: its outline as line segments, and where its cell lies on the em's texel grid."""

    advance_em: float
    segments: np.ndarray  # (n, 2, 2) in texels, y up, baseline at 0; empty for a space
    box: tuple[int, int, int, int]  # left, bottom, right, top in texels, spread included


def flatten(recording: list, texels_per_unit: float) -> np.ndarray:
    """The closed contours of a recorded outline as line segments, in texels."""
    segments: list[np.ndarray] = []
    start = here = np.zeros(2)
    for verb, arguments in recording:
        points = [np.array(p, dtype=np.float64) * texels_per_unit for p in arguments]
        if verb == "moveTo":
            start = here = points[0]
        elif verb == "lineTo":
            segments.append(np.array([here, points[0]]))
            here = points[0]
        elif verb == "curveTo":
            a, b, c, d = here, *points
            bend = max(np.linalg.norm(a - 2 * b + c), np.linalg.norm(b - 2 * c + d))
            steps = max(1, int(np.ceil(np.sqrt(0.75 * bend / FLATNESS))))  # the chord's error is bend * 6 / (8 steps^2)
            t = np.linspace(0.0, 1.0, steps + 1)[:, None]
            curve = (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d
            segments.extend(np.stack([curve[:-1], curve[1:]], axis=1))
            here = d
        elif verb in ("closePath", "endPath"):
            if not np.array_equal(here, start):
                segments.append(np.array([here, start]))
            here = start
        else:
            raise ValueError(f"an outline of kind {verb} was not expected in a CFF font")
    return np.array(segments).reshape(-1, 2, 2)


def read_face(path: Path) -> tuple[list[Glyph], dict[str, float], np.ndarray]:
    """The glyphs of CODES in order, the face's metrics in em, and the kerning in em of every pair of them."""
    font = TTFont(path)
    units = font["head"].unitsPerEm
    name_of = font.getBestCmap()
    name_of.setdefault(REPLACEMENT, name_of[ord("□")])
    if lacking := [chr(code) for code in CODES if code not in name_of]:
        raise ValueError(f"{path.name} has no glyph for {' '.join(lacking)}")
    names = [name_of[code] for code in CODES]

    outlines = font.getGlyphSet()
    glyphs = []
    for name in names:
        pen = DecomposingRecordingPen(outlines)
        outlines[name].draw(pen)
        segments = flatten(pen.value, TEXELS_PER_EM / units)
        box = (0, 0, 0, 0)
        if len(segments):
            low = np.floor(segments.min(axis=(0, 1)) - SPREAD).astype(int)
            high = np.ceil(segments.max(axis=(0, 1)) + SPREAD).astype(int)
            box = (int(low[0]), int(low[1]), int(high[0]), int(high[1]))
        glyphs.append(Glyph(font["hmtx"][name][0] / units, segments, box))

    metrics = {
        "ascender": font["hhea"].ascent / units,
        "descender": font["hhea"].descent / units,
        "line_height": (font["hhea"].ascent - font["hhea"].descent + font["hhea"].lineGap) / units,
        "cap_height": font["OS/2"].sCapHeight / units,
        "x_height": font["OS/2"].sxHeight / units,
    }
    return glyphs, metrics, kerning(font, names) / units


def kerning(font: TTFont, names: list[str]) -> np.ndarray:
    """What the font's `kern` feature adds to the advance of a row's glyph when a column's follows, in font units."""
    table = font["GPOS"].table
    kern = [record.Feature for record in table.FeatureList.FeatureRecord if record.FeatureTag == "kern"]
    lookups = sorted({index for feature in kern for index in feature.LookupListIndex})
    units = np.zeros((len(names), len(names)), dtype=np.int32)
    for lookup in lookups:
        decided = np.zeros(units.shape, dtype=bool)  # the first subtable that knows a pair decides, even if it says 0
        for subtable in table.LookupList.Lookup[lookup].SubTable:
            subtable = getattr(subtable, "ExtSubTable", subtable)
            covered = {name: i for i, name in enumerate(subtable.Coverage.glyphs)}
            for row, left in enumerate(names):
                if left not in covered:
                    continue
                if subtable.Format == 1:
                    values = {pair.SecondGlyph: pair.Value1 for pair in subtable.PairSet[covered[left]].PairValueRecord}
                else:
                    record = subtable.Class1Record[subtable.ClassDef1.classDefs.get(left, 0)].Class2Record
                    classes = subtable.ClassDef2.classDefs
                    values = {right: record[classes.get(right, 0)].Value1 for right in names}
                for column, right in enumerate(names):
                    if right in values and not decided[row, column]:
                        units[row, column] += getattr(values[right], "XAdvance", 0) or 0
                        decided[row, column] = True
    figures = np.isin(CODES, TABULAR)
    units[figures] = units[:, figures] = 0  # or a changing number would not keep its width
    return units


def distances(glyph: Glyph) -> np.ndarray:
    """Signed distances in texels, positive inside, at the texel centres of a glyph's cell; row 0 is the top."""
    left, bottom, right, top = glyph.box
    y, x = (axis.reshape(-1, 1) for axis in np.mgrid[top - 0.5 : bottom : -1, left + 0.5 : right])
    (ax, ay), (bx, by) = glyph.segments[:, 0].T, glyph.segments[:, 1].T
    dx, dy = bx - ax, by - ay
    px, py = x - ax, y - ay  # texels by segments
    along = np.clip((px * dx + py * dy) / np.maximum(dx * dx + dy * dy, 1e-12), 0.0, 1.0)
    nearest = np.sqrt(((px - along * dx) ** 2 + (py - along * dy) ** 2).min(axis=1))
    # Winding number: segments that cross the ray to the right of the point, counted by their direction.
    side = dx * py - dy * px
    upward, downward = (ay <= y) & (by > y) & (side > 0), (ay > y) & (by <= y) & (side < 0)
    inside = upward.sum(axis=1) != downward.sum(axis=1)
    return np.where(inside, nearest, -nearest).reshape(top - bottom, right - left)


def pack(sizes: list[list[int]]) -> tuple[np.ndarray, int]:
    """Where each (width, height) goes on shelves of falling height, as (n, 2) of x, y; and the height of it all."""
    places = np.zeros((len(sizes), 2), dtype=np.int32)
    x = y = shelf = 0
    for i in sorted(range(len(sizes)), key=lambda i: (-sizes[i][1], -sizes[i][0], i)):
        width, height = (-(-side // ALIGN) * ALIGN for side in sizes[i])
        if x + width > WIDTH:
            x, y, shelf = 0, y + shelf, 0
        places[i] = x, y
        x, shelf = x + width, max(shelf, height)
    return places, y + shelf


def bake() -> dict[str, np.ndarray]:
    """Every array of glyphs.npz; its reader, src/walkin/render/font.py, says what each one means."""
    faces = {name: read_face(ASSETS / "fonts" / file) for name, file in FACES.items()}
    glyphs = [glyph for face, _, _ in faces.values() for glyph in face]
    boxes = np.array([glyph.box for glyph in glyphs])
    sizes = boxes[:, 2:] - boxes[:, :2]
    places, height = pack(sizes.tolist())
    atlas = np.zeros((height, WIDTH), dtype=np.uint8)
    for glyph, (x, y) in zip(glyphs, places, strict=True):
        if len(glyph.segments):
            level = np.clip(0.5 + distances(glyph) / (2 * SPREAD), 0.0, 1.0)
            atlas[y : y + level.shape[0], x : x + level.shape[1]] = np.rint(level * 255)
    cells = np.concatenate([places, places + sizes], axis=1)

    shape = (len(FACES), len(CODES))
    arrays = {
        "faces": np.array(list(FACES)),
        "codes": np.array(CODES, dtype=np.uint32),
        "texels_per_em": np.array(TEXELS_PER_EM, dtype=np.float32),
        "spread": np.array(SPREAD, dtype=np.float32),
        "metric_names": np.array(list(next(iter(faces.values()))[1])),
        "metrics": np.array([list(metrics.values()) for _, metrics, _ in faces.values()], dtype=np.float32),
        "advance": np.array([glyph.advance_em for glyph in glyphs], dtype=np.float32).reshape(shape),
        "box": boxes.astype(np.int16).reshape(*shape, 4),
        "cell": cells.astype(np.int16).reshape(*shape, 4),
        # Each row holds its difference from the one above (PNG's "up" filter), which halves the file.
        "atlas": np.diff(atlas, axis=0, prepend=np.zeros((1, WIDTH), dtype=np.uint8)),
    }
    for name, (_, _, kern) in faces.items():
        # Glyphs with the same kerning share a row, or a column.
        rows, left = np.unique(kern, axis=0, return_inverse=True)
        table, right = np.unique(rows, axis=1, return_inverse=True)
        arrays[f"kern_{name}"] = table.astype(np.float32)
        arrays[f"kern_left_{name}"] = left.ravel().astype(np.uint8)
        arrays[f"kern_right_{name}"] = right.ravel().astype(np.uint8)
        assert max(table.shape) <= 256
    return arrays


def to_npz(arrays: dict[str, np.ndarray]) -> bytes:
    """The arrays as an .npz; numpy's own writer stamps the time of day into it, and no two bakes would be alike."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, version=(1, 0), allow_pickle=False)
            member = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            archive.writestr(member, entry.getvalue(), zipfile.ZIP_DEFLATED, 9)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description="Bake assets/glyphs.npz from assets/fonts.")
    parser.add_argument("--preview", type=Path, metavar="FILE", help="also write the atlas as a picture")
    preview = parser.parse_args().preview
    arrays = bake()
    data = to_npz(arrays)
    (ASSETS / "glyphs.npz").write_bytes(data)
    atlas = np.cumsum(arrays["atlas"], axis=0, dtype=np.uint8)
    height, width = atlas.shape
    print(f"glyphs.npz: {arrays['advance'].size} glyphs, {width}x{height} texels, {len(data) / 1e3:.0f} KB")
    if preview:
        from PIL import Image

        Image.fromarray(atlas).save(preview)


if __name__ == "__main__":
    main()
