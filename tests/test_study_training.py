"""The study's training: what is fixed stays fixed, a killed training goes on to the same weights, files are whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision import models as zoo

import walkin
from walkin import models
from walkin.errors import WalkinError
from walkin.files.safe import in_place_of
from walkin.files.staging import sweep
from walkin.study import augmentation, keeping
from walkin.study import data as data_of
from walkin.study.data import Data
from walkin.study.processes import Processes
from walkin.study.recipe import Recipe
from walkin.study.stand_in import write_stand_in
from walkin.study.training import Trained, rate_at, train, weights_digest
from walkin.study.variants import VARIANTS, examples

ALONE = Processes(device=torch.device("cpu"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Data:
    """24 pictures to train on, 8 to test with."""
    folder = write_stand_in(tmp_path_factory.mktemp("standin") / "pictures", each=4)
    return next(step for step in data_of.read("standin", folder) if isinstance(step, Data))


def recipe(data: Data, **more: object) -> Recipe:
    usual = Recipe("standin", data.digest, False, "covid_resnet_small", "noise", 0, 4, 8, 1e-3, 0.05, 1.0, 0.5)
    return replace(usual, **more)  # type: ignore[arg-type]


def trained(data: Data, wanted: Recipe, path: Path, **more: object) -> Trained:
    steps = train(data, wanted, path, ALONE, **more)  # type: ignore[arg-type]
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def test_random_labels_and_noise_are_drawn_once():
    labels = torch.arange(400) % 10
    made = {
        name: examples(VARIANTS[name], tuple(range(400)), labels, 10, alpha=2.0, ratio=0.5, seed=3)
        for name in ("clean", "noise", "random")
    }
    assert torch.equal(made["clean"].labels, labels) and (made["clean"].noise < 0).all()
    assert len(made["random"]) == 400 and 20 <= (made["random"].labels == labels).sum() <= 60  # a tenth, by chance
    noise = made["noise"]
    assert len(noise) == 600 and torch.equal(noise.labels[:400], labels) and (noise.noise[:400] < 0).all()
    assert (noise.labels[400:] == labels[:200]).sum() <= 40 and len(set(noise.noise[400:].tolist())) == 200
    again = examples(VARIANTS["noise"], tuple(range(400)), labels, 10, alpha=2.0, ratio=0.5, seed=3)
    assert torch.equal(again.labels, noise.labels)
    black = torch.zeros(600, 3, 8, 10)
    shown = noise.noisy(black.clone())
    assert torch.equal(shown, again.noisy(black.clone()))
    assert (shown[:400] == 0).all() and shown[400:].std() == pytest.approx(2, abs=0.02)
    # A part of the examples has the noise that it has among all.
    assert torch.equal(noise.part(torch.tensor([450, 3])).noisy(black[:2].clone()), shown[[450, 3]])


def test_augmentation_moves_a_little_and_another_way_each_epoch():
    how = augmentation.drawn(64, 0, 0)
    assert torch.equal(how, augmentation.drawn(64, 0, 0)) and not torch.equal(how, augmentation.drawn(64, 0, 1))
    identity = torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    picture = torch.rand(1, 3, 32, 40)
    assert torch.allclose(augmentation.changed(picture, identity), picture, atol=1e-5)
    mirror = torch.tensor([[[-1.0, 0, 0], [0, 1, 0]]])
    assert torch.allclose(augmentation.changed(picture, mirror), picture.flip(-1), atol=1e-5)
    # Turned by 90 degrees, a square of pixels stays one, though the picture is wider than high.
    square = torch.zeros(1, 1, 32, 40)
    square[..., 12:20, 24:32] = 1
    turned = augmentation.changed(square, torch.tensor([[[0.0, -1, 0], [1, 0, 0]]]))
    assert turned.sum() == pytest.approx(64, abs=1)
    assert len(torch.nonzero(turned[0, 0].sum(0) > 0.5)) == 8


def test_the_rate_rises_falls_and_ends_at_nothing():
    rates = [rate_at(share / 100) for share in range(101)]
    assert max(rates) == pytest.approx(1) and rates.index(max(rates)) == 10
    assert rates[0] < 0.15 and rates[100] == pytest.approx(0, abs=1e-9)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_study_training as t
from walkin.study import data as data_of
from walkin.study.training import train

data = [step for step in data_of.read("standin", Path({folder!r})) if isinstance(step, data_of.Data)][0]
for number, _ in enumerate(train(data, t.recipe(data), Path({path!r}), t.ALONE, keep_s=0), 1):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_killed_training_goes_on_to_the_same_weights(data: Data, tmp_path: Path):
    whole = trained(data, recipe(data), tmp_path / "whole.safetensors")
    path = tmp_path / "killed" / "net.safetensors"
    script = KILLED.format(tests=str(Path(__file__).parent), folder=str(data.folder), path=str(path))
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    state = path.with_name("net.state.safetensors")
    assert not path.exists() and keeping.read(state).about["epoch"] == 3
    # As if it had been killed while it wrote.
    with pytest.raises(ZeroDivisionError), in_place_of(path) as partial:
        raise ZeroDivisionError
    half = partial.with_name(partial.name.replace(f".{os.getpid()}.", ".999999999."))
    others = path.with_name(".net.safetensors.another-machine.999999999.part")  # which writes it now, for all we know
    for left in (half, others):
        left.write_bytes(b"half")
    sweep(path.parent)
    assert not half.exists() and others.exists()
    others.unlink()
    steps = train(data, recipe(data), path, ALONE)
    assert next(steps).fraction == 1  # the fourth epoch of four
    list(steps)
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["net.safetensors"]
    kept = keeping.read(path)
    assert (
        kept.about["digest"]
        == weights_digest(whole.model)
        == keeping.read(tmp_path / "whole.safetensors").about["digest"]
    )
    assert len(kept.about["history"]) == 4


def test_another_recipe_is_refused_with_what_is_different(data: Data, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    keeping.write(path, {"a": torch.zeros(1)}, recipe(data), {})
    assert keeping.finished(path, recipe(data)) and not keeping.finished(tmp_path / "other", recipe(data))
    with pytest.raises(WalkinError, match=r"another recipe \(epochs 4, now 5\)"):
        keeping.finished(path, recipe(data, epochs=5))
    state = tmp_path / "two.state.safetensors"
    keeping.write(state, {"model/a": torch.zeros(1)}, recipe(data, alpha=2.0), {"epoch": 1})
    with pytest.raises(WalkinError, match=r"alpha 2.0, now 1.0"):
        next(train(data, recipe(data), tmp_path / "two.safetensors", ALONE))
    with pytest.raises(WalkinError, match=r"alpha 2.0, now 1.0"):  # and before anything is trained
        keeping.finished(tmp_path / "two.safetensors", recipe(data))
    path.write_bytes(b"no tensors")
    with pytest.raises(WalkinError, match="is damaged, or no network of a study"):
        keeping.finished(path, recipe(data))


FULL = """
import resource, signal, sys
from pathlib import Path
import torch
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from walkin.errors import WalkinError
from walkin.study import keeping
from walkin.study.recipe import Recipe
recipe = Recipe("standin", "", False, "covid_resnet_small", "clean", 0, 1, 8, 1e-3, 0.05, 1.0, 0.5)
try:
    keeping.write(Path(sys.argv[1]), {"a": torch.zeros(10_000)}, recipe, {})
