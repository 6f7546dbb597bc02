"""Settings: what a visitor likes, from visit to visit: a small file in the user's configuration folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from walkin.errors import WalkinError
from walkin.files.safe import Damaged, read_json, set_aside, write_whole
from walkin.keeping.plain import from_plain, to_plain
from walkin.state.arrangement import Look
from walkin.state.exporting import Exporting
from walkin.state.visitor import STICKS, Comfort
from walkin.world import COLOR_MAPS, RANGES, World

FORMAT = "walkin settings"
VERSION = 1


@dataclass(frozen=True)
class PanelShown:
    """How the panel was left."""

    shown: bool = False
    on_wrist: bool = True


@dataclass(frozen=True)
class Preferences:
    """All that is kept."""

    comfort: Comfort = field(default_factory=Comfort)
    look: Look = field(default_factory=Look)
    panel: PanelShown = field(default_factory=PanelShown)
    exporting: Exporting = field(default_factory=Exporting)


def settings_file() -> Path:
    import platformdirs

    return Path(platformdirs.user_config_dir("walkin", appauthor=False)) / "settings.json"


def preferences_of(world: World) -> Preferences:
    panel = PanelShown(world.panel.shown, world.panel_on_wrist)
    return Preferences(replace(world.comfort), world.look, panel, world.exporting)


def put_into(world: World, preferences: Preferences) -> None:
    world.comfort = replace(preferences.comfort)
    world.look = preferences.look
    world.panel.shown = preferences.panel.shown
    world.panel_on_wrist = preferences.panel.on_wrist
    world.exporting = preferences.exporting


def read_settings(path: Path, say: Callable[[str], None]) -> Preferences:
    """What was kept, or what everybody begins with. A damaged file is set aside; `say` hears of it."""
    if not path.exists():
        return Preferences()
    try:
        return _checked(_sections(path), path, say)
    except Damaged as problem:
        try:
            say(f"{problem}: it is now {set_aside(path).name}, and settings begin anew")
        except WalkinError as other:
            say(str(other))
    except WalkinError as problem:
        say(f"{problem}: settings are as for a first visit")
    return Preferences()


def write_changes(path: Path, before: Preferences, now: Preferences) -> None:
    """Write what is different from `before`, and leave all else in the file as it is: another walkin may have written
    there, and what the command line asked for is for one visit only."""
    changed = changes(to_plain(before), to_plain(now))
    if not changed:
        return
    sections: dict[str, Any] = {}
    if path.exists():
        try:
            sections = _sections(path)
        except Damaged:
            set_aside(path)
    for section, values in changed.items():
        kept = sections.get(section)
        sections[section] = {**(kept if isinstance(kept, dict) else {}), **values}
    write_whole(path, json.dumps({"format": FORMAT, "version": VERSION, **sections}, indent=1) + "\n")


def changes(before: dict[str, Any], now: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """By section, the values that are not what they were."""
    found: dict[str, dict[str, Any]] = {}
    for section, values in now.items():
        was = before.get(section, {})
        different = {name: value for name, value in values.items() if was.get(name) != value}
        if different:
            found[section] = different
    return found


def _sections(path: Path) -> dict[str, Any]:
    data = read_json(path)
    if not isinstance(data, dict) or data.get("format") != FORMAT or type(data.get("version")) is not int:
        raise Damaged(f"{path} is damaged (it does not hold settings)")
    if data["version"] > VERSION:
        raise WalkinError(f"{path} was written by a newer walkin")
    return {name: value for name, value in data.items() if name not in ("format", "version")}


def _checked(sections: dict[str, Any], path: Path, say: Callable[[str], None]) -> Preferences:
    """One value that makes no sense costs that value, not all others."""
    usual = to_plain(Preferences())
    kept: dict[str, dict[str, Any]] = {section: {} for section in usual}
    for section, values in sections.items():
        for name, value in values.items() if section in usual and isinstance(values, dict) else ():
            trial = {section: {name: value}}
            try:
                _sensible(from_plain(Preferences, trial))
            except WalkinError as problem:
                say(f"{path}: {section}.{name} is left out ({problem})")
                continue
            kept[section][name] = value
    return from_plain(Preferences, kept)


def _sensible(preferences: Preferences) -> None:
    comfort, look = preferences.comfort, preferences.look
    fine = (
        0 < comfort.speed_m_s <= 50
        and 0 <= comfort.turn_deg <= 180
        and abs(comfort.lift_m) <= 3
        and comfort.sticks in STICKS
        and look.color_map in COLOR_MAPS
        and look.range_mode in RANGES
        and look.layout.sensible
        and preferences.exporting.sensible
    )
    if not fine:
        raise WalkinError("a setting is out of its range")
