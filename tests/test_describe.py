"""`walkin info`, `walkin networks` and the torch half of `walkin doctor`."""

import json

import pytest
import torch

from walkin.errors import WalkinError
from walkin.graph import Network, Node
from walkin.network import devices
from walkin.network.describe import info_json, info_text
from walkin.network.loading import catalogue
from walkin.network.loading.sources import STUDY

SMALL = Network(
    "tiny",
    (
        Node("input", "input", (1, 3, 8, 8)),
        Node("stem", "conv", (1, 4, 8, 8), ("input",), "conv2d", "Conv2d"),
        Node("block.conv", "conv", (1, 4, 8, 8), ("stem",), "conv2d", "Conv2d", "block"),
        Node("block/add", "add", (1, 4, 8, 8), ("block.conv", "stem"), "add", group="block"),
        Node("fc", "linear", (1, 10), ("block/add",), "linear", "Linear"),
    ),
    ("fc",),
    weights="untrained (seed 0)",
    parameters=1234,
    input_shape=(1, 3, 8, 8),
    notes=("assumed: input 3x8x8 (--input-size)",),
)


def test_json_is_what_the_design_says():
    described = json.loads(json.dumps(info_json(SMALL)))
    wanted = ["network", "weights", "parameters", "input", "nodes", "outputs", "maps", "elements"]
    assert [key for key in wanted if key not in described] == []
    assert described["input"] == [1, 3, 8, 8] and described["outputs"] == ["fc"]
    assert described["maps"] == 4 + 4 + 4 + 10 and described["elements"] == 3 * 256 + 10
    assert described["nodes"][3] == {
        "address": "block/add",
        "kind": "add",
        "shape": [1, 4, 8, 8],
        "inputs": ["block.conv", "stem"],
        "group": "block",
    }


def test_text_is_a_table_and_totals():
    lines = info_text(SMALL).splitlines()
    assert lines[0].split() == ["address", "kind", "shape", "maps", "inputs"]
    assert len({len(line) for line in lines[1:2]}) == 1 and set(lines[1]) == {"-"}
    add = next(line for line in lines if line.startswith("block/add"))
    assert add.split() == ["block/add", "add", "(add)", "1x4x8x8", "4", "block.conv,", "stem"]
    fc = next(line for line in lines if line.startswith("fc"))
    assert fc.split() == ["fc", "linear", "(Linear)", "1x10", "10"]  # follows the line above
    totals = "\n".join(lines[-5:])
    assert "tiny, untrained (seed 0)" in totals and "1,234 parameters" in totals
    assert "5 nodes, 5 edges, 22 maps, 778 values" in totals and "assumed: input 3x8x8" in totals


def test_all_inputs_are_told_with_their_names():
    """Not the first one alone: the others have walls, but are computed from nothing."""
    given = (
        Node("input", "input", (1, 3, 8, 8)),
        Node("table", "given", (1, 7)),
        Node("fc", "linear", (1, 2), ("table",)),
    )
    network = Network("two", given, ("fc",), parameters=9, input_shape=(1, 3, 8, 8))
    assert "inputs: input 1x3x8x8, table 1x7; 9 parameters" in info_text(network)
    expected = [{"address": "input", "shape": [1, 3, 8, 8]}, {"address": "table", "shape": [1, 7]}]
    assert info_json(network)["inputs"] == expected and info_json(network)["input"] == [1, 3, 8, 8]
    assert "\ninput 1x3x8x8, 1,234 parameters" in info_text(SMALL)


def test_a_network_whose_branches_are_not_known_says_so():
    chain = Network("x", SMALL.nodes, ("fc",), branches_known=False)
    assert "branches are not known" in info_text(chain) and "branches are not known" not in info_text(SMALL)


def test_an_empty_network():
    assert "0 nodes" in info_text(Network("nothing", (), ()))


def test_names():
    from torchvision.models import list_models

    everything = catalogue.names()
    assert {entry.name for entry in everything} == {"demo", *STUDY, *list_models()}
    assert all(entry.has_weights and entry.megabytes for entry in everything if entry.name not in STUDY)
    kinds = {entry.name: entry.kind for entry in everything}
    assert kinds["resnet50"] == "classification" and kinds["fcn_resnet50"] == "segmentation"
    assert kinds["ssd300_vgg16"] == "detection" and kinds["raft_small"] == "optical_flow" and kinds["s3d"] == "video"
    assert {entry.name for entry in catalogue.names("RESNET18")} == {"resnet18", "quantized_resnet18"}
    assert {entry.name for entry in catalogue.names("vgg1?")} == {"vgg11", "vgg13", "vgg16", "vgg19"}
    demo = catalogue.names("demo")[0]
    assert demo.here and demo.megabytes == pytest.approx(18.8, abs=0.1)


def test_names_say_what_is_on_the_machine(tmp_path, monkeypatch):
    from torchvision.models import ResNet18_Weights

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    before = catalogue.names("resnet18")[-1]
    assert not before.here and before.megabytes == pytest.approx(44.7, abs=0.1)
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    (folder / ResNet18_Weights.DEFAULT.url.rpartition("/")[2]).write_bytes(bytes(2_000_000))
    after = catalogue.names("resnet18")[-1]
    assert after.here and after.megabytes == 2.0
    text = catalogue.text(catalogue.names("resnet18"), "resnet18")
    assert "2.0 MB  here" in text and "to download" in text
    assert "'nosuch'" in catalogue.text(catalogue.names("nosuch"), "nosuch")


def test_report_on_torch(tmp_path, monkeypatch):
    rows = {item: (value, ok) for item, value, ok in devices.torch_report()}
    assert rows["torch"][1] and torch.__version__ in rows["torch"][0]
    assert rows["demo"][1] and rows["torchvision"][1]
    assert rows["cuda"][1] == torch.cuda.is_available() and rows["cuda"][0]
    assert not any("\n" in value for value, _ in rows.values())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "new"))
    rows = {item: (value, ok) for item, value, ok in devices.torch_report()}
    assert str(tmp_path) in rows["downloads"][0] and rows["downloads"][1]
    assert not (tmp_path / "new").exists()


def test_devices():
    assert devices.choose("cpu") == torch.device("cpu")
    assert devices.choose("auto").type in ("cpu", "cuda", "mps")
    with pytest.raises(WalkinError, match="no device 'gpu'") as refusal:
        devices.choose("gpu")
    assert refusal.value.code == 2
    for kind in ("cuda", "mps"):
        if not getattr(torch, kind).is_available():
            with pytest.raises(WalkinError, match=f"--device {kind} cannot be used: .+; use --device cpu"):
                devices.choose(kind)