except WalkinError as problem:
    print(problem)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="a limit that only POSIX has")
def test_a_full_disk_is_one_line_and_leaves_what_was_there(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"the old one")
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert "the disk is full" in done.stdout and done.stdout.count("\n") == 1, done.stdout + done.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"] and path.read_bytes() == b"the old one"


@pytest.mark.slow
def test_fine_tuning_begins_with_given_weights_and_leaves_the_stem(data: Data, tmp_path: Path):
    torch.manual_seed(5)
    parent = zoo.resnet18()
    for module in parent.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_()
    given = parent.state_dict()
    made = trained(data, recipe(data, variant="finetuned", epochs=1), tmp_path / "net.safetensors", pretrained=given)
    own = keeping.read(tmp_path / "net.safetensors").tensors
    stem = [name for name in own if name.startswith(models.SmallCovidResNet.stem)]
    assert len(stem) > 10 and all(torch.equal(own[name], given[name]) for name in stem)  # statistics, too
    moved = own["layer2.0.conv1.weight"] - given["layer2.0.conv1.weight"]
    assert 0 < moved.abs().max() < 0.01  # begun from there, and gone on
    assert made.model.classifier.weight.shape == (8, 512)
    with pytest.raises(WalkinError, match="no pretrained weights"):
        next(train(data, recipe(data, variant="finetuned"), tmp_path / "other.safetensors", ALONE))


TOGETHER = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
import test_study_training as t
from walkin.study import data as data_of
from walkin.study.processes import together
from walkin.study.training import train, weights_digest

data = [step for step in data_of.read("standin", Path({folder!r})) if isinstance(step, data_of.Data)][0]
with together(torch.device("cpu")) as processes:
    steps = train(data, t.recipe(data, epochs=2), Path({path!r}), processes, keep_s=0)
    try:
        while True:
            next(steps)
    except StopIteration as end:
        parameters = torch.nn.utils.parameters_to_vector(end.value.model.parameters())
        Path({path!r}).with_name(f"rank{{processes.rank}}").write_text(str(parameters.double().sum().item()))
