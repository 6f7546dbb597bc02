"""From operations to walls: what is folded into what, at each level, and that the graph stays a graph."""

from __future__ import annotations

from typing import Any

import pytest
import sweep_capture
import torch
import zoo
from torch import Tensor, nn

from walkin.graph import Network
from walkin.network.folding.fold import FOLDS, fold
from walkin.network.folding.grouping import Grouping
from walkin.network.running.capture import network
from walkin.network.tracing.recording import Call, Op, Place, Trace
from walkin.network.tracing.trace import trace


def folded(name: str, level: str = "layers", side: int = 64) -> Network:
    model, args = sweep_capture.build(name, side)
    return network(model, *args, fold=level, name=name)


def four_d_maps(graph: Network) -> int:
    return sum(node.maps for node in graph if len(node.shape) == 4 and node.kind != "input")


# --- the whole zoo


@pytest.mark.parametrize("level", FOLDS)
@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_zoo_is_sound_at_every_level(model_class: type[nn.Module], level: str) -> None:
    args, kwargs = zoo.arguments(model_class)
    sweep_capture.assert_sound(network(zoo.build(model_class), *args, fold=level, kwargs=kwargs))


@pytest.mark.slow
@pytest.mark.parametrize("name", sweep_capture.SMALL)
def test_small_torchvision_networks(name: str) -> None:
    row = sweep_capture.check(name, side=96, times=False)
    assert row.why_not == ""


@pytest.mark.parametrize("level", ["layers", "blocks"])
@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_addresses_are_the_same_at_every_level(model_class: type[nn.Module], level: str) -> None:
    """A node that is no block or post-processing has the address of an operation."""
    args, kwargs = zoo.arguments(model_class)
    recorded = trace(zoo.build(model_class), *args, kwargs=kwargs)
    ops, _ = fold(recorded, "ops", name="")
    graph, _ = fold(recorded, level, name="")
    for node in graph:
        assert set(node.members) <= set(ops.by_address)
        assert node.address in ops.by_address or node.kind == "module"


@pytest.mark.slow
def test_members_of_all_nodes_are_disjoint() -> None:
    for level in FOLDS:
        members = [member for node in folded("shufflenet_v2_x0_5", level) for member in node.members]
        assert len(members) == len(set(members))


# --- layers


def test_resnet50() -> None:
    graph = folded("resnet50")
    kinds = [node.kind for node in graph]
    assert {kind: kinds.count(kind) for kind in set(kinds)} == {
        "input": 1, "conv": 53, "pool": 2, "add": 16, "linear": 1,
    }  # fmt: skip
    assert four_d_maps(graph) == 43776
    first = graph.find("conv1")
    assert first.members == ("conv1", "bn1", "relu") and first.operation == "relu_"
    add = graph.find("layer1.0/add")
    assert add.members == ("layer1.0/add", "layer1.0.relu:2")
    assert add.inputs == ("layer1.0.conv3", "layer1.0.downsample.0")
    assert add.group == "layer1.0" and add.module_class == ""
    assert graph.find("layer1.0.conv3").module_class == "Conv2d"
    assert graph.outputs == ("fc",) and graph.find("fc").inputs == ("avgpool",)  # flatten is glue


@pytest.mark.slow
def test_densenet201_and_efficientnet() -> None:
    assert four_d_maps(folded("densenet201", side=32)) == 122208
    graph = folded("efficientnet_b0", side=32)
    gates = sum(node.maps for node in graph if node.kind == "mul")  # squeeze and excitation
    assert four_d_maps(graph) - gates == 41612


def test_a_norm_whose_input_others_take_too() -> None:
    """Pre-activation: the sum goes on past the norm, so the norm is a node of its own."""

    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.norm, self.conv = zoo.conv(given=3), nn.BatchNorm2d(4), zoo.conv()

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            return x + self.conv(torch.relu(self.norm(x)))

    graph = network(PreActivation(), zoo.picture())
    assert [(node.address, node.members) for node in graph][2] == ("norm", ("norm", "relu"))
    assert graph.find("norm").inputs == ("stem",)


