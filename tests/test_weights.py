"""Weights as people have them: named, downloaded, in files of every sort; what does not fit is said in one line."""

import argparse
import hashlib
import http.server
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from walkin.errors import WalkinError
from walkin.network.loading import checkpoint, weights
from walkin.network.loading import download as downloads
from walkin.network.loading.download import DownloadError, download, file_name, hash_prefix
from walkin.network.loading.loaded import load
from walkin.requests import Open
from walkin.results import Notice, Progress

NET = """
import torch.nn as nn


def net(classes=4):
    return nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(8, classes))
"""


def finished(job):
    told = []
    while True:
        try:
            told.append(next(job))
        except StopIteration as end:
            return told, end.value


@pytest.fixture
def spec(tmp_path) -> str:
    (tmp_path / "net.py").write_text(NET)
    return f"{tmp_path / 'net.py'}:net"


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    model = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten(), nn.Linear(8, 4))
    return {key: torch.full_like(value, 0.25) for key, value in model.state_dict().items()}


def opened(spec: str, path: Path, key: str | None = None):
    return finished(load(Open(spec, weights=str(path), key=key, device="cpu")))[1]


def assert_in(loaded, *words: str) -> None:
    """The weights are those of `state`, and the notes say what was done."""
    assert all(bool((p == 0.25).all()) for p in loaded.model.parameters())
    for word in words:
        assert any(word in note for note in loaded.notes), loaded.notes


def refused(spec: str, path: Path, *words: str, key: str | None = None) -> WalkinError:
    with pytest.raises(WalkinError) as refusal:
        opened(spec, path, key)
    message = str(refusal.value)
    assert "\n" not in message
    for word in words:
        assert word in message, message
    return refusal.value


def saved(what, path: Path) -> Path:
    torch.save(what, path)
    return path


def test_a_plain_state_dict(tmp_path, spec, state):
    loaded = opened(spec, saved(state, tmp_path / "w.pth"))
    assert_in(loaded)
    assert loaded.weights == "w.pth"
    assert not any("checkpoint" in note for note in loaded.notes)


def test_the_old_file_format(tmp_path, spec, state):
    torch.save(state, tmp_path / "w.pt", _use_new_zipfile_serialization=False)
    assert_in(opened(spec, tmp_path / "w.pt"))


def test_safetensors(tmp_path, spec, state):
    from safetensors.torch import save_file

    save_file(state, tmp_path / "w.safetensors")
    assert_in(opened(spec, tmp_path / "w.safetensors"))


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict", "ema"])
def test_usual_keys_are_unwrapped(tmp_path, spec, state, wrapper):
    held = {
        "epoch": 3,
        wrapper: state,
        "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
        "loss": torch.ones(()),
    }
    assert_in(opened(spec, saved(held, tmp_path / "w.pth")), f"under {wrapper}")


def test_nested_keys_and_the_choice_between_two(tmp_path, spec, state):
    zero = {key: torch.zeros_like(value) for key, value in state.items()}
    assert_in(opened(spec, saved({"ema": {"state_dict": state}}, tmp_path / "a.pth")), "ema, then state_dict")
    both = saved({"model": state, "ema": zero}, tmp_path / "b.pth")
    assert_in(opened(spec, both), "there is ema too: --key")
    averaged = opened(spec, both, key="ema")
    assert all(not p.any() for p in averaged.model.parameters())


def test_another_key(tmp_path, spec, state):
    path = saved({"teacher": {"backbone": state}, "step": 1}, tmp_path / "w.pth")
    assert_in(opened(spec, path, key="teacher.backbone"), "teacher.backbone")
    assert refused(spec, path, "teacher, step", key="student").code == 2
    assert refused(spec, path, "--key").code == 2


@pytest.mark.parametrize(
    "prefixes", [["module."], ["model."], ["_orig_mod."], ["module.", "model."], ["_orig_mod.", "module."]]
)
def test_prefixes_are_taken_off(tmp_path, spec, state, prefixes):
    held = {"".join(prefixes) + key: value for key, value in state.items()}
    assert_in(opened(spec, saved(held, tmp_path / "w.pth")), *prefixes)


