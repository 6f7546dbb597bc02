"""Layout settings: the parameters of the layout as they are now, for the panel, and how one of them is set."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from walkin.interact.planning.relay import show_as
from walkin.state.places import LayoutParameters, Setting
from walkin.world import World

KINDS = (("line", "Line"), ("spiral", "Spiral"))
# name, label, low, high, step, unit
LINE = (
    ("turn_deg", "Turn of walls", 0.0, 75.0, 5.0, "°"),
    ("aisle_m", "Aisle", 1.2, 6.0, 0.1, "m"),
    ("lane_gap_m", "Between walls", 0.1, 3.0, 0.1, "m"),
    ("smallest_m", "Smallest wall", 0.0, 2.0, 0.1, "m"),
    ("depth_factor", "Depth by width", 0.0, 2.0, 0.05, "×"),
    ("row_min_m", "Least depth", 0.5, 6.0, 0.1, "m"),
    ("row_max_m", "Most depth", 1.0, 20.0, 0.1, "m"),
    ("stage_min_m", "Least step", 0.3, 4.0, 0.05, "m"),
    ("centred", "Centred", 0.0, 1.0, 0.0, ""),
    ("strict", "Strict lanes", 0.0, 1.0, 0.0, ""),
)
ACROSS = tuple(row for row in LINE if row[0] not in ("turn_deg", "aisle_m"))
SPIRAL = (
    ("theta_deg", "Begins at", 360.0, 1080.0, 15.0, "°"),
    ("spread_m", "Spread", 0.5, 2.0, 0.05, "m"),
    ("lane_gap_m", "Between walls", 0.1, 3.0, 0.1, "m"),
    ("smallest_m", "Smallest wall", 0.0, 2.0, 0.1, "m"),
)
STANDARD = LayoutParameters()


def settings(world: World) -> tuple[Setting, ...]:
    """Those that mean something in the layout that there is."""
    now = world.look.layout
    rows = SPIRAL if now.kind == "spiral" else ACROSS if now.centred else LINE
    return (
        Setting("kind", "Layout", now.kind, STANDARD.kind, options=KINDS),
        *(
            Setting(name, label, getattr(now, name), getattr(STANDARD, name), low, high, step, unit)
            for name, label, low, high, step, unit in rows
        ),
    )


def set_parameter(world: World, name: str, value: Any) -> None:
    """Set one, within its bounds, and put the walls up anew."""
    row = next((row for row in (*LINE, *SPIRAL) if row[0] == name), None)
    if name == "kind":
        if value not in dict(KINDS):
            world.notify(f"no layout {value!r}; there are {', '.join(dict(KINDS))}", "warning")
            return
    elif row is None or name not in {field.name for field in fields(LayoutParameters)}:
        world.notify(f"the layout has no parameter {name!r}", "warning")
        return
    elif isinstance(getattr(STANDARD, name), bool):
        value = bool(value)
    else:
        value = min(max(float(value), row[2]), row[3])
    wanted = replace(world.look.layout, **{name: value})
    if name == "row_min_m":
        wanted = replace(wanted, row_max_m=max(wanted.row_max_m, value))
    elif name == "row_max_m":
        wanted = replace(wanted, row_min_m=min(wanted.row_min_m, value))
    show_as(world, replace(world.look, layout=wanted))


def toggle_layout(world: World) -> None:
    """Line, spiral, line."""
    set_parameter(world, "kind", "line" if world.look.layout.kind == "spiral" else "spiral")
