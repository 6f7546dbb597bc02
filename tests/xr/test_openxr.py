"""The openxr target against a real runtime: the life of a session, pixels of both eyes, input, loss and return."""

from __future__ import annotations

import gc
import math
import time
from collections import Counter
from ctypes import POINTER, byref, c_void_p, cast, memmove, sizeof
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from monado import Runtime, monado
from remote import Eye as RemoteEye
from remote import Pose as RemotePose
from remote import turned
from visit import WALL, Visit, room, visit

from walkin.accepting import accept
from walkin.frame import Pulse
from walkin.geometry import Pose, quaternion_from_yaw_pitch, quaternion_product
from walkin.interact.bindings import actions
from walkin.interact.controls import INDEX, PROFILES, VIVE
from walkin.targets.headset import calls
from walkin.targets.headset.controllers import presses
from walkin.targets.headset.eyes import Chain
from walkin.targets.headset.mirror import Spectator
from walkin.targets.headset.runtime import NoHeadset, open_runtime
from walkin.targets.headset.session import Session
from walkin.targets.offscreen import OffscreenTarget
from walkin.targets.openxr import OpenXRTarget

SIZE = (400, 320)
BEGIN = ["IDLE", "READY", "SYNCHRONIZED", "VISIBLE", "FOCUSED"]
END = ["VISIBLE", "SYNCHRONIZED", "STOPPING", "IDLE", "EXITING"]


def test_life_from_idle_to_exit(xr_runtime: Path):
    import xr

    with monado(xr_runtime, size=SIZE) as runtime, visit(runtime) as made:
        session = made.headset.session
        assert session.space_name == "STAGE"
        made.frame(5)
        xr.request_exit_session(session.handle)  # what the runtime's own menu does
        with pytest.raises(StopIteration):
            made.frame(200)
        assert session.states == BEGIN + END


def test_display_times_advance_by_the_period(xr_runtime: Path):
    with monado(xr_runtime, hz=30, size=(64, 64)) as runtime, visit(runtime) as made:
        made.frame(10)
        times, steps = [], []
        for _ in range(30):
            frame = made.frame()
            times.append(made.target.counts.display_time_ns)
            steps.append(frame.dt_s)
        periods = np.diff(times) / made.target.counts.period_ns
        assert (np.abs(periods - np.round(periods)) < 0.01).all() and (periods > 0.9).all()
        assert np.median(steps) == pytest.approx(1 / 30, rel=0.02)


def shown(made: Visit, monkeypatch: pytest.MonkeyPatch) -> list[np.ndarray]:
    """What the runtime gets of both eyes, read from its own images before they are given back: (H, W, 3), top first."""
    pictures: dict[int, np.ndarray] = {}  # by the eye, in whichever order they are drawn
    release = Chain.release

    def read_and_release(chain: Chain) -> None:
        for number, eye in enumerate(made.headset.eyes):
            if chain is eye.color and chain.held is not None:
                data = eye.images[chain.held].read(components=3, alignment=1)
                pictures[number] = np.frombuffer(data, np.uint8).reshape(chain.size[1], chain.size[0], 3)[::-1]
        release(chain)

    monkeypatch.setattr(Chain, "release", read_and_release)
    made.frame()
    monkeypatch.undo()
    return [pictures[0], pictures[1]]


HEAD = ((0.1, 1.5, 0.4), turned(yaw=0.12, pitch=-0.1))
EYES = (  # as lopsided as can be, and not mirror images of each other
    RemoteEye((-0.9, 0.5, 0.6, -0.7), RemotePose((-0.2, 0.03, 0.0), turned(yaw=0.05))),
    RemoteEye((-0.4, 0.8, 0.5, -0.9), RemotePose((0.2, -0.02, 0.0), turned(yaw=-0.07))),
)


def quaternion_matrix(x: float, y: float, z: float, w: float) -> np.ndarray:
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + 2 * w * cross + 2 * cross @ cross


