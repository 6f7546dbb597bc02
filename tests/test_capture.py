"""What a re-run hands out: every value exactly as it was when it was there, and nothing left behind."""

from __future__ import annotations

import copy
import gc
import threading
import weakref
from typing import Any, ClassVar

import pytest
import torch
import torchvision
import zoo
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.overrides import TorchFunctionMode

from walkin.errors import Cancelled
from walkin.network.folding.fold import FOLDS, fold
from walkin.network.running import capture as capture_module
from walkin.network.running.capture import Capture, activations, network
from walkin.network.running.replay import GraphChanged
from walkin.network.tracing.recorder import Recorder
from walkin.network.tracing.trace import trace

# --- exactness: a second truth that shares no code with the capture


class Recomputed(TorchFunctionMode):
    """For every operation its output, computed again on copies of the arguments as they were before the call."""

    def __init__(self) -> None:
        super().__init__()
        self.results: list[tuple[str, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        copies, named = copy.deepcopy(args), copy.deepcopy(kwargs)
        result = func(*args, **kwargs)
        again = func(*copies, **named)
        again = again[0] if isinstance(again, (tuple, list)) and again else again
        if isinstance(again, Tensor):
            self.results.append((func.__name__, again))
        return result


def recomputed(model: nn.Module, x: Tensor) -> list[tuple[str, Tensor]]:
    mode = Recomputed()
    with torch.no_grad(), mode:
        model(x.clone())
    return mode.results


def largest_difference(model: nn.Module, x: Tensor, level: str) -> tuple[int, float]:
    """Nodes compared, and the largest |difference| between what they are said to be and what they are."""
    recorded = trace(model, x)
    graph, _ = fold(recorded, level, name="")
    values = activations(model, x, fold=level)
    by_address: dict[str, Tensor] = {}
    truth = iter(recomputed(model, x))
    for op in recorded.ops:
        if op.kind == "input":
            by_address[op.address] = x
            continue
        for name, value in truth:  # both lists are in order of execution
            if name.strip("_") in (op.operation.strip("_"), f"i{op.operation.strip('_')}"):
                by_address[op.address] = value
                break
    largest = 0.0
    for node in graph:
        expected, actual = by_address[node.members[-1]], values[node.address]
        assert expected.shape == actual.shape, node.address
        largest = max(largest, float((expected - actual).abs().max()))
    return len(graph), largest


EXACT = ["resnet18", pytest.param("densenet121", marks=pytest.mark.slow), "efficientnet_b0"]


@pytest.mark.slow
@pytest.mark.parametrize("level", ["ops", "layers"])
@pytest.mark.parametrize("name", EXACT)
def test_every_value_is_exact(name: str, level: str) -> None:
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None).eval()
    compared, difference = largest_difference(model, torch.rand(1, 3, 64, 64), level)
    assert compared > 30
    assert difference == 0


@pytest.mark.slow
def test_the_exactness_check_notices_by_reference_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture_module, "copied", lambda tensor: tensor.detach())
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    _, difference = largest_difference(model, torch.rand(1, 3, 64, 64), "ops")
    assert difference > 0


# --- all of the zoo


@pytest.mark.parametrize("level", FOLDS)
@pytest.mark.parametrize("model_class", zoo.CLASSES, ids=lambda c: c.__name__)
def test_zoo_values(model_class: type[nn.Module], level: str) -> None:
    """Every node has a value of its shape, and the output is the network's."""
    model = zoo.build(model_class)
    args, kwargs = zoo.arguments(model_class)
    expected = _bare(model_class)
    graph = network(model, *args, fold=level, kwargs=kwargs)
    values = activations(model, *args, fold=level, kwargs=kwargs)
    assert list(values) == [node.address for node in graph]
    assert all(tuple(values[node.address].shape) == node.shape for node in graph)
    assert all(torch.isfinite(value).all() for value in values.values())
    if level == "ops" and isinstance(expected, Tensor):
        # torch's encoder layer takes its fused path only where no mode is active: the same but for rounding.
        tolerance = 1e-5 if model_class is zoo.SelfAttention else 0
        torch.testing.assert_close(values[graph.outputs[-1]], expected.as_subclass(Tensor), rtol=0, atol=tolerance)


def _bare(model_class: type[nn.Module]) -> Any:
    """What a network of its own gives for the same inputs."""
    args, kwargs = zoo.arguments(model_class)
    with torch.no_grad():
        return zoo.build(model_class)(*args, **kwargs)