def test_prefixes_beside_a_loss(tmp_path, spec, state):
    """Lightning: the network under model., and a criterion with weights of its own."""
    held = {f"model.{key}": value for key, value in state.items()} | {"criterion.weight": torch.ones(4)}
    assert_in(opened(spec, saved({"state_dict": held}, tmp_path / "w.ckpt")), "model.", "criterion.weight")


def test_a_network_that_is_a_part_of_what_was_trained(tmp_path, spec, state):
    """A LightningModule holds it under a name of its own, beside metrics and losses."""
    held = {f"net.{key}": value for key, value in state.items()} | {"criterion.weight": torch.ones(4)}
    assert_in(opened(spec, saved({"state_dict": held, "epoch": 3}, tmp_path / "w.ckpt")), "under net;")
    deeper = {f"trainer.student.encoder.{key}": value for key, value in state.items()}
    assert_in(opened(spec, saved(deeper, tmp_path / "d.pt")), "under trainer.student.encoder;")


def test_of_two_parts_that_are_the_network_either_can_be_had(tmp_path, spec, state):
    zero = {f"teacher.{key}": torch.zeros_like(value) for key, value in state.items()}
    both = {f"student.{key}": value for key, value in state.items()} | zero
    for held in (both, {"state_dict": both}):
        path = saved(held, tmp_path / "w.pt")
        assert_in(opened(spec, path), "under student (there is teacher too: --key)")
        assert all(not p.any() for p in opened(spec, path, key="teacher").model.parameters())
    refused(spec, path, "state_dict", key="nobody")


def test_a_part_that_is_another_network_is_refused(tmp_path, spec, state):
    few = {f"net.{key}": value for key, value in list(state.items())[1:]}
    refused(spec, saved(few, tmp_path / "few.pt"), "4 missing")
    other = {f"net.{key}": torch.ones(7, 7) for key in state}
    refused(spec, saved(other, tmp_path / "other.pt"), "4 missing")


def test_a_compiled_part(tmp_path, spec, state):
    held = {key.replace("0.", "0._orig_mod."): value for key, value in state.items()}
    assert_in(opened(spec, saved(held, tmp_path / "w.pth")), "_orig_mod.")


def test_weights_of_another_network(tmp_path, spec, state):
    other = {f"layer{i}.weight": torch.zeros(2) for i in range(9)}
    refused(
        spec, saved(other, tmp_path / "a.pth"), "a.pth", "4 missing (0.weight, 0.bias, 2.weight, ...)", "9 unexpected"
    )
    refused(spec, saved(state | {"2.scale": torch.ones(1)}, tmp_path / "b.pth"), "1 unexpected (2.scale)")
    shape = refused(spec, saved(state | {"0.weight": torch.ones(2, 1, 3, 3)}, tmp_path / "c.pth"), "1 of another shape")
    assert "0.weight (2, 1, 3, 3), not (2, 3, 3, 3)" in str(shape)


def test_a_deeper_network_of_the_same_family_is_refused():
    """resnet101 has every entry of resnet50, in the same shapes, and more blocks."""
    from torchvision.models import resnet18, resnet34

    fit = checkpoint.fit(resnet18(), resnet34().state_dict())
    assert not fit.missing and fit.unexpected and not fit.mismatched


def test_a_checkpoint_with_pickled_code_is_refused_and_not_run(tmp_path, spec):
    ran = tmp_path / "ran"
    path = saved({"state_dict": Trap(ran)}, tmp_path / "w.pth")
    refused(spec, path, "pickled code", "never run", "state_dict()")
    model = saved(nn.Linear(2, 2), tmp_path / "m.pt")
    refused(spec, model, "pickled code", "torch.nn.modules.linear.Linear")
    assert not ran.exists()


class Trap:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return (Path.touch, (self.mark,))


def test_a_checkpoint_with_harmless_extras_is_read(tmp_path, spec, state):
    extras = {"args": argparse.Namespace(lr=0.1), "best": np.float64(0.7), "step": np.int64(3), "folder": Path("a/b")}
    assert_in(opened(spec, saved({"model": state, **extras}, tmp_path / "w.pth")))


def test_torchscript_is_refused(tmp_path, spec):
    torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "w.pt"))
    refused(spec, tmp_path / "w.pt", "TorchScript")


