"""Aim: an objective on one network: where its values appear, and how large it is for each picture of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from walkin.errors import WalkinError
from walkin.graph import Node
from walkin.network.featurevis.caps import Cap
from walkin.network.featurevis.objective import Objective, Term
from walkin.network.featurevis.reach import Reach
from walkin.network.tracing.recording import Place

Phase = Literal["early", "late", "node"]
"""early: before the ReLU that the node's value comes out of; late: as the node gives it, without an upper end; node: as
it is."""


@dataclass(frozen=True)
class Part:
    """A term, with where its node's value appears."""

    term: Term
    place: Place
    early: Place
    """Of the ReLU's input, where the node's value comes out of one."""
    axis: int
    """That the channels lie on."""
    skipped: int = 0
    """Tokens before those that form a picture."""
    token_side: int = 0
    cap: Cap | None = None
    """What cuts its node's values off above. Pictures are then made for what is there before: at the end there is no
    gradient left."""

    def at(self, phase: Phase) -> Place:
        if phase == "early":
            return self.early
        return self.cap.place if self.cap is not None and phase == "late" else self.place

    def taken(self, found: dict[Place, Tensor], phase: Phase) -> Tensor:
        """Its value in a phase."""
        value = found[self.at(phase)]
        return self.cap.without(value) if self.cap is not None and phase == "late" else value


@dataclass(frozen=True)
class Aim:
    """What one picture is made for."""

    objective: Objective
    parts: tuple[Part, ...]

    def places(self, phase: Phase) -> tuple[Place, ...]:
        return tuple(dict.fromkeys(part.at(phase) for part in self.parts))


def aim(objective: Objective, reach: Reach) -> Aim:
    """WalkinError where the network has no such node, channel, place or class."""
    return Aim(objective, tuple(_part(term, reach) for term in objective.terms))


def _part(term: Term, reach: Reach) -> Part:
    if term.kind == "class":
        return _class_part(term, reach)
    node = reach.node(term.address)
    if node.is_input:
        raise WalkinError(f"{term.address} is the input itself: name a node behind it", code=2)
    axis, count = channels(node)
    for channel in (term.channel, *(number for number, _ in term.direction)):
        if channel >= count:
            raise WalkinError(
                f"{term.address} has no channel {channel}: the nearest is {count - 1} (it has {count}, from 0)", code=2
            )
    if term.at is not None:
        extent = _extent(node)
        if extent is None:
            raise WalkinError(
                f"{term.address} has no spatial extent ({'x'.join(map(str, node.shape))}), so there is no place "
                f"@{term.at[0]},{term.at[1]} in it: leave that out",
                code=2,
            )
        if term.at != (-1, -1) and (term.at[0] >= extent[0] or term.at[1] >= extent[1]):
            nearest = min(term.at[0], extent[0] - 1), min(term.at[1], extent[1] - 1)
            raise WalkinError(
                f"{term.address} has {extent[0]} rows and {extent[1]} columns here: the nearest to "
                f"@{term.at[0]},{term.at[1]} is @{nearest[0]},{nearest[1]}",
                code=2,
            )
    side = node.token_side if node.picture == "tokens" else 0
    skipped = node.shape[1] - side * side if side else 0
    early = reach.before_rectifier(term.address)
    return Part(term, reach.place(term.address), early, axis, skipped, side, reach.cap(term.address))


def channels(node: Node) -> tuple[int, int]:
    """(axis, number) of a node's channels."""
    dimensions = len(node.shape)
    if dimensions < 2:
        raise WalkinError(f"{node.address} has no channels (its shape is {tuple(node.shape)})", code=2)
    axis = node.channel_axis if dimensions in (4, 5) else (1 if dimensions == 2 else dimensions - 1)
    return axis, node.shape[axis]


def _extent(node: Node) -> tuple[int, int] | None:
    """Rows and columns of a channel; None where it has none."""
    if node.volume:
        return None
    if node.picture == "tokens":
        return node.token_side, node.token_side
    if len(node.shape) == 4:
        rows, columns = node.shape[2:] if node.channel_axis == 1 else node.shape[1:3]
        return (rows, columns) if rows * columns > 1 else None
    return None


