"""Strips: some rows of cells of a mosaic, put together from codes, with their part of every mip level."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from walkin.mosaic import Mosaic
from walkin.network.showing.blocks import LANES
from walkin.tiles import DeviceCodes

WIDE_LINE = 96  # texels: a line of so many is put where it stays as fast as into memory in one piece
ROW = 1 << 17  # values of a row of cells: 512 kB
MOVED_WHOLE = 256  # texels: up to here a row of a picture is moved as one thing, in half the time of its bytes

BAND = 1 << 18  # pairs of texels that are halved at a time, 512 kB: new memory takes as long as all that is done in it
VIEWS = 512  # of scratch that are kept: more than a network has shapes

_own = threading.local()

Array = Any
"""numpy.ndarray where values are on the CPU, else a tensor: both have what is needed here."""


class Levels:
    """The levels of a mosaic that are kept, filled strip by strip."""

    def __init__(self, mosaic: Mosaic, first_level: int):
        self.mosaic = mosaic
        self.first_level = first_level
        kept = range(first_level, mosaic.levels)
        self.arrays = tuple(np.empty(mosaic.level_size(level), np.uint8) for level in kept)
        self._apart: list[Tensor] = []

    def strip(self, first_row: int, rows: int, device: torch.device) -> Strip:
        """Rows of cells [first_row, first_row + rows)."""
        return Strip(self, first_row, rows, device)

    def keep_apart(self, texels: Tensor) -> None:
        """The next level, whole, on a CUDA device, where a room that is drawn by the same device may have it from."""
        self._apart.append(texels)

    def lent(self) -> DeviceCodes | None:
        """All levels in one piece on the device, if they are there; the copy is under way when this returns."""
        if not self._apart or len(self._apart) != len(self.arrays):
            return None
        flat = torch.cat([texels.reshape(-1) for texels in self._apart])
        ready = torch.cuda.Event()
        ready.record(torch.cuda.current_stream(flat.device))
        number = flat.device.index if flat.device.index is not None else torch.cuda.current_device()
        return DeviceCodes(flat.data_ptr(), flat.numel(), number, ready.cuda_event, (flat, ready))


class Strip:
    """A few rows of cells. On a CPU they are made by numpy, at once where they stay: it moves bytes twice as fast as
    torch does and halves them three times as fast. On other devices they are made there and copied once."""

    def __init__(self, levels: Levels, first_row: int, rows: int, device: torch.device):
        self._levels, self._mosaic = levels, levels.mosaic
        self._first_row, self._rows = first_row, rows
        self._device = None if device.type == "cpu" else device
        columns = self._mosaic.columns
        self._first = first_row * columns
        self._count = min(self._mosaic.count - self._first, rows * columns)
        self._broken: Tensor | None = None
        self._texels = self._level(0)
        if self._count < rows * columns:
            self._cells(self._texels)[-1, self._count - rows * columns :] = 0

    def rooms(self, first: int, last: int) -> np.ndarray | None:
        """uint8 (rows, columns, H, W): where codes of these channels may be put instead, if that is faster: whole rows
        of cells without padding, which stay in the second cache, of pictures whose lines are long enough."""
        mosaic = self._mosaic
        width, size = mosaic.width, mosaic.height * mosaic.width
        if self._device or width < WIDE_LINE or size % LANES or size * mosaic.columns > ROW:
            return None
        (row, column), (end, rest) = (divmod(number - self._first, mosaic.columns) for number in (first, last))
        if column or rest or (mosaic.cell_height, mosaic.cell_width) != (mosaic.height, width):
            return None
        return self._cells(self._texels)[row:end]

    def put(self, first: int, codes: Tensor, finite: Tensor | None = None) -> None:
        """uint8 (n, H, W): codes of the channels from `first` on: whole rows of cells, or a part of one row.
        `finite`, bool, of the same shape: where they stand for values."""
        self._place(self._texels, first, codes if self._device else codes.numpy())
        if finite is not None:
            if self._broken is None:
                self._broken = torch.zeros(self._texels.shape, dtype=torch.uint8, device=codes.device)
            self._place(self._broken, first, (~finite).to(torch.uint8))

    def finish(self) -> None:
        """Make the coarser levels."""
        levels, texels, broken = self._levels, self._texels, self._broken
        for level in range(self._mosaic.levels):
            if level > 0:
                texels = self._halved(texels, level)
            if broken is not None and level > 0:
                # A coarse texel is flawed if any of its texels is: a single NaN stays visible from afar. No other has
                # code 0, since it is a mean of codes from 1 on.
                broken = functional.max_pool2d(broken[None].float(), 2)[0].to(torch.uint8)
                torch.as_tensor(texels).masked_fill_(broken > 0, 0)
            if self._device and level >= levels.first_level:
                torch.from_numpy(self._kept(level)).copy_(texels)
                if self._device.type == "cuda" and self._rows == self._mosaic.rows:
                    levels.keep_apart(torch.as_tensor(texels))

    def _place(self, texels: Array, first: int, codes: Array) -> None:
        """Move pictures (n, H, W) to their cells."""
        row, column = divmod(first - self._first, self._mosaic.columns)
        _place(self._mosaic, self._cells(texels), row, column, codes)

    def _cells(self, texels: Array) -> Array:
        """(rows, columns, height, width) view of a strip at any level."""
        columns = self._mosaic.columns
        height, width = texels.shape
        return texels.reshape(self._rows, height // self._rows, columns, width // columns).swapaxes(1, 2)

    def _halved(self, codes: Array, level: int) -> Array:
        """The next mip level of uint8 codes."""
        if self._device:
            return self._halved_apart(codes)
        out = self._level(level)
        halve(codes, out)
        return out

    def _halved_apart(self, codes: Tensor) -> Tensor:
        """As `halve`, on another device; torch has no arithmetic for unsigned numbers of 16 bits."""
        pairs = codes.view(torch.int16)
        sums = (pairs & 0xFF).add_((pairs >> 8).bitwise_and_(0xFF))
        rows = sums.view(len(sums) // 2, 2, -1)
        return rows[:, 0].add(rows[:, 1]).add_(2).bitwise_right_shift_(2).to(torch.uint8)

    def _level(self, level: int) -> Array:
        """uint8: where a level of this strip is made."""
        if not self._device and level >= self._levels.first_level:
            return self._kept(level)
        shape = self._rows * (self._mosaic.cell_height >> level), self._mosaic.level_size(level)[1]
        if self._device:
            return torch.empty(shape, dtype=torch.uint8, device=self._device)
        return np.empty(shape, np.uint8)

    def _kept(self, level: int) -> np.ndarray:
        """This strip's part of a level that is kept."""
        height = self._mosaic.cell_height >> level
        array = self._levels.arrays[level - self._levels.first_level]
        return array[self._first_row * height : (self._first_row + self._rows) * height]


