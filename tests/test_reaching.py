"""Interventions: what a network gives with them, against hooks, and from the middle against the whole forward."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import walkin
from walkin.errors import Cancelled, WalkinError
from walkin.interventions import Intervention
from walkin.network.folding.fold import fold as folded
from walkin.network.running.capture import Capture
from walkin.network.running.changes import NOTHING, Changes
from walkin.network.running.changing import Changing
from walkin.network.running.fitting import fitted
from walkin.network.running.reaching import Reach
from walkin.network.tracing.trace import trace


class InPlace(nn.Module):
    """Writes in place, views, an item that decides, parts that are written one by one, a value kept for later."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.three = (
            nn.Conv2d(3, 8, 3),
            nn.Conv2d(8, 8, 3, padding=1),
            nn.Conv2d(8, 8, 3, padding=1),
        )
        self.norm, self.relu, self.end = nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Linear(8, 6)
        self.kept: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        seen = self.relu(self.norm(self.one(x)))
        self.kept = seen
        side = self.two(seen)
        out = self.three(seen)
        out += side
        side.mul_(0.5)
        if bool(seen.mean() > -1e9):
            out = out + side
        out[:, :2] = side[:, 2:4]
        first, second = out.chunk(2, 1)
        second.clamp_(min=0.0)
        whole = torch.cat((first, second.relu()), 1) + self.kept * float(seen.amax().item() > -1e9)
        flat = whole.mean((2, 3)).view(1, -1)
        return self.end(flat)


class Counting(nn.Module):
    """Writes to a buffer in eval mode: such a forward has to be run as a whole."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.calls: Tensor
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.one(x)
        self.calls += 1
        return self.two(seen) * self.calls


class Hidden(nn.Module):
    """A part of it is out of sight."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.one(x)
        away = torch.from_numpy(seen.detach().numpy() * 2)
        return self.two(away)


def small_vit() -> nn.Module:
    return torchvision.models.VisionTransformer(32, 8, 3, 4, 32, 64, num_classes=7)


def small_swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 16, [2, 2], [2, 4], [4, 4], num_classes=7)


NETS: dict[str, Any] = {
    "resnet18": lambda: torchvision.models.resnet18(),
    "mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(),
    "swin": small_swin,
    "vit": small_vit,
    "in place": InPlace,
}
LARGE: dict[str, Any] = {
    "densenet121": lambda: torchvision.models.densenet121(),
    "googlenet": lambda: torchvision.models.googlenet(aux_logits=False, init_weights=False),
    "swin_t": lambda: torchvision.models.swin_t(),
    "vit_b_16": lambda: torchvision.models.vit_b_16(),
}


SMALL = ("swin", "vit", "in place")


class Rig:
    """A network that was traced, its walls as they were told last, and the same by whole forwards."""

    def __init__(self, model: nn.Module, side: int = 64, fold: str = "layers"):
        torch.manual_seed(1)
        self.model = model.eval()
        self.inputs = (torch.randn(1, 3, side, side),)
        recorded = trace(self.model, *self.inputs)
        self.network, self.plan = folded(recorded, fold, name="net")
        self.capture = Capture(self.model, self.plan)
        self.reach = Reach(self.capture, self.plan, recorded)
        self.walls: dict[str, Tensor] = {}
        self.told: list[str] = []

    @property
    def nodes(self) -> list[str]:
        return [node.address for node in self.network if node.kind != "input" and node.maps > 1]

    def changes(self, *wanted: Intervention) -> Changes:
        changes, problems = fitted(self.plan, wanted, lambda each: self.inputs[0])
        assert not any(problems)
        return changes

    def run(self, changes: Changes) -> Any:
        self.told = []

        def tell(address: str, value: Tensor) -> None:
            self.told.append(address)
            self.walls[address] = value.clone()

        return self.reach.run(self.inputs, changes, tell)

    def whole(self, changes: Changes) -> tuple[Any, dict[str, Tensor]]:
        walls: dict[str, Tensor] = {}
        along = partial(Changing, changes=changes)
        output = self.capture.run(*self.inputs, on_output=lambda a, v: walls.update({a: v.clone()}), along=along)
        return output, walls

    def check(self, changes: Changes) -> None:
        """From the middle, bit for bit what the whole forward gives; what comes before is not told of."""
        output = self.run(changes)
        wanted, walls = self.whole(changes)
        assert torch.equal(output, wanted)
        assert {a for a in walls if not torch.equal(walls[a], self.walls[a])} == set()


