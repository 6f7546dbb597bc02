"""What is recorded of a forward: every operation, where its arguments came from, what it is called."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
import zoo
from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.network.running.capture import activations
from walkin.network.tracing import recorder as recorder_module
from walkin.network.tracing.overlap import overlaps
from walkin.network.tracing.recording import Op, Trace
from walkin.network.tracing.trace import trace


def traced(model_class: type[nn.Module]) -> Trace:
    args, kwargs = zoo.arguments(model_class)
    return trace(zoo.build(model_class), *args, kwargs=kwargs)


def edges(recorded: Trace) -> dict[str, list[str]]:
    """address -> addresses of its inputs."""
    return {op.address: [recorded.ops[source].address for source in op.inputs] for op in recorded.ops}


def assert_sound(recorded: Trace) -> None:
    """A graph in order of execution in which every operation and output depends on an input."""
    reached: set[int] = set()
    for op in recorded.ops:
        assert all(source < op.index for source in op.inputs), op
        assert len(set(op.inputs)) == len(op.inputs), op
        if op.kind == "input" or reached.intersection(op.inputs):
            reached.add(op.index)
        assert op.index in reached, f"{op.address} does not depend on the input"
    assert recorded.outputs and reached.issuperset(recorded.outputs)
    assert any(recorded.ops[output].kind != "input" for output in recorded.outputs)
    addresses = [op.address for op in recorded.ops]
    assert len(set(addresses)) == len(addresses)


@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_zoo_is_recorded(model_class: type[nn.Module]) -> None:
    recorded = traced(model_class)
    assert recorded.branches_known
    assert_sound(recorded)
    assert recorded == traced(model_class)  # stable


def test_addresses_of_reused_modules_and_functions() -> None:
    assert [op.address for op in traced(zoo.Reused).ops] == [
        "input", "stem", "relu", "block.conv", "block/avg_pool2d", "block/add", "relu:1", "block.conv:1",
        "block/avg_pool2d:1", "block/add:1", "relu:2",
    ]  # fmt: skip


def test_a_leaf_module_of_several_operations() -> None:
    """The one whose value it returns has the module's address, the others are named in it."""

    class Gate(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * torch.sigmoid(x + 1)

    assert edges(trace(nn.Sequential(Gate()), zoo.picture())) == {
        "input": [], "0/add": ["input"], "0/sigmoid": ["0/add"], "0": ["input", "0/sigmoid"],
    }  # fmt: skip


def test_a_function_named_like_a_module() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, input: Tensor) -> Tensor:
            return F.relu(self.relu(input) - 1)

    assert [op.address for op in trace(Twice(), zoo.picture()).ops] == ["input", "relu", "sub", "/relu"]


def test_in_place_writes_change_the_origin() -> None:
    graph = edges(traced(zoo.InPlace))
    assert graph["add"] == ["relu", "two"]
    assert graph["setitem"] == ["two", "getitem"]
    assert graph["mul"] == ["setitem"]
    assert graph["add:1"] == ["getitem:1"]  # half += 1 ...
    assert graph["add:2"] == ["add", "add:1"]  # ... is in b, whose view half is; written into `out`
    assert graph["relu:1"] == ["add:2"]  # F.relu(inplace=True)
    assert graph["head"] == ["copy"]
    operations = {op.address: op.operation for op in traced(zoo.InPlace).ops}
    assert operations["add"] == "add_" and operations["relu:1"] == "relu_" and operations["add:2"] == "add_"


def test_writes_to_disjoint_views() -> None:
    """Neither half overwrites the other, and what uses both depends on both."""
    graph = edges(traced(zoo.WriteToView))
    assert graph["relu"] == ["chunk"] and graph["sigmoid"] == ["chunk"]
    assert graph["head"] == ["relu", "sigmoid"]


def test_writing_into_a_fresh_buffer() -> None:
    graph = edges(traced(zoo.DenseBuffer))
    assert graph["setitem"] == ["one"] and graph["two"] == ["getitem"]
    assert graph["setitem:1"] == ["setitem", "two"] and graph["head"] == ["setitem:1"]


@pytest.mark.parametrize("seed", range(40))
def test_overlap_of_views(seed: int) -> None:
    """Against marking elements: slices, steps, transposed and expanded views of one array."""
    generator = torch.Generator().manual_seed(seed)

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=generator))

    base = torch.zeros(4, 5, 6)

    def view() -> Tensor:
        result = base
        for axis in range(3):
            start = number(0, base.shape[axis])
            length = number(1, base.shape[axis] - start + 1)
            result = result.narrow(axis, start, length)
        if number(0, 3) == 0:
            result = result[:, :: number(1, 3)]
        if number(0, 4) == 0:
            result = result.transpose(0, 1)
        return result[:1].expand(3, -1, -1) if number(0, 5) == 0 else result

    for _ in range(30):
        one, other = view(), view()
        base.zero_()
        one.fill_(1) if 0 not in one.stride() else one[:1].fill_(1)
        shared = bool(other.any())
        if one.stride() == other.stride():
            assert overlaps(one, other) == shared
        assert overlaps(one, other) or not shared  # never misses one


