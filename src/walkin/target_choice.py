"""Which target the room is shown on: here, and only here, one is chosen."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from walkin.frame import Input


def target_kind(name: str, report: Callable[[str], None] = lambda line: None) -> str:
    """openxr, desktop or offscreen; for `auto` what the machine has: a headset, else a window, else neither."""
    if name != "auto":
        return name
    from walkin.targets.desktop import display_available
    from walkin.targets.headset.probe import missing

    why_not = missing()
    if not why_not:
        return "openxr"
    kind = "desktop" if display_available() else "offscreen"
    if not why_not.startswith("no OpenXR runtime"):  # who has none, does not want to hear of it each time
        report(f"walkin: no headset: {why_not}")
    return kind


def make_target(
    kind: str,
    size: tuple[int, int],
    samples: int | None,
    eyes: int,
    *,
    render_scale: float = 1.0,
    left_handed: bool = False,
    mirror: str = "eye",
    fall_back: bool = False,
    beside: bool = False,
) -> Any:
    """A target. `fall_back`: a window is as good, if the headset turns out not to be usable. `beside`: drawn on and on
    while a script does something else, so offscreen at no more than a screen's pace."""
    from walkin.targets.desktop import display_available
    from walkin.targets.offscreen import OffscreenTarget

    if kind == "offscreen" or (kind == "openxr" and not display_available()):
        base: Any = OffscreenTarget(size, eyes if kind == "offscreen" else 1, samples)
        if beside:
            base.script = _unhurried
    else:
        from walkin.interact.acts import key_acts
        from walkin.targets.desktop import DesktopTarget

        base = DesktopTarget(key_acts(), size, samples)
    if kind != "openxr":
        return base
    from walkin.interact.bindings import actions
    from walkin.targets.headset.runtime import NoHeadset
    from walkin.targets.openxr import OpenXRTarget

    def report(line: str) -> None:
        print(line, file=sys.stderr)

    try:
        return OpenXRTarget(
            base, actions(left_handed), samples=samples, render_scale=render_scale, mirror=mirror, report=report
        )
    except NoHeadset as problem:
        if fall_back and display_available():
            report(f"walkin: no headset: {problem}")
            return base
        base.close()
        raise


def _unhurried(number: int) -> Input:
    time.sleep(1 / 30)
    return Input()