@pytest.mark.parametrize(
    ("net", "fold"),
    [(net, "layers") for net in SMALL]
    + [pytest.param(net, "layers", marks=pytest.mark.slow) for net in NETS if net not in SMALL]
    + [pytest.param(net, "ops", marks=pytest.mark.slow) for net in NETS]
    + [pytest.param(net, "layers", marks=pytest.mark.slow) for net in LARGE],
)
def test_from_the_middle_it_gives_what_the_whole_forward_gives(net: str, fold: str):
    rig = Rig((NETS | LARGE)[net](), 224 if net in ("swin_t", "vit_b_16") else 64 if "net" in net else 32, fold)
    rig.run(NOTHING)
    nodes = rig.nodes
    picked = [nodes[n] for n in sorted({0, 1, len(nodes) // 2, len(nodes) - 1})]
    resumed = 0
    for first, second in zip(picked, reversed(picked), strict=True):
        for wanted in (
            (Intervention(first, (0,)),),
            (Intervention(first, (0, 1), factor=0.5),),
            (Intervention(first, (0, 1), factor=0.5), Intervention(second, act="clamp", low=-0.1, high=0.2)),
            (Intervention(second, act="clamp", low=-0.1, high=0.2),),
            (),
        ):
            rig.check(rig.changes(*wanted))
            resumed += rig.reach.resumed
            earliest = min((rig.network.nodes.index(rig.network.find(a)) for a in rig.told), default=0)
            assert earliest >= min(rig.network.nodes.index(rig.network.find(a)) for a in (first, second))
    assert resumed >= 5 * len(picked) * 3 // 4


class Convolutions(TorchDispatchMode):
    """Counts them."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten.convolution.default
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
def test_nothing_before_the_changed_node_is_computed():
    rig = Rig(torchvision.models.resnet18())
    first = Intervention("layer1.0.conv1", (0,))
    for address, after in (("layer4.0.conv1", 4), ("layer4.1/add", 0), ("layer2.0.conv2", 13), ("conv1", 19)):
        rig.run(rig.changes(first))
        with Convolutions() as counted:
            rig.run(rig.changes(first, Intervention(address, (3,))))
        assert rig.reach.resumed and counted.count == after, address


@pytest.mark.parametrize("net", [Counting, Hidden])
def test_what_cannot_begin_in_the_middle_is_run_as_a_whole(net: Any):
    rig = Rig(net(), 16)
    rig.run(NOTHING)
    for wanted in ((Intervention("one", (1,)),), (Intervention("one", (1,)), Intervention("two", (0,))), ()):
        rig.check(rig.changes(*wanted))
        assert not rig.reach.resumed


@pytest.mark.parametrize("net", SMALL)
def test_what_was_written_down_lets_the_first_intervention_begin_in_the_middle(net: str):
    rig = Rig(NETS[net](), 32)
    for side in (1.0, -1.0):  # what is kept of the first picture is not taken for the second
        rig.inputs = (torch.full((1, 3, 32, 32), side) + torch.randn(1, 3, 32, 32),)
        _, rig.walls = rig.whole(NOTHING)
        rig.reach.shows(rig.inputs, NOTHING)
        values = []
        rig.reach.write_down(rig.inputs, lambda values=values: values.append(1))
        assert len(values) > 2 and not rig.reach.writable(rig.inputs)
        middle = rig.nodes[len(rig.nodes) // 2]
        rig.check(rig.changes(Intervention(middle, (1,))))
        assert rig.reach.resumed and rig.told[0] == middle
        rig.check(rig.changes(Intervention(middle, (1,)), Intervention(rig.nodes[0], (0,), factor=0.5)))
        rig.check(NOTHING)


@pytest.mark.parametrize("problem", [Cancelled(), RuntimeError("no memory")])
def test_writing_down_that_is_given_up_leaves_all_as_it_was(problem: Exception):
    rig = Rig(InPlace(), 16)
    _, rig.walls = rig.whole(NOTHING)
    rig.reach.shows(rig.inputs, NOTHING)
    values = []

    def stop() -> None:
        values.append(1)
        if len(values) == 3:
            raise problem

    with pytest.raises(type(problem)):
        rig.reach.write_down(rig.inputs, stop)
    assert rig.reach.writable(rig.inputs) == isinstance(problem, Cancelled), "what failed would fail again"
    rig.check(rig.changes(Intervention("two", (1,))))
    assert rig.told == [node.address for node in rig.network.nodes][rig.nodes.index("two") + 1 :]


class Aside(nn.Module):
    """Nothing goes on with one of its values."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.aside, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Conv2d(4, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.one(x)
        self.aside(seen)
        return self.two(seen)


def test_a_value_that_nothing_goes_on_with_can_be_changed_from_the_middle():
    rig = Rig(Aside(), 16)
    _, rig.walls = rig.whole(NOTHING)
    rig.reach.shows(rig.inputs, NOTHING)
    rig.reach.write_down(rig.inputs, lambda: None)
    rig.check(rig.changes(Intervention("aside", (1,))))
    assert rig.reach.resumed


class Handing(nn.Module):
    """Its parts hand values to each other by a list, out of sight of the forward's arguments."""

    class Down(nn.Module):
        def __init__(self, given: int, skips: list[Tensor]) -> None:
            super().__init__()
            self.conv, self.skips = nn.Conv2d(given, 4, 3, padding=1), skips

        def forward(self, x: Tensor) -> Tensor:
            self.skips.append(self.conv(x))
            return nn.functional.max_pool2d(self.skips[-1], 2)

    class Up(nn.Module):
        def __init__(self, skips: list[Tensor], asks: bool) -> None:
            super().__init__()
            self.conv, self.skips, self.asks = nn.Conv2d(4, 4, 3, padding=1), skips, asks

        def forward(self, x: Tensor) -> Tensor:
            x = nn.functional.interpolate(x, scale_factor=2)
            return self.conv(x + self.skips.pop() if self.skips or not self.asks else x)

    def __init__(self, asks: bool) -> None:
        super().__init__()
        skips: list[Tensor] = []
        self.first, self.second = Handing.Down(3, skips), Handing.Down(4, skips)
        self.middle = nn.Conv2d(4, 4, 3, padding=1)
        self.third, self.fourth = Handing.Up(skips, asks), Handing.Up(skips, asks)

    def forward(self, x: Tensor) -> Tensor:
        return self.fourth(self.third(self.middle(self.second(self.first(x))).relu()))


@pytest.mark.parametrize("asks", [False, True])
def test_parts_that_hand_values_to_each_other_out_of_sight_are_run_as_a_whole(asks: bool):
    """What is skipped puts nothing into the list: the network would fail, or go another way, and it is not the change
    that is to blame."""
    rig = Rig(Handing(asks), 16)
    rig.run(NOTHING)
    for address in ("middle", "third.conv", "middle", "second.conv"):
        rig.check(rig.changes(Intervention(address, (1,))))
    assert not rig.reach.resumed
    rig.check(rig.changes(Intervention("fourth.conv", (1,))))


class Two(nn.Module):
    """With a second input, which is a wall."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.end = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3)

    def forward(self, x: Tensor, mask: dict[str, list[Tensor]]) -> Tensor:
        return self.end(self.one(x) * mask["weights"][0])


def test_a_further_input_is_changed_as_other_walls_are():
    torch.manual_seed(2)
    model, x, weights = Two().eval(), torch.randn(1, 3, 8, 8), torch.rand(1, 4, 6, 6)
    kept, without = weights.clone(), weights.clone()
    without[:, 1] = 0
    address = next(node.address for node in walkin.trace(model, x, {"weights": [weights]}) if node.kind == "given")
    found = walkin.activations(model, x, {"weights": [weights]}, interventions=[f"{address}/1=0"])
    with torch.no_grad():
        assert torch.equal(found["end"], model(x, {"weights": [without]}))
    assert torch.equal(found[address], without) and torch.equal(weights, kept)
    parts = walkin.difference(model, (x, {"weights": [weights]}), interventions=[f"{address}/1=0"])
    assert next(a for a, each in parts.items() if each.relative) == address


def test_another_input_is_not_written_down_for_what_the_walls_show():
    rig = Rig(InPlace(), 16)
    rig.reach.shows(rig.inputs, NOTHING)
    rig.reach.write_down((torch.randn(1, 3, 16, 16),), lambda: None)
    assert not rig.reach.written


def test_what_is_let_go_of_holds_no_values():
    rig = Rig(InPlace(), 16)
    _, rig.walls = rig.whole(NOTHING)
    rig.reach.shows(rig.inputs, NOTHING)
    rig.reach.write_down(rig.inputs, lambda: None)
    known, sizes = rig.reach.kept_bytes, {}
    for value in rig.reach._tape.values:
        if value is not None:
            memory = value.untyped_storage().data_ptr()
            sizes[memory] = max(sizes.get(memory, 0), value.nbytes)
    assert known == sum(sizes.values()) > 0
    rig.reach.let_go()
    assert rig.reach.kept_bytes == known and not rig.reach.written
    assert not [value for value in rig.reach._structure.values if value is not None]
    rig.check(rig.changes(Intervention("two", (1,))))


def test_a_run_that_is_given_up_leaves_nothing_wrong():
    rig = Rig(InPlace(), 16)
    rig.run(NOTHING)
    rig.run(rig.changes(Intervention("one", (1,))))

    class Stopped(Exception):
        pass

    def stop(address: str, value: Tensor) -> None:
        rig.walls[address] = value.clone()
        if address == "three":
            raise Stopped

    with pytest.raises(Stopped):
        rig.reach.run(rig.inputs, rig.changes(Intervention("one", (2,), factor=3.0)), stop)
    # The one before is asked for again: as if nothing had been tried.
    kept = Intervention("one", (1,))
    for wanted in ((kept, Intervention("end", (0,))), (Intervention("two", (2,)),), ()):
        rig.check(rig.changes(*wanted))


@pytest.mark.slow
def test_over_the_budget_only_what_the_place_needs_is_kept():
    rig = Rig(torchvision.models.resnet18())
    recorded = trace(rig.model, *rig.inputs)
    rig.reach = Reach(rig.capture, rig.plan, recorded, budget_bytes=0)
    resumed = []
    for factor in (0.0, 0.25, 0.5, 0.75):
        rig.check(rig.changes(Intervention("layer3.0.conv1", (0,), factor=factor)))
        resumed.append(rig.reach.resumed)
    assert resumed == [False, False, True, True]
    held = [value for value in rig.reach._tape.values if value is not None]  # type: ignore[union-attr]
    assert len(held) < 8


@pytest.mark.parametrize(("act", "factor"), [("scale", 0.0), ("scale", 0.3), ("clamp", 0.0)])
def test_a_hook_gives_the_same(act: str, factor: float):
    """A second, simpler truth: what a forward hook makes of a module's output."""
    torch.manual_seed(3)
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)

    def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        output = output.clone()
        output[:, 4:6] = output[:, 4:6] * factor if act == "scale" else output[:, 4:6].clamp(-0.05, 0.05)
        return output

    handle = model.layer2[0].conv2.register_forward_hook(hook)
    with torch.no_grad():
        wanted = model(x)
    handle.remove()
    more = {"factor": factor} if act == "scale" else {"low": -0.05, "high": 0.05}
    changed = Intervention("layer2.0.conv2", (4, 5), act, **more)
    found = walkin.activations(model, x, nodes="fc", fold="ops", interventions=[changed])
    assert torch.equal(found["fc"], wanted)


def test_a_block_is_changed_at_the_wall_that_gives_what_it_gives():
    """As a hook on the block has it; and where no one wall gives that, the line says so."""
    torch.manual_seed(3)
    model, x = torchvision.models.resnet18().eval(), torch.randn(1, 3, 64, 64)

    def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor:
        output = output.clone()
        output[:, 17] = 0
        return output

    for block in (model.layer3[1], model.layer3):
        handle = block.register_forward_hook(hook)
        with torch.no_grad():
            wanted = model(x)
        handle.remove()
        address = "layer3" if block is model.layer3 else "layer3.1"
        found = walkin.activations(model, x, nodes="fc", interventions=[f"{address}/17=0"])
        assert torch.allclose(found["fc"], wanted, atol=1e-6)
        assert not torch.allclose(found["fc"], walkin.activations(model, x, nodes="fc")["fc"], atol=1e-4)
    graph = walkin.trace(model, x)
    given = [graph.giving(each) for each in ("layer3", "layer3.1", "layer3.1.conv2", "layer9", "")]
    assert [node and node.address for node in given] == ["layer3.1/add", "layer3.1/add", "layer3.1.conv2", None, None]
    googlenet = walkin.trace(torchvision.models.googlenet(weights=None, init_weights=False).eval(), x)
    assert googlenet.giving("inception3a.branch2") is not None


@pytest.mark.slow
def test_another_inputs_values_are_put_in():
    torch.manual_seed(4)
    model = torchvision.models.resnet18().eval()
    one, other = torch.randn(2, 1, 3, 64, 64)
    whole = Intervention("layer2.0/add", act="swap", picture=other)
    found = walkin.activations(model, one, nodes="fc", interventions=[whole])
    assert torch.equal(found["fc"], walkin.activations(model, other, nodes="fc")["fc"])
    part = walkin.activations(
        model, one, nodes="layer2.0/add", interventions=[Intervention("layer2.0/add", (5,), "swap", picture=other)]
    )["layer2.0/add"]
    kept = walkin.activations(model, one, nodes="layer2.0/add")["layer2.0/add"]
    theirs = walkin.activations(model, other, nodes="layer2.0/add")["layer2.0/add"]
    assert torch.equal(part[:, 5], theirs[:, 5])
    assert torch.equal(part[:, [0, 4, 6]], kept[:, [0, 4, 6]])


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (torch.ones(1, 3, 16, 16), "goes another way: one has shape (1, 8, 14, 14), not (1, 8, 6, 6)"),
        (torch.ones(1, 1, 8, 8), "the network fails on the other input: RuntimeError: Given groups=1"),
        (torch.ones(1, 3, 8, 8, dtype=torch.float64), "the network fails on the other input: RuntimeError: Input type"),
    ],
)
def test_an_input_that_gives_nothing_to_take_is_one_line(other: Tensor, words: str):
    with pytest.raises(WalkinError) as problem:
        walkin.activations(
            InPlace().eval(), torch.ones(1, 3, 8, 8), interventions=[Intervention("one", act="swap", picture=other)]
        )
    assert "one does not fit: " in str(problem.value) and words in str(problem.value)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("layer9=0", "no node 'layer9'"),
        ("layer1.0.conv1/64=0", "it has 64 channels"),
        ("input=0", "the input is no wall"),
        ("nothing at all", "says nothing of what is to be changed"),
        ("conv1=swap:cat.png", "swap needs the other input as a tensor"),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(wanted: str, words: str):
    model = torchvision.models.resnet18().eval()
    with pytest.raises(WalkinError) as refused:
        walkin.activations(model, torch.randn(1, 3, 64, 64), nodes="fc", interventions=[wanted])
    assert words in str(refused.value) and "\n" not in str(refused.value)