def test_values_that_leave_torch_and_come_back() -> None:
    recorded = traced(zoo.ThroughNumpy)
    boundary = next(op for op in recorded.ops if op.is_boundary)
    assert boundary.kind == "module"
    assert edges(recorded)[boundary.address] == ["stem"]
    assert edges(recorded)["clamp"] == [boundary.address]
    assert "could not be seen" in recorded.notes[0]
    assert edges(traced(zoo.ThroughList))["tensor"] == ["unbind"]


def test_numpy_that_writes_to_shared_memory() -> None:
    """The array shares the tensor's memory: an alias, but what it holds is no longer what the layer gave."""

    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = zoo.conv(given=3), zoo.conv()

        def forward(self, x: Tensor) -> Tensor:
            array = self.stem(x).numpy()
            array *= 2
            return self.head(torch.from_numpy(array))

    recorded = trace(Shared(), zoo.picture())
    assert edges(recorded)["head"] == ["unseen"] and edges(recorded)["unseen"] == ["stem"]


def test_an_unseen_alias_is_no_boundary() -> None:
    """A view that TorchScript made shares the memory of a known tensor."""
    view = zoo._scripted(_first_two)

    class Viewed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = zoo.conv(given=3), zoo.conv(given=2)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(view(self.stem(x)))

    assert edges(trace(Viewed(), zoo.picture())) == {"input": [], "stem": ["input"], "head": ["stem"]}


def _halve(x: Tensor, y: Tensor) -> Tensor:
    x.mul_(0.5)
    return y


def test_an_unseen_write_is_noticed() -> None:
    """TorchScript writes to a known tensor: its value is no longer what the layer gave."""
    halve = zoo._scripted(_halve)

    class Written(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.head = zoo.conv(given=3), zoo.conv()

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            half = x[:, :2]
            halve(half, x)
            return self.head(x.relu())

    graph = edges(trace(Written(), zoo.picture()))
    assert graph["relu"] == ["unseen"] and graph["unseen"] == ["stem"] and graph["head"] == ["relu"]


def test_a_module_that_returns_the_second_part() -> None:
    """What the module shows is what it returned, not what the operation gave first."""

    class Second(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(x).chunk(2, dim=1)[1]

    model = nn.Sequential(nn.Conv2d(3, 4, 1), Second(), nn.Conv2d(2, 4, 1)).eval()
    x = zoo.picture()
    with torch.no_grad():
        expected = model[1](model[0](x))
    assert torch.equal(activations(model, x)["1"], expected)


def _first_two(x: Tensor) -> Tensor:
    return x[:, :2]


def test_foreign_modules_are_joined() -> None:
    recorded = traced(zoo.Scripted)
    foreign = next(op for op in recorded.ops if op.address == "foreign")
    assert foreign.is_boundary and foreign.kind == "module"
    assert edges(recorded)["foreign"] == ["stem"] and edges(recorded)["unseen"] == ["foreign"]


def test_constants_are_no_nodes() -> None:
    """Operations on weights only; a constant tensor in a plain attribute; the shape of the input."""

    class Constants(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 1, 1))
            self.stem = zoo.conv(given=3)
            self.tables = {"gain": [torch.full((4, 1, 1), 2.0)]}

        def forward(self, x: Tensor) -> Tensor:
            stem = self.stem(x)
            grid = torch.arange(stem.shape[-1], dtype=torch.float32) / torch.zeros_like(stem).add(1).mean()
            other = stem * self.tables["gain"][0]
            return (stem + other) * (self.weight.exp() + grid)

    recorded = trace(Constants(), zoo.picture())
    assert edges(recorded) == {
        "input": [], "stem": ["input"], "mul": ["stem"], "add": ["stem", "mul"], "mul:1": ["add"],
    }  # fmt: skip
    assert recorded.notes == ()


def test_returning_the_very_input_is_no_node() -> None:
    recorded = trace(nn.Sequential(nn.Identity(), nn.Dropout(), zoo.conv(given=3), nn.Dropout()), zoo.picture())
    assert [op.address for op in recorded.ops] == ["input", "2"]


def test_names_of_inputs() -> None:
    assert [op.address for op in traced(zoo.Structured).ops if op.kind == "input"] == ["input", "input:1", "scale"]
    assert [op.address for op in traced(zoo.TwoInputs).ops if op.kind == "input"] == ["input", "mask"]


def test_attention_of_torch_is_one_operation() -> None:
    kinds = Counter(op.kind for op in traced(zoo.SelfAttention).ops)
    assert kinds["attention"] == 1 and kinds["matmul"] == 2


def test_inference_tensors() -> None:
    with torch.inference_mode():
        x = zoo.picture()
    assert_sound(trace(zoo.build(zoo.Reused), x))


@pytest.mark.parametrize("device", ["meta"])
def test_tensors_without_values(device: str) -> None:
    assert_sound(trace(zoo.build(zoo.WriteToView).to(device), zoo.picture().to(device)))


# --- wrappers


def test_wrappers_are_taken_off() -> None:
    plain = [op.address for op in traced(zoo.Reused).ops]
    wrapped = nn.DataParallel(zoo.build(zoo.Reused))
    assert [op.address for op in trace(wrapped, zoo.picture()).ops] == plain


@pytest.mark.slow
def test_compiled_modules_run_eagerly() -> None:
    model = nn.Sequential(torch.compile(zoo.conv(given=3)), zoo.conv())  # type: ignore[arg-type]
    assert [op.address for op in trace(torch.compile(model), zoo.picture()).ops] == ["input", "0", "1"]  # type: ignore[arg-type]


@pytest.mark.slow
def test_dynamo_is_not_imported() -> None:
    import subprocess

    code = "import sys, torch\nfrom walkin.network.tracing.trace import trace\n"
    code += "trace(torch.nn.Linear(2, 2), torch.ones(1, 2))"
    code += "\nassert 'torch._dynamo' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- when it does not work


def test_a_network_that_does_not_take_the_input() -> None:
    model = nn.Sequential(zoo.conv(given=3), nn.Sequential(nn.Flatten(), nn.Linear(10, 2))).train()
    with pytest.raises(WalkinError) as caught:
        trace(model, zoo.picture())
    message = str(caught.value)
    assert "1x3x16x16" in message and "1.1" in message and "mat1 and mat2" in message and "--input-size" in message
    assert "\n" not in message
    assert all(module.training for module in model.modules())


def test_order_of_the_layers_where_recording_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise TypeError("exotic tensor")

    monkeypatch.setattr(recorder_module.Recorder, "_record", broken)
    recorded = traced(zoo.Reused)
    assert not recorded.branches_known
    assert "branches unknown" in recorded.notes[0] and "exotic tensor" in recorded.notes[0]
    assert edges(recorded) == {
        "input": [], "stem": ["input"], "relu": ["stem"], "block.conv": ["relu"], "relu:1": ["block.conv"],
        "block.conv:1": ["relu:1"], "relu:2": ["block.conv:1"],
    }  # fmt: skip


# --- second truths


def merges(recorded: Trace, kind: str) -> int:
    return sum(op.kind == kind and len(op.inputs) > 1 for op in recorded.ops)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [("resnet18", "add", 8), ("googlenet", "cat", 9), ("densenet121", "cat", 58), ("vit_b_16", "add", 24)],
)
def test_merges(name: str, kind: str, count: int) -> None:
    assert merges(trace(_torchvision(name), torch.rand(1, 3, 224, 224)), kind) == count


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet18", "googlenet", "densenet121", "shufflenet_v2_x0_5", "vit_b_16"])
def test_edges_against_fx(name: str) -> None:
    """The same edges between module calls as torch.fx finds without running anything."""
    model = _torchvision(name)
    recorded = trace(model, torch.rand(1, 3, 224, 224))
    assert _module_edges(recorded) == _fx_edges(model)