"""


@pytest.mark.slow
def test_two_processes_train_one_network(data: Data, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    script = tmp_path / "script.py"
    script.write_text(TOGETHER.format(tests=str(Path(__file__).parent), folder=str(data.folder), path=str(path)))
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    sums = [float((tmp_path / f"rank{rank}").read_text()) for rank in (0, 1)]
    assert sums[0] == sums[1]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["net.safetensors", "rank0", "rank1", "script.py"]
    kept = keeping.read(path)
    assert kept.about["made"]["processes"] == 2 and len(kept.about["history"]) == 2
    single = trained(data, recipe(data, epochs=2), tmp_path / "single.safetensors")
    # Not the same, as batch norm sees half a batch, but the same training.
    assert kept.about["history"][0]["loss"] == pytest.approx(single.history[0]["loss"], rel=0.5)


def test_shares_of_a_batch_are_all_of_it_once():
    batch = torch.arange(8)
    shares = [Processes(rank, 2).share(batch) for rank in (0, 1)]
    assert sorted(torch.cat(shares).tolist()) == list(range(8)) and len(shares[0]) == len(shares[1])
    assert [len(Processes(rank, 3).share(batch)) for rank in range(3)] == [2, 2, 2]


def test_what_processes_sum_lies_where_the_network_does(monkeypatch):
    """NCCL refuses what lies on the CPU; meta stands for the GPU."""

    class Summed(Exception):
        pass

    def all_reduce(value: torch.Tensor) -> None:
        raise Summed(value.device.type)

    monkeypatch.setattr(torch.distributed, "all_reduce", all_reduce)
    with pytest.raises(Summed, match="meta"):
        Processes(0, 2, torch.device("meta")).mean(torch.zeros(2))
    assert torch.equal(ALONE.mean(torch.ones(2)), torch.ones(2))


@pytest.mark.slow
def test_no_number_of_64_bits_is_asked_of_a_device_that_has_none(data: Data, tmp_path: Path, monkeypatch):
    """As Macs': what has not come to the CPU yet has no double."""
    come: set[int] = set()
    cpu, double = torch.Tensor.cpu, torch.Tensor.double

    def to_cpu(value: torch.Tensor) -> torch.Tensor:
        there = cpu(value).clone()
        come.add(id(there))
        kept.append(there)
        return there

    def to_double(value: torch.Tensor) -> torch.Tensor:
        assert id(value) in come, "Cannot convert a MPS Tensor to float64 dtype"
        return double(value)

    kept: list[torch.Tensor] = []  # or ids come again
    monkeypatch.setattr(torch.Tensor, "cpu", to_cpu)
    monkeypatch.setattr(torch.Tensor, "double", to_double)
    made = trained(data, recipe(data, epochs=1, variant="clean"), tmp_path / "net.safetensors")
    assert 0 < made.history[0]["loss"] < 10 and 0 <= made.history[0]["accuracy"] <= 1


@pytest.mark.slow
def test_within_a_long_epoch_each_step_is_told(data: Data, tmp_path: Path):
    steps = list(train(data, recipe(data, epochs=2, variant="clean"), tmp_path / "net.safetensors", ALONE, tell_s=0))
    assert [step.fraction for step in steps] == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert "epoch 1 of 2, step 2 of 3" in steps[1].label and "epoch 2 of 2, " in steps[-1].label


APART = """
import sys
from pathlib import Path
import torch
sys.path.insert(0, {tests!r})
import test_study_training as t
from walkin.errors import WalkinError
from walkin.study import data as data_of
from walkin.study.processes import together
from walkin.study.training import train

data = [step for step in data_of.read("standin", Path({folder!r})) if isinstance(step, data_of.Data)][0]
with together(torch.device("cpu")) as processes:
    path = Path({out!r}, "shared" if len(sys.argv) > 1 else str(processes.rank), "net.safetensors")
    path.parent.mkdir(exist_ok=True)
    try:
        for number, _ in enumerate(train(data, t.recipe(data, variant="clean"), path, processes, keep_s=0), 1):
            if number == 2 and len(sys.argv) > 1:
                break
        Path({out!r}, f"done{{processes.rank}}").write_text(str(number))
    except WalkinError as problem:
        Path({out!r}, f"told{{processes.rank}}").write_text(str(problem))
"""


@pytest.mark.slow
def test_machines_that_share_no_folder_are_told_and_do_not_wait_for_ever(data: Data, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(APART.format(tests=str(Path(__file__).parent), folder=str(data.folder), out=str(tmp_path)))
    environment = {**os.environ, "PYTHONPATH": str(Path(walkin.__file__).parent.parent), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
    # Two epochs together, in a folder that both see; one of them loses sight of it.
    done = subprocess.run([*command, "shared"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    (tmp_path / "shared").rename(tmp_path / "0")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    for rank in (0, 1):
        assert "see the same files" in (tmp_path / f"told{rank}").read_text()
    # One process alone goes on from what two have left.
    rest = list(train(data, recipe(data, variant="clean"), tmp_path / "0" / "net.safetensors", ALONE))
    assert [step.fraction for step in rest] == [0.75, 1]


def test_a_file_holds_the_whole_recipe(data: Data, tmp_path: Path):
    path = tmp_path / "net.safetensors"
    trained(data, recipe(data, epochs=1, variant="random"), path)
    kept = keeping.read(path)
    assert Recipe(**kept.recipe) == recipe(data, epochs=1, variant="random")
    assert kept.about["classes"] == list(data.classes) and kept.about["preprocess"]["size"] == [3, 32, 40]
    assert json.dumps(kept.about["made"]) and kept.about["made"]["device"] == "cpu"
