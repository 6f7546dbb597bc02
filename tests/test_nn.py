"""walkin.nn: points of a network with names, on walls, and what stays as it was because of it."""

from __future__ import annotations

import copy
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import walkin
from walkin.errors import WalkinError
from walkin.graph import Network
from walkin.marks import Mark
from walkin.nn import Probe, TrackerModule


class Bare(nn.Module):
    """Without probes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv1 = nn.Conv2d(3, 4, 3)
        self.bn1 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(4)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = x + self.bn2(self.conv2(x))
        return self.fc(x.mean((2, 3)))


class Probed(Bare):
    """The same with probes."""

    def __init__(self, **about: Any) -> None:
        super().__init__()
        self.before = Probe("before norm", **about)
        self.joined = Probe("joined", labels=["edge", "blob", "line", "dot"], color_map="grey")

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.before(self.conv1(x))))
        x = self.joined(x + self.bn2(self.conv2(x)))
        return self.fc(x.mean((2, 3)))


PICTURE = torch.linspace(0, 1, 3 * 12 * 12).reshape(1, 3, 12, 12)


def graph(model: nn.Module, **options: Any) -> Network:
    return walkin.trace(model, PICTURE, **options)


def addresses(network: Network) -> list[str]:
    return [node.address for node in network if node.kind != "input"]


# --- the network is as it was


def test_importing_it_loads_no_gl():
    code = "import sys, walkin.nn; print([n for n in ('moderngl', 'glfw', 'imgui_bundle', 'xr') if n in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


def test_walkin_nn_is_there_without_an_import_of_its_own():
    assert walkin.nn.Probe is Probe


def test_state_dicts_are_the_same_both_ways():
    bare, probed = Bare(), Probed()
    assert list(probed.state_dict()) == list(bare.state_dict())
    assert not list(probed.before.parameters()) and not list(probed.before.buffers())
    probed.load_state_dict(bare.state_dict(), strict=True)
    bare.load_state_dict(probed.state_dict(), strict=True)


def test_a_probe_gives_what_it_is_given():
    x = torch.rand(2, 3, 4, 5, requires_grad=True)
    assert Probe("x")(x) is x


def test_a_script_of_it_computes_the_same_with_as_many_operations():
    bare, probed = Bare().eval(), Probed().eval()
    one, two = torch.jit.script(bare), torch.jit.script(probed)
    assert torch.equal(one(PICTURE), two(PICTURE))

    def operations(script: Any) -> list[str]:
        inlined = script.inlined_graph
        return [node.kind() for node in inlined.nodes() if node.kind().startswith("aten::")]

    assert operations(two) == operations(one)
    assert two.state_dict().keys() == one.state_dict().keys()


def test_copies_and_pickles_keep_what_it_says():
    for made in (copy.deepcopy(Probed()), pickle.loads(pickle.dumps(Probed()))):
        assert isinstance(made.joined, Probe) and made.joined.mark == Probed().joined.mark
        assert torch.equal(made.eval()(PICTURE), Probed().eval()(PICTURE))
    file = io.BytesIO()
    torch.save(Probed().state_dict(), file)
    file.seek(0)
    Bare().load_state_dict(torch.load(file, weights_only=True), strict=True)


@pytest.mark.slow
def test_torch_export_and_compile_see_the_network_without_it():
    bare, probed = Bare().eval(), Probed().eval()

    def targets(model: nn.Module) -> list[str]:
        exported = torch.export.export(model, (PICTURE,))
        return [str(node.target) for node in exported.graph.nodes if node.op == "call_function"]

    assert targets(probed) == targets(bare)
    compiled = torch.compile(probed, backend="eager", fullgraph=True)
    assert torch.equal(compiled(PICTURE), bare(PICTURE))
    assert graph(compiled).find("joined").address == "add"


@pytest.mark.slow
def test_ddp_trains_it_as_it_trains_the_network_without(tmp_path):
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel

    dist.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        states = []
        for model in (Bare(), Probed()):
            wrapped = DistributedDataParallel(model)
            optimiser = torch.optim.SGD(wrapped.parameters(), lr=0.1)
            for _ in range(3):
                optimiser.zero_grad()
                wrapped(PICTURE.repeat(2, 1, 1, 1)).square().mean().backward()
                optimiser.step()
            states.append(wrapped.state_dict())
        assert states[0].keys() == states[1].keys()
        assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    finally:
        dist.destroy_process_group()


# --- walls


def test_a_probe_has_a_wall_where_the_value_would_have_been_folded_away():
    assert addresses(graph(Bare())) == ["conv1", "conv2", "add", "mean", "fc"]
    probed = graph(Probed())
    assert addresses(probed) == ["conv1", "bn1", "conv2", "add", "mean", "fc"]
    named = [(node.title, node.address) for node in probed if node.title]
    assert named == [("before norm", "conv1"), ("joined", "add")]
    value = walkin.activations(Probed(), PICTURE, nodes="before norm")["conv1"]
    assert torch.equal(value, Probed().eval().conv1(PICTURE))


@pytest.mark.parametrize("fold", ["ops", "layers", "blocks"])
def test_names_are_found_at_every_level(fold: str):
    network = graph(Probed(), fold=fold)
    assert network.find("joined").address == "add" and network.find("before norm").address == "conv1"
    assert not network.notes


def test_labels_and_colours_belong_to_its_wall():
    network = graph(Probed())
    joined = network.find("joined")
    assert network.class_of(joined, 1) == "blob" and joined.color_map == "grey"
    assert network.class_of(network.find("conv1"), 1) == ""


def test_some_channels_may_have_labels():
    network = graph(Bare(), probes={"add": Probe("sum", labels={2: "line"})})
    assert [network.class_of(network.find("sum"), channel) for channel in range(4)] == ["", "", "line", ""]


def test_labels_that_are_too_few_are_told_and_left_out():
    network = graph(Bare(), probes={"add": {"name": "sum", "labels": ["a", "b"]}})
    assert network.notes == ("probe 'sum' has 2 labels, and its wall 4 channels: it is shown without labels",)
    assert network.find("sum").labels == ()


def test_a_group_holds_what_lies_before_it_back_to_the_probe_before():
    network = graph(Bare(), probes={"bn1": Probe("first", group="stem"), "add": Probe("second", group="body")})
    groups = {node.address: node.group for node in network}
    assert {a: groups[a] for a in ("conv1", "conv2", "add", "fc")} == {
        "conv1": "stem", "conv2": "body", "add": "body", "fc": "",
    }  # fmt: skip


def test_show_false_makes_one_wall_of_what_lies_before():
    network = graph(Bare(), probes={"bn1": "first", "add": {"show": False, "name": "body"}})
    assert addresses(network) == ["conv1", "add", "mean", "fc"]
    assert network.find("body").inputs == ("conv1",) and "conv2" in network.find("body").members
    everything = graph(Bare(), probes={"add": Probe("all", show=False)})
    assert addresses(everything) == ["add", "mean", "fc"] and everything.find("all").inputs == ("input",)


def test_a_group_of_a_probe_can_be_closed():
    from walkin.network.folding.fold import fold
    from walkin.network.tracing.points import of_model
    from walkin.network.tracing.trace import trace

    model = Bare()
    marks = of_model(model, {"add": Probe("second", group="body").mark})
    network, plan = fold(trace(model, PICTURE), "layers", name="Bare", marks=marks, collapsed=("body",))
    assert addresses(network) == ["body", "mean", "fc"]
    assert {shown.address for shown in plan.shown} == {"input", "body", "mean", "fc"}


def test_a_block_with_a_probe_inside_is_opened():
    class Block(nn.Module):
        def __init__(self, inside: bool) -> None:
            super().__init__()
            self.a, self.b = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
            self.probe = Probe("inside") if inside else nn.Identity()

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.probe(self.a(x)))

    class Blocks(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two, self.three = Block(False), Block(True), Block(False)

        def forward(self, x: Tensor) -> Tensor:
            return self.three(self.two(self.one(x)))

    assert addresses(graph(Blocks(), fold="blocks")) == ["one", "two.a", "two.b", "three"]


def test_hidden_walls_let_edges_through():
    hidden = graph(Bare(), fold="ops", hide=["*bn*", "relu"])
    assert addresses(hidden) == ["conv1", "conv2", "add", "mean", "fc"]
    assert hidden.find("conv2").inputs == ("conv1",) and set(hidden.find("add").inputs) == {"conv1", "conv2"}


def test_what_is_hidden_may_be_called_by_a_probes_name():
    assert "add" not in addresses(graph(Probed(), hide="joined"))


def test_a_glob_of_what_is_folded_anyway_is_no_mistake_and_one_of_nothing_is():
    assert graph(Bare(), hide=["*bn*"]).notes == ()
    assert graph(Bare(), hide=["conw1"]).notes == (
        "hide: nothing here matches 'conw1'; the nearest is conv1 and conv2",
    )
    network = graph(Bare(), hide=["*"])
    assert "would leave no wall at all" in network.notes[0] and addresses(network)


def test_a_probe_that_meets_nothing_names_the_nearest():
    network = graph(Bare(), probes={"convv2": "x"})
    (line,) = network.notes
    assert line == "probe 'x': nothing of this network is called 'convv2', or runs; the nearest is conv2 and conv1"


def test_two_probes_of_one_name_are_refused_in_one_line():
    model = Probed()
    model.joined = Probe("before norm")
    line = "two probes are called 'before norm', at before and at joined: give each its own name"
    for ask in (lambda: graph(model), lambda: walkin.view(model, target="offscreen", screenshot_to="x.png")):
        with pytest.raises(WalkinError) as problem:
            ask()
        assert str(problem.value) == line


def test_one_probe_that_is_called_twice_gives_two_names():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.probe = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1), Probe("here")

        def forward(self, x: Tensor) -> Tensor:
            return self.probe(self.b(self.probe(self.a(x))))

    network = graph(Twice())
    assert [node.title for node in network] == ["", "here", "here:1"]


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (lambda: Probe(""), "a probe's name is a text"),
        (lambda: Probe(3), "a probe's name is a text"),
        (lambda: Probe("x", labels="abc"), "labels is a list of texts"),
        (lambda: Probe("x", labels={-1: "a"}), "numbers from 0 on"),
        (lambda: Probe("x", color_map="jet"), "color_map is one of signed, unsigned, grey, not 'jet'"),
        (lambda: Probe("x", show="no"), "show is True or False"),
        (lambda: Probe("x", group=3), "group is a text"),
        (lambda: graph(Bare(), probes={"add": {"nam": "x"}}), "a probe has no nam"),
        (lambda: graph(Bare(), probes={"add": 3}), "a Probe, a dict or a name is wanted"),
        (lambda: graph(Bare(), probes=["add"]), "probes is a dict"),
        (lambda: graph(Bare(), hide=[3]), "hide is a list"),
        (lambda: TrackerModule(3, "x"), "pos is (stage, lane)"),
    ],
)
def test_what_cannot_be_meant_is_one_line(wrong: Any, line: str):
    with pytest.raises(WalkinError) as problem:
        wrong()
    assert line in str(problem.value) and "\n" not in str(problem.value)


def test_a_scene_keeps_probes_and_what_is_hidden():
    from walkin.keeping.plain import from_plain, to_plain
    from walkin.keeping.scene import Opened
    from walkin.requests import Open

    mark = Mark("sum", "body", False, ("a", ""), True, "grey")
    opened = Opened("", "resnet18", probes=(("layer1.0/add", mark),), hide=("*.bn*",))
    assert from_plain(Opened, to_plain(opened)) == opened
    assert opened.request() == Open("resnet18", probes=(("layer1.0/add", mark),), hide=("*.bn*",))


def test_visualisations_are_asked_for_by_name():
    from walkin.api.given import request_for
    from walkin.network.featurevis.reach import Reach
    from walkin.network.loading.loaded import load

    steps = load(request_for(Probed(), input_size=24))
    try:
        while True:
            next(steps)
    except StopIteration as end:
        loaded = end.value
    reach = Reach.of(loaded, (24, 24))
    assert reach.node("joined").address == "add" and reach.place("joined") == reach.place("add")
    with pytest.raises(WalkinError, match="did you mean joined"):
        reach.node("joind")


def test_info_and_exports_say_what_probes_say(tmp_path: Path):
    import json

    from walkin.network.describe import info_json, info_text

    network = graph(Probed())
    described = {node["address"]: node for node in info_json(network)["nodes"]}
    named = {"name": "joined", "labels": ["edge", "blob", "line", "dot"], "color_map": "grey"}
    assert {key: described["add"][key] for key in named} == named and "name" not in described["fc"]
    assert 'add "joined"' in info_text(network)
    picture = np.zeros((12, 12, 3), np.uint8)
    folder = walkin.export(
        Probed(), tmp_path / "out", image=picture, nodes="joined", parts=["colour", "grey"], input_size=12,
        probes={"fc": "scores"},
    )  # fmt: skip
    (node,) = json.loads((folder / "manifest.json").read_text())["nodes"]
    assert {key: node[key] for key in ("address", *named)} == {"address": "add", **named}


# --- DeepVisionVR


class Block(nn.Module):
    def __init__(self, wide: int, at: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(wide, wide, 3, padding=1), nn.Conv2d(wide, wide, 3, padding=1)
        self.relu = nn.ReLU()
        self.begin = TrackerModule((at, 0), "Block", precursors=[(at - 1, 0)], ignore_activation=True)
        self.one = TrackerModule((at + 1, 0), "Conv1", self.conv1, [(at, 0)])
        self.two = TrackerModule((at + 2, 0), "Conv2", self.conv2, [(at + 1, 0)])
        self.skip = TrackerModule((at + 2, 1), "Skip", None, [(at, 0)])
        self.sum = TrackerModule((at + 3, 0), "Sum", precursors=[(at + 2, 0), (at + 2, 1)])

    def forward(self, x: Tensor) -> Tensor:
        self.begin(x)
        out = self.two(self.conv2(self.one(self.relu(self.conv1(x)))))
        out += self.skip(x)  # in place, over what the tracker was given: its wall must not show the sum
        return self.sum(self.relu(out))


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = TrackerModule((0, 0), "Input")
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.stemmed = TrackerModule((1, 0), "Stem", self.stem, [(0, 0)])
        self.block = Block(8, 2)
        self.fc = nn.Linear(8, 6)
        self.scores = TrackerModule((6, 0), "Scores (display_classnames)", precursors=[(5, 0)])

    def forward(self, x: Tensor) -> Tensor:
        return self.scores(self.fc(self.block(self.stemmed(self.stem(self.seen(x)))).mean((2, 3))))


class Annotated(nn.Module):
    """As DeepVisionVR asks for it: what the forward takes is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedded_model = Inner()

    def forward(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"logits": self.embedded_model(batch["data"])}

    def forward_features(self, batch: dict[str, Tensor], module: nn.Module | None = None) -> dict[str, Any]:
        kept: list[Tensor] = []
        trackers = [each for each in self.modules() if type(each).__name__ == "TrackerModule"]
        hooks = [each.register_forward_hook(lambda module, given, out: kept.append(out)) for each in trackers]
        logits = self.embedded_model(batch["data"])
        for hook in hooks:
            hook.remove()
        return {"logits": logits, "activations": kept}