def wall_pixels(eye: RemoteEye) -> np.ndarray:
    """(H, W) bool: which pixels see the wall, by casting a ray through each: no matrix is inverted, none multiplied."""
    head = quaternion_matrix(*HEAD[1])
    origin = np.array(HEAD[0]) + head @ np.array(eye.pose.position)
    turn = head @ quaternion_matrix(*eye.pose.orientation)
    left, right, up, down = (math.tan(angle) for angle in eye.fov)
    x = left + (right - left) * (np.arange(SIZE[0]) + 0.5) / SIZE[0]
    y = up + (down - up) * (np.arange(SIZE[1]) + 0.5) / SIZE[1]
    rays = np.stack([*np.meshgrid(x, y), np.full((SIZE[1], SIZE[0]), -1.0)], axis=-1) @ turn.T
    with np.errstate(all="ignore"):
        reach = (WALL.corner[2] - origin[2]) / rays[..., 2]
    hit = origin + rays * reach[..., None]
    inside = (hit[..., 0] > WALL.corner[0]) & (hit[..., 0] < WALL.corner[0] + WALL.width_m)
    return inside & (reach > 0) & (hit[..., 1] > WALL.corner[1]) & (hit[..., 1] < WALL.corner[1] + WALL.height_m)


def agreement(pictures: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Share of pixels that show the wall where they should and nothing of it elsewhere; the worse eye's."""
    shares = []
    for picture, wall in zip(pictures, expected, strict=True):
        warm = picture[..., 0].astype(int) - picture[..., 2] > 60
        shares.append(float((warm & wall).sum() / (warm | wall).sum()))
    return min(shares)


@pytest.mark.parametrize("samples", [0, 4])
def test_pixels_of_both_eyes(xr_runtime: Path, monkeypatch: pytest.MonkeyPatch, samples: int):
    with monado(xr_runtime, size=SIZE) as runtime, visit(runtime, samples=samples) as made:
        for side in ("left", "right"):
            made.remote.set_active(side, False)  # nothing in front of the wall
        made.remote.head.position, made.remote.head.orientation = HEAD
        made.remote.eyes = EYES
        made.remote.send()
        made.frame(4)
        pictures = shown(made, monkeypatch)
    expected = [wall_pixels(eye) for eye in EYES]
    assert all(wall.sum() > 2000 for wall in expected)
    assert agreement(pictures, expected) > 0.97
    # The faults that such code has: none of them would pass.
    assert agreement(pictures[::-1], expected) < 0.8, "eyes swapped"
    assert agreement([p[:, ::-1] for p in pictures], expected) < 0.8, "frustum mirrored"
    assert agreement([p[::-1] for p in pictures], expected) < 0.8, "upside down"
    not_inverted = [RemoteEye(eye.fov, RemotePose([-v for v in eye.pose.position])) for eye in EYES]
    assert agreement(pictures, [wall_pixels(eye) for eye in not_inverted]) < 0.9, "view not inverted"


@pytest.mark.parametrize("samples", [0, 4])
def test_depth_is_handed_over_too(xr_runtime: Path, samples: int):
    """What was drawn is in the runtime's depth image: nearer at the wall than at the horizon."""
    from walkin import gl
    from walkin.render.surface import Surface

    with monado(xr_runtime, size=SIZE) as runtime, visit(runtime, samples=samples) as made:
        eye = made.headset.eyes[0]
        assert eye.depth is not None and (eye.surface is None) == (samples == 0)
        made.frame(3)
        ctx = made.target.ctx
        back = Surface(ctx, SIZE, depth_format=0x8CAC).framebuffer
        library = gl.library()
        library.glBindFramebuffer(gl.READ_FRAMEBUFFER, gl.DepthTarget(eye.depth.names[0]).name)
        library.glBindFramebuffer(gl.DRAW_FRAMEBUFFER, back.glo)
        library.glBlitFramebuffer(0, 0, *SIZE, 0, 0, *SIZE, gl.DEPTH_BUFFER_BIT, gl.NEAREST)
        depth = np.frombuffer(back.read(components=1, dtype="f4", attachment=-1), np.float32)
        assert depth.max() == 1.0
        near, far = 0.05, 1000.0
        distance = near * far / (far - depth.min() * (far - near))
        assert distance < 3.2, "the wall, or a hand before it"


def test_the_compositor_is_told_where_each_eye_was_drawn_from(headset: Runtime, monkeypatch: pytest.MonkeyPatch):
    import xr

    with visit(headset) as made:
        end, told = calls.FUNCTIONS["xrEndFrame"], []

        def keep(handle, info):
            layer = cast(info._obj._layers[0], POINTER(xr.CompositionLayerProjection)).contents
            for view in layer._views[: layer.view_count]:
                depth = cast(view.next, POINTER(xr.CompositionLayerDepthInfoKHR)).contents
                q, p, fov, images = view.pose.orientation, view.pose.position, view.fov, view.sub_image
                chains = [cast(image.swapchain, c_void_p).value for image in (images, depth.sub_image)]
                angles = fov.angle_left, fov.angle_right, fov.angle_up, fov.angle_down
                told.append(((p.x, p.y, p.z), (q.x, q.y, q.z, q.w), angles, chains, depth.near_z))
            return end(handle, info)

        made.remote.eyes = EYES
        made.remote.send()
        made.frame(3)
        monkeypatch.setitem(calls.FUNCTIONS, "xrEndFrame", keep)
        made.remote.head.position, made.remote.head.orientation = HEAD
        made.remote.send()
        time.sleep(0.003)
        made.frame()
        eyes = list(made.headset.eyes)
    assert len(told) == 2
    for (position, orientation, angles, chains, near_m), eye, drawn in zip(told, EYES, eyes, strict=True):
        head = quaternion_matrix(*HEAD[1])
        assert position == pytest.approx(np.array(HEAD[0]) + head @ np.array(eye.pose.position), abs=1e-4)
        expected = head @ quaternion_matrix(*eye.pose.orientation)
        assert quaternion_matrix(*orientation) == pytest.approx(expected, abs=1e-4)
        assert angles == pytest.approx(eye.fov, abs=1e-6)
        assert near_m == pytest.approx(0.05)
        assert chains == [cast(chain.handle, c_void_p).value for chain in (drawn.color, drawn.depth)]


BUTTONS = [  # what is done with an Index controller -> what is in the input, or true of the world
    ("trigger", lambda r, on: r.press("right", "trigger", float(on)), lambda f: f.input.right.select),
    ("left trigger", lambda r, on: r.press("left", "trigger", float(on)), lambda f: f.input.left.select),
    ("squeeze", lambda r, on: squeeze(r, "right", on), lambda f: f.input.right.squeeze),
    ("left squeeze", lambda r, on: squeeze(r, "left", on), lambda f: f.input.left.squeeze),
    ("stick", lambda r, on: r.stick("left", 0.0, float(on)), lambda f: f.input.left.stick[1] > 0.9),
    ("right stick", lambda r, on: r.stick("right", float(on), 0.0), lambda f: f.input.right.stick[0] > 0.9),
    ("rise", lambda r, on: switch(r, "left", "b", on), lambda f: f.input.rise > 0),
    ("sink", lambda r, on: switch(r, "left", "a", on), lambda f: f.input.rise < 0),
    ("fast", lambda r, on: switch(r, "left", "thumbstick", on), lambda f: f.input.fast),
    ("panel", lambda r, on: switch(r, "right", "b", on), lambda f: "panel" in f.input.acts),
    ("next", lambda r, on: switch(r, "right", "a", on), lambda f: "next" in f.input.acts),
    ("height", lambda r, on: switch(r, "right", "thumbstick", on), lambda f: "height" in f.input.acts),
]


def squeeze(remote, side: str, on: bool) -> None:
    hand = remote.hand(side)
    hand.squeeze_value = hand.squeeze_force = float(on)
    remote.send()


def switch(remote, side: str, button: str, on: bool) -> None:
    (remote.press if on else remote.release)(side, button)


def test_every_action_is_in_the_next_frame(headset: Runtime):
    with visit(headset) as made:
        made.frame(5)
        for name, do, seen in BUTTONS:
            assert not seen(made.frame()), name
            do(made.remote, True)
            time.sleep(0.003)  # on its way through a socket
            assert seen(made.frame()), name
            do(made.remote, False)
            time.sleep(0.003)
            assert not seen(made.frame()), name
        assert made.frame().input.profile == "valve/index_controller"
        made.target.hint("pulse", Pulse("right", 0.02, 0.5))
        made.frame()


def test_left_handed_swaps_the_controllers(headset: Runtime):
    with visit(headset, left_handed=True) as made:
        made.remote.press("left", "trigger", 1.0)
        assert made.until(lambda: made.world.pointers["right"].selecting, 10)
        grip = made.world.pointers["right"].world_from_grip
        assert grip is not None and grip.position[0] < 0


def test_a_hand_is_lost_and_found(headset: Runtime):
    with visit(headset) as made:
        made.remote.set_active("right", False)
        assert made.until(lambda: "right" not in made.world.pointers, 20)
        frame = made.frame()
        assert frame.input.right.stage_from_aim is None and frame.input.left.stage_from_aim is not None
        made.remote.set_active("right", True)
        assert made.until(lambda: "right" in made.world.pointers, 60)


def head_in_world(made: Visit) -> np.ndarray:
    frame = made.frame()
    return (made.world.world_from_stage @ frame.input.stage_from_head).position


def test_teleport_ends_where_its_ring_was(headset: Runtime):
    with visit(headset) as made:
        made.remote.move("right", (0.3, 1.2, -0.2), turned(yaw=-0.9, pitch=-0.3))
        made.frame(3)
        made.remote.stick("right", 0.0, 1.0)
        assert made.until(lambda: made.world.teleport is not None, 20)
        made.frame(3)
        aimed = made.world.teleport
        assert aimed is not None and aimed.landing is not None
        made.remote.stick("right", 0.0, 0.0)
        assert made.until(lambda: made.world.teleport is None, 20)
        head = head_in_world(made)
        assert np.abs(head[[0, 2]] - aimed.landing[[0, 2]]).max() < 1e-3
        assert head[1] == pytest.approx(1.6, abs=1e-3)


def test_world_grab_keeps_what_is_held(headset: Runtime):
    with visit(headset) as made:

        def held() -> list[np.ndarray]:
            made.frame(3)
            grips = (made.world.pointers[side].world_from_grip for side in ("left", "right"))
            return [grip.position for grip in grips if grip is not None]

        before = held()
        for side in ("left", "right"):
            squeeze(made.remote, side, True)
        made.frame(4)
        made.remote.left.pose.position, made.remote.right.pose.position = (-0.5, 1.3, -0.2), (0.6, 1.3, -0.5)
        made.remote.send()
        after = held()
        assert made.world.world_from_stage.scale < 0.6, "hands apart: the world grows, the visitor shrinks"
        for point, there in zip(before, after, strict=True):
            assert np.abs(point - there).max() < 1e-3
        for side in ("left", "right"):
            squeeze(made.remote, side, False)
        made.frame(3)
        kept = made.world.world_from_stage.matrix.copy()
        made.remote.move("left", (0.0, 1.0, 0.0))
        made.frame(3)
        assert (made.world.world_from_stage.matrix == kept).all()


@pytest.mark.parametrize("left_handed", [False, True])
def test_a_pads_press_is_what_its_click_is_bound_to(left_handed: bool):
    table = actions(left_handed)
    assert presses(table, [VIVE]) == {"left": "fast", "right": "press"}
    assert not presses(table, [profile for profile in PROFILES if profile != VIVE])


def test_a_pad_counts_only_while_it_is_pressed(headset: Runtime):
    """The runtime has no pads: the Index's sticks stand in for them here, and their upper buttons for the presses."""
    table = []
    for action in actions():
        others = tuple(b for b in action.bindings if not (b[0] == INDEX and b[2].endswith("/input/b/click")))
        both = tuple((INDEX, side, f"{side}/input/b/click") for side in ("left", "right"))
        if kept := others + (both if action.name == "press" else ()):
            table.append(replace(action, bindings=kept))
    with visit(headset, actions=tuple(table)) as made:
        made.remote.stick("right", 0.0, 1.0)
        made.remote.stick("left", 1.0, 0.0)
        assert made.until(lambda: made.world.world_from_stage.position[0] > 0.1, 60), "to walk a touch is enough"
        assert made.frame().input.right.resting and made.frame().input.left.resting
        made.remote.stick("left", 0.0, 0.0)
        assert made.frame(3).input.right.stick[1] > 0.9 and made.world.teleport is None
        switch(made.remote, "right", "b", True)
        assert made.until(lambda: made.world.teleport is not None, 20)
        assert made.frame().input.right.stick[1] > 0.9 and not made.frame().input.acts
        switch(made.remote, "right", "b", False)
        assert made.until(lambda: made.world.teleport is None, 20), "let go: there she stands"
        made.world.comfort.sticks = "teleport"
        made.remote.stick("right", 0.0, 0.0)
        made.remote.stick("left", 0.0, 1.0)
        assert made.until(lambda: made.frame().input.left.stick[1] > 0.9, 20)
        made.frame(3)
        assert made.world.teleport is None, "where both teleport, both must be pressed for it"
        switch(made.remote, "left", "b", True)
        assert made.until(lambda: made.world.teleport is not None, 20)
        switch(made.remote, "left", "b", False)


def test_what_is_prepared_is_prepared_once_however_many_eyes(headset: Runtime):
    with visit(headset) as made:
        made.frame(3)
        counted: Counter[str] = Counter()

        def count(thing: object, name: str) -> None:
            original = getattr(thing, name)

            def counting(*arguments, **options):
                counted[name if thing is renderer else f"{type(thing).__name__}.{name}"] += 1
                return original(*arguments, **options)

            setattr(thing, name, counting)

        renderer = made.app.renderer
        for name in ("prepare", "draw"):
            count(renderer, name)
        count(renderer._uploads, "step")
        for part in (renderer._hands, renderer._labels, renderer._advice):
            count(part, "prepare")
        count(renderer._hands._marks, "write")
        count(renderer._labels._glyphs, "write")
        count(renderer._atlas, "upload")
        count(renderer._walls, "choose")
        wall = made.world.walls["a"]
        for number in range(10):
            made.remote.move("right", (0.3, 1.21 + 0.01 * number, -0.3))  # so that there is something to be written
            made.remote.move("head", (0.0, 1.7 - 0.1 * (number % 2), 0.0))  # ... and chosen: further than SLACK_M
            time.sleep(0.002)
            made.frame()
        assert counted["draw"] == 20
        once = ("prepare", "Uploads.step", "Hands.prepare", "Labels.prepare")
        assert [counted[name] for name in once] == [10] * len(once)
        assert counted["Walls.choose"] == 10
        assert counted["Instances.write"] == 10, "rays once a frame; text, which has not changed, never"
        made.frame(5)
        assert counted["Walls.choose"] == 10, "what was chosen holds while the head rests"
        accept(made.world, replace(wall.tiles))
        made.frame(5)
        assert counted["Atlas.upload"] == 1, "new tiles once, not once an eye"


def test_the_spectators_camera_is_steady_and_upright():
    """A head that trembles by a degree at 10 Hz, tilted, and turns: the camera turns with it, and does nothing else."""
    spectator, forwards, ups = Spectator(), [], []
    for number in range(60):
        tremor = 0.017 * math.sin(number * 2.1)
        yaw = 1.0 if number >= 20 else 0.0
        head = quaternion_product(quaternion_from_yaw_pitch(yaw, tremor), np.array([0.0, 0.0, 0.3, 0.95]))
        camera = spectator.follow(Pose(np.array([0.0, 1.6, tremor]), head / np.linalg.norm(head)), 1 / 30)
        forwards.append(camera.forward)
        ups.append(camera.matrix[:3, 0][1])
    assert np.abs(ups).max() < 1e-12, "upright"
    pitches = np.array(forwards)[:, 1]
    assert np.abs(pitches).max() < 0.25 * 0.017, "steady"
    yaws = np.arctan2(*-np.array(forwards)[:, [0, 2]].T)
    assert abs(yaws[19]) < 0.01 and 0.3 < yaws[27] < 0.8 and yaws[59] == pytest.approx(1.0, abs=0.02)


def test_two_sessions_one_after_the_other(xr_runtime: Path, runtime_log):
    for size in ((64, 64), (96, 80)):
        with monado(xr_runtime, size=size) as runtime, visit(runtime) as made:
            made.frame(5)
            assert made.headset.eyes[0].color.size == size
    assert runtime_log.complaints() == []


def test_a_draw_that_raises_ends_its_frame(headset: Runtime):
    """The second eye's draw raises, with the first handed over: the next frames come all the same."""
    with visit(headset) as made:
        made.frame(3)
        frame = next(made._frames)
        views = frame.views()
        next(views)
        next(views)
        with pytest.raises(ZeroDivisionError):
            views.throw(ZeroDivisionError())
        ended = made.target.counts.frames
        made.frame(3)
        assert made.target.counts.frames == ended + 1 + 3
        assert made.headset.eyes[0].color.held is None


def test_the_validation_layer_and_the_runtime_are_silent(xr_runtime: Path, runtime_log):
    with monado(xr_runtime, size=(64, 64), validate=True) as runtime:
        with visit(runtime) as made:
            made.frame(60)
            made.remote.stick("left", 0.3, 1.0)
            made.frame(30)
            made.target.hint("pulse", Pulse("left", 0.02, 0.5))
            made.frame(5)
        assert runtime.validation_log() == []
    assert runtime_log.complaints() == []


def test_the_runtime_is_lost_and_comes_back(xr_runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("walkin.targets.openxr.AGAIN_S", 0.3)
    with monado(xr_runtime, size=(64, 64), service=True) as runtime, visit(runtime) as made:
        made.frame(10)
        walls = made.world.walls
        runtime.kill_service()
        assert made.until(lambda: made.target.headset is None, 20)
        assert made.until(lambda: any("gone" in banner.text for banner in made.world.banners), 5)
        made.frame(3)  # the room goes on without
        runtime.start_service()
        assert made.until(lambda: made.target.headset is not None, 200)
        assert made.until(lambda: made.headset.session.focused, 200)
        made.frame(10)
        assert any("back" in banner.text for banner in made.world.banners)
        assert made.world.walls is walls and made.target.ctx.error == "GL_NO_ERROR"


@pytest.mark.slow
def test_loss_and_return_leave_nothing_behind(xr_runtime: Path, monkeypatch: pytest.MonkeyPatch):
    """Textures of the runtime's are its own to delete; framebuffers and the like around them are ours."""
    monkeypatch.setattr("walkin.targets.openxr.AGAIN_S", 0.1)
    with monado(xr_runtime, size=(64, 64), service=True) as runtime, visit(runtime) as made:
        counts = []
        for _ in range(4):
            made.frame(10)
            gc.collect()
            made.frame(2)
            counts.append(gl_objects(made))
            runtime.kill_service()
            assert made.until(lambda: made.target.headset is None, 20)
            runtime.start_service()
            assert made.until(lambda: made.target.headset is not None and made.headset.session.focused, 400)
        assert counts[1:] == counts[1:2] * 3, counts
        assert made.target.ctx.error == "GL_NO_ERROR"


def feed(session: Session, state: str) -> None:
    """An event as the runtime would give it: this one never says VISIBLE without FOCUSED again, and lets nobody take
    the headset off."""
    fill(session, state)
    session.follow(session._event)


def fill(session: Session, state: str) -> bool:
    """Into the buffer that the runtime fills."""
    import xr

    changed = xr.EventDataSessionStateChanged(session=session.handle, state=xr.SessionState[state])
    memmove(byref(session._event), byref(changed), sizeof(changed))
    return True


def test_while_only_visible_it_is_drawn_and_input_is_somebody_elses(headset: Runtime, monkeypatch: pytest.MonkeyPatch):
    """The runtime's own menu is open: state event and sync's answer (XR_SESSION_NOT_FOCUSED) are put in its mouth."""
    with visit(headset) as made:
        made.frame(3)
        session = made.headset.session
        feed(session, "VISIBLE")
        monkeypatch.setitem(calls.FUNCTIONS, "xrSyncActions", lambda *arguments: calls.NOT_FOCUSED)
        pulses = []
        monkeypatch.setattr(made.headset.controllers, "pulse", pulses.append)
        switch(made.remote, "right", "a", True)
        made.remote.stick("left", 0.0, 1.0)
        stage = made.world.world_from_stage
        made.target.hint("pulse", Pulse("right", 0.02, 0.5))
        ended = made.target.counts.frames
        for _ in range(3):
            given = made.frame().input
            assert given.right.stage_from_aim is None and given.left.stick == (0.0, 0.0) and not given.acts
        assert made.target.counts.frames == ended + 3 and made.target.read().any()
        assert made.world.world_from_stage is stage and made.world.pointers == {} and not pulses
        feed(session, "FOCUSED")
        monkeypatch.undo()
        made.remote.stick("left", 0.0, 0.0)
        time.sleep(0.003)
        given = made.frame().input
        assert given.right.stage_from_aim is not None
        assert not given.acts, "a button that was pressed in the menu does nothing in the room"


def test_a_headset_that_is_taken_off_and_put_on_again(headset: Runtime, monkeypatch: pytest.MonkeyPatch):
    """This runtime ends a session only when it is asked to: its events, and its answers to begin and end, are put in
    its mouth. What is tested is that frames stop being asked of it, the room goes on beside, and comes back."""
    import xr

    with visit(headset) as made:
        made.frame(3)
        session = made.headset.session
        called = []
        monkeypatch.setattr(xr, "end_session", lambda handle: called.append("end"))
        monkeypatch.setattr(xr, "begin_session", lambda handle, info: called.append("begin"))
        for state in ("VISIBLE", "SYNCHRONIZED"):
            feed(session, state)
        undrawn = calls.FUNCTIONS["xrWaitFrame"]

        def wait_unseen(*arguments):
            result = undrawn(*arguments)
            session.frame_state.should_render = 0
            return result

        monkeypatch.setitem(calls.FUNCTIONS, "xrWaitFrame", wait_unseen)
        draws = []
        draw = made.app.renderer.draw
        monkeypatch.setattr(made.app.renderer, "draw", lambda *arguments: draws.append(draw(*arguments)))
        ended = made.target.counts.frames
        made.frame(3)
        assert not draws and made.target.counts.frames == ended + 2, "frames go on, and nothing is drawn in vain"
        for state in ("STOPPING", "IDLE"):
            feed(session, state)
        assert called == ["end"] and not session.running
        made.frame()  # the last one of the headset's ends
        ended = made.target.counts.frames
        made.frame(3)
        assert made.target.counts.frames == ended, "none of the runtime"
        assert made.target.headset is not None
        feed(session, "READY")
        assert called == ["end", "begin"]
        monkeypatch.setitem(calls.FUNCTIONS, "xrWaitFrame", undrawn)
        for state in ("SYNCHRONIZED", "VISIBLE", "FOCUSED"):
            feed(session, state)
        draws.clear()
        made.frame(4)
        assert made.target.counts.frames > ended and len(draws) >= 6
        assert made.headset.session is session and session.focused


def test_a_session_that_is_going_away_is_given_up(headset: Runtime):
    """LOSS_PENDING, which this runtime never says: the room stays, and the session is destroyed."""
    with visit(headset) as made:
        made.frame(3)
        session = made.headset.session
        event = session._next_event
        session._next_event = lambda: fill(session, "LOSS_PENDING") if session.state == "FOCUSED" else event()
        made.frame(2)
        assert made.target.headset is None
        assert any("the session is going away" in banner.text for banner in made.world.banners)


def gl_objects(made: Visit) -> int:
    """Names in use among the first few thousand, of the kinds that a frame could leak."""
    from walkin import gl

    library = gl.library()
    kinds = (library.glIsTexture, library.glIsBuffer, library.glIsFramebuffer, library.glIsVertexArray)
    return sum(bool(kind(name) & 0xFF) for kind in kinds for name in range(1, 3000))


@pytest.mark.slow
def test_two_thousand_frames_leave_nothing_behind(xr_runtime: Path, runtime_log):
    with monado(xr_runtime, hz=144, size=(64, 64)) as runtime, visit(runtime) as made:
        process = psutil.Process()

        def walk(frames: int) -> None:
            for number in range(frames // 10):
                made.remote.stick("left", 0.0, 1.0 if number % 2 else -1.0)
                made.remote.stick("right", 0.0, float(number % 5 == 0))
                made.remote.press("right", "trigger", float(number % 3 == 0))
                made.frame(10)
                assert made.target.ctx.error == "GL_NO_ERROR"

        walk(300)
        gc.collect()
        objects, bytes_before = gl_objects(made), process.memory_info().rss
        walk(2000)
        gc.collect()
        assert gl_objects(made) == objects
        assert process.memory_info().rss - bytes_before < 8 * 2**20
    assert runtime_log.complaints() == []


def test_no_runtime(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("XR_RUNTIME_JSON", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path))
    with pytest.raises(NoHeadset, match="no OpenXR runtime is active"):
        open_runtime()


@pytest.mark.parametrize("text", [None, "", "not JSON", '{"runtime": {"library_path": "/nowhere/libxr.so"}}'])
def test_a_manifest_that_is_no_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str | None):
    manifest = tmp_path / "runtime.json"
    if text is not None:
        manifest.write_text(text)
    monkeypatch.setenv("XR_RUNTIME_JSON", str(manifest))
    with pytest.raises(NoHeadset, match="points nowhere" if text is None else "does not answer"):
        open_runtime()


def test_what_a_runtime_lacks_is_said(headset: Runtime, monkeypatch: pytest.MonkeyPatch):
    from walkin.targets.headset import runtime as module

    offered = module._offered
    monkeypatch.setattr(module, "_offered", lambda xr: tuple(e for e in offered(xr) if e != module.GL_ENABLE))
    with pytest.raises(NoHeadset, match="does not take OpenGL"):
        open_runtime()
    monkeypatch.setattr(module, "_offered", lambda xr: tuple(e for e in offered(xr) if "egl" not in e))
    base = OffscreenTarget((64, 64), 1, samples=0)
    with pytest.raises(NoHeadset, match="needs a window"):
        OpenXRTarget(base, ())
    monkeypatch.undo()
    open_runtime().close()  # nothing was left behind that would be in the way


def test_swapchains_keep_to_the_runtimes_limit(headset: Runtime, monkeypatch: pytest.MonkeyPatch):
    from walkin.targets.headset import runtime as module

    monkeypatch.setattr(module, "min", lambda *sides: 320, raising=False)
    with visit(headset, render_scale=1.5) as made:
        made.frame(2)
        assert made.headset.eyes[0].color.size == (320, 320)


def test_room_is_the_one_the_pixels_are_checked_with():
    world = room()
    assert world.walls["a"].place == WALL


@pytest.mark.parametrize(
    "call",
    ["xrPollEvent", "xrWaitFrame", "xrBeginFrame", "xrSyncActions", "xrGetActionStateBoolean", "xrLocateSpace",
     "xrLocateViews", "xrAcquireSwapchainImage", "xrReleaseSwapchainImage", "xrEndFrame"],
)  # fmt: skip
def test_the_runtime_may_go_in_the_middle_of_a_frame(xr_runtime: Path, monkeypatch: pytest.MonkeyPatch, call: str):
    """Killed just before this call: no exception reaches the app, and the room stays."""
    with monado(xr_runtime, size=(64, 64), service=True) as runtime, visit(runtime) as made:
        made.frame(3)
        original = calls.FUNCTIONS[call]

        def kill_first(*arguments):
            monkeypatch.undo()
            runtime.kill_service()
            return original(*arguments)

        monkeypatch.setitem(calls.FUNCTIONS, call, kill_first)
        made.target.hint("pulse", Pulse("right", 0.02, 0.5))
        assert made.until(lambda: made.target.headset is None, 10)
        made.frame(2)
        assert made.target.ctx.error == "GL_NO_ERROR"
