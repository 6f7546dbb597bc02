"""What probes ask of a fold: names on walls, groups under a name, and what is not to be seen at all. No torch."""

from __future__ import annotations

from collections.abc import Collection

from walkin.closest import closest
from walkin.marks import Mark
from walkin.network.folding.fold import Folding, Unit
from walkin.network.folding.groups import reached
from walkin.network.globs import matching
from walkin.network.tracing.points import Point, Points


def apply(folding: Folding, points: Points, collapsed: Collection[str], *, whole: bool = False) -> list[str]:
    """Puts the points' names on the walls that show them, and groups what lies before them; `whole`: nothing of it
    becomes one wall unless a visitor closed it. What is to be told."""
    told: list[str] = []
    claimed = {op.index for op in folding.trace.ops if op.kind == "input"}
    for point in points.points:
        if point.mark.tracked is not None:
            continue
        region = _before(folding, point, claimed)
        claimed |= region
        mark = point.mark
        if mark.group in collapsed or not (mark.show or whole):
            _close(folding, point, region, mark.group if mark.group in collapsed else "")
        elif mark.group:
            for op in region:
                unit = folding.units[folding.grouping.group_of[op]]
                if unit.shown in region:
                    unit.group = mark.group
        unit = folding.units[folding.grouping.group_of[point.op]]
        if unit.shown != point.op or unit.role == "dead":
            told.append(f"{mark.words} lies inside {unit.address}, which is one wall now: open that to see it")
            continue
        if point.place is not None:
            unit.place, unit.shape = point.place, point.shape
        unit.title, unit.mark = point.name, mark
    taken = {unit.address: unit for unit in folding.units.values()}
    for point in points.points if not points.tracked else ():
        other = taken.get(point.name)
        if other is not None and other.title != point.name:
            told.append(
                f"{point.mark.words} has the name of another wall, which goes before it: give it another to be found by"
            )
    return told


def hide(folding: Folding, patterns: Collection[str]) -> list[str]:
    """Takes the walls away that a glob matches, by address or by name; edges go through them. What is to be told."""
    told: list[str] = []
    units = [unit for unit in folding.units.values() if unit.role not in ("glue", "dead", "input")]
    hidden: list[Unit] = []
    for pattern in patterns:
        found = set(matching([unit.address for unit in units], pattern))
        found |= {unit.address for unit in units if unit.title and matching([unit.title], pattern)}
        hidden += [unit for unit in units if unit.address in found]
        if not found and not _is_folded(folding, pattern):
            close = closest(pattern.strip("*."), [unit.address for unit in units], 2, 0.3)
            nearest = f"; the nearest is {' and '.join(close)}" if close else ""
            told.append(f"hide: nothing here matches {pattern!r}{nearest}")
    left = len(units) - len({id(unit) for unit in hidden})
    if units and not left:
        return [*told, f"hide: {', '.join(patterns)} would leave no wall at all, so nothing is hidden"]
    for unit in hidden:
        unit.role = "glue"
    return told


def _is_folded(folding: Folding, pattern: str) -> bool:
    """Whether it means something of the network that has no wall of its own at this level anyway."""
    return bool(matching([op.address for op in folding.trace.ops], pattern))


def _before(folding: Folding, point: Point, claimed: set[int]) -> set[int]:
    """The operations that lead to a point, back to those that lead to the points before it."""
    region: set[int] = set()
    waiting = [point.op]
    while waiting:
        op = waiting.pop()
        if op not in claimed and op not in region:
            region.add(op)
            waiting += folding.trace.ops[op].inputs
    return region


def _close(folding: Folding, point: Point, region: set[int], address: str) -> None:
    """All of a region as one wall, which shows the point."""
    grouping, units = folding.grouping, folding.units
    groups = {grouping.group_of[op] for op in region}
    groups = {group for group in groups if region.issuperset(grouping.members[group])}
    groups |= reached(groups, grouping.consumers) & reached(groups, grouping.sources)
    own = grouping.group_of[point.op]
    members = sorted(op for group in groups for op in grouping.members[group])
    if own not in groups or len(groups) < 2:
        return
    shown = units[own]
    unit = Unit(address or shown.address, "module", point.op, shown.module_class, shown.group, role="block")
    folding.merge(members, unit)


def marked(mark: Mark, maps: int) -> tuple[tuple[str, ...], str, str]:
    """(labels, colour map, what is wrong with the labels) of a wall with so many channels."""
    count = len(mark.labels)
    if count == maps or (mark.partial and count < maps) or not count:
        return mark.labels, mark.color_map, ""
    channels = "channel" if maps == 1 else "channels"
    what = f"a label for channel {count - 1}" if mark.partial else f"{count} {'label' if count == 1 else 'labels'}"
    return (), mark.color_map, f"{mark.words} has {what}, and its wall {maps} {channels}: it is shown without labels"