def opened(model: nn.Module, **options: Any) -> Network:
    from walkin.api.given import request_for
    from walkin.network.loading.opened import describe

    return describe(request_for(model, input_size=32, **options), lambda line: None)


def test_a_model_of_deepvisionvr_opens_as_its_author_drew_it():
    network = opened(Annotated())
    inner = "embedded_model"
    assert [(node.title, node.at, node.inputs) for node in network if node.title] == [
        ("Input", (0, 0), ("input",)),
        ("Stem", (1, 0), (f"{inner}.seen",)),
        ("Conv1", (3, 0), (f"{inner}.stemmed",)),
        ("Conv2", (4, 0), (f"{inner}.block.one",)),
        ("Skip", (4, 1), (f"{inner}.stemmed",)),
        ("Sum", (5, 0), (f"{inner}.block.two", f"{inner}.block.skip")),
        ("Scores", (6, 0), (f"{inner}.block.sum",)),
    ]
    assert [marker.text for marker in network.markers] == ["Block"]
    assert network.find("Conv1").heading == "Block" and network.find("Conv1").weights_of == f"{inner}.block.conv1"
    assert network.outputs == (f"{inner}.scores",)


def test_walls_stand_at_the_stages_and_lanes_of_the_author():
    from walkin.interact.planning.layout import lay_out

    network = opened(Annotated())
    layout = lay_out(network)
    stages = {network.by_address[address].title: place.stage for address, place in layout.places.items()}
    assert stages["Input"] == 1 and stages["Conv1"] == 4 and stages["Conv2"] == stages["Skip"] == 5
    z = {network.by_address[address].title: place.corner[2] for address, place in layout.places.items()}
    assert z["Input"] > z["Stem"] > z["Conv1"] > z["Conv2"] > z["Sum"]


