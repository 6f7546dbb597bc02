"""Strips: some rows of cells of a mosaic, put together from codes, with their part of every mip level."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from walkin.mosaic import Mosaic
from walkin.tiles import DeviceCodes

MOVED_WHOLE = 256  # texels: up to here a row of a picture is moved as one thing, in half the time of its bytes

_own = threading.local()

Array = Any
"""numpy.ndarray where values are on the CPU, else a tensor: both have what is needed here."""


class Levels:
    """The levels of a mosaic that are kept, filled strip by strip."""

    def __init__(self, mosaic: Mosaic, first_level: int, arrays: tuple[np.ndarray, ...] | None = None):
        """`arrays`: where they are to be; None: new ones."""
        self.mosaic = mosaic
        self.first_level = first_level
        kept = range(first_level, mosaic.levels)
        self.arrays = arrays or tuple(np.empty(mosaic.level_size(level), np.uint8) for level in kept)
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
        """Move pictures (n, H, W) to their cells, whose padding repeats the edge."""
        mosaic = self._mosaic
        height, width, columns = mosaic.height, mosaic.width, mosaic.columns
        row, column = divmod(first - self._first, columns)
        cells = self._cells(texels)
        full = len(codes) // columns if column == 0 else 0
        rest = len(codes) - full * columns
        parts = []
        if full:
            whole = codes[: full * columns] if rest else codes
            parts.append((cells[row : row + full], whole.reshape(full, columns, height, width)))
        if rest:
            parts.append((cells[row + full, column : column + rest], codes[full * columns :]))
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


def halve(codes: np.ndarray, out: np.ndarray) -> None:
    """The next mip level of uint8 codes: the rounded mean of each 2 x 2. Two neighbours are read as one number of 16
    bits, so that all steps run over contiguous memory: 12 times as fast as avg_pool2d on floats."""
    pairs = codes.view(np.uint16)
    firsts, seconds = (array[: pairs.size].reshape(pairs.shape) for array in _scratch(pairs.size))
    np.bitwise_and(pairs, 0xFF, out=firsts)
    np.right_shift(pairs, 8, out=seconds)
    firsts += seconds
    rows = firsts.reshape(len(firsts) // 2, 2, -1)
    sums = np.add(rows[:, 0], rows[:, 1], out=seconds[: len(rows)])
    sums += 2
    sums >>= 2
    np.copyto(out, sums, casting="unsafe")


def _scratch(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Two uint16 arrays of at least `size`, the thread's own: clearing new memory takes as long as its use."""
    made = getattr(_own, "sums", None)
    if made is None or made[0].size < size:
        made = _own.sums = np.empty(size, np.uint16), np.empty(size, np.uint16)
    return made
