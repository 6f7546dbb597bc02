"""Reach: what is changed of the network's values and what that does, and the state that it is compared with."""

from __future__ import annotations

from collections.abc import Hashable

from imgui_bundle import imgui

from walkin.numerals import fine_percent, numeral
from walkin.picture_source import File
from walkin.readings import Changed
from walkin.sizes import counted
from walkin.state.exhibit import Exhibit
from walkin.state.wall import Wall
from walkin.ui.section import Desk
from walkin.world import World

MOST_WALLS, MOST_CHANNELS = 12, 9
MOST_FACTOR = 2.0


class Reach:
    name = "Reach"

    def __init__(self) -> None:
        self._whole = False
        """Whether the whole wall is meant, not the channel."""

    def watch(self, world: World) -> Hashable:
        here = world.here
        return (
            world.last_tile, world.selected, here.key, here.interventions, id(here.intervened), here.against,
            id(here.compared), self._whole, world.visited, len(world.exhibits), here.picture is None,
            here.compared is not None and _sorted_by(world, here),
        )  # fmt: skip

    def draw(self, desk: Desk) -> None:
        exhibit = desk.world.here
        self._change(desk)
        self._changed(desk, exhibit)
        self._effects(desk, exhibit)
        self._compare(desk, exhibit)

    def _change(self, desk: Desk) -> None:
        """What can be done to the tile that was pointed at last."""
        w, world = desk.widgets, desk.world
        tile = world.last_tile if world.last_tile is not None and world.last_tile[0] in world.walls else world.selected
        wall = world.walls.get(tile[0]) if tile is not None else None
        w.heading("Change what the network goes on with")
        if tile is None or wall is None or wall.tiles is None:
            w.quiet("Point at a tile: its channel, or its wall, can be taken out, scaled, cut off or swapped.")
            return
        if (whole := w.choice("Of", (("channel", "This channel"), ("wall", "Its wall")), self._word)) is not None:
            self._whole = whole == "wall"
        channel = None if self._whole else tile[1]
        w.pair("Wall" if self._whole else "Channel", tile[0] if channel is None else f"{tile[0]}/{channel}")
        pressed = w.buttons(("Off", "Half", "Double", "Cut off"))
        if pressed == "Cut off":
            low, high = wall.tiles.wall_range
            desk.ask("clamp_tile", tile[0], channel, min(0.0, low), high / 2 if high > 0 else 0.0)
        elif pressed:
            desk.ask("scale_tile", tile[0], channel, {"Off": 0.0, "Half": 0.5, "Double": 2.0}[pressed])
        pictures = _pictures(world)
        if pictures:
            options = [("", "another picture's values ...")] + [(str(n), name) for n, (name, _) in enumerate(pictures)]
            chosen = w.pick("Swap", options, "")
            if chosen:
                desk.ask("swap_tile", tile[0], channel, pictures[int(chosen)][1])

    @property
    def _word(self) -> str:
        return "wall" if self._whole else "channel"

    def _changed(self, desk: Desk, exhibit: Exhibit) -> None:
        """The list: what, how much, and away with it."""
        w = desk.widgets
        if not exhibit.interventions:
            return
        count = len(exhibit.interventions)
        w.heading("Changed" if count == 1 else f"{count} changes")
        told = exhibit.intervened.problems if exhibit.intervened is not None else ()
        for index, each in enumerate(exhibit.interventions):
            problem = told[index] if index < len(told) else ""
            imgui.push_id(index)
            w.say(f"{each.where}   {each.words}", w.inks.text)  # whole: which channel it is stands at the end
            if problem:
                w.say(f"does not fit: {problem}", w.inks.warning)
            if each.act == "scale":
                value = w.slider("Factor", each.factor, 0.0, MOST_FACTOR, f"{each.factor:.2f}", step=0.05, standard=1.0)
                if value is not None:
                    desk.ask("reach_number", exhibit.key, index, "factor", round(float(value), 3))
            elif each.act == "clamp":
                self._bounds(desk, exhibit, index)
            if w.button("Remove", width=-1):
                desk.ask("take_back", exhibit.key, index)
            imgui.pop_id()
        if count > 1 and w.button("Remove all", width=-1):
            desk.ask("take_back", exhibit.key, None)

    def _bounds(self, desk: Desk, exhibit: Exhibit, index: int) -> None:
        """Both ends of a clamp, within what there is on the wall."""
        w, each = desk.widgets, exhibit.interventions[index]
        node = exhibit.network.giving(each.address) if exhibit.network is not None else None
        wall = _wall(desk.world, exhibit, node.address) if node is not None else None
        least, most = wall.tiles.wall_range if wall is not None and wall.tiles is not None else (-1.0, 1.0)
        for name, label in (("low", "At least"), ("high", "At most")):
            now = getattr(each, name)
            if now is None:
                continue
            low, high = min(least, now, 0.0), max(most, now, 0.0) or 1.0
            value = w.slider(label, now, low, high, numeral(now), step=(high - low) / 100, standard=now)
            if value is not None:
                desk.ask("reach_number", exhibit.key, index, name, float(value))

    def _effects(self, desk: Desk, exhibit: Exhibit) -> None:
        w, found = desk.widgets, exhibit.intervened
        if not exhibit.interventions:
            return
        if found is None:
            w.quiet("The network runs again from there.")
            return
        if found.effects:
            w.heading("What that does")
            for each in found.effects:
                w.pair(each.name, f"{fine_percent(each.before)} → {fine_percent(each.after)}")
        if found.walls:
            w.hint(f"{counted(found.walls, 'wall')} again, in {found.seconds:.2f} s")

    def _compare(self, desk: Desk, exhibit: Exhibit) -> None:
        w, world, found = desk.widgets, desk.world, exhibit.compared
        w.heading("Two states side by side")
        if exhibit.against is None:
            w.quiet("Hold this as A, then feed another picture or change something: walls show A − B.")
            if w.button("Hold this as A", width=-1, enabled=exhibit.picture is not None):
                desk.ask("hold", exhibit.key)
            if exhibit.interventions and w.button("With and without the changes", width=-1):
                desk.ask("compare", "unchanged", exhibit.key)
            for each in world.exhibits:
                if each is not exhibit and each.network is not None and w.button(f"Against {each.title}", width=-1):
                    desk.ask("compare", f"network:{each.key}", exhibit.key)
            return
        w.pair("A", found.title if found is not None else "is being run")
        pressed = w.buttons(("First difference", "Leave"))
        if pressed == "Leave":
            desk.ask("compare", "", exhibit.key)
        elif pressed:
            desk.ask("first_difference", exhibit.key)
        if found is None:
            return
        w.pair("They first part at", found.first or "no wall")
        self._sort(desk, exhibit)
        best = [each for each in sorted(found.walls, key=lambda each: -each.relative) if each.relative][:MOST_WALLS]
        if not best:
            return
        w.heading("Walls that changed most")
        for index, each in enumerate(best):
            wall = _wall(world, exhibit, each.address)
            if wall is not None and w.button(f"{each.address}   {fine_percent(each.relative)}##wall{index}", width=-1):
                desk.ask("goto", wall.key)
        at = world.walls.get(world.visited or "")
        address = at.node.address if at is not None and at.exhibit == exhibit.key else ""
        visited = next((each for each in found.walls if each.address == address), None)
        self._channels(desk, visited or (best[0] if best else None), exhibit)

    def _sort(self, desk: Desk, exhibit: Exhibit) -> None:
        """Channels of all walls, or back; of one wall its card and T do."""
        by = "index" if _sorted_by(desk.world, exhibit) == {"change"} else "change"
        if desk.widgets.button(f"Channels of all walls by {by}", width=-1):
            desk.ask("sort_walls", by, exhibit.key)

    def _channels(self, desk: Desk, changed: Changed | None, exhibit: Exhibit) -> None:
        """Of the wall that the visitor is at, else of the one that has changed most."""
        wall = _wall(desk.world, exhibit, changed.address) if changed is not None else None
        if changed is None or wall is None or wall.count < 2 or len(changed.channels) != wall.count:
            return
        w = desk.widgets
        w.heading(f"Channels of {changed.address}")
        order = (-changed.channels).argsort(kind="stable")[:MOST_CHANNELS].tolist()
        for channel in order:
            if w.button(f"{channel}   {fine_percent(float(changed.channels[channel]))}##channel", width=-1):
                desk.ask("goto", f"{wall.key}/{channel}")


def _wall(world: World, exhibit: Exhibit, address: str) -> Wall | None:
    return world.walls.get(f"{exhibit.key}:{address}" if exhibit.key else address)


def _sorted_by(world: World, exhibit: Exhibit) -> frozenset[str]:
    """All that walls with more than one channel are sorted by."""
    return frozenset(wall.sort for wall in world.walls.values() if wall.exhibit == exhibit.key and wall.count > 1)


def _pictures(world: World) -> list[tuple[str, object]]:
    """(name, source) of what hangs in the room, is on the shelf, or at hand."""
    found: dict[object, str] = {}
    for thing in world.things.values():
        known = world.thumbnails.get(thing.source)
        found.setdefault(thing.source, known.caption[0] if known is not None and known.caption else "what hangs there")
    if world.shelf is not None:
        for source, name in zip(world.shelf.slots, world.shelf.names, strict=False):
            found.setdefault(source, name)
    for path in world.at_hand:
        found.setdefault(File(path), path.replace("\\", "/").rpartition("/")[2])
    return [(name, source) for source, name in found.items()]
