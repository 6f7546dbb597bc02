"""OpenXR: frames for a headset, with the window as its mirror; without the runtime the window goes on alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import moderngl
import numpy as np

from walkin.frame import Action, Input, Pulse, View
from walkin.geometry import Pose
from walkin.render.surface import is_software
from walkin.targets.desktop import DesktopTarget
from walkin.targets.headset.binding import Binding, bind
from walkin.targets.headset.calls import Lost
from walkin.targets.headset.controllers import Controllers
from walkin.targets.headset.eyes import Eye
from walkin.targets.headset.layer import FAR_M, NEAR_M, Layer
from walkin.targets.headset.mirror import Mirror
from walkin.targets.headset.runtime import NoHeadset, Runtime, open_runtime
from walkin.targets.headset.session import Session
from walkin.targets.offscreen import OffscreenTarget

EGL = "XR_MNDX_egl_enable"
AGAIN_S = 3.0  # between attempts to get a lost runtime back
BESIDE_S = 0.05  # a frame, while there is neither headset nor window
NOMINAL_S = 1 / 60


@dataclass
class Counts:
    """What the frames of a session were like."""

    frames: int = 0
    missed: int = 0
    """Display times left out: steps of more than one and a half periods, as the runtime tells them. One that finds us
    slow may tell longer periods, as Monado does."""
    wait_s: float = 0.0
    """Of the last frame, as the three that follow."""
    begin_s: float = 0.0
    sync_s: float = 0.0
    end_s: float = 0.0
    display_time_ns: int = 0
    period_ns: int = 0


@dataclass
class Headset:
    """All that lives as long as one session."""

    runtime: Runtime
    binding: Binding
    session: Session
    controllers: Controllers
    eyes: list[Eye]
    layer: Layer

    def close(self) -> None:
        self.session.close()
        self.binding.settle()
        for eye in self.eyes:
            eye.close()
        self.eyes.clear()
        self.runtime.close()
        self.binding.settle()


@dataclass
class HeadsetFrame:
    """One frame between begin and end."""

    input: Input
    dt_s: float
    target: OpenXRTarget
    time_ns: int
    """When it will be seen: XrTime."""
    should_render: bool
    idle: bool = False
    ended: bool = False
    _open: Iterator[View] | None = None

    def views(self) -> Iterator[View]:
        if not self.should_render:
            return iter(())
        self._open = self.target.draw_views(self)
        return self._open

    def close(self) -> None:
        """An image that is still held is released before the frame ends."""
        if self._open is not None:
            self._open.close()  # type: ignore[attr-defined]


class OpenXRTarget:
    """A headset, and a window or nothing beside it."""

    name = "openxr"

    def __init__(
        self,
        base: DesktopTarget | OffscreenTarget,
        actions: tuple[Action, ...],
        *,
        samples: int | None = None,
        render_scale: float = 1.0,
        mirror: str = "eye",
        report: Callable[[str], None] = lambda line: None,
    ):
        """`base` has the GL context, is the mirror and takes over while there is no runtime. `mirror`: what the window
        shows meanwhile, eye, spectator or none. Raises NoHeadset."""
        self.base = base
        self.ctx: moderngl.Context = base.ctx
        self.samples = samples if samples is not None else 0 if is_software(self.ctx) else 4
        self.counts = Counts()
        self._actions, self._scale, self._report = actions, render_scale, report
        self._head = Pose.at(0.0, 1.7, 0.0)
        self._notices: list[str] = []
        self._mirror = Mirror(base, mirror) if isinstance(base, DesktopTarget) else None
        self.headset: Headset | None = self._put_on()

    def frames(self) -> Iterator[Any]:
        """Frames until the visitor leaves, in the headset or in the window."""
        due_s = 0.0
        with closing(self.base.frames()) as beside:  # type: ignore[type-var]
            while True:
                try:
                    if self.headset is None and time.monotonic() >= due_s:
                        due_s = time.monotonic() + AGAIN_S
                        self._try_again()
                    headset = self.headset
                    if headset is not None:
                        headset.session.poll()
                        if headset.session.ended:
                            return
                        if headset.session.running:
                            yield from self._frame(headset)
                            if isinstance(self.base, DesktopTarget) and self.base.closing:
                                return
                            continue
                except Lost as problem:
                    self._lose(problem)
                    due_s = time.monotonic() + AGAIN_S
                    continue
                if not isinstance(self.base, DesktopTarget):
                    time.sleep(BESIDE_S)
                frame = next(beside, None)
                if frame is None:
                    return
                if self._notices:
                    frame.input = replace(frame.input, notices=self._take_notices())
                yield frame

    def _frame(self, headset: Headset) -> Iterator[HeadsetFrame]:
        """One frame of a running session. It is ended even when a draw raises: else the next wait would hang."""
        session, counts = headset.session, self.counts
        began_s = time.perf_counter()
        state = session.wait()
        waited_s = time.perf_counter()
        session.begin()
        counts.begin_s, counts.wait_s = time.perf_counter() - waited_s, waited_s - began_s
        dt_s, time_ns = self._pace(state), state.predicted_display_time
        frame = None
        try:
            frame = HeadsetFrame(self._input(headset, time_ns), dt_s, self, time_ns, bool(state.should_render))
            yield frame
        finally:
            try:
                if frame is not None:
                    frame.close()
            finally:
                if frame is None or not frame.ended:
                    headset.binding.settle()
                    self._end(headset, time_ns, None)

    def _end(self, headset: Headset, time_ns: int, layers: Any) -> None:
        before_s = time.perf_counter()
        headset.session.end(time_ns, layers)
        self.counts.end_s = time.perf_counter() - before_s
        headset.binding.settle()
        self.counts.frames += 1

    def draw_views(self, frame: HeadsetFrame) -> Iterator[View]:
        """Where to draw each eye; handed over to the runtime when the next is asked for.

        A runtime that goes meanwhile is no business of whoever draws: the frame's end finds it gone, too, and says so.
        """
        headset = self.headset
        if headset is None:
            return
        try:
            yield from self._draw_views(headset, frame)
        except Lost:
            frame.ended = False

    def _draw_views(self, headset: Headset, frame: HeadsetFrame) -> Iterator[View]:
        located = headset.session.locate(frame.time_ns)
        if not located:
            return
        headset.binding.settle()
        mates = tuple(located)
        for eye, (pose, fov) in zip(headset.eyes, mates, strict=True):
            drawn = False
            try:
                yield View(pose, fov, eye.begin(), NEAR_M, FAR_M, overlay=False, mates=mates)
                drawn = True
            finally:
                eye.end(drawn=drawn)
        headset.layer.set(headset.session.views)
        frame.ended = True  # the headset has what it waits for: what the window shows comes after
        self._end(headset, frame.time_ns, headset.layer.pointers)
        if self._mirror is not None:
            yield from self._mirror.views(headset.eyes[0], frame.input.stage_from_head)

    def wake(self, *, at_once: bool = False) -> None:
        self.base.wake(at_once=at_once)

    def read(self) -> np.ndarray:
        if self.headset is None:
            return self.base.read()
        return np.concatenate([eye.read() for eye in self.headset.eyes], axis=1)

    def hint(self, name: str, value: Any) -> None:
        if name == "pulse":
            if self.headset is not None and isinstance(value, Pulse) and self.headset.session.focused:
                self.headset.controllers.pulse(value)
            return
        self.base.hint(name, value)

    def close(self) -> None:
        if self.headset is not None:
            self.headset.close()
            self.headset = None
        self.base.close()

    def _put_on(self) -> Headset:
        """A session on the active runtime; NoHeadset, with nothing left behind, if there is none."""
        runtime = open_runtime()
        session = None
        try:
            window = getattr(self.base, "window", None)
            if window is None and EGL not in runtime.extensions:
                raise NoHeadset(f"{runtime.name} needs a window for OpenGL ({EGL} is missing): set DISPLAY")
            binding = bind(self.ctx, window)
            session = Session(runtime, binding)
            xr_session = session.handle
            controllers = Controllers(runtime, xr_session, session.space, self._actions, self._report)
            eyes = [
                Eye.of(xr_session, runtime, binding, number, samples=self.samples, scale=self._scale)
                for number in range(len(runtime.views))
            ]
        except BaseException:
            if session is not None:
                session.close()
            runtime.close()
            raise
        if isinstance(self.base, DesktopTarget):
            self.base.mirror(True)
        return Headset(runtime, binding, session, controllers, eyes, Layer(session.space, eyes))

    def _lose(self, problem: Lost) -> None:
        """The room stays: drop what was the runtime's, and go on in the window."""
        headset, self.headset = self.headset, None
        if headset is not None:
            headset.close()
        if isinstance(self.base, DesktopTarget):
            self.base.mirror(False)
        self._say(f"the headset is gone ({problem}); the room stays here, and it is looked for every {AGAIN_S:.0f} s")

    def _try_again(self) -> None:
        try:
            self.headset = self._put_on()
        except NoHeadset:
            return  # said already, when it was lost
        self._say(f"the headset is back: {self.headset.runtime.system_name}")

    def _say(self, text: str) -> None:
        self._notices.append(text)
        self.base.wake()

    def _input(self, headset: Headset, time_ns: int) -> Input:
        session, controllers = headset.session, headset.controllers
        began_s = time.perf_counter()
        if session.profile_changed:
            session.profile_changed = False
            controllers.profile_changed()
        state = controllers.state(time_ns)
        self._head = session.head(time_ns) or self._head
        self.counts.sync_s = time.perf_counter() - began_s
        beside = self.base.attend() if isinstance(self.base, DesktopTarget) else Input()
        return Input(
            stage_from_head=self._head,
            left=state.left,
            right=state.right,
            rise=state.rise,
            fast=state.fast,
            acts=state.acts | beside.acts,
            dropped_files=beside.dropped_files,
            notices=self._take_notices(),
            profile=state.profile,
        )

    def _take_notices(self) -> tuple[str, ...]:
        notices, self._notices = tuple(self._notices), []
        return notices

    def _pace(self, state: Any) -> float:
        """Seconds of display time since the last frame; counts what was left out."""
        counts = self.counts
        now, period = state.predicted_display_time, state.predicted_display_period
        step, counts.display_time_ns, counts.period_ns = now - counts.display_time_ns, now, period
        if step == now:  # the first
            return NOMINAL_S
        if period and step > 1.5 * period:
            counts.missed += round(step / period) - 1
        return max(step / 1e9, 0.0)
