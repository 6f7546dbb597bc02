"""Callbacks: functions of a script that walkin calls. A registry; knows no imgui and no GL."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from walkin.world import World

OnSelect = Callable[[str, int, Any], object]
"""(address, channel, values): float32 (H, W), as the wall shows them: in 255 steps from least to greatest."""
InPanel = Callable[[Any], object]
"""Called while the panel is drawn, with the module `imgui` of imgui-bundle."""

_on_select: list[OnSelect] = []
_panels: list[InPanel] = []


def on_select(function: OnSelect) -> OnSelect:
    """Decorator: call `function(address, channel, values)` whenever a tile is chosen.

    It is called between two frames: what takes long belongs on a thread of one's own.
    """
    if function not in _on_select:
        _on_select.append(function)
    return function


def panel(function: InPanel) -> InPanel:
    """Decorator: `function(imgui)` draws a section of the panel of its own."""
    if function not in _panels:
        _panels.append(function)
    return function


def forget(function: OnSelect | InPanel) -> None:
    """Call it no more."""
    for functions in (_on_select, _panels):
        if function in functions:
            functions.remove(function)  # type: ignore[arg-type]


def panels() -> tuple[InPanel, ...]:
    return tuple(_panels)


def listening() -> bool:
    return bool(_on_select)


def tell_selected(address: str, channel: int, values: Any) -> list[Failure]:
    """Call all who want to hear of it; what went wrong in them."""
    failures = []
    for function in tuple(_on_select):
        try:
            function(address, channel, values)
        except Exception as problem:
            failures.append(Failure(function, problem))
    return failures


class Selected:
    """Which tile was chosen, for those who want to hear of it, once for each choice."""

    def __init__(self) -> None:
        self._told: tuple[str, int] | None = None

    def step(self, world: World) -> list[Failure]:
        """Once a frame; what went wrong in those who were told."""
        selected = world.selected
        if selected == self._told:
            return []
        wall = world.walls.get(selected[0]) if selected is not None else None
        if selected is not None and (wall is None or wall.tiles is None):
            return []  # it will be there in a moment
        self._told = selected
        if wall is None or wall.tiles is None or selected is None:
            return []
        return tell_selected(*selected, wall.tiles.picture(selected[1]))


def title(function: Callable[..., Any]) -> str:
    """What a section of the panel is called: the function's name in words."""
    return getattr(function, "__name__", type(function).__name__).replace("_", " ").strip().capitalize()


class Failure:
    """An error in a function that is not ours."""

    def __init__(self, function: Callable[..., Any], problem: Exception):
        name = getattr(function, "__name__", type(function).__name__)
        text = (str(problem).splitlines() or [""])[0]
        self.line = f"{name}: {type(problem).__name__}: {text}".rstrip(": ")
        """For people."""
        self.details = "".join(traceback.format_exception(problem))
