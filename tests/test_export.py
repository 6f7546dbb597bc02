"""Export: files hold what the network gave, and a folder is there whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from test_jobs import of, opened, run

from walkin.errors import WalkinError
from walkin.export_request import PARTS, Export
from walkin.files import staging
from walkin.files.staging import check_room, free, staged_file, staged_folder, sweep
from walkin.mailbox import Cancelled
from walkin.network import jobs
from walkin.network.running.capture import activations
from walkin.results import Exported, Progress

SOURCE = Path(__file__).parent.parent / "src"


class Little(torch.nn.Module):
    """Maps in two sizes, an operation written over in place, a vector; channel 2 of `last` is not finite."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first = torch.nn.Conv2d(3, 5, 3, stride=2)
        self.relu = torch.nn.ReLU(inplace=True)
        self.last = torch.nn.Conv2d(5, 7, 3)
        self.fc = torch.nn.Linear(7, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.last(self.relu(self.first(x)))
        x = torch.cat([x[:, :2], x[:, 2:3] / 0.0, x[:, 3:]], 1)
        return self.fc(x.nan_to_num(0.0, 0.0, 0.0).mean((2, 3)))


def exported(tmp_path: Path, **asked: Any) -> tuple[Path, dict[str, Any], Any]:
    sessions, _ = opened(Little())
    sent = run(jobs.export, sessions, Export(to=str(tmp_path / "out"), **asked))
    assert not of(WalkinError, sent), sent
    path = Path(of(Exported, sent)[0].path)
    return path, json.loads((path / "manifest.json").read_text()), sessions


def test_arrays_are_what_the_network_gave(tmp_path):
    path, manifest, sessions = exported(tmp_path)
    session = sessions.by_key[""]
    truth = activations(session.loaded.model, *session.inputs)
    assert [node["address"] for node in manifest["nodes"]] == list(truth)
    for node in manifest["nodes"]:
        held = np.load(path / node["files"]["raw"])["values"]
        np.testing.assert_array_equal(held, truth[node["address"]].numpy())
        assert list(held.shape) == node["shape"]


def test_grey_pictures_decode_to_the_values_by_the_manifest_s_formula(tmp_path):
    path, manifest, _ = exported(tmp_path)
    for node in manifest["nodes"]:
        lie, channels = node["pictures"], node["channels"]
        values = np.load(path / node["files"]["raw"])["values"][0].reshape(lie["count"], lie["height"], lie["width"])
        sheet = np.asarray(Image.open(path / node["files"]["grey"]))
        for channel in range(lie["count"]):
            row, column = divmod(channel, lie["columns"])
            y, x = row * (lie["height"] + lie["gap"]), column * (lie["width"] + lie["gap"])
            codes = sheet[y : y + lie["height"], x : x + lie["width"]].astype(float)
            low, high = channels["low"][channel], channels["high"][channel]
            finite = np.isfinite(values[channel])
            decoded = low + codes / 255 * (high - low)
            np.testing.assert_allclose(decoded[finite], values[channel][finite], atol=(high - low) / 500 + 1e-6)
            assert channels["flawed"][channel] == (~finite).sum()
            assert (codes[~finite] == 0).all()


def test_colours_are_those_of_the_map_and_flaws_magenta(tmp_path):
    path, manifest, _ = exported(tmp_path, color_map="grey", range_mode="wall")
    flawed = 0
    for node in manifest["nodes"]:
        lie = node["pictures"]
        values = np.load(path / node["files"]["raw"])["values"][0].reshape(lie["count"], lie["height"], lie["width"])
        sheet = np.asarray(Image.open(path / node["files"]["colour"])).astype(int)
        low, high = node["range"]
        for channel in range(lie["count"]):
            row, column = divmod(channel, lie["columns"])
            y, x = row * (lie["height"] + lie["gap"]), column * (lie["width"] + lie["gap"])
            seen = sheet[y : y + lie["height"], x : x + lie["width"]]
            finite = np.isfinite(values[channel])
            flawed += int((~finite).sum())
            wanted = np.clip((values[channel][finite] - low) / max(high - low, 1e-30), 0, 1) * 255
            assert np.abs(seen[finite] - wanted[:, None]).max(initial=0) <= 2
            assert (seen[~finite][:, 1] == 0).all() and (seen[~finite][:, 0] > 200).all()
    assert flawed


def test_the_manifest_says_what_it_was_made_of(tmp_path):
    path, manifest, sessions = exported(tmp_path, nodes=("l*", "fc"), top=3, parts=PARTS)
    assert [node["address"] for node in manifest["nodes"]] == ["last", "fc"]
    assert len(manifest["network"]["weights_hash"]) == 64 and manifest["recipes"] == {}
    assert manifest["versions"]["torch"] == torch.__version__
    shares = [row["per_cent"] for row in manifest["classes"]]
    assert len(shares) == 4 and abs(sum(shares) - 100) < 0.01 and shares == sorted(shares, reverse=True)
    last = manifest["nodes"][0]
    values = np.load(path / last["files"]["raw"])["values"][0].reshape(7, -1)
    assert last["top"] == np.argsort(-values.max(axis=1))[:3].tolist()
    counts = last["histograms"]["activations"]["counts"]
    assert sum(counts) == values.size and "weights" in last["histograms"]
    assert sorted(file.name for file in (path / last["files"]["channels"]).iterdir())[:2] == [
        "0000-colour.png",
        "0000-grey.png",
    ]
    fed = np.asarray(Image.open(path / "input.png"))
    np.testing.assert_array_equal(fed, sessions.by_key[""].shown.fed.pixels)
    for node in manifest["nodes"]:
        assert all((path / file).exists() for file in node["files"].values())


def test_nothing_is_written_over(tmp_path):
    sessions, _ = opened(Little())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    paths = []
    for _ in range(2):
        paths.append(of(Exported, run(jobs.export, sessions, Export(to=str(tmp_path / "out"), nodes=("fc",))))[0].path)
    assert [Path(path).name for path in paths] == ["out-2", "out-3"]
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["mine"]
    assert free(tmp_path / "film.mp4").name == "film.mp4"
    (tmp_path / "film.mp4").touch()
    assert free(tmp_path / "film.mp4").name == "film-2.mp4"


def test_cancelled_in_the_forward_it_leaves_nothing(tmp_path):
    sessions, _ = opened(Little())
    there = []

    def emit(result: Any) -> None:
        if isinstance(result, Progress) and (result.fraction or 0) > 0.2:
            there.extend(tmp_path.iterdir())
            raise Cancelled

    with pytest.raises(Cancelled):
        list(jobs.export(sessions, Export(to=str(tmp_path / "out")), emit))
    assert there  # it had begun
    assert not list(tmp_path.iterdir())


def test_what_matches_nothing_is_told_with_what_is_near(tmp_path):
    sessions, _ = opened(Little())
    (problem,) = of(WalkinError, run(jobs.export, sessions, Export(to=str(tmp_path / "out"), nodes=("lasd",))))
    assert "last" in str(problem) and not list(tmp_path.iterdir())


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """The limit on a file's size stands for a disk that fills up while it is written to."""
    sessions, _ = opened(Little())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1500, before[1]))
    try:
        problems = of(WalkinError, run(jobs.export, sessions, Export(to=str(tmp_path / "out"))))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert len(problems) == 1 and "disk is full" in str(problems[0]) and "\n" not in str(problems[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root mounts a small disk")
def test_a_disk_that_is_full_in_the_middle_is_one_line_and_leaves_nothing(tmp_path, monkeypatch):
    """A true one, of 400 kB, that is believed to be large until it is not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "walkin", str(disk)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no tmpfs here: {mounted.stderr.decode().strip()}")
    try:
        sessions, _ = opened(Little())
        (problem,) = of(WalkinError, run(jobs.export, sessions, Export(to=str(disk / "out"))))
        assert "are free on that disk" in str(problem)
        (disk / "mine").write_bytes(b"x" * 330_000)
        monkeypatch.setattr("walkin.network.export.job.check_room", lambda folder, needed_bytes: None)
        (problem,) = of(WalkinError, run(jobs.export, sessions, Export(to=str(disk / "out"))))
        assert "disk is full" in str(problem) and "\n" not in str(problem)
        assert [file.name for file in disk.iterdir()] == ["mine"]
        from walkin.filming.film import film_into

        for name in ("walk", "walk.mp4"):
            noise = np.random.default_rng(0)
            with pytest.raises(WalkinError, match="cannot write"), film_into(disk / name, 10) as sheets:
                for _ in range(60):
                    sheets.add(noise.integers(0, 255, (120, 160, 3), np.uint8))
            assert [file.name for file in disk.iterdir()] == ["mine"], name
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_that_is_too_small_is_refused_before(tmp_path):
    with pytest.raises(WalkinError, match="free on that disk"):
        check_room(tmp_path / "not" / "there", 1 << 60)


class Numbers(torch.nn.Module):
    """What goes in is no picture, nor is anything that comes out."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.fc = torch.nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x.flatten(1)[:, :12])


def test_a_network_without_pictures_has_cells_and_no_visualisations_of_its_input(tmp_path):
    sessions, _ = opened(Numbers())
    sent = run(jobs.export, sessions, Export(to=str(tmp_path / "out")))
    assert not of(WalkinError, sent), sent
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    (node,) = [node for node in manifest["nodes"] if node["address"] == "fc"]
    assert node["pictures"]["count"] == 5 and node["shape"] == [1, 5] and node["visualisations"] is None
    assert (tmp_path / "out" / "index.html").exists()


def test_a_folder_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WalkinError, match="cannot write"), staged_folder(tmp_path / "file" / "out"):
        pass
    sealed = Path("/proc/walkin-export")  # where not even root may
    if sealed.parent.exists():
        with pytest.raises(WalkinError, match="cannot write"), staged_folder(sealed):
            pass


def test_what_a_killed_process_left_goes_with_the_next_and_that_of_the_living_stays(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    with staged_folder(tmp_path / "out") as staged:
        mine = staged.partial
        (tmp_path / mine.name.replace(f".{os.getpid()}.", f".{dead.pid}.")).mkdir()
        (tmp_path / ".hidden.part").mkdir()
        sweep(tmp_path)
        assert sorted(tmp_path.iterdir()) == sorted([tmp_path / ".hidden.part", mine])
    assert (tmp_path / "out").is_dir() and not mine.exists()


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_the_command_that_is_ended_midway_leaves_nothing(tmp_path, sign):
    command = [sys.executable, "-m", "walkin", "export", "demo", "--out", str(tmp_path / "out")]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    process = subprocess.Popen(
        command,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Tests that were begun in the background have it ignored, and hand that down.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob(".out*/raw/*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.send_signal(sign)
    out, told = process.communicate(timeout=60)
    assert process.returncode == 130 and not out and "Traceback" not in told
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_in_a_room_the_notice_says_where_it_went(tmp_path, monkeypatch):
    from walkin.app import App, Settings
    from walkin.interact.doing import do
    from walkin.requests import Open
    from walkin.state.panel_state import Change
    from walkin.targets.offscreen import OffscreenTarget

    monkeypatch.setenv("XDG_DOCUMENTS_DIR", str(tmp_path))
    lines: list[str] = []
    asked: list[Any] = []

    def on_frame(app: App, frame: Any) -> None:
        if app.settled and not asked:
            asked.extend(do(app.world, frame.input, Change("export", ("last",))))
            app.dispatch(asked[0])
        app.quitting = any("exported" in line for line in lines) or bool(asked and app.settled)

    target = OffscreenTarget((160, 90))
    app = App(target, Settings(report=lines.append, on_frame=on_frame, timeout_s=60))
    app.open(Open("little", model=Little(), picture=np.full((32, 32, 3), 90, np.uint8), input_size=(32, 32)))
    try:
        assert app.run() == 0
    finally:
        app.close(5.0)
    (line,) = [line for line in lines if "exported" in line]
    assert line == f"walkin: exported 1 wall to {tmp_path / 'walkin' / 'little-export'}"
    assert (tmp_path / "walkin" / "little-export" / "index.html").exists()
    assert any("exported 1 wall" in banner.text for banner in app.world.banners)


@pytest.mark.parametrize("kind", [staged_folder, staged_file])
def test_a_name_that_is_taken_every_time_is_given_up_in_one_line(kind, tmp_path: Path, monkeypatch):
    """Somebody else has it, each time that it looked free."""
    taken = tmp_path / "out"
    taken.mkdir()
    monkeypatch.setattr(staging, "free", lambda path: taken)
    with pytest.raises(WalkinError, match=r"cannot write .*out: others take every name"), kind(taken) as staged:
        if kind is staged_file:
            staged.partial.write_text("all of it")
    assert [path.name for path in tmp_path.iterdir()] == ["out"], "nothing half-written stays"
