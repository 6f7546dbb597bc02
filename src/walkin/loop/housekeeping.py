"""Housekeeping: what is done after each frame for the frames to come: time is written down, garbage is collected."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from walkin.loop.collector import Collector
from walkin.loop.phases import TIDY, Phases
from walkin.mailbox import Worker

LOOKS = 8
"""Frames between two looks at whether garbage is to be collected, while some are drawn."""

if TYPE_CHECKING:
    from walkin.loop.profile import Profile
    from walkin.render.gpu_clock import GpuClock


class Housekeeping:
    """For one run of the frame loop."""

    def __init__(self, phases: Phases, profile_to: Path | None = None, *, beside: bool = False):
        """beside: see Collector."""
        self._phases = phases
        self._profile_to = profile_to
        self._profile: Profile | None = None
        self._clock: GpuClock | None = None
        self._collector = Collector(beside=beside)
        self._unlooked = 0  # frames since the last look
        self._stands = False
        self._uploaded_bytes = 0

    def begin(self, ctx: Any, workers: dict[str, Worker]) -> None:
        """The run begins on a moderngl context; `workers` by what they are called in a profile."""
        self._collector.begin()
        if self._profile_to is None:
            return
        from walkin.loop.profile import GPU, Profile
        from walkin.render.gpu_clock import GpuClock

        self._profile = profile = Profile(self._profile_to)
        self._clock = GpuClock(ctx, lambda began_ns, length_ms: profile.span(GPU, "view", began_ns, length_ms))
        for name, worker in workers.items():
            worker.begins, worker.ends = partial(profile.begins, name), partial(profile.ends, name)

    @property
    def gpu_clock(self) -> GpuClock | None:
        """To be around the draws of each view, if somebody wants to know."""
        return self._clock

    def after_frame(self, draws: int, uploaded_bytes: int, atlas_bytes: int, *, settled: bool) -> None:
        """`draws`: of this frame, 0 if nothing was drawn; `uploaded_bytes`: since the start; `settled`: all is done."""
        if settled and not self._stands:
            self._collector.set_apart()
        elif self._unlooked >= LOOKS or not draws:
            self._unlooked = 0
            self._collector.tend(resting=settled and not draws)
        else:
            self._unlooked += 1
        self._stands = settled
        self._phases.draws = draws or self._phases.draws
        self._phases.atlas_bytes = atlas_bytes
        self._phases.mark(TIDY)
        done = self._phases.end()
        if self._profile is not None:
            self._profile.frame(self._phases.began_ns, done, draws, uploaded_bytes - self._uploaded_bytes)
        self._uploaded_bytes = uploaded_bytes

    def close(self) -> None:
        """Write the profile; whatever ended the run, and before the GL context goes."""
        self._collector.end()
        if self._profile is not None and self._clock is not None:
            self._clock.close()
            self._profile.close()
            self._profile = None
