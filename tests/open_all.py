"""Opens torchvision's classification networks by name, untrained, each in a process of its own, and prints a table.

python tests/open_all.py [--only PATTERN] [--small] [--jobs N] [--out DIR]
"""

from __future__ import annotations

import argparse
import fnmatch
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parent.parent / "src"
TIMEOUT_S = 300
# One of each family; none takes more than a few seconds.
SMALL = (
    "alexnet", "densenet121", "efficientnet_b0", "googlenet", "mnasnet0_5", "mobilenet_v2", "mobilenet_v3_small",
    "regnet_y_400mf", "resnet18", "shufflenet_v2_x0_5", "squeezenet1_1", "swin_t",
)  # fmt: skip


class Opened(NamedTuple):
    """One network, opened or not."""

    name: str
    fault: str
    nodes: int = 0
    maps: int = 0
    parameters: int = 0
    seconds: float = 0.0


def classification() -> list[str]:
    """Names in a child process, so that this one stays small."""
    code = "import torchvision.models as m; print(*m.list_models(module=m), sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    return done.stdout.split()


def open_one(name: str, folder: Path) -> Opened:
    """Open it, draw it, and look at what was written."""
    file = folder / f"{name}.png"
    command = [sys.executable, "-m", "walkin", "view", name, "--weights", "none", "--target", "offscreen"]
    command += ["--window-size", "640x360", "--timeout", str(TIMEOUT_S), "--screenshot-to", str(file)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    began_s = time.monotonic()
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S + 30)
    except subprocess.TimeoutExpired:
        return Opened(name, f"not ready after {TIMEOUT_S} s")
    seconds = time.monotonic() - began_s
    lines = [line for line in done.stderr.splitlines() if not line.endswith("...")]
    told = next((line for line in lines if line.startswith(f"{name}: ")), "")
    numbers = re.search(r"([\d,]+) nodes, ([\d,]+) maps, ([\d,]+) parameters", told)
    if done.returncode != 0 or numbers is None:
        return Opened(name, lines[-1] if lines else f"exit code {done.returncode}", seconds=seconds)
    if not file.is_file() or file.stat().st_size < 10_000:
        return Opened(name, "no picture worth the name", seconds=seconds)
    nodes, maps, parameters = (int(number.replace(",", "")) for number in numbers.groups())
    return Opened(name, "", nodes, maps, parameters, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", metavar="PATTERN", default="*", help="for example 'resnet*'")
    parser.add_argument("--small", action="store_true", help="a dozen small ones, one of each family")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default: 1)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the pictures there")
    options = parser.parse_args()
    names = [name for name in (SMALL if options.small else classification()) if fnmatch.fnmatch(name, options.only)]
    if not names:
        print(f"no network matches {options.only!r}", file=sys.stderr)
        return 2
    failed = 0
    print(f"{'network':<22} {'nodes':>6} {'maps':>9} {'parameters':>12} {'seconds':>8}", flush=True)
    with tempfile.TemporaryDirectory() as temporary, ThreadPoolExecutor(options.jobs) as pool:
        folder = options.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for one in pool.map(lambda name: open_one(name, folder), names):
            numbers = f"{one.nodes:>6} {one.maps:>9,} {one.parameters:>12,}" if not one.fault else f"{one.fault:<29}"
            print(f"{one.name:<22} {numbers} {one.seconds:>8.1f}", flush=True)
            failed += bool(one.fault)
    print(f"{len(names) - failed} of {len(names)} opened")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
