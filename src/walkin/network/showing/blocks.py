"""Blocks: codes and statistics of some channels at a time. Each call in the middle of a forward costs some
microseconds, whatever it computes, so there are few, and what they write to is kept from node to node."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from walkin.network.showing.statistics import Statistics

SMALLEST_SPAN = 1e-35  # 255 over less than this is no float32: such a channel is taken for a constant one
NARROW = 64  # values in a row: torch takes half as long again as numpy to find the ends of fewer
EXACT = 1 << 24  # up to here sums of ones are exact in float32
LANES, MOST_LANES = 8, 255  # truth values in a number of 64 bits; such numbers whose bytes are summed without a carry
WIDE = 1024  # values in a row from which on numpy is as fast as torch with a number for each row
PART = 1 << 16  # values: 256 kB
VIEWS = 512  # of scratch that are kept: more than a network has shapes


class Scratch:
    """Memory that is used again by each block, and on a CPU by each node: new memory is cleared page by page, which
    takes as long as what is done in it. Parts of it are kept by their shape, since cutting one takes as long as a small
    pass."""

    _own = threading.local()

    def __init__(self, device: torch.device):
        self._device = device
        self._made: dict[torch.dtype, Tensor] = {}
        self._views: dict[tuple[torch.dtype, tuple[int, ...]], Tensor] = {}
        self._columns: dict[int, tuple[np.ndarray, Tensor, Tensor]] = {}
        self._rows: dict[tuple[int, int, int], tuple[np.ndarray, ...]] = {}

    @staticmethod
    def of(device: torch.device) -> Scratch:
        """A thread's own, as a block there is small; on other devices a new one, as it is not."""
        if device.type != "cpu":
            return Scratch(device)
        if not hasattr(Scratch._own, "cpu"):
            Scratch._own.cpu = Scratch(device)
        return Scratch._own.cpu

    def like(self, pixels: Tensor, dtype: torch.dtype) -> Tensor:
        """Of a tensor's shape; numbers of 32 bits, floats and integers, lie in the same memory."""
        return self.of_shape(pixels.shape, dtype)

    def of_shape(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        found = self._views.get((dtype, shape))
        if found is not None:
            return found
        values, kind = math.prod(shape), torch.float32 if dtype == torch.int32 else dtype
        made = self._made.get(kind)
        if made is None or made.numel() < values:
            made = self._made[kind] = torch.empty(values, dtype=kind, device=self._device)
            self._views.clear()
            self._rows.clear()
        elif len(self._views) >= VIEWS:
            self._views.clear()
        found = self._views[dtype, shape] = made[:values].view(dtype).view(shape)
        return found

    def row(self, shape: tuple[int, int, int]) -> tuple[np.ndarray, ...]:
        """For a row of cells, (columns, H, W): floats, and the same as (columns, H * W); truth values, the same LANES
        at a time, and where each MOST_LANES of these begin."""
        found = self._rows.get(shape)
        if found is None:
            if len(self._rows) >= VIEWS:
                self._rows.clear()
            size = shape[1] * shape[2]
            truths = self.of_shape((shape[0], size), torch.bool).numpy()
            floats = self.of_shape(shape, torch.float32).numpy()
            begins = np.arange(0, size // LANES, MOST_LANES)
            found = self._rows[shape] = floats, floats.reshape(shape[0], size), truths, truths.view(np.uint64), begins
        return found

    def columns(self, count: int) -> tuple[np.ndarray, Tensor, Tensor]:
        """float32 (2, count), and each of both as a column (count, 1) of a tensor that shares its memory."""
        found = self._columns.get(count)
        if found is None:
            if len(self._columns) >= VIEWS:
                self._columns.clear()
            numbers = np.empty((2, count), np.float32)
            first, second = torch.from_numpy(numbers[..., None])
            found = self._columns[count] = numbers, first, second
        return found


def block_codes(
    found: Statistics,
    first: int,
    pixels: Tensor,
    scratch: Scratch,
    rooms: np.ndarray | None = None,
    passed: Callable[[np.ndarray], None] = lambda values: None,
) -> tuple[Tensor | None, Tensor | None]:
    """Codes of some channels, float32 (n, H, W), and where they are finite, if not everywhere; notes their statistics.
    `rooms`, uint8 (rows, columns, H, W): where the codes of so many channels may be put at once, on a CPU; what is
    returned is None then, and `passed` has heard of all values, some rows of cells at a time.

    Non-finite values are found by the minimum and maximum being so (a pass of its own would cost half a forward).
    """
    channels, height, width = pixels.shape
    size = height * width
    flat = pixels.view(channels, size)
    if size == 1:
        low = high = np.array(_numbers(flat)[:, 0])
    else:
        low, high = _ends(flat)
    lowest, highest = float(np.minimum.reduce(low)), float(np.maximum.reduce(high))
    if not math.isfinite(highest - lowest):
        return _flawed_block(found, first, pixels)
    found.widen(lowest, highest)
    if size == 1:  # a network of a thousand nodes has hundreds of these
        found.note(first, low, high, low, (low == 0).astype(np.float32), (low > 0).astype(np.float32))
        return torch.zeros(pixels.shape, dtype=torch.uint8, device=pixels.device), None
    mean = np.divide(_numbers(flat.sum(dim=1)), np.float32(size))
    if rooms is not None:
        shares = _row_by_row(flat.numpy(), low, high - low, lowest, rooms, scratch, passed)
        found.note(first, low, high, mean, *shares)
        return None, None
    found.note(first, low, high, mean, *_shares(flat, lowest, size, scratch))
    return _codes(flat, low, high - low, scratch=scratch).view(pixels.shape), None


def _row_by_row(
    values: np.ndarray,
    low: np.ndarray,
    span: np.ndarray,
    lowest: float,
    rooms: np.ndarray,
    scratch: Scratch,
    passed: Callable[[np.ndarray], None],
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Put codes where they stay, and count as `_shares` does, a row of cells at a time: its values are in the second
    cache from the first of these steps on. Rows of values (n, size) are a multiple of LANES."""
    rows, columns, height, width = rooms.shape
    size = height * width
    below, scales = (numbers.reshape(rows, columns, 1) for numbers in _columns(low, span, 255.0, scratch)[0])
    shares, flat, truths, lanes, begins = scratch.row((columns, height, width))
    above, zeros = [], []
    for part, under, scale, room in zip(values.reshape(rows, columns, size), below, scales, rooms, strict=True):
        np.subtract(part, under, out=flat)
        np.multiply(flat, scale, out=flat)
        np.copyto(room, shares, casting="unsafe")
        passed(part)
        if lowest > 0:
            continue
        np.greater(part, 0, out=truths)
        above.append(np.add.reduceat(lanes, begins, axis=1))
        if lowest < 0:
            np.equal(part, 0, out=truths)
            zeros.append(np.add.reduceat(lanes, begins, axis=1))
    if lowest > 0:
        return 0.0, 1.0
    whole, ones = np.float32(size), _sums_of_bytes(np.concatenate(above))
    none = whole - ones if lowest == 0 else _sums_of_bytes(np.concatenate(zeros))
    return none / whole, ones / whole


def _numbers(tensor: Tensor) -> np.ndarray:
    return (tensor if tensor.device.type == "cpu" else tensor.cpu()).numpy()


def _ends(flat: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """float32 (n,) each: smallest and largest value of each row; NaN where there is one."""
    if flat.device.type == "cpu" and flat.shape[1] < NARROW:
        values, begins = flat.numpy().ravel(), np.arange(0, flat.numel(), flat.shape[1])
        return np.minimum.reduceat(values, begins), np.maximum.reduceat(values, begins)
    return _numbers(flat.amin(dim=1)), _numbers(flat.amax(dim=1))  # aminmax takes 15 times as long


def _shares(
    flat: Tensor, lowest: float, number: float | np.ndarray, scratch: Scratch | None = None
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """float32 (C,) each: shares of values that are 0, and that are above it, of `number` values; `lowest`: of all.

    On a CPU, where rows are a multiple of eight, by comparisons, whose truth values are added eight at a time. Else
    through the signs, whose sums are exact to 2^24 values: an eighth of the time that two comparisons take, as sums of
    truth values are slow. Where nothing is negative, as after most activations, one sum is enough, and where nothing
    is 0, as after most others, too. The rest is left to numpy, as an operation on a few numbers takes torch many times
    as long.
    """
    if lowest > 0:
        return 0.0, 1.0
    if scratch is not None and flat.device.type == "cpu" and flat.shape[1] % LANES == 0:
        values, truths, size = flat.numpy(), scratch.like(flat, torch.bool).numpy(), np.float32(flat.shape[1])
        above = _ones(np.greater(values, 0, out=truths))
        if lowest == 0:
            return (size - above) / size, above / size
        return _ones(truths) / size if np.equal(values, 0, out=truths).any() else 0.0, above / size
    signs = torch.sign(flat, out=scratch.like(flat, torch.float32)) if scratch is not None else flat.sign()
    above = _numbers(signs.sum(dim=1, dtype=torch.float32))  # minus those below
    all_of = np.maximum(number, 1, dtype=np.float32)
    if lowest >= 0:
        return (number - above) / all_of, above / all_of
    if signs.numel() < EXACT and float(torch.dot(signs.view(-1), signs.view(-1))) == signs.numel():
        not_zero = np.float32(flat.shape[1])
    else:
        not_zero = _numbers(signs.abs_().sum(dim=1, dtype=torch.float32))
    return (number - not_zero) / all_of, (not_zero + above) / (2 * all_of)


def _ones(truths: np.ndarray) -> np.ndarray:
    """float32 (n,): how many of each row, bool (n, LANES * some), are true. Eight at a time, as the bytes of a number,
    MOST_LANES numbers at most: until then none is carried over."""
    lanes = truths.view(np.uint64)
    begins = np.arange(0, lanes.shape[1], MOST_LANES)
    return _sums_of_bytes(
        np.add.reduceat(lanes, begins, axis=1) if len(begins) > 1 else lanes.sum(axis=1, keepdims=True)
    )


def _sums_of_bytes(sums: np.ndarray) -> np.ndarray:
    """float32 (n,), of uint64 (n, some)."""
    return np.add.reduce(sums.view(np.uint8), axis=1, dtype=np.float32)


def _codes(
    flat: Tensor, low: np.ndarray, span: np.ndarray, steps: float = 255.0, scratch: Scratch | None = None
) -> Tensor:
    """uint8 (n, values), in `scratch`: 0 for `low` (n,) to `steps` for low + span, rounded.

    Fractions are cut off by numpy on a CPU. Torch does so by way of int32: it turns floats into bytes one by one, which
    takes four times as long as both steps.
    """
    scratch = scratch or Scratch(flat.device)
    numbers, below, scales = _columns(low, span, steps, scratch)
    if flat.device.type != "cpu":
        below, scales = below.to(flat.device), scales.to(flat.device)
    codes = scratch.like(flat, torch.uint8)
    if flat.device.type == "cpu" and flat.shape[1] >= WIDE:
        _cut(flat.numpy(), numbers[0, :, None], numbers[1, :, None], codes.numpy(), scratch)
        return codes
    shares = torch.sub(flat, below, out=scratch.like(flat, torch.float32)).mul_(scales)
    if flat.device.type != "cpu":
        return codes.copy_(scratch.like(flat, torch.int32).copy_(shares))
    np.copyto(codes.numpy(), shares.numpy(), casting="unsafe")
    return codes


def _columns(low: np.ndarray, span: np.ndarray, steps: float, scratch: Scratch) -> tuple[np.ndarray, Tensor, Tensor]:
    """What is taken from values (n, ...), and what they are multiplied by then; see Scratch.columns."""
    numbers, below, scales = scratch.columns(len(low))
    # Half a step lower, so that cutting off the fraction rounds.
    np.subtract(low, span * np.float32(0.5 / steps), out=numbers[0])
    if np.minimum.reduce(span) > SMALLEST_SPAN:
        np.divide(np.float32(1), span, out=numbers[1])
    else:
        numbers[1] = 0
        np.divide(np.float32(1), span, out=numbers[1], where=span > SMALLEST_SPAN)
    numbers[1] *= np.float32(steps)
    return numbers, below, scales


def _cut(values: np.ndarray, below: np.ndarray, scales: np.ndarray, codes: np.ndarray, scratch: Scratch) -> None:
    """Codes of wide rows, a few rows at a time: what is between stays in the second cache. In the middle of a forward
    new memory for all of it takes as long as all else that is done here."""
    rows = max(1, PART // values.shape[1])
    between = scratch.of_shape((rows, values.shape[1]), torch.float32).numpy()
    for first in range(0, len(values), rows):
        here = slice(first, first + rows)
        part = values[here]
        shares = np.subtract(part, below[here], out=between[: len(part)])
        np.multiply(shares, scales[here], out=shares)
        np.copyto(codes[here], shares, casting="unsafe")


def _flawed_block(found: Statistics, first: int, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The slow way, for channels with NaN or infinity: code 0 is kept for them, values use 1 to 255."""
    flat = pixels.view(len(pixels), -1)
    size = flat.shape[1]
    finite = torch.isfinite(flat)
    flawed = (~finite).sum(dim=1).cpu().numpy()
    largest = torch.finfo(torch.float32).max
    low = torch.where(finite, flat, largest).amin(dim=1).cpu().numpy()
    high = torch.where(finite, flat, -largest).amax(dim=1).cpu().numpy()
    none = flawed == size
    if not none.all():
        found.widen(float(low[~none].min()), float(high[~none].max()))
    low[none] = high[none] = 0.0
    held = torch.where(finite, flat, 0.0)
    mean = held.sum(dim=1).cpu().numpy() / np.maximum(size - flawed, 1).astype(np.float32)
    shares = _shares(held, -1.0, size - flawed)
    value = torch.where(finite, flat, torch.from_numpy(low[:, None]).to(flat.device))
    span, has_flaws = high - low, flawed > 0
    # A flawed channel's values take the codes 1 to 255, so `low` moves one step down: one formula decodes both.
    flawed_codes = (_codes(value, low, span, 254.0) + 1).mul_(finite)
    codes = torch.where(torch.from_numpy(has_flaws[:, None]).to(flat.device), flawed_codes, _codes(value, low, span))
    found.note(first, np.where(has_flaws, low - span / np.float32(254), low), high, mean, *shares, flawed)
    return codes.view(pixels.shape), finite.view(pixels.shape)
