"""Calls: the functions of OpenXR that every frame needs, straight from the loader.

pyopenxr's own make a structure, an enum and an exception object at each call, which takes ten times as long as what is
called. Here structures are made once, by whoever calls, and filled anew.
"""

from __future__ import annotations

from ctypes import byref, c_int
from typing import Any

import numpy as np

from walkin.geometry import Pose

VALID = 3  # of a pose: orientation 1, position 2
NOT_FOCUSED, NO_EVENT = 8, 4  # qualified successes: XR_SESSION_NOT_FOCUSED, XR_EVENT_UNAVAILABLE
LOST = (-13, -17)  # XR_ERROR_INSTANCE_LOST, XR_ERROR_SESSION_LOST


class Lost(Exception):
    """The runtime, or the session with it, is gone: everything made from the instance has to be made anew."""


class _Functions(dict[str, Any]):
    """By name, looked up in the loader when first asked for."""

    def __missing__(self, name: str) -> Any:
        from xr import raw_functions
        from xr.library import openxr_loader_library

        function = openxr_loader_library[name]  # an object of our own: pyopenxr's gives enums
        function.restype, function.argtypes = c_int, getattr(raw_functions, name).argtypes
        self[name] = function
        return function


FUNCTIONS = _Functions()


def call(name: str, *arguments: Any) -> int:
    """A success, qualified or not. Lost if the runtime is gone; XrException for what should not happen.

    Other threads run meanwhile.
    """
    result = FUNCTIONS[name](*arguments)
    if result < 0:
        import xr

        problem = xr.check_result(xr.Result(result), name)
        raise Lost(str(problem)) if result in LOST else problem
    return result


class Located:
    """A space of something tracked, and where it is in another space."""

    def __init__(self, space: Any, base: Any):
        import xr

        self._spaces = space, base
        self._location = xr.SpaceLocation()
        self._pose = PoseView(self._location.pose)

    def at(self, time_ns: int) -> Pose | None:
        """Where it will be then (XrTime); None while it is not tracked."""
        location = self._location
        call("xrLocateSpace", *self._spaces, time_ns, byref(location))
        return self._pose.pose() if location._location_flags & VALID == VALID else None


class PoseView:
    """The memory of an XrPosef."""

    def __init__(self, posef: Any):
        self._numbers = np.frombuffer(posef, np.float32)

    def pose(self) -> Pose:
        numbers = self._numbers.astype(float)
        return Pose(numbers[4:], numbers[:4])