def test_run_returns_the_models_output() -> None:
    model = zoo.build(zoo.Structured)
    args, _ = zoo.arguments(zoo.Structured)
    expected = _bare(zoo.Structured)
    recorded = trace(model, *args)
    output = Capture(model, fold(recorded, "layers", name="")[1], recorded).run(*args, on_output=lambda *_: None)
    assert output["loss"] is None and output["sizes"] == expected["sizes"]
    assert torch.equal(output["boxes"][0], expected["boxes"][0])


def test_nodes_by_glob() -> None:
    model, (args, _) = zoo.build(zoo.Reused), zoo.arguments(zoo.Reused)
    assert list(activations(model, *args, nodes="block.*")) == ["block.conv", "block.conv:1"]
    assert list(activations(model, *args, nodes=["stem", "*add"])) == ["stem", "block/add"]
    with pytest.raises(KeyError, match=r"did you mean block\.conv"):
        activations(model, *args, nodes=["stem", "block.cnv"])


# --- another path


def _captured(model: nn.Module, *args: Any, level: str = "layers") -> Capture:
    recorded = trace(model, *args)
    return Capture(model, fold(recorded, level, name="")[1], recorded)


def test_another_branch_is_noticed() -> None:
    """Both branches are one convolution: only the module's name tells them apart."""
    model = zoo.build(zoo.DataDependentBranch)
    run = _captured(model, torch.rand(1, 3, 16, 16))
    with pytest.raises(GraphChanged, match="is dark where bright"):
        run.run(-torch.rand(1, 3, 16, 16), on_output=lambda *_: None)
    run.run(torch.rand(1, 3, 16, 16), on_output=lambda *_: None)


def test_fewer_and_more_rounds_are_noticed() -> None:
    model = zoo.build(zoo.DataDependentLoop)
    one, many = torch.zeros(1, 3, 16, 16), torch.rand(1, 3, 16, 16) * 100
    for first, then in ((one, many), (many, one)):
        with torch.no_grad():
            model.stem.bias.zero_()
        with pytest.raises(GraphChanged):
            _captured(model, first).run(then, on_output=lambda *_: None)


def test_another_shape_is_noticed() -> None:
    model = zoo.build(zoo.Reused)
    with pytest.raises(GraphChanged, match="shape"):
        _captured(model, zoo.picture(16)).run(zoo.picture(20), on_output=lambda *_: None)


def test_caches_filled_by_a_first_forward() -> None:
    """What is recorded is what a forward does from then on."""

    class Cached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = zoo.conv(given=3)
            self.tables: dict[int, Tensor] = {}

        def forward(self, x: Tensor) -> Tensor:
            if x.shape[-1] not in self.tables:
                self.tables[x.shape[-1]] = torch.linspace(0, 1, x.shape[-1]).exp()
            return self.stem(x) * self.tables[x.shape[-1]]

    model, x = Cached(), zoo.picture()
    _captured(model, x).run(x, on_output=lambda *_: None)


def test_values_where_only_the_order_of_layers_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **kwargs: Any) -> None:
        raise TypeError("exotic tensor")

    model, x = zoo.build(zoo.Reused), zoo.picture()
    exact = activations(model, x, fold="ops")
    monkeypatch.setattr(Recorder, "_record", broken)
    values = activations(model, x, fold="ops")
    assert list(values) == ["input", "stem", "relu", "block.conv", "relu:1", "block.conv:1", "relu:2"]
    assert all(torch.equal(value, exact[address]) for address, value in values.items())


# --- nothing left behind


def assert_untouched(model: nn.Module) -> None:
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    assert not any(getattr(module, name) for module in model.modules() for name in hooks)
    for name in ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks"):
        assert not getattr(torch_module, name)
    assert nn.Module.__call__.__name__ == nn.Module.__call__.__code__.co_name == "_wrapped_call_impl"
    assert not any("forward" in vars(module) for module in model.modules())
    assert torch.overrides._get_current_function_mode() is None


def test_cancelled_from_on_output() -> None:
    """Comes out as it is, at once, even where the model catches exceptions; everything is restored."""
    model = zoo.build(zoo.Swallowing).train()
    x = zoo.picture()
    run = _captured(model, x, level="ops")
    seen: list[str] = []

    def cancel(address: str, tensor: Tensor) -> None:
        seen.append(address)
        if address == "relu":
            raise Cancelled

    with pytest.raises(Cancelled):
        run.run(x, on_output=cancel)
    assert seen == ["input", "stem", "relu"]
    assert_untouched(model)
    assert all(module.training for module in model.modules())
    run.run(x, on_output=lambda *_: None)


