"""Picture files of every kind become 8-bit sRGB; what is none is refused in one line."""

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from walkin.errors import WalkinError
from walkin.network.feeding import decode
from walkin.network.feeding.pictures import picture_from, read_picture

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


@pytest.fixture
def corners() -> Image.Image:
    """3 x 2 pixels with a red, a green and a blue corner: turning or mirroring it shows."""
    image = Image.new("RGB", (3, 2), WHITE)
    for place, colour in (((0, 0), RED), ((2, 0), GREEN), ((0, 1), BLUE)):
        image.putpixel(place, colour)
    return image


def saved(image: Image.Image, path, **options):
    image.save(path, **options)
    return path


def test_plain_png_is_read_exactly(tmp_path, corners):
    picture = read_picture(saved(corners, tmp_path / "a.png"))
    assert picture.pixels.tolist() == np.asarray(corners).tolist()
    assert (picture.name, picture.size_before, picture.notes) == ("a.png", (3, 2), ())
    assert picture.pixels.dtype == np.uint8 and not picture.pixels.flags.writeable


def test_sixteen_bits_are_scaled_not_clipped(tmp_path):
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    for name in ("a.png", "a.tif"):
        picture = read_picture(saved(Image.fromarray(values), tmp_path / name))
        assert picture.pixels[0, :, 0].tolist() == [0, 1, 128, 255]
        assert (picture.pixels[..., 0] == picture.pixels[..., 2]).all()


def test_sixteen_bit_pgm_opened_as_32_bit(tmp_path):
    path = tmp_path / "a.pgm"
    path.write_bytes(b"P5 3 1 65535\n" + struct.pack(">3H", 0, 32896, 65535))
    assert read_picture(path).pixels[0, :, 1].tolist() == [0, 128, 255]


def test_cmyk(tmp_path):
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    picture = read_picture(saved(image, tmp_path / "a.jpg", quality=100))
    assert np.abs(picture.pixels[8, 8].astype(int) - RED).max() < 8
    assert any("CMYK" in note for note in picture.notes)


def test_palette_one_bit_and_grey(tmp_path, corners):
    palette = read_picture(saved(corners.convert("P", palette=Image.Palette.ADAPTIVE), tmp_path / "p.png"))
    assert palette.pixels[0, 2].tolist() == list(GREEN)
    assert palette.notes == ()
    bits = read_picture(saved(Image.fromarray(np.array([[True, False]])), tmp_path / "b.png"))
    assert bits.pixels.tolist() == [[[255] * 3, [0] * 3]]
    grey = read_picture(saved(Image.fromarray(np.array([[7, 200]], np.uint8)), tmp_path / "g.png"))
    assert grey.pixels.tolist() == [[[7] * 3, [200] * 3]]


def test_transparency_is_laid_on_mid_grey(tmp_path):
    image = Image.new("RGBA", (2, 1), (255, 0, 0, 255))
    image.putpixel((1, 0), (0, 255, 0, 0))
    picture = read_picture(saved(image, tmp_path / "a.png"))
    assert picture.pixels.tolist() == [[[255, 0, 0], [128, 128, 128]]]
    assert "transparency laid on mid grey" in picture.notes
    opaque = read_picture(saved(Image.new("RGBA", (2, 1), RED), tmp_path / "b.png"))
    assert opaque.notes == ()


