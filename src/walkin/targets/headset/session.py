"""Session: its life from IDLE to EXITING, its frames, and the calls of one frame in their order."""

from __future__ import annotations

import time
from ctypes import POINTER, byref, c_uint32, c_void_p, cast, pointer
from typing import Any

from walkin.geometry import Fov, Pose
from walkin.targets.headset.binding import Binding
from walkin.targets.headset.calls import NO_EVENT, VALID, Located, Lost, PoseView, call
from walkin.targets.headset.runtime import NoHeadset, Runtime

EYES_M = 1.7  # where LOCAL space is all there is: how high its origin, the head at the start, is taken to be
END_S = 2.0  # longest wait for a runtime to let us go


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
        view = xr.ReferenceSpaceCreateInfo(xr.ReferenceSpaceType.VIEW, xr.Posef())
        self._head = Located(xr.create_reference_space(self.handle, view), self.space)
        self._make_structures()

    def _make_structures(self) -> None:
        """What the calls of a frame are filled from and fill."""
        xr, eyes = self._xr, len(self.runtime.views)
        self._event = xr.EventDataBuffer()
        self._event_type = self._event._type
        self.frame_state = xr.FrameState()
        """Of the last `wait`."""
        stereo = xr.ViewConfigurationType.PRIMARY_STEREO
        self._locate_info = xr.ViewLocateInfo(stereo, 0, self.space)
        self._view_state = xr.ViewState()
        self.views = (xr.View * eyes)(*(xr.View() for _ in range(eyes)))
        """Of the last `locate`."""
        self._view_poses = [PoseView(view.pose) for view in self.views]
        self._view_count = c_uint32(eyes)
        self._end_info = xr.FrameEndInfo(0, xr.EnvironmentBlendMode.OPAQUE, [])

    @property
    def focused(self) -> bool:
        return self.state == "FOCUSED"

    @property
    def ended(self) -> bool:
        return self.state == "EXITING"

    def poll(self) -> None:
        """Take in all events and follow the session's state; Lost if the runtime is gone."""
        while self._next_event():
            self.follow(self._event)

    def _next_event(self) -> bool:
        event = self._event
        event._type, event._next = self._event_type, None
        return call("xrPollEvent", self.runtime.instance, byref(event)) != NO_EVENT

    def follow(self, event: Any) -> None:
        """One event, as the runtime gives it."""
        xr, kind = self._xr, event._type
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
        call("xrWaitFrame", self.handle, None, byref(self.frame_state))
        return self.frame_state

    def begin(self) -> None:
        call("xrBeginFrame", self.handle, None)

    def locate(self, time_ns: int) -> list[tuple[Pose, Fov]]:
        """The eyes as they will be then (XrTime); empty while the head is not tracked."""
        self._locate_info.display_time = time_ns
        call(
            "xrLocateViews",
            self.handle,
            byref(self._locate_info),
            byref(self._view_state),
            len(self.views),
            byref(self._view_count),
            self.views,
        )
        if self._view_state._view_state_flags & VALID != VALID:
            return []
        return [(at.pose(), self._fov(view.fov)) for at, view in zip(self._view_poses, self.views, strict=True)]

    @staticmethod
    def _fov(fov: Any) -> Fov:
        return Fov(fov.angle_left, fov.angle_right, fov.angle_up, fov.angle_down)

    def head(self, time_ns: int) -> Pose | None:
        """Where it will be then, on the floor's space; None while it is not tracked."""
        return self._head.at(time_ns)

    def end(self, time_ns: int, layers: Any = None) -> None:
        """Hand the frame over. `layers`: an array of pointers to their headers, or nothing to be shown."""
        info = self._end_info
        info.display_time = time_ns
        info.layer_count, info._layers = (len(layers), layers) if layers is not None else (0, None)
        call("xrEndFrame", self.handle, byref(info))

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
                    self.end(state.predicted_display_time)
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

    def _floor_space(self) -> tuple[str, Any]:
        xr = self._xr
        offered = {xr.ReferenceSpaceType(kind) for kind in xr.enumerate_reference_spaces(self.handle)}
        kinds = xr.ReferenceSpaceType
        pose = xr.Posef()
        kind = next((kind for kind in (kinds.STAGE, kinds.LOCAL_FLOOR) if kind in offered), kinds.LOCAL)
        if kind == kinds.LOCAL:
            pose = xr.Posef(xr.Quaternionf(0, 0, 0, 1), xr.Vector3f(0, -EYES_M, 0))
        return kind.name, xr.create_reference_space(self.handle, xr.ReferenceSpaceCreateInfo(kind, pose))
