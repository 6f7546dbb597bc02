"""The test kit itself, against the real runtime: what it sends arrives, and what it changes it puts back."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import xr
from monado import HERE, Runtime, complaints, monado, runtime_folder
from remote import MAGIC, PACKET, Controller, Eye, Pose, facing, numbers, turned, wait_until

# A session without graphics, which is enough for everything but frames. It says what size it is recommended, then what
# the right hand's trigger (null when inactive) and place are whenever they change, until A is pressed.
APPLICATION = """
import ctypes, json, sys, time, xr

instance = xr.create_instance(xr.InstanceCreateInfo(enabled_extension_names=["XR_MND_headless"]))
system = xr.get_system(instance, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
session = xr.create_session(instance, xr.SessionCreateInfo(system_id=system))
STEREO = xr.ViewConfigurationType.PRIMARY_STEREO
view = xr.enumerate_view_configuration_views(instance, system, STEREO)[0]
right = xr.string_to_path(instance, "/user/hand/right")
actions = xr.create_action_set(instance, xr.ActionSetCreateInfo("all", "All", 0))

def action(name, kind):
    return xr.create_action(actions, xr.ActionCreateInfo(
        action_name=name, localized_action_name=name, action_type=kind, subaction_paths=[right]))

kinds = xr.ActionType
trigger, a = action("trigger", kinds.FLOAT_INPUT), action("a", kinds.BOOLEAN_INPUT)
grip = action("grip", kinds.POSE_INPUT)
xr.suggest_interaction_profile_bindings(instance, xr.InteractionProfileSuggestedBinding(
    interaction_profile=xr.string_to_path(instance, "/interaction_profiles/valve/index_controller"),
    suggested_bindings=[
        xr.ActionSuggestedBinding(which, xr.string_to_path(instance, "/user/hand/right/input/" + where))
        for which, where in ((trigger, "trigger/value"), (a, "a/click"), (grip, "grip/pose"))]))
xr.attach_session_action_sets(session, xr.SessionActionSetsAttachInfo(action_sets=[actions]))
stage = xr.create_reference_space(session, xr.ReferenceSpaceCreateInfo(xr.ReferenceSpaceType.STAGE, xr.Posef()))
hand = xr.create_action_space(session, xr.ActionSpaceCreateInfo(grip, right))
print(json.dumps([view.recommended_image_rect_width, view.recommended_image_rect_height]), flush=True)

said, started_ns, deadline = None, 0, time.monotonic() + 120
while time.monotonic() < deadline:
    try:
        event = xr.poll_event(instance)
        if event.type == xr.StructureType.EVENT_DATA_SESSION_STATE_CHANGED.value:
            changed = ctypes.cast(ctypes.byref(event), ctypes.POINTER(xr.EventDataSessionStateChanged)).contents
            started_ns = changed.time - time.monotonic_ns()  # the clock of the runtime begins somewhere else
            if changed.state == xr.SessionState.READY.value:
                xr.begin_session(session, xr.SessionBeginInfo(STEREO))
    except xr.EventUnavailable:
        pass
    try:
        xr.sync_actions(session, xr.ActionsSyncInfo(active_action_sets=[xr.ActiveActionSet(actions, xr.NULL_PATH)]))
    except xr.SessionNotFocused:
        time.sleep(0.002)
        continue
    pulled = xr.get_action_state_float(session, xr.ActionStateGetInfo(trigger, right))
    position = xr.locate_space(hand, stage, started_ns + time.monotonic_ns()).pose.position
    news = [pulled.current_state if pulled.is_active else None, [round(v, 3) for v in position]]
    if news != said:
        print(json.dumps(news), flush=True)
        said = news
    if xr.get_action_state_boolean(session, xr.ActionStateGetInfo(a, right)).current_state:
        xr.destroy_session(session)
        xr.destroy_instance(instance)
        raise SystemExit
    time.sleep(0.002)
raise SystemExit("nobody pressed A")
"""


def drive(runtime: Runtime, size: tuple[int, int]) -> str:
    """The application in a process of its own, its trigger pulled and its hand moved from here; its standard error."""
    child = subprocess.Popen(
        [sys.executable, "-c", APPLICATION], env=runtime.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None

        def says() -> list:
            assert child.stdout is not None
            return json.loads(child.stdout.readline() or '"nothing"')

        assert says() == list(size)
        with runtime.remote() as remote:
            assert says() == [0.0, [0.2, 1.3, -0.5]]
            for value in (0.25, 1.0):
                remote.press("right", "trigger", value)
                assert says() == [value, [0.2, 1.3, -0.5]]
            remote.move("right", (1.5, 0.25, -2.0))
            assert says() == [1.0, [1.5, 0.25, -2.0]]
            remote.set_active("right", False)
            assert says()[0] is None
            remote.reset()
            assert says() == [0.0, [0.2, 1.3, -0.5]]
            remote.press("right", "a")
            assert child.wait(120) == 0
        return child.communicate()[1]
    finally:
        child.kill()
        child.communicate()


@contextlib.contextmanager
def instance() -> Iterator[xr.Instance]:
    """Destroyed whatever happens: the loader has room for one."""
    made = xr.create_instance(xr.InstanceCreateInfo(enabled_extension_names=["XR_MND_headless"]))
    try:
        yield made
    finally:
        xr.destroy_instance(made)


def environment_script():
    """.ci/environment.py as a module."""
    path = HERE.parent.parent / ".ci" / "environment.py"
    spec = importlib.util.spec_from_file_location("environment", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rotate(quaternion, vector) -> list[float]:
    """v + 2 u × (u × v + w v), written out."""
    x, y, z, w = quaternion
    a, b, c = vector
    s, t, u = y * c - z * b + w * a, z * a - x * c + w * b, x * b - y * a + w * c
    return [a + 2 * (y * u - z * t), b + 2 * (z * s - x * u), c + 2 * (x * t - y * s)]


def test_orientations_turn_where_they_say():
    quarter = math.pi / 2
    assert rotate(turned(yaw=quarter), (0, 0, -1)) == pytest.approx([-1, 0, 0], abs=1e-12)  # to the left
    assert rotate(turned(pitch=quarter), (0, 0, -1)) == pytest.approx([0, 1, 0], abs=1e-12)  # up
    assert rotate(turned(roll=quarter), (1, 0, 0)) == pytest.approx([0, 1, 0], abs=1e-12)  # the right ear up
    in_turn = rotate(turned(0.3), rotate(turned(0, -0.5), rotate(turned(0, 0, 0.7), (0.1, 0.2, 0.3))))
    assert rotate(turned(0.3, -0.5, 0.7), (0.1, 0.2, 0.3)) == pytest.approx(in_turn, abs=1e-12)
    for target in ((1, 2, 3), (-4, -1, -2), (0, 5, 0), (0, 0, 9)):
        ahead = [value / math.hypot(*target) for value in target]
        assert rotate(facing((0, 0, 0), target), (0, 0, -1)) == pytest.approx(ahead, abs=1e-12)


def test_packet_is_laid_out_as_monado_reads_it():
    """Places by hand, from struct r_remote_data and r_remote_controller_data."""
    eyes = (Eye((-1.0, 2.0, 3.0, -4.0)), Eye((-5.0, 6.0, 7.0, -8.0), Pose((0.5, 0.0, 0.0))))
    left = Controller(trackpad_touch=True)
    right = Controller(Pose((1, 2, 3), (4, 5, 6, 7)), trigger=0.25, thumbstick=(0.5, -0.5), hand_tracked=False)
    head = Pose((8, 9, 10))
    packet = PACKET.pack(MAGIC, *numbers((eyes, head)), True, *numbers((left, right)))
    assert len(packet) == 376
    assert packet[:8] == b"mndrmt3\0"
    assert struct.unpack_from("<4f", packet, 8) == eyes[0].fov
    assert struct.unpack_from("<4f", packet, 56) == eyes[1].fov
    assert struct.unpack_from("<3f", packet, 56 + 32) == (0.5, 0.0, 0.0)
    assert struct.unpack_from("<7f?", packet, 104) == (0, 0, 0, 1, 8, 9, 10, True)
    assert packet[136 + 104 : 136 + 117] == bytes([1, 1, *[0] * 10, 1])
    assert struct.unpack_from("<7f", packet, 256) == (4, 5, 6, 7, 1, 2, 3)
    assert struct.unpack_from("<5f", packet, 256 + 72) == (0.25, 0, 0, 0.5, -0.5)
    assert packet[256 + 104 : 256 + 117] == bytes([0, 1, *[0] * 11])


def test_environment_is_as_it_was_after_a_failure(xr_runtime: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/of/the/user")
    monkeypatch.delenv("XR_RUNTIME_JSON", raising=False)
    before = dict(os.environ)
    with pytest.raises(ZeroDivisionError), monado(xr_runtime, hz=72) as runtime:
        assert os.environ["XR_RUNTIME_JSON"] == str(xr_runtime / "inprocess" / "openxr_monado.json")
        assert os.environ["XRT_NULL_HZ"] == "72"
        assert runtime.folder.is_dir()
        _ = 1 / 0
    assert dict(os.environ) == before
    assert not runtime.folder.exists()


def test_environment_is_left_alone_without_export(xr_runtime: Path):
    before = dict(os.environ)
    with monado(xr_runtime, export=False) as runtime:
        assert dict(os.environ) == before
        assert runtime.env["XRT_NULL_HZ"] == "90"


def test_missing_runtime_is_named(tmp_path: Path):
    with pytest.raises(FileNotFoundError, match=r"inprocess.*build_runtime"), monado(tmp_path):
        pass


def test_remote_without_an_instance_says_so(headset: Runtime):
    with pytest.raises(TimeoutError, match="is there an OpenXR instance"):
        headset.remote(timeout_s=0.1)


@pytest.mark.parametrize("service", [False, True])
def test_hand_in_another_process_is_driven(xr_runtime: Path, service: bool):
    with monado(xr_runtime, size=(400, 300), export=False, service=service) as runtime:
        assert complaints(drive(runtime, (400, 300))) == []
        assert complaints(runtime.service_log()) == []


def test_instances_in_one_process_follow_one_another(xr_runtime: Path):
    for hz, size in ((90, (640, 480)), (45, (320, 200))):
        with monado(xr_runtime, hz, size) as runtime, instance() as made:
            system = xr.get_system(made, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
            views = xr.enumerate_view_configuration_views(made, system, xr.ViewConfigurationType.PRIMARY_STEREO)
            found = [(view.recommended_image_rect_width, view.recommended_image_rect_height) for view in views]
            assert found == [size, size]
            with runtime.remote() as remote:
                remote.move("head", (0.0, 1.0 + hz / 90, 0.0))
                sent = remote.packet()
                with pytest.raises(TimeoutError, match="another remote"):
                    runtime.remote(timeout_s=0.2)
            assert wait_until(lambda runtime=runtime, sent=sent: packet_in_force(runtime) == sent)


def packet_in_force(runtime: Runtime) -> bytes:
    with runtime.remote() as remote:
        return remote.found


def test_service_is_lost_and_comes_back(headset_service: Runtime):
    headset_service.start_service()  # it runs already
    for end in (headset_service.kill_service, headset_service.stop_service):
        with instance() as made:
            system = xr.get_system(made, xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY))
            session = xr.create_session(made, xr.SessionCreateInfo(system_id=system))
            end()
            with pytest.raises(xr.InstanceLostError):
                xr.poll_event(made)
            xr.destroy_session(session)
        with pytest.raises(xr.RuntimeFailureError), instance():
            pass
        headset_service.start_service()


def test_log_has_what_the_runtime_objects_to_and_nothing_else(headset: Runtime, runtime_log):
    with instance() as made:
        with headset.remote() as remote:
            remote.look_at((0.0, 1.0, -2.0))
        assert "Remote HMD" in runtime_log.text()
        assert runtime_log.complaints() == []
        with pytest.raises(xr.PathFormatInvalidError):
            xr.string_to_path(made, "/Upper")
        (complaint,) = runtime_log.complaints()
        assert complaint.startswith("XR_ERROR_PATH_FORMAT_INVALID")
    assert runtime_log.complaints() == [complaint]  # nor to the end


def test_validation_layer_objects_to_a_wrong_structure(xr_runtime: Path):
    with monado(xr_runtime, validate=True) as runtime, instance() as made:
        info = xr.SystemGetInfo(xr.FormFactor.HEAD_MOUNTED_DISPLAY)
        xr.get_system(made, info)
        assert runtime.validation_log() == []
        info.type = xr.StructureType.SESSION_CREATE_INFO
        with pytest.raises(xr.ValidationFailureError):
            xr.get_system(made, info)
        assert "VUID-XrSystemGetInfo-type-type" in runtime.validation_log()[0]


@pytest.mark.parametrize("cache", ["/elsewhere", "", None])
def test_pytest_looks_where_the_environment_builds(monkeypatch: pytest.MonkeyPatch, cache: str | None):
    monkeypatch.delenv("WALKIN_XR_RUNTIME", raising=False)
    if cache is None:
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    else:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    assert runtime_folder() == environment_script().xr_folder()


def test_built_runtime_is_not_built_again(xr_runtime: Path):
    script = HERE / "build_runtime.sh"
    if (xr_runtime / "ready").read_text().strip() != hashlib.sha256(script.read_bytes()).hexdigest():
        pytest.skip("WALKIN_XR_RUNTIME names a runtime of another script")
    before = {path: path.stat().st_mtime_ns for path in xr_runtime.rglob("*")}
    done = subprocess.run([script, xr_runtime], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert {path: path.stat().st_mtime_ns for path in xr_runtime.rglob("*")} == before


def test_folder_of_somebody_else_is_not_built_over(tmp_path: Path):
    (tmp_path / "diary.txt").write_text("dear")
    done = subprocess.run([HERE / "build_runtime.sh", tmp_path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "remove it first" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["diary.txt"]
