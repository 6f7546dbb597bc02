"""What a visitor may type for a network, and one clear line for what she may not."""

import os
import subprocess
import sys
import warnings

import pytest
import torch
from torch import nn

from walkin.errors import WalkinError
from walkin.network.feeding.pictures import picture_from
from walkin.network.loading import factory, loaded
from walkin.network.loading.loaded import load
from walkin.requests import Open
from walkin.results import Notice, Progress

PICTURE = picture_from(torch.linspace(0, 1, 3 * 40 * 60).reshape(3, 40, 60))

# One of each family that goes through another path of torchvision's builders.
FAMILIES = {
    "resnet18": 1,
    "quantized_shufflenet_v2_x0_5": 1,
    "lraspp_mobilenet_v3_large": 1,
    "ssdlite320_mobilenet_v3_large": 1,
    "mc3_18": 1,
    "raft_small": 2,
}

NET = """
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, num_classes=4, channels=3):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2, 3)
        self.fc = nn.Linear(2, num_classes)

    def forward(self, x):
        return self.fc(self.conv(x).mean((2, 3)))


def make(num_classes):
    return Net(num_classes)


def broken():
    raise RuntimeError("no such luck\\nsecond line")


def leaves():
    raise SystemExit(3)


def nothing():
    return None


class Space:
    inner = Net


ready = Net(5)
number = 7
"""


def finished(job):
    told = []
    while True:
        try:
            told.append(next(job))
        except StopIteration as end:
            return told, end.value


def opened(spec: str = "", **asked):
    return finished(load(Open(spec, device="cpu", **asked)))[1]


