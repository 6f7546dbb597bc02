"""What people install, far from a checkout: the archives, complete; and what a checkout sets up for itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import walkin
from walkin._version import __version__

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Built:
    """The two archives of one `python -m build`, and the folder into which the wheel alone was installed."""

    source: Path
    wheel: Path
    installed: Path

    def run(self, command: list[str], cwd: Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs where neither the checkout nor a display is to be found, nor a setting or cache of the user's."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
        home = cwd / "home"
        home.mkdir(exist_ok=True)
        return subprocess.run(
            command,
            cwd=cwd,
            env={**kept, "HOME": str(home), "PYTHONPATH": str(self.installed)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    archives, installed = tmp_path_factory.mktemp("dist"), tmp_path_factory.mktemp("installed")
    # The wheel is built from the unpacked source archive, not from the checkout: what that lacks, the wheel lacks too.
    for command in (
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(archives), str(ROOT)],
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check",
         "--target", str(installed), "--find-links", str(archives), "walkin"],
    ):  # fmt: skip
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    (source,), (wheel,) = archives.glob("*.tar.gz"), archives.glob("*.whl")
    return Built(source, wheel, installed)


def test_the_version_is_written_in_one_place() -> None:
    assert walkin.__version__ == __version__
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+)?", __version__)
    quoted = re.compile(rf"""["']{re.escape(__version__)}["']""")
    sources = [ROOT / "pyproject.toml", *(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    holding = [path.name for path in sources if quoted.search(path.read_text(encoding="utf-8"))]
    assert holding == ["_version.py"]


def files_under(*folders: str) -> set[str]:
    found = (path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file())
    return {path.as_posix() for path in found if "__pycache__" not in path.parts}


@pytest.mark.slow
def test_the_archives_are_complete(built: Built) -> None:
    assert built.wheel.name == f"walkin-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(built.wheel) as archive:
        in_wheel = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = {Path(name).name: name for name in archive.namelist() if ".dist-info/" in name}
        assert "walkin = walkin.cli:main" in archive.read(metadata["entry_points.txt"]).decode()
    code = {name.removeprefix("src/") for name in files_under("src")}
    data = {f"walkin/{name}" for name in files_under("shaders", "assets")}
    assert {"walkin/shaders/walls.glsl", "walkin/assets/glyphs.npz", "walkin/assets/photos/chelsea.jpg"} <= data
    assert in_wheel == code | data
    assert {"LICENSE", "OFL.txt", "ATTRIBUTION.md"} <= set(metadata)

    with tarfile.open(built.source) as archive:
        in_source = {name.partition("/")[2] for name in archive.getnames()}
    checkout = files_under("src", "shaders", "assets", "tests", "examples", "benchmarks", "docs", ".ci")
    top = {"pyproject.toml", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile"}
    assert checkout - files_under("tests/out") | top <= in_source


@pytest.mark.slow
def test_the_wheel_alone_says_its_version(built: Built, tmp_path: Path) -> None:
    for command in ([sys.executable, "-m", "walkin"], [sys.executable, str(built.installed / "bin" / "walkin")]):
        done = built.run([*command, "--version"], tmp_path)
        assert (done.returncode, done.stdout.split()) == (0, ["walkin", __version__]), done.stderr
    where = built.run([sys.executable, "-c", "import walkin; print(walkin.__file__)"], tmp_path).stdout
    assert Path(where.strip()).is_relative_to(built.installed)


@pytest.mark.slow
def test_the_wheel_alone_renders_a_frame(built: Built, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "walkin", "view", "demo", "--target", "offscreen"]
    done = built.run([*command, "--window-size", "320x180", "--screenshot-to", "a.png"], tmp_path, timeout_s=300)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.size == (320, 180)
        pixels = np.asarray(picture.convert("RGB"), dtype=float)
    assert pixels.std() > 10, "the frame is as good as empty"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "home"]  # nothing else in the current folder


@dataclass(frozen=True)
class Checkout:
    """A folder with nothing but what .ci/environment.py reads, and a cache folder of its own."""

    folder: Path
    cache: Path

    @classmethod
    def make(cls, folder: Path, dependency: str, description: str = "") -> Checkout:
        (folder / ".ci").mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "environment.py", folder / ".ci")
        project = f"[project]\ndescription = '{description}'\ndependencies = ['{dependency}']\n"
        (folder / "pyproject.toml").write_text(
            project + "[project.optional-dependencies]\ndev = []\ntimm = []\ncamera = []\nvideo = []\nray = []\n"
        )
        return cls(folder, folder.parent / "cache")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "XDG_CACHE_HOME": str(self.cache)}
        environment.pop("PYTHONPATH", None)
        script = [sys.executable, str(self.folder / ".ci" / "environment.py"), *command]
        return subprocess.run(
            script, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
        )


@pytest.mark.slow
def test_checkouts_share_an_environment_but_not_their_source(tmp_path: Path) -> None:
    # pip is in every new environment, so that installing it needs no network.
    first = Checkout.make(tmp_path / "first", "pip>=20", "one")
    second = Checkout.make(tmp_path / "second", "pip>=20", "another")
    show = "import os, sys; print(sys.prefix, os.environ['PYTHONPATH'])"
    prefixes = set()
    for checkout in (first, second):
        done = checkout.run("python", "-c", show)
        assert done.returncode == 0, done.stderr
        prefix, source = done.stdout.split()
        prefixes.add(prefix)
        assert source == str(checkout.folder / "src")
        assert ("ready after" in done.stderr) == (checkout is first)
    assert len(prefixes) == 1
    assert first.run("python", "-c", "raise SystemExit(7)").returncode == 7

    folder = Path(prefixes.pop())
    (folder / "ready").unlink()  # as if whoever built it had been killed
    (folder / "left over").touch()
    assert first.run("true").returncode == 0
    assert (folder / "ready").exists() and not (folder / "left over").exists()


@pytest.mark.slow
def test_an_environment_that_cannot_be_built_leaves_nothing(tmp_path: Path) -> None:
    broken = Checkout.make(tmp_path / "broken", "missing @ file:///nowhere/missing-1.0-py3-none-any.whl")
    done = broken.run("echo", "went on")
    assert (done.returncode, done.stdout) == (1, "")
    assert "could not set up the environment" in done.stderr and "Traceback" not in done.stderr
    assert list(broken.cache.glob("walkin/env-*")) == []
