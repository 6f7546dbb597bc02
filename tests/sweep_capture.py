"""Traces every torchvision network, checks its graph at every fold and prints one line each.

    python tests/sweep_capture.py [--only PATTERN] [--small] [--no-times]

Times are CPU time of one thread, so that what else the machine does counts little: the ratios are those of recording
(trace) and of a re-run that hands out every value (capture) to a bare forward, each the median of several.
"""

from __future__ import annotations

import argparse
import fnmatch
import gc
import statistics
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
import torchvision
from torch import nn

from walkin.graph import Network
from walkin.network.folding.fold import FOLDS, fold
from walkin.network.running.capture import Capture
from walkin.network.running.replay import GraphChanged
from walkin.network.tracing.recording import Trace
from walkin.network.tracing.trace import trace

SMALL = (
    "alexnet", "resnet18", "googlenet", "densenet121", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small",
    "shufflenet_v2_x0_5", "mnasnet0_5", "efficientnet_b0", "regnet_y_400mf", "convnext_tiny", "swin_t", "vit_b_16",
    "lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "ssdlite320_mobilenet_v3_large",
    "fasterrcnn_mobilenet_v3_large_320_fpn", "maskrcnn_resnet50_fpn", "raft_small", "r3d_18",
)  # fmt: skip
VIDEO = ("r3d_18", "mc3_18", "r2plus1d_18", "s3d", "mvit_*", "swin3d_*")
DETECTION = ("*rcnn*", "retinanet*", "fcos*", "ssd*")
LARGE_INPUT = {"inception_v3": 299, "vit_b_16": 224, "vit_b_32": 224, "vit_l_16": 224, "vit_l_32": 224, "vit_h_14": 224}


@dataclass
class Row:
    """What there is to say about one network."""

    name: str
    why_not: str = ""
    networks: dict[str, Network] = field(default_factory=dict)
    ops: int = 0
    trace_ratio: float = 0.0
    capture_ratio: float = 0.0
    forward_ms: float = 0.0

    def __str__(self) -> str:
        if self.why_not:
            return f"{self.name:42} {self.why_not}"
        layers = self.networks["layers"]
        merges = sum(len(node.inputs) > 1 for node in layers)
        blocks = len(self.networks["blocks"])
        return (
            f"{self.name:42} {self.ops:6} {len(layers):6} {blocks:6} {layers.maps:8,} {len(layers.edges):6} {merges:6} "
            f"{self.forward_ms:9.1f} {self.trace_ratio:7.2f} {self.capture_ratio:7.2f}"
        )


HEADER = f"{'network':42} {'ops':>6} {'layers':>6} {'blocks':>6} {'maps':>8} {'edges':>6} {'merges':>6} {'bare ms':>9} {'trace':>7} {'capture':>7}"  # noqa: E501


def names(only: str, small: bool) -> list[str]:
    """Networks by pattern; the quantised ones are the same architectures."""
    found = SMALL if small else [n for n in torchvision.models.list_models() if not n.startswith("quantized_")]
    return [name for name in found if fnmatch.fnmatch(name, only)]


def matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatch(name, pattern) for pattern in patterns)


def build(name: str, side: int = 224) -> tuple[nn.Module, tuple[Any, ...]]:
    """An untrained network and arguments for it."""
    torch.manual_seed(0)
    extra: dict[str, Any] = {}
    if matches(name, DETECTION):
        extra["weights_backbone"] = None
        if not name.startswith("ssd"):
            extra.update(min_size=160, max_size=224)
    elif matches(name, ("deeplab*", "fcn*", "lraspp*")):
        extra["weights_backbone"] = None
    elif name in ("googlenet", "inception_v3"):
        extra["init_weights"] = False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = torchvision.models.get_model(name, weights=None, **extra).eval()
    if matches(name, DETECTION):
        return model, ([torch.rand(3, 120, 160)],)
    if name.startswith("raft"):
        return model, (torch.rand(1, 3, 128, 128), torch.rand(1, 3, 128, 128))
    if matches(name, VIDEO):
        large = name.startswith(("mvit", "swin3d", "s3d"))
        return model, (torch.rand(1, 3, 16, *((224, 224) if large else (112, 112))),)
    side = LARGE_INPUT.get(name, side)
    return model, (torch.rand(1, 3, side, side),)