def refused(spec: str = "", *words: str, code: int | None = None, **asked) -> WalkinError:
    with pytest.raises(WalkinError) as refusal:
        opened(spec, **asked)
    message = str(refusal.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    if code is not None:
        assert refusal.value.code == code, message
    return refusal.value


@pytest.fixture
def net(tmp_path):
    file = tmp_path / "net.py"
    file.write_text(NET)
    return file


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_of_torchvision_runs(name):
    told, network = finished(load(Open(name, weights="none", device="cpu")))
    inputs = network.example_inputs(PICTURE)
    assert len(inputs) == FAMILIES[name]
    with torch.no_grad():
        network.model(*inputs)
    shown = network.shown(inputs)
    assert shown.ndim == 3 and shown.shape[2] == 3
    assert next(item.label for item in told if isinstance(item, Progress)) == "importing torchvision"
    assert all(item.job == "open" for item in told if isinstance(item, Progress))


@pytest.mark.slow
def test_forms_of_input():
    clip = opened("mc3_18", weights="none").example_inputs(PICTURE)[0]
    assert clip.shape == (1, 3, 16, 112, 112)
    first, second = opened("raft_small", weights="none").example_inputs(PICTURE)
    assert first.shape == second.shape and not torch.equal(first, second)
    assert all(extent % 8 == 0 for extent in first.shape[2:])
    (pictures,) = opened("ssdlite320_mobilenet_v3_large", weights="none").example_inputs(PICTURE)
    assert isinstance(pictures, list) and pictures[0].shape == (3, 40, 60)


def test_a_transformer_is_fed_the_size_that_it_was_built_for(monkeypatch):
    """vit_h_14's default weights take 518 pixels, the network without them 224; here with vit_b_16's, of 384."""
    from torchvision.models import ViT_B_16_Weights

    from walkin.network.loading import torchvision_zoo

    monkeypatch.setattr(torchvision_zoo, "default_weights", lambda _: ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1)
    assert opened("vit_b_16", weights="none").example_inputs(PICTURE)[0].shape == (1, 3, 224, 224)


def test_googlenet_and_inception_build_fast_and_quietly():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened("googlenet", weights="none").parameters == 6_624_904
        opened("inception_v3", weights="none")


def test_untrained_networks_depend_on_the_seed_alone():
    def first(seed):
        return next(opened("resnet18", weights="none", seed=seed).model.parameters())

    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = first(5)
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(one, first(5)) and not torch.equal(one, first(6))


def test_unknown_names_suggest_close_ones():
    refused("resnet5", "unknown network 'resnet5'", "resnet50", code=2)
    refused("ResNet-5", "resnet50", code=2)
    refused("qqqqqqq", "walkin networks", code=2)
    refused("dmo", "demo", code=2)
    refused("", "no network given", code=2)
    assert opened("ResNet18", weights="none").name == "resnet18"


def test_timm():
    pytest.importorskip("timm")
    network = opened("timm:resnet18.a1_in1k", weights="none")
    assert network.preprocess.interpolation == "bicubic" and len(network.labels) == 1000
    with torch.no_grad():
        assert network.model(*network.example_inputs(PICTURE)).shape == (1, 1000)
    refused("timm:resnet5", "timm:resnet50", code=2)
    refused("timm:resnet18.nonsense", "a1_in1k", code=2)
    refused("timm:resnet18", "a1_in1k", code=2, weights="nonsense")


def test_timm_weights_go_in_by_timms_own_rules(tmp_path, monkeypatch):
    timm = pytest.importorskip("timm")
    from walkin.network.loading import timm_zoo

    state = {k: torch.full_like(v, 0.5) for k, v in timm.create_model("resnet18").state_dict().items()}

    def fetched(hub_id, file):
        assert hub_id == "timm/resnet18.a2_in1k"
        yield Progress("open", "reading")
        return state

    monkeypatch.setattr(timm_zoo, "_fetched", fetched)
    network = opened("timm:resnet18", weights="a2_in1k")
    assert bool((network.model.conv1.weight == 0.5).all()) and "a2_in1k" in network.weights


def test_without_timm_one_line_says_how_to_get_it(monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "timm" else real(name, *rest))
    refused("timm:resnet18", "pip install 'walkin[timm]'")


def test_own_class_function_and_instance(net):
    network = opened(f"{net}:Net(num_classes=10, channels=1)")
    assert network.model.fc.out_features == 10 and network.name == "Net"
    assert network.weights == "weights as the factory made them"
    assert network.preprocess.size == (1, 224, 224)
    assert any("--input-size" in note for note in network.notes)
    assert opened(f"{net}:make(7)").model.fc.out_features == 7
    assert opened(f"{net}:ready").model.fc.out_features == 5
    assert opened(f"{net}:Space.inner").model.fc.out_features == 4


def test_a_network_that_lies_in_a_module_is_copied(tmp_path, monkeypatch):
    (tmp_path / "holds_a_network.py").write_text("import torch\n\nready = torch.nn.Conv2d(3, 1, 1)\n")
    monkeypatch.syspath_prepend(tmp_path)
    import holds_a_network  # pyright: ignore[reportMissingImports]

    assert opened("holds_a_network:ready").model is not holds_a_network.ready
    assert holds_a_network.ready.training and holds_a_network.ready.weight.requires_grad


def test_own_networks_from_a_module(net, monkeypatch):
    monkeypatch.chdir(net.parent)
    (net.parent / "some").mkdir()
    (net.parent / "some" / "__init__.py").touch()
    (net.parent / "some" / "parts.py").write_text("from torch.nn import Conv2d\n")
    (net.parent / "some" / "whole.py").write_text(
        "from .parts import Conv2d\n\n\ndef net():\n    return Conv2d(3, 1, 1)\n"
    )
    assert isinstance(opened("some.whole:net").model, nn.Conv2d)
    assert isinstance(opened(f"{net.parent}/some/whole.py:net").model, nn.Conv2d)
    assert isinstance(opened("torch.nn:Conv2d(3, 2, kernel_size=1)").model, nn.Conv2d)
    refused("no_such_module_here:Net", "no module 'no_such_module_here'", code=2)


def test_files_of_one_name_are_two_modules(tmp_path):
    for folder, size in (("a", 2), ("b", 3)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(
            f"import torch\n\n\ndef f():\n    return torch.nn.Conv2d(3, {size}, 1)\n"
        )
        assert opened(f"{tmp_path}/{folder}/net.py:f").model.out_channels == size


def test_faults_of_a_factory_are_one_line(net):
    failure = refused(f"{net}:broken", "broken failed", "RuntimeError: no such luck", "net.py, line")
    assert isinstance(failure.__cause__, RuntimeError)  # --debug shows it
    refused(f"{net}:leaves", "SystemExit")
    refused(f"{net}:nothing", "gave None, not an nn.Module")
    refused(f"{net}:number", "is an int")
    refused(f"{net}:Nett", "no 'Nett'", "Net", code=2)
    refused(f"{net}:make", "num_classes", code=2)
    refused(f"{net}:Net(number=3)", "number", code=2)
    refused(f"{net}:ready(1)", "leave the arguments out", code=2)
    refused(f"{net}:Net(open('x'))", "literals only", code=2)
    refused(f"{net}:Net(", "cannot read", code=2)
    refused(f"{net}", "which network", f"{net}:Net", code=2)
    refused(f"{net.parent}/nett.py:Net", "no such file", "net.py", code=2)
    refused("weights.pth", "--weights weights.pth", code=2)
    net.with_name("bad.py").write_text("import torch\ndef f(:\n")
    refused(f"{net.parent}/bad.py:f", "SyntaxError", "line 2")
    net.with_name("needs.py").write_text("import a_package_that_is_not_there\n")
    refused(f"{net.parent}/needs.py:f", "ModuleNotFoundError", "a_package_that_is_not_there")


@pytest.mark.parametrize(
    "spec, where, name, keywords",
    [
        ("net.py:Net", "net.py", "Net", {}),
        ("C:\\nets\\net.py:Net(a='x:y', b=[1, 2])", "C:\\nets\\net.py", "Net", {"a": "x:y", "b": [1, 2]}),
        ("a.b:C.d(e={'f': -1})", "a.b", "C.d", {"e": {"f": -1}}),
        ("dir/net.py:f()", "dir/net.py", "f", {}),
    ],
)
def test_specs_are_taken_apart(spec, where, name, keywords):
    call = factory.parse(spec)
    assert (call.where, call.name, dict(call.keywords)) == (where, name, keywords)


def test_a_live_module_is_copied_and_left_alone():
    live = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2), nn.Dropout()).train()
    network = opened("mine", model=live)
    assert live.training and all(p.requires_grad for p in live.parameters())
    assert not network.model.training and network.name == "mine"
    network.model[0].weight.zero_()
    assert live[0].weight.any()
    assert opened("", model=live).name == "Sequential"
    refused("x", "no nn.Module", model="resnet18")


