"""Keyboard: the keys of a window: what they are called, what is typed, and which are held to walk with."""

from __future__ import annotations

import math
from typing import Any

SIGNS = {"-": "MINUS", "=": "EQUAL", "+": "EQUAL"}
BY_PLACE = frozenset("WASDQE")  # walking is a matter of where keys are, all else of what is written on them


class Keyboard:
    """Of a GLFW window."""

    def __init__(self, glfw: Any, window: Any):
        self._glfw, self._window = glfw, window
        self._names = {getattr(glfw, name): name[4:] for name in dir(glfw) if name.startswith("KEY_")}
        self.typing = False
        """Whether a text field of the panel has the keys: nobody walks with them then."""
        self._text = ""
        self._keys: list[tuple[str, bool]] = []
        self._shortcut: set[int] = set()
        """Keys that went down with Ctrl: until they come up they are not to walk with, whichever is let go first."""

    def hear(self, key: int, scancode: int, action: int, control: bool) -> str:
        """A key goes down, is held, or comes up; what it is called."""
        glfw = self._glfw
        if action == glfw.PRESS and control:
            self._shortcut.add(key)
        elif action == glfw.RELEASE:
            self._shortcut.discard(key)
        name = self._name(key, scancode, control)
        if action != glfw.REPEAT and name:
            self._keys.append((name, action == glfw.PRESS))
        return name

    def write(self, text: str) -> None:
        """It is typed, or pasted while something is."""
        self._text += text

    def take(self) -> tuple[str, tuple[tuple[str, bool], ...]]:
        """(what was typed, keys that went down (True) or came up) since the last time."""
        taken = self._text, tuple(self._keys)
        self._text, self._keys = "", []
        return taken

    def down(self, *names: str) -> bool:
        """Whether one of these keys is held."""
        glfw = self._glfw
        return any(glfw.get_key(self._window, getattr(glfw, f"KEY_{name}")) == glfw.PRESS for name in names)

    @property
    def stick(self) -> tuple[float, float]:
        """(to the right, forward) that the keys for walking say, never longer than 1."""
        if self._busy:
            return 0.0, 0.0
        right = self._walks("D", "RIGHT") - self._walks("A", "LEFT")
        forward = self._walks("W", "UP") - self._walks("S", "DOWN")
        length = math.hypot(right, forward)
        return (right / length, forward / length) if length > 1 else (right, forward)

    @property
    def rise(self) -> float:
        """1: up, -1: down."""
        return 0.0 if self._busy else self._walks("E") - self._walks("Q")

    @property
    def walking(self) -> bool:
        return self.stick != (0.0, 0.0) or self.rise != 0.0

    @property
    def _busy(self) -> bool:
        return self.typing or self.down("LEFT_CONTROL", "RIGHT_CONTROL")

    def _walks(self, *names: str) -> float:
        """1 if one of these keys is held to walk with."""
        glfw = self._glfw
        keys = [key for key in (getattr(glfw, f"KEY_{name}") for name in names) if key not in self._shortcut]
        return float(any(glfw.get_key(self._window, key) == glfw.PRESS for key in keys))

    def _name(self, key: int, scancode: int, control: bool) -> str:
        """As GLFW spells it. GLFW calls letters and signs by where a keyboard from the USA has them: on others Ctrl+Z
        would be elsewhere than its Z."""
        name = self._names.get(key, "")
        if name in BY_PLACE and not control:
            return name
        written = self._glfw.get_key_name(key, scancode) or ""
        if len(written) == 1 and written.isascii() and written.isalpha():
            return written.upper()
        return SIGNS.get(written, name)
