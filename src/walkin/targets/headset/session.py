"""Session: its life from IDLE to EXITING, its frames, and the calls of one frame in their order."""

from __future__ import annotations

import time
from ctypes import POINTER, byref, c_void_p, cast, pointer
from typing import Any

from walkin.geometry import Pose
from walkin.targets.headset.binding import Binding
from walkin.targets.headset.eyes import pose_of
from walkin.targets.headset.runtime import NoHeadset, Runtime

EYES_M = 1.7  # where LOCAL space is all there is: how high its origin, the head at the start, is taken to be
VALID = 3  # of a pose: orientation 1, position 2
END_S = 2.0  # longest wait for a runtime to let us go


class Lost(Exception):
    """The runtime, or the session with it, is gone: everything made from the instance has to be made anew."""


class Session:
    """One OpenXR session with a reference space on the floor.

    States (OpenXR 1.1, 9.3): frames run from READY to STOPPING; input is ours while FOCUSED.
    """

    def __init__(self, runtime: Runtime, binding: Binding):
        import xr

        self._xr = xr
        self.runtime, self.binding = runtime, binding
        self.state = "UNKNOWN"
        self.states: list[str] = []
        """All so far."""
        self.running = False
        self.profile_changed = False
        """Other controllers are in use: reset by whoever has looked."""
        info = xr.SessionCreateInfo(system_id=runtime.system, next=cast(pointer(binding.structure), c_void_p))
        try:
            self.handle = xr.create_session(runtime.instance, info)
        except xr.exception.XrException as problem:
            raise NoHeadset(f"{runtime.name} takes no session with this OpenGL context: {problem}") from problem
        self.space_name, self.space = self._floor_space()
        self._head_space = xr.create_reference_space(
            self.handle, xr.ReferenceSpaceCreateInfo(xr.ReferenceSpaceType.VIEW, xr.Posef())
        )

    @property
    def focused(self) -> bool:
        return self.state == "FOCUSED"

    @property
    def ended(self) -> bool:
        return self.state == "EXITING"

    def poll(self) -> None:
        """Take in all events and follow the session's state; Lost if the runtime is gone."""
        xr = self._xr
        while True:
            try:
                event = xr.poll_event(self.runtime.instance)
            except xr.EventUnavailable:
                return
            except (xr.InstanceLostError, xr.SessionLostError) as problem:
                raise Lost(str(problem)) from problem
            kind = event.type
            if kind == xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED.value:
                changed = cast(byref(event), POINTER(xr.EventDataSessionStateChanged)).contents
                self._enter(xr.SessionState(changed.state).name)
            elif kind == xr.StructureType.EVENT_DATA_INTERACTION_PROFILE_CHANGED.value:
                self.profile_changed = True
            elif kind == xr.StructureType.EVENT_DATA_INSTANCE_LOSS_PENDING.value:
                raise Lost("the runtime is going away")

    def _enter(self, state: str) -> None:
        xr = self._xr
        self.state = state
        self.states.append(state)
        if state == "READY":
            xr.begin_session(self.handle, xr.SessionBeginInfo(xr.ViewConfigurationType.PRIMARY_STEREO))
            self.running = True
        elif state == "STOPPING":
            self.running = False
            xr.end_session(self.handle)
        elif state == "LOSS_PENDING":
            raise Lost("the session is going away")

    def wait(self) -> Any:
        """Wait for the moment to begin a frame; its XrFrameState. Other threads run meanwhile."""
        return self._try(self._xr.wait_frame, self.handle)

    def begin(self) -> None:
        self._try(self._xr.begin_frame, self.handle)

    def views(self, display_time: Any) -> list[Any]:
        """The eyes as they will be then; empty while the head is not tracked."""
        xr = self._xr
        info = xr.ViewLocateInfo(xr.ViewConfigurationType.PRIMARY_STEREO, display_time, self.space)
        flags, views = self._try(xr.locate_views, self.handle, info)
        return list(views) if flags.view_state_flags & VALID == VALID else []

    def head(self, display_time: Any) -> Pose | None:
        """Where it will be then, on the floor's space; None while it is not tracked."""
        location = self._try(self._xr.locate_space, self._head_space, self.space, display_time)
        return pose_of(location.pose) if location.location_flags & VALID == VALID else None

    def layer(self, views: list[Any]) -> Any:
        """A projection layer of both eyes, as `end` wants it; what it points to lives as long as it does."""
        return byref(self._xr.CompositionLayerProjection(space=self.space, views=views))

    def end(self, display_time: Any, layers: list[Any]) -> None:
        xr = self._xr
        mode = xr.EnvironmentBlendMode.OPAQUE
        info = xr.FrameEndInfo(display_time=display_time, environment_blend_mode=mode, layers=layers)
        self._try(xr.end_frame, self.handle, info)

    def close(self) -> None:
        """Leave in good order: ask to go, follow the states to the end, destroy. Never raises."""
        xr = self._xr
        try:
            if self.running:
                xr.request_exit_session(self.handle)
            deadline_s = time.monotonic() + END_S
            while self.state not in ("EXITING", "LOSS_PENDING") and self.states and time.monotonic() < deadline_s:
                self.poll()
                if self.running:  # the runtime counts on frames until it says STOPPING
                    state = self.wait()
                    self.begin()
                    self.end(state.predicted_display_time, [])
                elif self.state == "IDLE" and "STOPPING" not in self.states:
                    break
                else:
                    time.sleep(0.002)
        except (Lost, xr.exception.XrException):
            pass
        try:
            xr.destroy_session(self.handle)
        except xr.exception.XrException:
            pass

    def _try(self, call: Any, *arguments: Any) -> Any:
        xr = self._xr
        try:
            return call(*arguments)
        except (xr.InstanceLostError, xr.SessionLostError) as problem:
            raise Lost(str(problem)) from problem

    def _floor_space(self) -> tuple[str, Any]:
        xr = self._xr
        offered = {xr.ReferenceSpaceType(kind) for kind in xr.enumerate_reference_spaces(self.handle)}
        kinds = xr.ReferenceSpaceType
        pose = xr.Posef()
        kind = next((kind for kind in (kinds.STAGE, kinds.LOCAL_FLOOR) if kind in offered), kinds.LOCAL)
        if kind == kinds.LOCAL:
            pose = xr.Posef(xr.Quaternionf(0, 0, 0, 1), xr.Vector3f(0, -EYES_M, 0))
        return kind.name, xr.create_reference_space(self.handle, xr.ReferenceSpaceCreateInfo(kind, pose))