def put_all(mosaic: Mosaic, texels: np.ndarray, codes: np.ndarray) -> None:
    """Put together the finest level of several nodes, uint8 (nodes, height, width), of codes (nodes, C, H, W)."""
    rows, columns = mosaic.rows, mosaic.columns
    cells = texels.reshape(len(texels), rows, mosaic.cell_height, columns, mosaic.cell_width).swapaxes(2, 3)
    if mosaic.count < rows * columns:
        cells[:, -1, mosaic.count - rows * columns :] = 0
    _place(mosaic, cells, 0, 0, codes)


def _place(mosaic: Mosaic, cells: Array, row: int, column: int, codes: Array) -> None:
    """Move pictures (..., n, H, W) to cells (..., rows, columns, height, width) from one of them on: whole rows, or a
    part of one. Their padding repeats the edge."""
    height, width, columns = mosaic.height, mosaic.width, mosaic.columns
    before, count = codes.shape[:-3], codes.shape[-3]
    full = count // columns if column == 0 else 0
    rest = count - full * columns
    parts = []
    if full:
        whole = codes[..., : full * columns, :, :] if rest else codes
        parts.append((cells[..., row : row + full, :, :, :], whole.reshape(*before, full, columns, height, width)))
    if rest:
        room = cells[..., row + full, column : column + rest, :, :]
        parts.append((room, codes[..., full * columns :, :, :]))
    for part, given in parts:
        inner = part[..., :height, :width]
        if isinstance(given, np.ndarray) and 1 < width <= MOVED_WHOLE:
            lines = np.dtype((np.void, width))
            inner.view(lines)[:] = given.view(lines)
        else:
            inner[:] = given
        if mosaic.cell_width > width:
            part[..., :height, width:] = part[..., :height, width - 1 : width]
        if mosaic.cell_height > height:
            part[..., height:, :] = part[..., height - 1 : height, :]


def halve(codes: np.ndarray, out: np.ndarray) -> None:
    """The next mip level of uint8 codes: the rounded mean of each 2 x 2. Two neighbours are read as one number of 16
    bits, so that all steps run over contiguous memory: 12 times as fast as avg_pool2d on floats."""
    pairs = codes.view(np.uint16)
    bands = max(1, round(pairs.size / BAND))
    height = max(1, -(-len(out) // bands))
    for first in range(0, len(out), height):
        band = pairs[2 * first : 2 * (first + height)]
        firsts, seconds, upper, lower, sums = _sums(band.shape)
        np.bitwise_and(band, 0xFF, out=firsts)
        np.right_shift(band, 8, out=seconds)
        firsts += seconds
        np.add(upper, lower, out=sums)
        sums += 2
        sums >>= 2
        np.copyto(out[first : first + height], sums, casting="unsafe")


def _sums(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """uint16: two arrays of a shape; of the first one the even and the odd rows; half of the second. The thread's own,
    since clearing new memory takes as long as its use; kept by shape, as cutting it takes as long as a small step."""
    views = getattr(_own, "views", None)
    if views is None:
        views, _own.memory = {}, np.empty((2, 0), np.uint16)
        _own.views = views
    found = views.get(shape)
    if found is None:
        height, width = shape
        if _own.memory.shape[1] < height * width or len(views) >= VIEWS:
            views.clear()
            _own.memory = np.empty((2, max(height * width, _own.memory.shape[1])), np.uint16)
        firsts, seconds = (memory[: height * width].reshape(shape) for memory in _own.memory)
        found = views[shape] = firsts, seconds, firsts[::2], firsts[1::2], seconds[: height // 2]
    return found
