"""Watching: the job of an input that keeps coming, which makes way for others and goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.feeding.inputs import from_picture
from walkin.network.feeding.live import LOOK_S, open_frames
from walkin.network.sessions import Sessions, session_of
from walkin.picture_source import Pixels
from walkin.requests import Watch
from walkin.results import Notice, Progress, Result, Watching


def watch(
    sessions: Sessions, request: Watch, emit: Emit, interrupted: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """Feed the newest picture of a camera or folder until cancelled, or until `interrupted()`: then another job wants
    the worker, and the same request goes on where it was. Its progress is 1 once a picture has gone through."""
    session = session_of(sessions, request.network)
    if session is None or session.loaded is None:
        raise WalkinError("no network to feed yet: open one first")
    frames = sessions.frames.pop(request.spec, None)
    if frames is None or frames.asleep:  # a camera that nobody asked for so long has been let go
        frames = open_frames(request.spec)
    count, began_s, told, fed = 0, time.monotonic(), "", False
    keep = False
    try:
        yield Progress("live", f"{frames.title}: waiting for a picture", 0.0, network=request.network)
        while not frames.over:
            found = frames.newest()
            for notice in frames.notices():
                yield replace(notice, network=request.network)
            if found is None:
                time.sleep(LOOK_S)
                yield None
            else:
                source, picture = found
                if isinstance(source, Pixels):
                    sessions.gallery.keep(source, picture)
                try:
                    for result in session.run(from_picture(session.loaded, source, picture), emit, job="live"):
                        if not isinstance(result, Progress):
                            yield result
                except WalkinError as problem:  # one picture that the network fails on; told once
                    if str(problem) != told:
                        told = str(problem)
                        yield Notice(told, "warning", network=request.network)
                count += 1
                if not fed:
                    fed = True
                    yield Progress("live", frames.title, 1.0, network=request.network)
            passed_s = time.monotonic() - began_s
            if count and passed_s >= 1.0:
                rate = f"{frames.title}: {count / passed_s:.1f} frames/s, {frames.dropped} let go"
                yield Progress("live", rate, 1.0, network=request.network)
                count, began_s = 0, time.monotonic()
            if interrupted():
                keep = True
                sessions.frames[request.spec] = frames
                yield Watching(request.spec, request.network, over=False)
                return
        yield Watching(request.spec, request.network, over=True)
    finally:
        if not keep:
            frames.close()


def let_go(sessions: Sessions, request: Watch, emit: Emit) -> Iterator[Result]:
    """Close a live input that has made way for another job and is not wanted any more."""
    frames = sessions.frames.pop(request.spec, None)
    if frames is not None:
        frames.close()
    yield from ()