def test_a_tracker_shows_the_value_it_was_given_although_that_is_written_over():
    from walkin.network.folding.fold import fold
    from walkin.network.running.capture import Capture
    from walkin.network.tracing.points import of_model
    from walkin.network.tracing.trace import trace

    model = Inner().eval()
    x = torch.rand(1, 3, 32, 32)
    graph, plan = fold(trace(model, x), "layers", name="Inner", marks=of_model(model))
    found: dict[str, Tensor] = {}
    Capture(model, plan).run(x, on_output=lambda address, value: found.update({address: value.clone()}))
    stem = model.stem(x)
    conv2 = model.block.conv2(model.block.conv1(stem).relu())
    assert torch.allclose(found["block.two"], conv2) and torch.allclose(found["block.sum"], (conv2 + stem).relu())
    assert torch.equal(found["block.skip"], stem) and len(graph.notes) == 0


def test_its_state_dict_has_no_tracker_and_all_operations_can_be_seen():
    assert not any("seen" in key or "stemmed" in key for key in Inner().state_dict())
    assert "embedded_model.block/add" in [node.address for node in opened(Annotated(), fold="ops")]


def test_the_class_of_deepvisionvr_itself_is_known_and_a_model_that_was_run_can_be_copied():
    Theirs = type("TrackerModule", (nn.Identity,), {})

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.seen = Theirs()
            self.seen.meta = {
                "pos": (0, 0), "layer_name": "Conv", "tracked_module": self.conv, "precursors": [],
                "ignore_activation": False,
            }  # fmt: skip

        def forward(self, x: Tensor) -> Tensor:
            return self.seen(self.conv(x))

    model = Model()
    model.seen.meta["activation"] = model(PICTURE)  # what it leaves there, with its gradient's graph
    assert [node.title for node in opened(model)] == ["", "Conv"]


def test_a_tracker_that_is_hidden_lets_its_edges_through():
    network = opened(Annotated(), hide=["Stem", "*.two"])
    names = [node.title for node in network if node.title]
    assert names == ["Input", "Conv1", "Skip", "Sum", "Scores"]
    assert network.find("Conv1").inputs == ("embedded_model.seen",)
    assert network.find("Sum").inputs == ("embedded_model.block.one", "embedded_model.block.skip")


def test_the_histogram_is_of_the_module_that_is_tracked():
    from walkin.network.showing.histograms import weights

    network, model = opened(Annotated()), Annotated()
    found = weights("", network.find("Conv2"), model, 16)
    assert found is not None and found.counts.sum() == model.embedded_model.block.conv2.weight.numel()
    assert np.isclose(found.edges[-1], float(model.embedded_model.block.conv2.weight.detach().max()))