def test_files_that_are_no_checkpoints(tmp_path, spec, state):
    whole = saved(state, tmp_path / "whole.pth").read_bytes()
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    old = (tmp_path / "old.pth").read_bytes()
    from safetensors.torch import save

    for name, content, word in (
        ("half.pth", whole[: len(whole) // 2], "truncated"),
        ("old_half.pth", old[: len(old) // 2], "truncated"),
        ("half.safetensors", save(state)[:-9], "truncated"),
        ("text.pth", b"hello, this is text\n", "not a PyTorch checkpoint"),
        ("page.pth", b"<!DOCTYPE html>", "not a PyTorch checkpoint"),
        ("pointer.pth", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS"),
        ("empty.pth", b"", "empty"),
    ):
        (tmp_path / name).write_bytes(content)
        refused(spec, tmp_path / name, name, word)
    refused(spec, tmp_path / "missing.pth", "no such file")
    (tmp_path / "folder.pth").mkdir()
    refused(spec, tmp_path / "folder.pth", "folder.pth")
    refused(spec, saved(torch.ones(3), tmp_path / "tensor.pth"), "one tensor")
    refused(spec, saved([1, 2], tmp_path / "list.pth"), "a list")
    refused(spec, saved({"epoch": 1}, tmp_path / "none.pth"), "--key")


def test_own_classes_in_a_networks_last_layer(tmp_path):
    """resnet18 trained on for 7 classes: built for 7, its class names no longer ImageNet's."""
    from torchvision.models import resnet18

    path = saved({f"module.{k}": v for k, v in resnet18(num_classes=7).state_dict().items()}, tmp_path / "w.pth")
    loaded = opened("resnet18", path)
    assert loaded.model(torch.zeros(1, 3, 32, 32)).shape == (1, 7)
    assert loaded.labels is None and any("7 classes" in note for note in loaded.notes)


def test_densenet_files_with_the_key_names_of_2017(tmp_path):
    from torchvision.models import densenet121

    own = densenet121().state_dict()
    old = {key.replace("norm1", "norm.1").replace("conv2", "conv.2"): value for key, value in own.items()}
    assert old.keys() != own.keys()
    fit = checkpoint.fit(densenet121(), old)
    assert not fit.missing and not fit.unexpected and not fit.mismatched


def test_names_of_weights():
    told, loaded = finished(load(Open("resnet18", weights="none", device="cpu")))
    assert loaded.weights == "untrained (seed 0)" and not any(isinstance(item, Notice) for item in told)
    with pytest.raises(WalkinError, match=r"IMAGENET1K_V9.*IMAGENET1K_V1") as refusal:
        finished(load(Open("resnet18", weights="IMAGENET1K_V9", device="cpu")))
    assert refusal.value.code == 2
    with pytest.raises(WalkinError, match="no weights"):
        finished(load(Open("demo", weights="IMAGENET1K_V1", device="cpu")))


# ---- downloads: from a server on this machine, and from one that breaks


class Server(http.server.BaseHTTPRequestHandler):
    """Serves one file, well or badly."""

    content = b""
    path_seen: list[str] = []  # noqa: RUF012  (shared on purpose: the handler is made anew for each request)

    def do_GET(self):
        self.path_seen.append(self.path)
        if self.path.startswith("/missing"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.content)))
        self.end_headers()
        if self.path.startswith("/broken"):
            self.wfile.write(self.content[: len(self.content) // 2])
        elif self.path.startswith("/slow"):
            for start in range(0, len(self.content), 4096):
                self.wfile.write(self.content[start : start + 4096])
                time.sleep(0.02)
        else:
            self.wfile.write(self.content)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    Server.path_seen.clear()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    served.server_close()


def from_server(monkeypatch, content: bytes, url: str) -> None:
    Server.content = content
    monkeypatch.setattr(weights, "address_of", lambda entry: url)


def trained_resnet18(tmp_path) -> bytes:
    from torchvision.models import resnet18

    state = {key: torch.full_like(value, 0.5) for key, value in resnet18().state_dict().items()}
    return saved(state, tmp_path / "server.pth").read_bytes()


@pytest.mark.slow
def test_default_weights_are_downloaded_once(tmp_path, monkeypatch, server):
    content = trained_resnet18(tmp_path)
    digest = hashlib.sha256(content).hexdigest()[:8]
    from_server(monkeypatch, content, f"{server}/resnet18-{digest}.pth")
    told, loaded = finished(load(Open("resnet18", device="cpu")))
    assert bool((loaded.model.conv1.weight == 0.5).all())
    assert loaded.weights == "ResNet18_Weights.IMAGENET1K_V1 (torchvision)"
    assert [item.fraction for item in told if isinstance(item, Progress) and "downloading" in item.label][-1] == 1
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    assert [file.name for file in folder.iterdir()] == [f"resnet18-{digest}.pth"]
    finished(load(Open("resnet18", device="cpu")))
    assert len(Server.path_seen) == 1
    # Half of the file, left by a program that was killed, is fetched again.
    (folder / f"resnet18-{digest}.pth").write_bytes(content[:5000])
    assert bool((finished(load(Open("resnet18", device="cpu")))[1].model.conv1.weight == 0.5).all())
    assert len(Server.path_seen) == 2


@pytest.mark.parametrize(
    "path, reason",
    [
        ("missing/resnet18-00000000.pth", "404"),
        ("broken/resnet18-00000000.pth", "connection ended"),
        ("resnet18-00000000.pth", "damaged"),
    ],
)
def test_a_failed_download_is_told_and_the_network_stays_untrained(tmp_path, monkeypatch, server, path, reason):
    from_server(monkeypatch, trained_resnet18(tmp_path), f"{server}/{path}")
    told, loaded = finished(load(Open("resnet18", device="cpu")))
    notices = [item for item in told if isinstance(item, Notice)]
    assert len(notices) == 1 and notices[0].level == "warning" and notices[0].lasting
    assert notices[0].text.startswith("untrained weights: download failed (") and reason in notices[0].text
    assert "give --weights FILE or none" in notices[0].text and "\n" not in notices[0].text
    assert loaded.weights == "untrained (seed 0)"
    assert loaded.preprocess.size == (3, 224, 224) and len(loaded.labels) == 1000
    assert leftovers(tmp_path) == []


def leftovers(tmp_path) -> list[str]:
    return [str(file) for file in (tmp_path / "torch").rglob("*") if file.is_file()]


def test_a_cancelled_download_leaves_nothing(tmp_path, server):
    Server.content = bytes(4096 * 500)
    target = tmp_path / "torch" / "file.pth"
    job = download(f"{server}/slow/file.pth", target, "open")
    fractions = [next(job).fraction for _ in range(4)]
    assert fractions[-1] is not None and 0 < fractions[-1] < 0.5
    assert leftovers(tmp_path)  # the unfinished one
    job.close()
    assert leftovers(tmp_path) == []


@pytest.mark.slow
def test_progress_of_a_download_grows_and_has_an_end_in_sight(tmp_path, server):
    Server.content = bytes(4096 * 50)
    told = list(download(f"{server}/slow/file.pth", tmp_path / "torch" / "file.pth", "open"))
    known = [item for item in told if item.fraction is not None]
    assert [item.fraction for item in known] == sorted(item.fraction for item in known) and len(known) > 3
    assert all(item.eta_s is not None and item.eta_s < 10 for item in known)


def test_addresses_that_lead_nowhere(tmp_path):
    source = tmp_path / "a.bin"
    source.write_bytes(b"abc")
    list(download(source.as_uri(), tmp_path / "b.bin", "open"))
    assert (tmp_path / "b.bin").read_bytes() == b"abc"
    for url in ("http://127.0.0.1:9/x.pth", (tmp_path / "gone").as_uri(), "nonsense://x"):
        with pytest.raises(DownloadError) as failure:
            list(download(url, tmp_path / "c.bin", "open"))
        assert "\n" not in str(failure.value) and str(failure.value)
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError):
        list(download(source.as_uri(), tmp_path / "file" / "under" / "a.bin", "open"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.bin", "b.bin", "file"]


def test_names_of_downloads():
    assert file_name("https://download.pytorch.org/models/resnet50-11ad3fa6.pth?x=1") == "resnet50-11ad3fa6.pth"
    assert hash_prefix("resnet50-11ad3fa6.pth") == "11ad3fa6"
    assert hash_prefix("vgg16_features-amdegroot-88682ab5.pth") == "88682ab5"
    assert hash_prefix("timm--resnet18.a1_in1k.safetensors") == ""
    assert downloads.checkpoints().name == "checkpoints"
