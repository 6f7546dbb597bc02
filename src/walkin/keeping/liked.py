"""What somebody likes, as she left it, and what the options of this time say over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from walkin.asked import Visit
    from walkin.keeping.kept import Kept
    from walkin.keeping.settings import Preferences
    from walkin.state.arrangement import Look


def kept_of_visit() -> Kept:
    """What is kept of a visit by somebody: what she likes, and the room in case of a crash."""
    from walkin.keeping.folders import visits_folder
    from walkin.keeping.kept import Kept
    from walkin.keeping.settings import read_settings, settings_file

    notices: list[str] = []
    file = settings_file()
    liked = read_settings(file, notices.append)
    return Kept(settings_file=file, visits=visits_folder(), liked=liked, notices=tuple(notices))


def as_asked(liked: Preferences, visit: Visit) -> Preferences:
    """The command line wins over what was kept."""
    turn_deg = {None: None, "snap30": 30.0, "snap45": 45.0, "smooth": 0.0}[visit.turn]
    comfort = {
        "turn_deg": turn_deg,
        "speed_m_s": visit.speed,
        "vignette": visit.vignette,
        "left_handed": visit.left_handed,
    }
    return replace(
        liked,
        comfort=replace(liked.comfort, **{name: value for name, value in comfort.items() if value is not None}),
        look=as_seen(liked.look, visit),
    )


def as_seen(look: Look, visit: Visit) -> Look:
    return look_as_asked(look, visit.layout, color_map=visit.colors, range_mode=visit.range, light=visit.light)


def look_as_asked(look: Look, layout: str | None = None, **asked: Any) -> Look:
    """None: as it is."""
    if layout is not None:
        asked["layout"] = replace(look.layout, kind=layout)
    return replace(look, **{name: value for name, value in asked.items() if value is not None})