def test_what_is_returned_is_not_folded_away() -> None:
    """A value that the network returns stays the value shown."""

    class TwoOutputs(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = zoo.conv(given=3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.stem(x)
            return x, torch.relu(x)

    assert network(TwoOutputs(), zoo.picture()).outputs == ("stem", "relu")


def test_comparisons_for_control_flow_are_not_shown() -> None:
    graph = network(zoo.build(zoo.DataDependentLoop), zoo.picture())
    assert [node.address for node in graph] == ["input", "stem", "step", "step:1", "step:2", "step:3", "step:4"]
    assert graph.find("step").members == ("step", "mul")


@pytest.mark.slow
def test_a_leaf_module_of_several_operations_is_one_layer() -> None:
    """torchvision's LayerNorm2d moves the axes there and back: shown as it comes out, channels first."""
    graph = folded("convnext_tiny")
    stem = graph.find("features.0.0")
    assert stem.members == ("features.0.0", "features.0.1/permute", "features.0.1/layer_norm", "features.0.1")
    assert stem.kind == "conv" and stem.shape == (1, 96, 16, 16)


@pytest.mark.slow
def test_channels_last() -> None:
    """Where pictures are (N, H, W, C), the node says so."""
    graph = folded("swin_t", side=64)
    add = graph.find("features.1.0/add")
    assert add.shape[1:] == (16, 16, 96) and add.channel_axis == 3
    assert graph.find("features.0.0").channel_axis == 1


def test_functional_networks_keep_their_operations() -> None:
    graph = network(zoo.build(zoo.Functional), zoo.picture())
    assert [node.address for node in graph] == ["input", "conv2d", "conv2d:1", "mean"]


@pytest.mark.slow
def test_detection_is_readable() -> None:
    """Proposals, NMS and pasting masks: one node per module, the layers as everywhere."""
    graph = folded("maskrcnn_resnet50_fpn")
    assert len(graph) < 130
    processing = [node.address for node in graph if node.kind == "module"]
    assert processing == ["rpn", "roi_heads", "roi_heads:1", "postprocess"]
    assert graph.find("roi_heads.box_roi_pool").shape[1:] == (256, 7, 7)
    assert graph.find("transform").shape[:2] == (1, 3)  # the batch, not the last picture written into it
    assert len(graph.find("rpn.head.bbox_pred:4").inputs) == 1


# --- blocks


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("resnet18", ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1"]),
        ("densenet121", ["features.denseblock1", "features.transition1", "features.denseblock2", "features.transition2",
                         "features.denseblock3", "features.transition3", "features.denseblock4"]),
        ("convnext_tiny", [f"features.{s}.{i}" for s, n in ((1, 3), (3, 3), (5, 9), (7, 3)) for i in range(n)]),
    ],
)  # fmt: skip
def test_blocks(name: str, blocks: list[str]) -> None:
    graph = folded(name, "blocks")
    assert [node.address for node in graph if node.kind == "module"] == blocks
    assert graph.nodes[0].address == "input" and graph.outputs == (graph.nodes[-1].address,)


@pytest.mark.slow
def test_blocks_of_a_detector() -> None:
    """Heads that run on several scales do not make the backbone one block."""
    names = [node.address for node in folded("fasterrcnn_resnet50_fpn", "blocks")]
    assert names[:5] == ["input", "transform", "backbone.body.conv1", "backbone.body.maxpool", "backbone.body.layer1.0"]
    assert names[-4:] == ["backbone.body.layer4.2", "backbone.fpn", "rpn", "roi_heads"]


def test_a_block_shows_what_it_returned() -> None:
    model, args = sweep_capture.build("resnet18", 64)
    recorded = trace(model, *args)
    graph, plan = fold(recorded, "blocks", name="")
    block = graph.find("layer1.0")
    assert block.members[-1] == "layer1.0.relu:1" and block.shape == (1, 64, 16, 16)
    by_address = {op.address: op.place for op in recorded.ops}
    assert {shown.address: shown.place for shown in plan.shown}["layer1.0"] == by_address["layer1.0.relu:1"]
    assert [node.address for node in graph][:3] == ["input", "conv1", "maxpool"]


def test_a_block_called_twice() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(*(zoo.conv(given=3 if i == 0 else 4) for i in range(6)))
            self.block = zoo.Reused.Block(nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            return self.block(self.block(self.stem(x)))

    graph = network(Twice(), zoo.picture(), fold="blocks")
    assert [node.address for node in graph][-2:] == ["block", "block:1"]
    assert graph.find("block:1").inputs == ("block",)


# --- synthetic traces: no torch


def synthetic(inputs: list[tuple[int, ...]], kinds: list[str] | None = None) -> Trace:
    """Operations 0, 1, ... with these inputs, all in one module; the last one is the output."""
    kinds = kinds or ["conv"] * len(inputs)
    shape = (1, 2, 8, 8)
    ops = tuple(
        Op(index, f"op{index}", kind, kind, 0 if sources else -1, shape, "float32", sources, Place(index))
        for index, (sources, kind) in enumerate(zip(inputs, kinds, strict=True))
    )
    call = Call(0, "", 0, "Net", -1, True, False, False, (len(ops) - 1,))
    return Trace(ops, (call,), (len(ops) - 1,), ())


def test_joining_never_makes_a_cycle() -> None:
    grouping = Grouping(synthetic([(), (0,), (1,), (1, 2)]))
    assert not grouping.try_join(1, 3)  # 2 lies between
    assert grouping.try_join(2, 3)
    assert grouping.group_of == [0, 1, 2, 2]
    assert grouping.sources(2) == [1] and grouping.consumers(1) == [2]


def test_two_groups_that_interlock() -> None:
    """Each could be joined alone; the second one, after the first, would close a circle."""
    grouping = Grouping(synthetic([(), (0,), (0,), (2,), (1,)]))  # 1 -> 4, 2 -> 3
    assert grouping.try_join(1, 3)  # group 1 now takes from 2
    assert not grouping.try_join(2, 4)  # ... and 4 from group 1
    assert grouping.in_order() == [0, 2, 1, 4]


def test_groups_come_after_what_they_take() -> None:
    grouping = Grouping(synthetic([(), (0,), (0,), (1, 2)]))
    grouping.join(1, 3)
    assert grouping.in_order() == [0, 2, 1]


def test_glue_is_passed_through() -> None:
    trace_ = synthetic([(), (0,), (1,), (2,), (3,)], ["input", "conv", "reshape", "linear", "reshape"])
    graph, plan = fold(trace_, "layers", name="net", parameters=5, input_shape=(1, 2))
    assert [(node.address, node.inputs) for node in graph] == [("op0", ()), ("op1", ("op0",)), ("op3", ("op1",))]
    assert graph.outputs == ("op3",) and [shown.address for shown in plan.shown] == ["op0", "op1", "op3"]
    assert (graph.name, graph.parameters, graph.input_shape, graph.fold) == ("net", 5, (1, 2), "layers")
    everything, _ = fold(trace_, "ops", name="net")
    assert len(everything) == 5 and everything.outputs == ("op4",)


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match="ops, layers, blocks"):
        fold(synthetic([()]), "modules", name="")


def test_fold_needs_no_torch() -> None:
    import subprocess
    import sys

    code = "import sys, walkin.network.folding.fold, walkin.network.folding.blocks\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_networkx() -> None:
    graph: Any = folded("resnet18").to_networkx()
    assert graph.number_of_nodes() == 32 and graph.number_of_edges() == 39
