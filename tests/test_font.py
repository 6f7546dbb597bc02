"""The glyph atlas and the layout of text, against FreeType (through Pillow), which had no part in baking them."""

from __future__ import annotations

import importlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from walkin.render.font import Font, GlyphRun
from walkin.resources import asset

UNITS_PER_EM = 2816  # Inter's; at this size Pillow's whole pixels are the font's own units
FACES = {"regular": "fonts/Inter-Regular.otf", "semibold": "fonts/Inter-SemiBold.otf"}
PROMISED = "×·–—…→←↑↓≈≤≥±°µμΔσ∞‰√²³•■●▲▼✓✗−"


@pytest.fixture(scope="module")
def font() -> Font:
    return Font.load()


def freetype(face: str, pixels_per_em: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(asset(FACES[face]), pixels_per_em, layout_engine=ImageFont.Layout.BASIC)


def draw(
    font: Font, run: GlyphRun, pixels_per_em: int, size: tuple[int, int], origin: tuple[float, float]
) -> np.ndarray:
    """What a shader would: the coverage of a run, drawn with the baseline's start at `origin` (x, y down)."""
    coverage = np.zeros((size[1], size[0]), dtype=np.float32)
    rows, columns = font.atlas.shape
    for (left, bottom, right, top), (u_left, v_bottom, u_right, v_top) in zip(run.plane, run.uv, strict=True):
        x0, x1 = origin[0] + left * pixels_per_em, origin[0] + right * pixels_per_em
        y0, y1 = origin[1] - top * pixels_per_em, origin[1] - bottom * pixels_per_em
        x = np.arange(max(0, np.ceil(x0 - 0.5)), min(size[0], np.floor(x1 + 0.5))).astype(int)
        y = np.arange(max(0, np.ceil(y0 - 0.5)), min(size[1], np.floor(y1 + 0.5))).astype(int)
        u = (u_left + (x + 0.5 - x0) / (x1 - x0) * (u_right - u_left)) * columns - 0.5
        v = (v_top + (y + 0.5 - y0) / (y1 - y0) * (v_bottom - v_top)) * rows - 0.5
        i, j = np.clip(np.floor(u).astype(int), 0, columns - 2), np.clip(np.floor(v).astype(int), 0, rows - 2)
        fu, fv = (u - i)[None, :], (v - j)[:, None]
        corner = {(dv, du): font.atlas[np.ix_(j + dv, i + du)] / np.float32(255) for dv in (0, 1) for du in (0, 1)}
        d = (corner[0, 0] * (1 - fu) + corner[0, 1] * fu) * (1 - fv) + (
            corner[1, 0] * (1 - fu) + corner[1, 1] * fu
        ) * fv
        texels_per_pixel = font.texels_per_em / pixels_per_em
        ink = np.clip((d - 0.5) * 2 * font.spread_texels / texels_per_pixel + 0.5, 0, 1)
        coverage[np.ix_(y, x)] = np.maximum(coverage[np.ix_(y, x)], ink)
    return coverage


def test_the_characters_that_labels_need_are_there(font: Font) -> None:
    ascii_and_latin = {chr(code) for code in (*range(0x20, 0x7F), *range(0xA0, 0x100))} - {"\xad"}
    assert ascii_and_latin | set(PROMISED) <= font.characters
    assert asset("glyphs.npz").stat().st_size < 400_000


@pytest.mark.parametrize("face", FACES)
def test_advances_and_line_metrics_are_the_fonts(font: Font, face: str) -> None:
    truth = freetype(face, UNITS_PER_EM)
    for character in sorted(font.characters):
        assert font.measure(character, face)[0] * UNITS_PER_EM == pytest.approx(truth.getlength(character), abs=0.01)
    ascender, descender = truth.getmetrics()
    shape = font.faces[face]
    assert (shape.ascender * UNITS_PER_EM, -shape.descender * UNITS_PER_EM) == pytest.approx((ascender, descender))
    assert shape.cap_height * UNITS_PER_EM == pytest.approx(-truth.getbbox("H", anchor="ls")[1], abs=1)
    assert shape.x_height * UNITS_PER_EM == pytest.approx(-truth.getbbox("x", anchor="ls")[1], abs=1)


@pytest.mark.slow
@pytest.mark.parametrize("face", FACES)
def test_cells_hold_the_whole_glyph_and_its_spread(font: Font, face: str) -> None:
    truth = freetype(face, UNITS_PER_EM)
    texel = 1 / font.texels_per_em
    for character in sorted(font.characters):
        run = font.layout(character, face)
        mask, (x, y) = truth.getmask2(character, mode="1", anchor="ls")
        ink = mask.getbbox()
        if ink is None:
            assert len(run.plane) == 0
            continue
        left, top, right, bottom = np.add(ink, (x, y, x, y)) / UNITS_PER_EM
        wanted = np.array([left, -bottom, right, -top]) + font.spread_em * np.array([-1, -1, 1, 1])
        slack = (wanted - run.plane[0]) * np.array([1, 1, -1, -1])
        assert np.all(slack > -1.5 / UNITS_PER_EM), character
        assert np.all(slack < texel + 1.5 / UNITS_PER_EM), character


@pytest.mark.parametrize("face", FACES)
def test_glyphs_drawn_at_four_times_the_atlas_are_freetypes(font: Font, face: str) -> None:
    pixels_per_em = 4 * int(font.texels_per_em)
    truth = freetype(face, pixels_per_em)
    worst = {}
    for character in sorted(font.characters):
        run = font.layout(character, face)
        if not len(run.plane):
            continue
        picture = Image.new("L", (360, 330))
        ImageDraw.Draw(picture).text((60, 230), character, 255, font=truth, anchor="ls")
        theirs = np.asarray(picture) >= 128
        ours = draw(font, run, pixels_per_em, picture.size, (60, 230)) >= 0.5
        worst[character] = (theirs & ours).sum() / (theirs | ours).sum()
    # Corners are rounded, which takes most from what is small and square.
    assert np.mean(list(worst.values())) > 0.985
    assert {c: round(float(iou), 3) for c, iou in worst.items() if iou < 0.97 and c.isalnum() and c.isascii()} == {}
    assert {c: round(float(iou), 3) for c, iou in worst.items() if iou < 0.93} == {}


def test_small_text_is_as_grey_as_freetypes(font: Font) -> None:
    truth = freetype("regular", 20)
    for character in "Rag&8@":
        picture = Image.new("L", (40, 40))
        ImageDraw.Draw(picture).text((10, 28), character, 255, font=truth, anchor="ls")
        ours = draw(font, font.layout(character), 20, picture.size, (10, 28))
        theirs = np.asarray(picture) / 255
        assert ours.sum() == pytest.approx(theirs.sum(), rel=0.03), character
        assert np.corrcoef(ours.ravel(), theirs.ravel())[0, 1] > 0.99, character


def test_cells_keep_apart(font: Font) -> None:
    taken = np.zeros(font.atlas.shape, dtype=int)
    rows, columns = font.atlas.shape
    for face in font.faces.values():
        cells = face.uv[face.uv[:, 2] > face.uv[:, 0]] * np.array([columns, rows, columns, rows])
        for left, bottom, right, top in np.rint(cells).astype(int):
            cell = font.atlas[top:bottom, left:right]
            rim = np.concatenate([cell[0], cell[-1], cell[:, 0], cell[:, -1]])
            assert rim.max() <= 0.1 * 255, "a glyph reaches the edge of its cell"
            assert cell.max() > 0.5 * 255
            taken[top:bottom, left:right] += 1
    assert taken.max() == 1
    assert font.atlas[taken == 0].max() == 0


def test_pairs_are_kerned_as_harfbuzz_does(font: Font) -> None:
    # HarfBuzz's answers for these faces in font units, calt off.
    regular = {"AV": -192, "To": -224, "r.": -176, "7.": -352, "LT": -272, "P,": -112, "v2": 0, "oo": 0}
    semibold = {"AV": -234, "To": -224, "r.": -176, "7.": -352, "LT": -261, "P,": -112, "v2": 0, "oo": 0}
    for face, pairs in {"regular": regular, "semibold": semibold}.items():
        for pair, kern in pairs.items():
            apart = sum(font.measure(character, face)[0] for character in pair)
            assert (font.measure(pair, face)[0] - apart) * UNITS_PER_EM == pytest.approx(kern, abs=0.01), pair


def test_a_line_is_its_advances_and_scales_with_its_size(font: Font) -> None:
    run = font.layout("no no")
    n, o, space = (font.measure(character)[0] for character in "no ")
    single = {character: font.layout(character).plane[0, 0] for character in "no"}
    assert len(run.plane) == len(run.uv) == 4  # a space has no rectangle, but its width
    starts = [0, n, n + o + space, 2 * n + o + space]
    np.testing.assert_allclose(run.plane[:, 0], [x + single[c] for x, c in zip(starts, "nono", strict=True)], atol=1e-6)
    assert run.width == pytest.approx(2 * n + 2 * o + space)
    small = font.layout("no no", size_m=0.04)
    np.testing.assert_allclose(small.plane, run.plane * 0.04, rtol=1e-6)
    np.testing.assert_array_equal(small.uv, run.uv)
    assert (small.width, small.height) == pytest.approx(font.measure("no no", size_m=0.04))
    assert small.plane.dtype == small.uv.dtype == np.float32


def test_lines_go_down_and_align_about_zero(font: Font) -> None:
    text = "wide line\ni\n\nlast"
    left, center, right = (font.layout(text, align=align) for align in ("left", "center", "right"))
    height = font.faces["regular"].line_height
    assert left.height == pytest.approx(4 * height)
    one = font.layout("i").plane[0]
    i = len("wideline")
    np.testing.assert_allclose(left.plane[i], one - np.array([0, height, 0, height], dtype=np.float32), atol=1e-6)
    width = font.measure("i")[0]
    assert center.plane[i, 0] == pytest.approx(one[0] - width / 2, abs=1e-6)
    assert right.plane[i, 0] == pytest.approx(one[0] - width, abs=1e-6)
    assert right.plane[0, 0] == pytest.approx(left.plane[0, 0] - font.measure("wide line")[0], abs=1e-6)
    assert left.width == center.width == right.width == pytest.approx(font.measure("wide line")[0])
    with pytest.raises(ValueError, match="align"):
        font.layout("x", align="middle")


def test_a_line_too_long_ends_in_an_ellipsis(font: Font) -> None:
    text = "AVeryLongNameOfAClassThatSomebodyWrote"
    full = font.layout(text, size_m=0.2)
    assert len(font.layout(text, size_m=0.2, max_width=full.width).plane) == len(text)
    dots = font.layout("…").uv[0]
    shown = []
    for width in (full.width - 1e-3, 2.0, 1.0, 0.5, 0.2):
        run = font.layout(text, size_m=0.2, max_width=width)
        kept = len(run.uv) - 1
        np.testing.assert_array_equal(run.uv[:-1], full.uv[:kept])
        np.testing.assert_array_equal(run.uv[-1], dots)
        assert (
            run.width <= width < font.measure(text[: kept + 1] + "…", size_m=0.2)[0]
        )  # one more would not have fitted
        shown.append(kept)
    assert sorted({*shown}, reverse=True) == shown
    for gap in ("a  bbbbbbbb", "a.bbbbbbbb"):  # neither a space nor a full stop stands before the ellipsis
        assert len(font.layout(gap, max_width=1.7).uv) == 2
    nothing = font.layout(text, max_width=0.1)
    assert nothing.plane.shape == nothing.uv.shape == (0, 4) and nothing.width == 0
    two = font.layout("short\n" + text, max_width=4.0)  # only the line that is too long is cut
    np.testing.assert_array_equal(two.uv[:5], font.layout("short").uv)
    np.testing.assert_array_equal(two.uv[-1], dots)


def test_wrapped_lines_fit_and_hold_every_letter(font: Font) -> None:
    text = (
        "the headset is gone (XrResult ERROR_SESSION_LOST); /a/path/without/any/space/that/is/wider/than/a/line stays"
    )
    pieces = font.wrap(text, 12.0)
    assert len(pieces) > 4
    assert all(font.measure(piece)[0] <= 12.0 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")
    assert pieces[0] == "the headset is gone", "cut between words"
    assert font.wrap("short", 12.0) == ["short"]
    first, *others = font.wrap(text, 12.0, indent=3.0)
    assert 9.0 < font.measure(first)[0] <= 12.0 and all(font.measure(piece)[0] <= 9.0 for piece in others)


def test_any_text_is_laid_out(font: Font) -> None:
    box = font.layout("\ufffd").uv
    for unknown in ("漢", "🐈", "\x00", "\ud800", "\u0301"):
        np.testing.assert_array_equal(font.layout(unknown).uv, box)
    assert len(box) == 1
    np.testing.assert_array_equal(font.layout("cafe\u0301").uv, font.layout("café").uv)  # as macOS writes file names
    assert font.measure("a\tb")[0] == pytest.approx(font.measure("a   b")[0])
    assert font.measure("a\r\nb") == font.measure("a\nb")
    empty = font.layout("")
    assert empty.plane.shape == empty.uv.shape == (0, 4)
    assert (empty.width, empty.height) == (0, pytest.approx(font.faces["regular"].line_height))
    with pytest.raises(KeyError):
        font.layout("x", "bold")


def test_tabular_figures_keep_the_width(font: Font) -> None:
    for face in font.faces:
        widths = [font.measure(number, face, tabular=True)[0] for number in ("0.123", "7.777", "1.111", "4.190")]
        assert np.ptp(widths) < 0.002  # one of the semibold's own figures is three units of 2816 narrower
    assert font.measure("0.123")[0] != pytest.approx(font.measure("1.111")[0])


@pytest.mark.slow
def test_the_atlas_is_what_the_bake_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(asset("bake_glyphs.py").parent)
    script = importlib.import_module("bake_glyphs")
    baked = script.bake()
    with np.load(asset("glyphs.npz"), allow_pickle=False) as committed:
        assert set(committed.files) == set(baked)
        for name in committed.files:
            np.testing.assert_array_equal(committed[name], baked[name], err_msg=f"{name}: bake again")
    packed = script.to_npz(baked)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:  # the time of day would make each bake a new file
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert packed == script.to_npz(baked)