def test_state_flags_and_inputs_are_restored() -> None:
    model = nn.Sequential(zoo.build(zoo.Stateful), nn.BatchNorm2d(4), nn.Dropout())
    model.train()
    model[1].eval()
    flags = [module.training for module in model.modules()]
    state = copy.deepcopy(model.state_dict())
    x = zoo.picture()
    before = x.clone()
    activations(model, x)
    assert [module.training for module in model.modules()] == flags
    assert torch.equal(x, before)
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert_untouched(model)


def test_gradients_are_off_and_come_back() -> None:
    model, x = zoo.build(zoo.Reused), zoo.picture()
    assert not any(value.requires_grad for value in activations(model, x).values())
    assert torch.is_grad_enabled() and model(x).requires_grad


def test_nothing_keeps_intermediates_alive() -> None:
    """A value that the network itself has dropped is gone by the time the next but one is there."""
    model = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(6))).eval()
    x = zoo.picture()
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    def watch(address: str, tensor: Tensor) -> None:
        nonlocal most
        alive.append(weakref.ref(tensor))
        most = max(most, sum(ref() is not None for ref in alive))

    recorded = trace(model, x)
    Capture(model, fold(recorded, "ops", name="")[1], recorded).run(x, on_output=watch)
    assert most <= 3  # the input, the one a layer was given, the one it gave
    gc.collect()
    assert sum(ref() is not None for ref in alive) <= 1  # the input is ours


def test_tracing_keeps_no_intermediates_alive() -> None:
    class Watch(nn.Module):
        alive: ClassVar[list[weakref.ref[Tensor]]] = []
        most = 0

        def forward(self, x: Tensor) -> Tensor:
            Watch.alive.append(weakref.ref(x))
            Watch.most = max(Watch.most, sum(ref() is not None for ref in Watch.alive))
            return x

    model = nn.Sequential(*(module for _ in range(6) for module in (nn.Conv2d(3, 3, 1), Watch())))
    recorded = trace(model, zoo.picture())
    assert len(Watch.alive) == 6 and Watch.most == 1
    assert recorded.ops[-1].address == "10"
    assert not any(ref() is not None for ref in Watch.alive)


def test_modules_called_by_on_output_are_not_the_networks() -> None:
    model, x, pool = zoo.build(zoo.Reused), zoo.picture(), nn.AvgPool2d(2)
    pooled: list[Tensor] = []
    _captured(model, x, level="ops").run(x, on_output=lambda _, tensor: pooled.append(pool(tensor)))
    assert [tensor.shape[-1] for tensor in pooled] == [8] * 11


# --- threads


def test_two_threads_at_once() -> None:
    """Each sees its own network only, also where both run the same one."""
    shared = zoo.build(zoo.Reused).train()
    own = [zoo.build(zoo.SelfAttention), zoo.build(zoo.DenseBuffer)]
    x = zoo.picture()
    expected = {id(model): [node.address for node in network(model, x, fold="ops")] for model in (shared, *own)}
    wrong: list[str] = []
    start = threading.Barrier(3)

    def work(models: list[nn.Module]) -> None:
        start.wait()
        for _ in range(10):
            for model in models:
                values = activations(model, x, fold="ops")
                if list(values) != expected[id(model)]:
                    wrong.append(type(model).__name__)

    def disturb() -> None:
        start.wait()
        for _ in range(60):
            with torch.no_grad():
                own[0](x)

    jobs = [
        threading.Thread(target=work, args=([shared, own[0]],)),
        threading.Thread(target=work, args=([own[1], shared],)),
        threading.Thread(target=disturb),
    ]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    assert wrong == []
    assert all(module.training for module in shared.modules())
    for model in (shared, *own):
        assert_untouched(model)


def test_a_buffer_that_others_have_written_to_comes_back_as_they_left_it() -> None:
    """Its copy of the forward before is not what it was."""

    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = zoo.conv(given=3)
            self.calls: Tensor
            self.register_buffer("calls", torch.zeros(()))

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.stem(x)

    model, x = Counting().eval(), zoo.picture()
    run = _captured(model, x)
    for wanted in (0.0, 0.0, 7.0, 7.0, 8.0):
        if float(model.calls) != wanted:
            model.calls.fill_(wanted)
        run.run(x, on_output=lambda *_: None)
        assert float(model.calls) == wanted
