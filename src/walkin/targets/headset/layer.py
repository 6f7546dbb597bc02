"""Layer: what the compositor is told of both eyes: where they were drawn from, and their images, with depth or not."""

from __future__ import annotations

from ctypes import POINTER, c_void_p, cast, pointer
from typing import Any

from walkin.targets.headset.eyes import Eye

NEAR_M, FAR_M = 0.05, 1000.0


class Layer:
    """One projection layer, made once: in each frame only poses and angles are other ones."""

    def __init__(self, space: Any, eyes: list[Eye]):
        import xr

        shown = []
        self._depths = []  # ctypes keeps nothing alive that is pointed to in this way
        for eye in eyes:
            view = xr.CompositionLayerProjectionView(sub_image=eye.color.image())
            if eye.depth is not None:
                depth = xr.CompositionLayerDepthInfoKHR(
                    sub_image=eye.depth.image(), min_depth=0.0, max_depth=1.0, near_z=NEAR_M, far_z=FAR_M
                )
                self._depths.append(depth)
                view.next = cast(pointer(depth), c_void_p)
            shown.append(view)
        self._shown = (xr.CompositionLayerProjectionView * len(shown))(*shown)
        self._layer = xr.CompositionLayerProjection(space=space, views=self._shown)
        header = POINTER(xr.CompositionLayerBaseHeader)
        self.pointers = (header * 1)(cast(pointer(self._layer), header))
        """As xrEndFrame takes it."""

    def set(self, views: Any) -> None:
        """Where the eyes were drawn from: XrViews."""
        for shown, view in zip(self._shown, views, strict=True):
            shown.pose, shown.fov = view.pose, view.fov