def assert_sound(network: Network) -> None:
    """In order of execution, nothing dangling, every output and node reached from an input."""
    reached: set[str] = set()
    known: set[str] = set()
    for node in network:
        assert node.address not in known, f"{node.address} twice"
        assert known.issuperset(node.inputs), f"{node.address} takes what is not there yet"
        assert node.address not in node.inputs
        known.add(node.address)
        if node.is_input or reached.intersection(node.inputs):
            reached.add(node.address)
    assert network.outputs, "no output"
    assert reached.issuperset(network.outputs), "an output that no input reaches"
    assert known == reached, f"{sorted(known - reached)[:3]} reached by no input"


def check(name: str, side: int = 224, times: bool = True) -> Row:
    """Traces one network and asserts that all folds of it are sound and can be captured."""
    row = Row(name)
    try:
        model, args = build(name, side)
        recorded = trace(model, *args)
        assert recorded.branches_known, recorded.notes
        row.ops = len(recorded.ops)
        for level in FOLDS:
            row.networks[level], _ = fold(recorded, level, name=name)
            assert_sound(row.networks[level])
        assert_captured(model, args, recorded)
        if times:
            _measure(row, model, args, recorded)
    except Exception as error:  # the table goes on
        row.why_not = f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return row


def assert_captured(model: nn.Module, args: tuple[Any, ...], recorded: Trace) -> None:
    """A re-run hands out every node of `layers` once."""
    network, plan = fold(recorded, "layers", name="")
    given: list[str] = []
    Capture(model, plan, recorded).run(*args, on_output=lambda address, _: given.append(address))
    assert sorted(given) == sorted(node.address for node in network)


def _measure(row: Row, model: nn.Module, args: tuple[Any, ...], recorded: Trace) -> None:
    capture = Capture(model, fold(recorded, "layers", name="")[1], recorded)

    def bare() -> None:
        with torch.no_grad():
            model(*args)

    def run() -> None:
        capture.run(*args, on_output=lambda *_: None)

    jobs: list[Callable[[], Any]] = [bare, lambda: trace(model, *args), run]
    durations: list[list[float]] = [[], [], []]
    begun = time.perf_counter()
    while len(durations[0]) < 3 or (time.perf_counter() - begun < 1.5 and len(durations[0]) < 15):
        for job, seconds in zip(jobs, durations, strict=True):
            start = time.thread_time()
            try:
                job()
            except GraphChanged:
                pass
            seconds.append(time.thread_time() - start)
    forward, recording, replay = (statistics.median(seconds) for seconds in durations)
    row.forward_ms, row.trace_ratio, row.capture_ratio = forward * 1e3, recording / forward, replay / forward


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="*", help="names that match this pattern")
    parser.add_argument("--small", action="store_true", help="the small ones only")
    parser.add_argument("--no-times", action="store_true", help="check the graphs only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(HEADER)
    rows: list[Row] = []
    for name in names(options.only, options.small):
        rows.append(check(name, times=not options.no_times))
        print(rows[-1], flush=True)
        gc.collect()
    good = [row for row in rows if not row.why_not]
    print(f"{len(good)} of {len(rows)} traced", end="")
    if good and not options.no_times:
        ratios = [row.trace_ratio for row in good]
        captures = [row.capture_ratio for row in good]
        print(f"; trace {statistics.median(ratios):.2f} x a forward (median), at most {max(ratios):.2f}", end="")
        print(f"; capture {statistics.median(captures):.2f}, at most {max(captures):.2f}", end="")
    print()


if __name__ == "__main__":
    main()
