"""Modifiers: whether Shift or Ctrl is held while another program has the keyboard, as when a file is dragged."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

SHIFT_MASK, CONTROL_MASK = 1, 4  # X.h
VK_SHIFT, VK_CONTROL, DOWN = 0x10, 0x11, 0x8000  # winuser.h


def modifier_held(glfw: Any) -> bool:
    """Asked of the system: a window is told only of keys that are pressed while it has the focus."""
    try:
        if sys.platform == "win32":
            state = ctypes.windll.user32.GetAsyncKeyState
            return any(state(key) & DOWN for key in (VK_SHIFT, VK_CONTROL))
        if sys.platform.startswith("linux"):
            return bool(_mask(glfw.get_x11_display()) & (SHIFT_MASK | CONTROL_MASK))
    except (OSError, AttributeError):
        pass
    return False


def _mask(display: Any) -> int:
    """Buttons and modifiers, as XQueryPointer gives them with the pointer."""
    if not display:
        return 0
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XDefaultRootWindow.restype = ctypes.c_ulong
    x11.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
    window, where, mask = ctypes.c_ulong(), (ctypes.c_int * 4)(), ctypes.c_uint()
    places = [ctypes.byref(where, number * ctypes.sizeof(ctypes.c_int)) for number in range(4)]
    display = ctypes.cast(display, ctypes.c_void_p)
    root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
    x11.XQueryPointer(display, root, ctypes.byref(window), ctypes.byref(window), *places, ctypes.byref(mask))
    return mask.value