def _torchvision(name: str) -> nn.Module:
    extra = {"init_weights": False} if name == "googlenet" else {}
    return torchvision.models.get_model(name, weights=None, **extra).eval()


def _module_edges(recorded: Trace) -> set[tuple[str, str]]:
    """(address, address) between leaf modules, functional operations contracted."""
    origins: list[set[str]] = []
    found: set[tuple[str, str]] = set()
    for op in recorded.ops:
        above = set().union(*(origins[source] for source in op.inputs)) if op.inputs else {"input"}
        name = _leaf(recorded, op)
        if name is not None:
            found |= {(source, name) for source in above if source != name}
        origins.append({name} if name is not None else above)
    return found


def _leaf(recorded: Trace, op: Op) -> str | None:
    """The leaf module call an operation belongs to: torch.nn's, as for fx."""
    if op.call < 0 or not recorded.calls[op.call].is_library:
        return None
    call = recorded.calls[op.call]
    return f"{call.path}:{call.count}" if call.count else call.path


def _fx_edges(model: nn.Module) -> set[tuple[str, str]]:
    from torch.fx import Node, symbolic_trace

    calls: Counter[str] = Counter()
    origins: dict[Node, set[str]] = {}
    found: set[tuple[str, str]] = set()
    # Dropout in eval mode gives its input, it is no layer for either.
    for node in symbolic_trace(model).graph.nodes:
        above = set().union(*(origins[source] for source in node.all_input_nodes)) if node.all_input_nodes else set()
        origins[node] = above
        if node.op == "placeholder":
            origins[node] = {"input"}
        elif node.target in (getattr, "size"):  # a shape is no value
            origins[node] = set()
        elif node.op == "call_module" and not isinstance(model.get_submodule(node.target), (nn.Dropout, nn.Identity)):
            name = f"{node.target}:{calls[node.target]}" if calls[node.target] else node.target
            calls[node.target] += 1
            found |= {(source, name) for source in above}
            origins[node] = {name}
    return found


def test_no_memory_for_an_input_is_told_with_what_helps():
    class Wide(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.expand(1 << 20, *x.shape[1:]).repeat(1 << 20, 1, 1, 1)  # more than any machine has

    with pytest.raises(WalkinError, match=r"not enough memory for an input of shape 1x3x64x64; a smaller --input-size"):
        trace(Wide(), torch.zeros(1, 3, 64, 64))