def test_what_is_not_finite_is_taken_out_too():
    changed = Rig(InPlace(), 16).changes(Intervention("one", (1,))).by_address["one"]
    value = torch.full((1, 8, 14, 14), float("nan"))
    assert torch.equal(changed(value)[:, 1], torch.zeros(1, 14, 14))
    assert bool(changed(value)[:, 0].isnan().all())


def test_the_model_is_as_it_was():
    model = InPlace().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x = torch.randn(1, 3, 16, 16)
    kept = x.clone()
    walkin.activations(model, x, interventions=["one/0=0", "two=*2"])
    assert torch.equal(x, kept) and all(torch.equal(before[name], value) for name, value in model.state_dict().items())


class Viewed(nn.Module):
    """Goes on with a view of a value, and with the value."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.one(x)
        flat = seen.flatten(1)
        return torch.cat((flat.sum(1, keepdim=True), seen.sum((1, 2, 3)).view(1, 1)), 1)


def test_a_view_is_changed_and_not_what_it_is_a_view_of():
    rig = Rig(Viewed(), 8, "ops")
    with torch.no_grad():
        seen = rig.model.one(rig.inputs[0])  # type: ignore[union-attr,operator]
    wanted = torch.tensor([[0.0, float(seen.sum())]])
    rig.run(NOTHING)
    changes = rig.changes(Intervention("flatten"))
    assert torch.allclose(rig.run(changes), wanted) and rig.reach.resumed
    assert torch.allclose(rig.whole(changes)[0], wanted)
    both = rig.run(rig.changes(Intervention("one"), Intervention("flatten", factor=2.0)))
    assert torch.equal(both, torch.zeros(1, 2))