def test_transparent_palette(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putpixel((1, 0), 1)
    picture = read_picture(saved(image, tmp_path / "a.png", transparency=1))
    assert picture.pixels.tolist() == [[[255, 0, 0], [128, 128, 128]]]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path, corners, orientation):
    """Saved as a camera held that way would, each comes out upright again."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    as_held = corners.transpose(undo[orientation]) if orientation > 1 else corners
    picture = read_picture(saved(as_held, tmp_path / "a.png", exif=exif))
    assert picture.pixels.tolist() == np.asarray(corners).tolist()
    assert picture.size_before == (3, 2)
    assert bool(picture.notes) == (orientation > 1)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    for name in ("a.gif", "a.webp", "a.tif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], lossless=True)
        picture = read_picture(tmp_path / name)
        assert picture.pixels[0, 0].tolist() == list(RED)
        assert any(note.startswith("first of 3") for note in picture.notes)


def test_float_tiff_is_stretched_and_says_so(tmp_path):
    values = np.array([[-2.0, 0.0, 2.0, np.nan]], dtype=np.float32)
    picture = read_picture(saved(Image.fromarray(values), tmp_path / "a.tif"))
    assert picture.pixels[0, :, 0].tolist() == [0, 128, 255, 0]
    assert any("-2 to 2" in note for note in picture.notes)
    assert any("1 values are not finite" in note for note in picture.notes)


def test_constant_float_tiff(tmp_path):
    path = saved(Image.fromarray(np.full((2, 2), 5, np.float32)), tmp_path / "a.tif")
    assert (read_picture(path).pixels == 128).all()


def test_colour_profile(tmp_path, corners):
    """One whose red and green are exchanged exchanges them; sRGB's own changes nothing; a broken one is passed over."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read_picture(saved(corners, tmp_path / "a.png", icc_profile=srgb)).pixels.tolist() == (
        np.asarray(corners).tolist()
    )
    exchanged = srgb.replace(b"rXYZ", b"____").replace(b"gXYZ", b"rXYZ").replace(b"____", b"gXYZ")
    exchanged = exchanged.replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be"))
    picture = read_picture(saved(corners, tmp_path / "c.png", icc_profile=exchanged))
    assert np.abs(picture.pixels[0, 0].astype(int) - GREEN).max() < 4
    assert np.abs(picture.pixels[0, 2].astype(int) - RED).max() < 4
    assert "Wide" in picture.notes[0]
    broken = read_picture(saved(corners, tmp_path / "b.png", icc_profile=b"nonsense"))
    assert broken.pixels.tolist() == np.asarray(corners).tolist()


def test_one_pixel(tmp_path):
    assert read_picture(saved(Image.new("RGB", (1, 1), BLUE), tmp_path / "a.png")).pixels.tolist() == [[list(BLUE)]]


def test_very_long_pictures_are_reduced(tmp_path):
    strip = np.zeros((1, 20000), np.uint8)
    strip[:, 10000:] = 200
    for pixels, before in ((strip, (20000, 1)), (strip.T, (1, 20000))):
        picture = read_picture(saved(Image.fromarray(pixels), tmp_path / "a.png"))
        assert picture.size_before == before
        assert max(picture.pixels.shape) <= decode.LONGEST_SIDE and picture.pixels.size >= 3 * 2000
        flat = picture.pixels[..., 0].ravel()
        assert flat[0] == 0 and flat[-1] == 200 and abs(int((flat == 0).sum()) * 2 - len(flat)) <= 2
        assert any("reduced" in note for note in picture.notes)


def test_a_large_palette_picture_is_averaged_in_colour(tmp_path):
    """Indices must not be averaged: red (0) and blue (2) would become green (1)."""
    image = Image.new("P", (8192, 64))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.paste(2, (0, 32, 8192, 64))
    for row in range(0, 32, 2):  # red and blue rows in turn
        image.paste(2, (0, row, 8192, row + 1))
    picture = read_picture(saved(image, tmp_path / "a.png"))
    assert picture.pixels.shape == (32, 4096, 3)
    assert picture.pixels[0, 0].tolist() in ([127, 0, 127], [128, 0, 128])
    assert picture.pixels[-1, 0].tolist() == list(BLUE)


def test_bands_join_without_a_seam(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "_BAND_PIXELS", 5000 * 7)
    ramp = np.repeat(np.arange(200, dtype=np.uint8)[:, None], 5000, axis=1)
    picture = read_picture(saved(Image.fromarray(ramp), tmp_path / "a.png"))
    assert picture.pixels.shape == (100, 2500, 3)
    assert np.abs(picture.pixels[:, 0, 0] - np.arange(0.5, 200, 2)).max() <= 0.5


def test_a_large_jpeg_is_reduced_by_its_decoder(tmp_path):
    path = saved(Image.new("RGB", (12000, 9000), GREEN), tmp_path / "a.jpg")
    picture = read_picture(path)
    assert max(picture.pixels.shape) <= decode.LONGEST_SIDE
    assert picture.size_before == (12000, 9000)
    assert np.abs(picture.pixels[10, 10].astype(int) - GREEN).max() < 4