def test_wrapped_and_awkward_live_modules():
    inner = nn.Conv2d(3, 2, 3)
    wrapped = nn.DataParallel(inner)
    network = opened("x", model=wrapped)
    assert isinstance(network.model, nn.Conv2d) and "taken out of DataParallel" in network.notes
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        normed = nn.utils.weight_norm(nn.Conv2d(3, 2, 3))  # its weight is computed: deepcopy refuses it
    normed(torch.zeros(1, 3, 4, 4))
    copied = opened("x", model=normed)
    assert torch.allclose(copied.model(torch.ones(1, 3, 4, 4)), normed(torch.ones(1, 3, 4, 4)))
    lazy = opened("x", model=nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.LazyLinear(2)), input_size=(8, 8))
    assert lazy.parameters == 4 * 3 * 9 + 4 + 2 * 4 * 36 + 2
    refused("x", "lazy", "3x2x2", "--input-size", model=nn.LazyConv2d(4, 3), input_size=(2, 2))
    half = opened("x", model=nn.Conv2d(3, 2, 3).to(torch.bfloat16))
    assert half.model(*half.example_inputs(PICTURE)).dtype == torch.bfloat16
    refused("x", "meta", model=nn.Conv2d(3, 2, 3, device="meta"))


def test_input_flags(net):
    network = opened(f"{net}:Net", input_size=(48, 64), mean=(0.5,), std=(0.25,))
    assert network.example_inputs(PICTURE)[0].shape == (1, 3, 48, 64)
    assert not any("assumed" in note for note in network.notes)
    some = opened(f"{net}:Net", input_size=(48, 64))
    assert any("mean" in note and "--input-size" not in note for note in some.notes)
    assert opened("resnet18", weights="none", input_size=(64, 64)).example_inputs(PICTURE)[0].shape == (1, 3, 64, 64)
    refused("resnet18", "--input-size", input_size=(0, 3), code=2)
    refused(f"{net}:Net", "--mean", mean=(1.0, 2.0), code=2)


