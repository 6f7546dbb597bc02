"""Codes on their way into textures: from memory, through a buffer, and what happens where CUDA offers no way."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from walkin import gl
from walkin.render.interop import Interop, Unusable
from walkin.render.unpack import Unpack
from walkin.tiles import DeviceCodes

POINTER = ctypes.c_void_p
SIZES = ((96, 64), (48, 32), (24, 16))


def mosaics(seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, size, np.uint8) for size in SIZES]


def read(texture, level: int, size: tuple[int, int], layer: int = 1) -> np.ndarray:
    """One layer of a level of `size` (height, width)."""
    out = np.zeros((2, *size), np.uint8)
    texture.use(0)
    gl.library().glPixelStorei(0x0D05, 1)  # GL_PACK_ALIGNMENT
    gl.library().glGetTexImage(gl.TEXTURE_2D_ARRAY, level, gl.RED, gl.UNSIGNED_BYTE, POINTER(out.ctypes.data))
    return out[layer]


def write(staged, number: int, texture, corner: tuple[int, int] = (0, 0), level: int | None = None, rows=slice(None)):
    staged.write(number, rows, texture, 1, corner, number if level is None else level)


def lent(nbytes: int, device: int = 0) -> DeviceCodes:
    return DeviceCodes(address=1 << 20, nbytes=nbytes, device=device, ready=0, keep=object())


@pytest.mark.parametrize("buffered", [False, True])
def test_every_level_is_written_as_it_is(ctx, buffered):
    texture = gl.bytes_layers(ctx, 96, 2, 3)
    staged = Unpack(ctx, buffered=buffered).stage(mosaics())
    assert (staged.buffer is not None) == buffered
    for number in range(3):
        write(staged, number, texture)
    for number, picture in enumerate(mosaics()):
        side = 96 >> number
        assert (read(texture, number, (side, side))[: picture.shape[0], : picture.shape[1]] == picture).all()


@pytest.mark.parametrize("buffered", [False, True])
def test_a_band_of_rows_lies_where_it_is_wanted(ctx, buffered):
    texture = gl.bytes_layers(ctx, 128, 2, 3)
    staged = Unpack(ctx, buffered=buffered).stage(mosaics())
    write(staged, 0, texture, (32, 64), rows=slice(32, 64))
    write(staged, 1, texture, (16, 32), rows=slice(16, 32))
    assert (read(texture, 0, (128, 128))[64:96, 32:96] == mosaics()[0][32:64]).all()
    assert (read(texture, 1, (64, 64))[32:48, 16:48] == mosaics()[1][16:32]).all()


def test_a_buffer_serves_walls_of_all_sizes(ctx):
    """One after the other, larger and smaller: what is written is always the last one's."""
    unpack = Unpack(ctx, buffered=True)
    for seed, levels in enumerate((1, 3, 2)):
        texture = gl.bytes_layers(ctx, 96, 2, 3)
        staged = unpack.stage(mosaics(seed)[:levels])
        for number, picture in enumerate(mosaics(seed)[:levels]):
            write(staged, number, texture)
            side = 96 >> number
            assert (read(texture, number, (side, side))[: picture.shape[0], : picture.shape[1]] == picture).all()


def test_rows_of_any_width_follow_each_other(ctx):
    picture = np.arange(7 * 13, dtype=np.uint8).reshape(7, 13)
    texture = gl.bytes_layers(ctx, 32, 2, 1)
    write(Unpack(ctx, buffered=True).stage([picture]), 0, texture, (3, 5))
    assert (read(texture, 0, (32, 32))[5:12, 3:16] == picture).all()


def test_what_others_write_comes_from_memory_again(ctx):
    """A buffer that stays bound would be read in its place."""
    texture = gl.bytes_layers(ctx, 96, 2, 1)
    write(Unpack(ctx, buffered=True).stage([mosaics()[0]]), 0, texture)
    other = mosaics(1)[0]
    gl.write_bytes(texture, 1, (0, 0), 0, other)
    assert (read(texture, 0, (96, 96))[:, :64] == other).all()


def test_where_cuda_has_no_way_codes_go_through_memory_and_what_was_lent_is_given_back(ctx):
    """The real thing: on a machine without a CUDA driver, and on one whose rooms are drawn by another device."""
    unpack = Unpack(ctx)
    pictures = mosaics()
    codes = lent(sum(picture.nbytes for picture in pictures), device=99)
    staged = unpack.stage(pictures, codes)
    assert codes.taken
    assert unpack.refusal
    texture = gl.bytes_layers(ctx, 96, 2, 3)
    write(staged, 0, texture)
    assert (read(texture, 0, (96, 96))[:, :64] == pictures[0]).all()
    assert ctx.error == "GL_NO_ERROR"


def test_a_refusal_is_asked_for_once(ctx, monkeypatch):
    asked = []

    def refuse(self, ctx, device):
        asked.append(device)
        raise Unusable("no")

    monkeypatch.setattr(Interop, "__init__", refuse)
    unpack = Unpack(ctx)
    for _ in range(3):
        codes = lent(sum(picture.nbytes for picture in mosaics()))
        unpack.stage(mosaics(), codes)
        assert codes.taken
    assert asked == [0]
    assert unpack.refusal == "no"


def test_codes_that_do_not_fit_their_walls_are_not_taken(ctx):
    unpack = Unpack(ctx)
    unpack.stage(mosaics(), lent(7))
    assert unpack.refusal.startswith("7 bytes on the device")


def test_a_device_that_does_not_draw_the_room_is_told(ctx):
    with pytest.raises(Unusable, match="cuda"):
        Interop(ctx, 99)