def test_a_picture_too_large_to_decode_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "LARGEST_DECODED", 1000)
    path = saved(Image.new("RGB", (100, 100)), tmp_path / "a.png")
    assert_refused(path, "100x100", "limit")


@pytest.mark.slow
def test_pillows_own_limit_stays_for_others(tmp_path):
    before = Image.MAX_IMAGE_PIXELS
    read_picture(saved(Image.new("1", (20000, 10000)), tmp_path / "a.png"))  # beyond that limit
    assert before == Image.MAX_IMAGE_PIXELS


def assert_refused(path, *words: str) -> None:
    with pytest.raises(WalkinError) as refusal:
        read_picture(path)
    message = str(refusal.value)
    assert "\n" not in message and str(path) in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("ending, kind", [("jpg", "JPEG"), ("png", "PNG"), ("gif", "GIF")])
def test_truncated_files(tmp_path, ending, kind):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), np.uint8)
    whole = saved(Image.fromarray(noise), tmp_path / f"whole.{ending}").read_bytes()
    for share in (0.5, 0.9, 0.001):
        path = tmp_path / f"{share}.{ending}"
        path.write_bytes(whole[: max(10, int(len(whole) * share))])
        assert_refused(path, f"truncated {kind}")


def test_what_is_no_picture(tmp_path):
    (tmp_path / "text.jpg").write_text("this is not a picture")
    (tmp_path / "page.png").write_text("<!DOCTYPE html><html>404</html>")
    (tmp_path / "script.eps").write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n")
    (tmp_path / "empty.png").touch()
    assert_refused(tmp_path / "text.jpg", "not a picture")
    assert_refused(tmp_path / "page.png", "HTML")
    assert_refused(tmp_path / "script.eps", "PostScript")
    assert_refused(tmp_path / "empty.png", "empty")
    assert_refused(tmp_path / "missing.png", "no such file")
    assert_refused(tmp_path, "folder")


def test_arrays():
    grey = np.arange(6, dtype=np.uint8).reshape(2, 3)
    assert picture_from(grey).pixels[..., 1].tolist() == grey.tolist()
    assert picture_from(grey[..., None]).pixels[..., 2].tolist() == grey.tolist()
    colour = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert picture_from(colour).pixels.tolist() == colour.tolist()
    unit = picture_from(np.array([[0.0, 0.5, 1.0]]))
    assert unit.pixels[0, :, 0].tolist() == [0, 128, 255] and unit.notes == ()
    transparent = np.zeros((1, 1, 4), np.uint8)
    assert picture_from(transparent).pixels.tolist() == [[[128] * 3]]
    stretched = picture_from(np.array([[-1.0, 3.0]]))
    assert stretched.pixels[0, :, 0].tolist() == [0, 255] and "-1 to 3" in stretched.notes[0]


def test_tensors_and_pil_images(corners):
    import torch

    chw = torch.arange(24, dtype=torch.uint8).reshape(3, 2, 4)
    assert picture_from(chw).pixels.tolist() == chw.permute(1, 2, 0).tolist()
    assert picture_from(chw[None]).pixels.tolist() == chw.permute(1, 2, 0).tolist()
    # 3 x 3 x 3 could be either: of a tensor the channels come first.
    cube = torch.arange(27, dtype=torch.uint8).reshape(3, 3, 3)
    assert picture_from(cube).pixels.tolist() == cube.permute(1, 2, 0).tolist()
    assert picture_from(cube.numpy()).pixels.tolist() == cube.tolist()
    half = torch.full((1, 2, 2), 0.5, dtype=torch.bfloat16, requires_grad=True)
    assert (picture_from(half).pixels == 128).all()
    assert picture_from(corners).pixels.tolist() == np.asarray(corners).tolist()


@pytest.mark.parametrize(
    "given", [np.zeros((2, 2, 2)), np.zeros(5), np.zeros((0, 3)), ["a"], None, np.zeros((2, 2), complex)]
)
def test_what_python_gives_that_is_no_picture(given):
    with pytest.raises(WalkinError, match="no picture"):
        picture_from(given)
