"""Units: the values of a network that are looked at, channel by channel, and what of each picture is noted of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from walkin.network.featurevis.aim import channels
from walkin.network.featurevis.reach import RECTIFIERS, SQUASHERS, Reach
from walkin.network.running.replay import GraphChanged
from walkin.network.tracing.recording import Place


@dataclass(frozen=True)
class Unit:
    """One value that the network computes, with all its addresses: those of all folds."""

    addresses: tuple[str, ...]
    place: Place
    """Where its values appear that are compared: of what a ReLU6 cuts off above, before that, since many pictures
    reach its end."""
    shape: tuple[int, ...]
    """For one picture."""
    axis: int
    """That the channels lie on."""
    channels: int
    first: int
    """Number of its first channel among those of all units."""
    skipped: int = 0
    """Tokens before those that form a picture."""
    fires_above: float = 0.0
    """Of what lies between 0 and 1 by construction: one half."""
    signed: bool = True
    """Whether what counts is that the largest value outweighs the most negative one, too."""
    capped: bool = False
    """Whether its values are taken before a ReLU6."""

    @property
    def slice(self) -> slice:
        return slice(self.first, self.first + self.channels)

    @property
    def places(self) -> int:
        """Values of one channel."""
        count = 1
        for extent in self.shape:
            count *= extent
        held = self.shape[1] if self.skipped else 1
        return count // self.channels * (held - self.skipped) // held

    def flat(self, value: Tensor, count: int) -> Tensor:
        """(count, channels, places) of the value for so many pictures; GraphChanged if they cannot be told apart."""
        if tuple(value.shape) != (count * self.shape[0], *self.shape[1:]):
            raise GraphChanged(f"{self.addresses[0]} has shape {tuple(value.shape)}")
        if value.is_complex():
            value = value.abs()
        if value.dtype not in (torch.float32, torch.float16, torch.bfloat16):
            value = value.dequantize() if value.is_quantized else value.float()
        value = value.reshape(count, *self.shape)
        if self.skipped:
            value = value[:, :, self.skipped :]
        return value.movedim(self.axis + 1, 1).flatten(2)


@dataclass(frozen=True)
class Seen:
    """What is noted of one unit for a batch of pictures."""

    unit: Unit
    largest: np.ndarray
    """float32 (count, channels), -inf where it is not finite."""
    fires: np.ndarray
    """bool (count, channels)."""
    rows: np.ndarray
    """(k, 2): (picture, channel) of those that are among the largest so far."""
    at: np.ndarray
    """(k,): where in the channel each has its largest value."""


def units_of(reach: Reach) -> tuple[Unit, ...]:
    """Of all folds, each value once, in order of execution."""
    by_place: dict[Place, list[str]] = {}
    for address, (node, shown) in reach.addresses.items():
        if not node.is_input and len(node.shape) >= 2 and node.elements and node.shape[0]:
            by_place.setdefault(shown.place, []).append(address)
    order = {op.place: op.index for op in reach.trace.ops}
    found: list[Unit] = []
    first = 0
    for place in sorted(by_place, key=lambda place: (order.get(place, place.event), place.position)):
        names = sorted(by_place[place])
        node = reach.addresses[names[0]][0]
        axis, count = channels(node)
        side = node.token_side if node.picture == "tokens" else 0
        skipped = node.shape[1] - side * side if side else 0
        operation, measured = reach.operation(place), reach.before_cap(names[0])
        half = 0.5 if operation in SQUASHERS - {"log_softmax"} else 0.0
        signed = operation not in RECTIFIERS and not half
        found.append(
            Unit(tuple(names), measured, node.shape, axis, count, first, skipped, half, signed, measured != place)
        )
        first += count
    return tuple(found)


def total(units: Sequence[Unit]) -> int:
    """Channels of all of them."""
    return units[-1].first + units[-1].channels if units else 0


def see(reach: Reach, units: Sequence[Unit], x: Tensor, ninth: np.ndarray) -> list[Seen]:
    """One forward of normalised pictures (B, C, H, W), each value reduced the moment it is there.

    `ninth`: float32 (all channels,): what a value must be above to be among the largest. A channel fires on a picture
    where its largest value is above 0: after a ReLU that is all there is to it; of maps with both signs it must also
    outweigh the most negative one; of what lies between 0 and 1 by construction it must be above one half.
    """
    by_place: dict[Place, list[Unit]] = {}
    for unit in units:
        by_place.setdefault(unit.place, []).append(unit)
    found: list[Seen] = []

    def note(place: Place, value: Tensor) -> None:
        for unit in by_place[place]:
            note_unit(unit, value)

    def note_unit(unit: Unit, value: Tensor) -> None:
        flat = unit.flat(value, len(x))
        largest = flat.amax(2).float()
        largest = torch.where(torch.isfinite(largest), largest, -torch.inf)
        fires = largest > unit.fires_above
        if unit.signed:
            fires &= largest + flat.amin(2).float() > 0
        wins = largest.cpu().numpy() > ninth[None, unit.slice]
        rows = np.argwhere(wins)
        if len(rows) and flat.shape[2] > 1:
            index = torch.from_numpy(rows).to(flat.device)
            at = flat[index[:, 0], index[:, 1]].argmax(1).cpu().numpy()
        else:
            at = np.zeros(len(rows), np.int64)
        found.append(Seen(unit, largest.cpu().numpy(), fires.cpu().numpy(), rows, at))

    with reach.without_gradients():
        reach.hand_out(x, by_place, note)
    return found