def _class_part(term: Term, reach: Reach) -> Part:
    graph = reach.networks["ops"]
    candidates = [graph.by_address[address] for address in graph.outputs if len(graph.by_address[address].shape) == 2]
    if not candidates:
        raise WalkinError(f"{reach.loaded.name} gives no classes: name a node and a channel instead", code=2)
    node = candidates[0]
    count, names = node.shape[1], reach.loaded.labels
    number = int(term.class_name) if term.class_name.isdecimal() else _by_name(term.class_name, names, count)
    if number >= count:
        raise WalkinError(f"there is no class {number}: the nearest is {count - 1} (there are {count}, from 0)", code=2)
    place = reach.before_softmax(node.address)
    resolved = Term("class", node.address, number, class_name=term.class_name, weight=term.weight)
    return Part(resolved, place, place, 1)


def _by_name(name: str, names: tuple[str, ...] | None, count: int) -> int:
    if not names or len(names) != count:
        raise WalkinError(f"no names of the {count} classes are known: class:NUMBER, or --labels FILE", code=2)
    lowered = [one.lower() for one in names]
    wanted = name.lower()
    if wanted in lowered:
        return lowered.index(wanted)
    # `tabby` for `tabby, tabby cat`
    for found in (
        [i for i, one in enumerate(lowered) if wanted in [part.strip() for part in one.split(",")]],
        [i for i, one in enumerate(lowered) if wanted in one.replace(",", " ").split()],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            more = ", ".join(names[i] for i in found[:4])
            raise WalkinError(f"class {name!r} could be {more}: name one of them, or its number", code=2)
    parts = {part.strip(): names[i] for i, one in enumerate(lowered) for part in (one, *one.split(","))}
    close = dict.fromkeys(parts[one] for one in get_close_matches(wanted, parts, 3, 0.5))
    hint = f"; did you mean {', or '.join(close)}?" if close else ""
    raise WalkinError(f"no class {name!r}{hint}", code=2)


def values(
    aims: Sequence[Aim], found: dict[Place, Tensor], phase: Phase, photos: dict[tuple[int, Place], Tensor]
) -> Tensor:
    """(B,): how large each picture's objective is; float32. Each picture has as many views as there are rows for it."""
    batch = len(aims)
    first = aims[0].parts
    if all(len(one.parts) == 1 and one.parts[0].term.kind == "channel" for one in aims):
        place = first[0].at(phase)
        if all(one.parts[0].at(phase) == place for one in aims):
            return _all_channels(aims, _by_sample(first[0].taken(found, phase), batch))
    totals = []
    for number, one in enumerate(aims):
        total = torch.zeros((), device=next(iter(found.values())).device)
        for part in one.parts:
            value = _by_sample(part.taken(found, phase), batch)[number]
            total = total + part.term.weight * _value(part, value.float(), photos.get((number, part.place)))
        totals.append(total)
    return torch.stack(totals)


def _by_sample(value: Tensor, batch: int) -> Tensor:
    """(B, views, ...): views of one picture lie one after the other."""
    if value.ndim < 1 or value.shape[0] % batch:
        raise WalkinError(
            f"a value of shape {tuple(value.shape)} cannot be told apart by picture: --batch 1 makes them one by one"
        )
    return value.reshape(batch, value.shape[0] // batch, *value.shape[1:])


def _all_channels(aims: Sequence[Aim], value: Tensor) -> Tensor:
    """The case of a whole wall without a loop over pictures."""
    part = aims[0].parts[0]
    numbers = torch.tensor([one.parts[0].term.channel for one in aims], device=value.device)
    weights = torch.tensor([one.parts[0].term.weight for one in aims], device=value.device)
    axis = part.axis + 1
    if part.token_side:
        value = value[:, :, part.skipped :]
    value = value.movedim(axis, 1)
    picked = value[torch.arange(len(aims), device=value.device), numbers]
    return picked.float().flatten(1).mean(1) * weights


def _value(part: Part, value: Tensor, photo: Tensor | None) -> Tensor:
    """One term of one picture, (views, ...)."""
    term = part.term
    if part.token_side and term.kind != "caricature":
        value = value[:, part.skipped :]
    if term.kind == "layer":
        return value.square().mean()
    if term.kind == "caricature":
        assert photo is not None
        flat, wanted = value.flatten(1), photo.flatten(1)
        # The photo's own pattern, larger: the dot product alone would be won by any large values.
        return ((flat * wanted).sum(1) / wanted.norm() * F.cosine_similarity(flat, wanted).clamp(min=0.1)).mean()
    if term.kind == "direction":
        wanted = torch.zeros(value.shape[part.axis], device=value.device)
        for channel, weight in term.direction:
            wanted[channel] = weight
        last = value.movedim(part.axis, -1)
        dot = last @ wanted
        if term.power:
            dot = dot * F.cosine_similarity(last, wanted, dim=-1).clamp(min=0.1) ** term.power
        return dot.mean()
    picked = value.select(part.axis, term.channel)
    if term.kind == "neuron":
        rows, columns = (part.token_side,) * 2 if part.token_side else picked.shape[-2:]
        picked = picked.reshape(len(picked), rows, columns)
        row, column = (rows // 2, columns // 2) if term.at in (None, (-1, -1)) else term.at  # type: ignore[misc]
        return picked[:, row, column].mean()
    if term.kind == "top":
        flat = picked.flatten(1)
        return flat.topk(max(1, round(term.share * flat.shape[1])), dim=1).values.mean()
    return picked.mean()


def capped(one: Aim) -> bool:
    """Whether its pictures are made for what is there before values are cut off above."""
    return any(part.cap is not None for part in one.parts)


def has_peak(one: Aim) -> bool:
    """Whether an objective names one channel that is to be large."""
    term = one.parts[0].term
    return len(one.parts) == 1 and term.weight > 0 and term.kind in ("channel", "neuron", "top", "class")


def peak_place(one: Aim) -> Place:
    return one.parts[0].at("late")


def peak(one: Aim, found: dict[Place, Tensor]) -> float | None:
    """The largest value over space of the channel that an objective names, for one picture, before a ReLU6 cuts it off;
    None where it names none, or several. `found` has what is at `peak_place`."""
    if not has_peak(one):
        return None
    part = one.parts[0]
    value = found[peak_place(one)]
    if part.token_side:
        value = value[:, part.skipped :]
    return float(value.select(part.axis, part.term.channel).float().max())


def likeness(aims: Sequence[Aim], found: dict[Place, Tensor], phase: Phase, groups: Sequence[int]) -> Tensor:
    """(B,): how alike the pictures of one objective are at its node: mean cosine of their Gram matrices, 0 to 1."""
    batch = len(aims)
    result = torch.zeros(batch, device=next(iter(found.values())).device)
    terms: dict[int, list[Tensor]] = {}
    for group in set(groups):
        members = [number for number, one in enumerate(groups) if one == group]
        if len(members) < 2:
            continue
        part = aims[members[0]].parts[0]
        value = _by_sample(part.taken(found, phase), batch)[members].float()
        flat = value.movedim(part.axis + 1, 1).flatten(2)
        # Without their means: those of a ReLU are all above 0, and would make all pictures look alike.
        flat = flat - flat.mean(2, keepdim=True)
        gram = F.normalize((flat @ flat.transpose(1, 2)).flatten(1), dim=1)
        alike = gram @ gram.T
        for place, number in enumerate(members):
            terms[number] = [(alike[place].sum() - alike[place, place]) / (len(members) - 1)]
    if terms:
        zero = torch.zeros((), device=result.device)
        return torch.stack([terms[number][0] if number in terms else zero for number in range(batch)])
    return result