def test_labels(net, tmp_path):
    (tmp_path / "four.txt").write_text("\ufeffa\nb\n\nd\n", encoding="utf-8")
    assert opened(f"{net}:Net", labels=str(tmp_path / "four.txt")).labels == ("a", "b", "", "d")
    assert opened(f"{net}:Net", names=("x", "y")).labels == ("x", "y")
    told, network = finished(load(Open("resnet18", weights="none", labels=str(tmp_path / "four.txt"), device="cpu")))
    notices = [item.text for item in told if isinstance(item, Notice)]
    assert notices == ["4 class names for 1000 classes: classes are shown as numbers"] and network.labels is None
    (tmp_path / "empty.txt").touch()
    (tmp_path / "binary.txt").write_bytes(b"\0\1\2")
    refused("demo", "empty", labels=str(tmp_path / "empty.txt"), code=2)
    refused("demo", "not a text file", labels=str(tmp_path / "binary.txt"), code=2)
    refused("demo", "cannot read --labels", labels=str(tmp_path / "gone.txt"), code=2)
    refused("demo", "cannot read --labels", labels=str(tmp_path), code=2)


def test_scores():
    from walkin.network.showing.labels import mismatch, scores

    logits = torch.tensor([[0.0, 2.0, 1.0]])
    found = scores(logits, ("a", "b", "c"), n=2)
    assert found.names == ("b", "c") and found.probabilities[0] == pytest.approx(0.6652, abs=1e-4)
    probabilities = torch.tensor([[0.1, 0.7, 0.2]])
    assert scores(probabilities).probabilities == pytest.approx((0.7, 0.2, 0.1))
    assert scores(logits, ("a", "b")).names == ("class 1", "class 2", "class 0")
    assert mismatch(logits, ("a", "b")).level == "warning" and mismatch(logits, ("a", "b", "c")) is None
    assert scores({"logits": logits}).names[0] == scores((logits, 1)).names[0] == "class 1"
    for other in (
        torch.zeros(1, 3, 4, 4),
        {"out": torch.zeros(1, 21, 4, 4)},
        [{"boxes": torch.zeros(0, 4)}],
        None,
        "x",
    ):
        assert scores(other) is None
    assert scores(torch.tensor([[float("nan"), 1.0]])) is None
    assert scores(torch.zeros(1, 1)) is None


def test_what_is_wrong_is_said_before_anything_is_imported(tmp_path):
    """Nothing has been yielded yet: not even torchvision's import has begun."""
    for asked in (
        {"weights": str(tmp_path / "gone.pth")},
        {"key": "ema"},
        {"labels": str(tmp_path / "gone.txt")},
        {"device": "toaster"},
        {"input_size": (1,)},
    ):
        with pytest.raises(WalkinError) as refusal:
            next(load(Open("resnet18", **({"device": "cpu"} | asked))))
        assert refusal.value.code == 2


@pytest.mark.slow
def test_importing_the_loader_imports_no_torchvision():
    heavy = ("torchvision", "timm", "safetensors")
    code = f"import sys, walkin.network.loading.loaded; print([name for name in {heavy} if name in sys.modules])"
    paths = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, env=paths)
    assert done.stdout.strip() == "[]", done.stderr
    assert loaded.JOB == "open"
