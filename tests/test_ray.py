"""Visualisations by the workers of a Ray cluster: nothing is lost or made twice, whatever happens to the workers."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from growing_nets import finished, loaded, small
from torch import nn

import walkin
from walkin.cli import run
from walkin.errors import WalkinError
from walkin.network.featurevis import cluster as clusters
from walkin.network.featurevis import growing, sharing
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.cluster import Asked
from walkin.network.featurevis.errand import Errand
from walkin.network.featurevis.recipe import named
from walkin.results import Notice, Progress

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

RECIPE = named("fourier").shortened(120).with_(every=4)
SHORT = RECIPE.shortened(8)
LONG = named("fourier").shortened(360).with_(every=4)  # a batch is told of many times before it is half done
WALL = [f"2/{number}" for number in range(8)] + [f"0/{number}" for number in range(6)]

NET = """
import torch
from torch import nn
from beside import rectified

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 6, 5, padding=2), nn.Conv2d(6, 16, 5, padding=2)

    def forward(self, x):
        return self.b(rectified(self.a(x)))

def make():
    torch.manual_seed(0)
    return Net()
"""
BESIDE = "def rectified(x):\n    return x.relu()\n"


class Nodes:
    """Three nodes of one processor each on this machine."""

    def __init__(self, folder: str):
        from ray.cluster_utils import Cluster

        Path(folder, "ray").mkdir()
        self.cluster = Cluster(initialize_head=True, head_node_args=self._each(include_dashboard=False))
        self.others = [self.add(), self.add()]
        self.address = self.cluster.address

    def add(self, **options: Any) -> Any:
        return self.cluster.add_node(**self._each(**options))

    def kill(self, node: Any) -> None:
        self.others.remove(node)
        self.cluster.remove_node(node, allow_graceful=False)

    def _each(self, **options: Any) -> dict[str, Any]:
        return {"num_cpus": 1, "num_gpus": 0, "object_store_memory": 80 << 20, **options}


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        folder = tempfile.mkdtemp(prefix="wr-", dir="/tmp")  # Ray's sockets take no long path
        patch.setenv("RAY_TMPDIR", folder)  # and what it tells others of this machine is for nobody
        nodes = Nodes(folder)
        try:
            yield nodes
        finally:
            ray.shutdown()
            nodes.cluster.shutdown()
            shutil.rmtree(folder, ignore_errors=True)
    left = _processes(folder)
    assert not left, left


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    (tmp_path / "beside.py").write_text(BESIDE)
    return tmp_path


@pytest.fixture
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


WITH_A_HEAD = """
import sys
from ray.cluster_utils import Cluster
each = dict(num_cpus=1, num_gpus=0, object_store_memory=80 << 20)
cluster = Cluster(initialize_head=True, head_node_args={**each, "include_dashboard": False})
cluster.add_node(**each)
print(cluster.address, flush=True)
sys.stdin.readline()
cluster.remove_node(cluster.head_node, allow_graceful=False)
print("gone", flush=True)
sys.stdin.readline()
cluster.shutdown()
"""


class Watched:
    """What the driver sends and keeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self.posted: list[tuple[str, ...]] = []
        self.put: Counter[str] = Counter()
        self.shares: list[sharing.Share] = []
        share_of, post, put = sharing.Share.of, sharing.Share._post, Cache.put
        monkeypatch.setattr(sharing.Share, "of", lambda *given: self.shares.append(share_of(*given)) or self.shares[-1])

        def log_post(share: sharing.Share, errand: Errand, node: str) -> Any:
            self.posted.append(tuple(str(request.objective) for request in errand.requests))
            return post(share, errand, node)

        def log_put(cache: Cache, key: Any, entry: Any) -> str:
            self.put[key.hash] += 1
            return put(cache, key, entry)

        monkeypatch.setattr(sharing.Share, "_post", log_post)
        monkeypatch.setattr(Cache, "put", log_put)

    def under_way(self) -> dict[str, tuple[str, ...]]:
        """Node -> the pictures of the batch that is begun there, and not nearly done."""
        share = self.shares[-1]
        halves = {}
        for sent in share.running.values():
            node, step = share.steps.get(sent.errand.number, ("", 0))
            if 0 < step <= share.studio.recipe.steps // 2:  # what was told may be old: far from its end
                halves[node] = tuple(str(request.objective) for request in sent.errand.requests)
        return halves


def _processes(text: str) -> list[str]:
    """Command lines of processes with `text` in them."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        line = " ".join(process.info["cmdline"] or ())
        if text in line and process.info["status"] != psutil.STATUS_ZOMBIE and process.info["pid"] != os.getpid():
            found.append(line[:120])
    return found


def test_a_node_that_dies_costs_only_what_it_had_not_finished(nodes, here, monkeypatch, one_thread):
    watched, network = Watched(monkeypatch), loaded(small())
    asked = Asked(nodes.address, "cpu")
    results, found, said, lost, before = growing.visualise(
        network, WALL, LONG, cache=Cache(), batch=2, ray=asked
    ), {}, [], (), ()  # fmt: skip
    for result in results:
        if isinstance(result, Notice):
            said.append(result.text)
        for grown in finished(iter([result])):
            found.update({one.objective: one for one in grown.each()})
        halves = watched.under_way() if watched.shares and found and not lost else {}
        for node in list(nodes.others):
            if node.node_id in halves and not lost:
                lost, before = halves[node.node_id], tuple(found)
                nodes.kill(node)
    assert lost and before and set(found) == set(WALL)
    posted = Counter(watched.posted)
    assert posted[lost] == 2 and any("begun again" in line for line in said)
    # Nothing that had been finished was sent again, and each picture was kept once.
    assert all(count == 1 for batch, count in posted.items() if set(batch) & set(before))
    assert len(watched.put) == len(WALL) and set(watched.put.values()) == {1}
    assert "Ray: 3 workers on 3 nodes" in said[0] and "1 thread each" in said[0]

    # The same pictures, to the last bit, as without Ray, with the same batches and as many threads.
    plain = {}
    for grown in finished(growing.visualise(network, WALL, LONG, batch=2)):
        plain.update({one.objective: one for one in grown.each()})
    for name, one in plain.items():
        assert np.array_equal(found[name].pixels, one.pixels) and found[name].activation == one.activation, name

    # What Ray made is found without it, and the other way round.
    monkeypatch.setattr(growing, "making", lambda *given: pytest.fail("made anew"))
    assert len(finished(growing.visualise(network, WALL, LONG, cache=Cache()))) == len(WALL)
    nodes.others.append(nodes.add())


def test_without_its_head_what_is_finished_is_kept_and_the_same_goes_on(here):
    """Ray itself waits for a minute, in calls that cannot be left, and then ends the process without a word of ours."""
    folder = tempfile.mkdtemp(prefix="wr-", dir="/tmp")
    environment = {**os.environ, "RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0"}
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    cluster = subprocess.Popen(
        [sys.executable, "-c", WITH_A_HEAD], stdin=subprocess.PIPE, env=environment, start_new_session=True, **pipes
    )
    try:
        address = cluster.stdout.readline().strip()
        arguments = [sys.executable, "-m", "walkin", "featurevis", "net.py:make", "b", "--out", "out"]
        arguments += [
            "--input-size",
            "3,32x32",
            "--weights",
            "none",
            "--device",
            "cpu",
            "--batch",
            "2",
            "--steps",
            "60",
        ]
        running = subprocess.Popen([*arguments, "--ray", address], **pipes)
        deadline = time.monotonic() + 120
        while not list(Path("out").glob("*.png")):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        print("now", file=cluster.stdin, flush=True)
        assert cluster.stdout.readline().strip() == "gone"
        _, err = running.communicate(timeout=120)
    finally:
        os.killpg(cluster.pid, signal.SIGKILL)
        for process in psutil.process_iter(["cmdline"]):
            if folder in " ".join(process.info["cmdline"] or ()):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)
    said = err.strip().splitlines()
    assert running.returncode == 1 and "the head of the cluster at" in said[-1] and "GCS" not in err, said
    kept = {path: path.read_bytes() for path in Path("cache").rglob("*.safetensors")}
    assert 2 <= len(kept) < 16, said
    done = subprocess.run(arguments, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    every = [*Path("cache").rglob("*.safetensors")]
    assert done.returncode == 0 and len(every) == 16, done.stderr
    assert all(path.read_bytes() == content for path, content in kept.items())


def test_what_was_made_without_ray_is_not_sent_away(nodes, here, monkeypatch):
    watched, network = Watched(monkeypatch), loaded(small())
    list(growing.visualise(network, WALL[:3], SHORT, cache=Cache()))
    results = list(growing.visualise(network, WALL[:4], SHORT, cache=Cache(), ray=Asked(nodes.address, "cpu")))
    assert sum(len(grown.objectives) for grown in finished(iter(results))) == 4 and watched.posted == [(WALL[3],)]
    assert [result.eta_s for result in results if isinstance(result, Progress)]
    watched.posted.clear()
    list(growing.visualise(network, WALL[:4], SHORT, cache=Cache(), ray=Asked(nodes.address, "cpu")))
    assert not watched.posted and len(watched.shares) == 1


class Strict(nn.Conv2d):
    """As one that was never meant for batches."""

    def forward(self, x):
        if len(x) == 2:
            raise ValueError("one picture at a time")
        return super().forward(x)


class Deadly(nn.Conv2d):
    """As one that the system ends for want of memory."""

    def forward(self, x):
        if len(x) == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().forward(x)


def test_a_batch_that_raises_is_reported_and_one_that_kills_is_made_in_parts(nodes, here):
    torch.manual_seed(0)
    network = loaded(nn.Sequential(nn.Conv2d(3, 4, 3), Deadly(4, 4, 3), Strict(4, 4, 3)))
    said, found = [], set()
    objectives = ["2/0", "2/1", "1/0", "1/1", "1/2", "0/0", "0/1"]
    for result in growing.visualise(network, objectives, SHORT, batch=3, ray=Asked(nodes.address, "cpu")):
        said += [result.text] if isinstance(result, Notice) else []
        for grown in finished(iter([result])):
            found |= set(grown.objectives)
    assert found == {"0/0", "0/1", "1/0", "1/1", "1/2"}, said
    failed = [line for line in said if "no picture of it" in line]
    assert failed == [f"2/{n}: ValueError: one picture at a time: no picture of it" for n in range(2)]
    assert any("died" in line and "in two halves" in line for line in said)


def test_a_worker_that_cannot_import_torch_gets_no_more_work(nodes, here, monkeypatch):
    broken = here / "broken"
    broken.mkdir()
    (broken / "torch.py").write_text("raise ImportError('no torch on this node')")
    poor = nodes.add(env_vars={"PYTHONPATH": str(broken)})
    try:
        watched, network, said, found = Watched(monkeypatch), loaded(small()), [], set()
        for result in growing.visualise(network, WALL, SHORT, batch=1, ray=Asked(nodes.address, "cpu")):
            said += [result.text] if isinstance(result, Notice) else []
            for grown in finished(iter([result])):
                found |= set(grown.objectives)
        assert found == set(WALL)
        told = [line for line in said if "gets no more work" in line]
        assert len(told) == 1 and "ImportError: no torch on this node" in told[0] and poor.node_id[:8] in told[0]
        assert set(watched.shares[0].unfit) == {poor.node_id}
    finally:
        nodes.cluster.remove_node(poor, allow_graceful=False)


def test_a_worker_with_another_walkin_says_so(nodes, here, monkeypatch):
    monkeypatch.setattr(sharing, "__version__", "0.0.0")
    network = loaded(small())
    with pytest.raises(WalkinError, match=r"no worker .* is there, 0\.0\.0 here"):
        list(growing.visualise(network, WALL[:1], SHORT, ray=Asked(nodes.address, "cpu")))


def test_a_script_gets_the_same_and_keeps_the_cluster_that_it_has_joined(nodes, here, capfd):
    import ray

    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), Local(4, 4, 3))  # a class of this file, which no worker can import
    options = {"steps": 8, "input_size": 24, "weights_seed": 0}
    plain = walkin.visualise(model, "1", [2, 0], device="cpu", cache=False, **options)
    ray.init(address=nodes.address, log_to_driver=False)
    try:
        shares = []
        found = walkin.visualise(
            model, "1", [2, 0], ray="auto", device="cpu", progress=lambda done, _: shares.append(done), **options
        )
        assert ray.is_initialized()
    finally:
        ray.shutdown()
    assert [one.objective for one in found] == ["1/2", "1/0"] and shares == sorted(shares)
    for ours, theirs in zip(found, plain, strict=True):
        assert np.abs(ours.pixels.astype(int) - theirs.pixels).max() <= 1
    assert "the cluster that the script has joined" in capfd.readouterr().err


class Local(nn.Conv2d):
    """Of this file."""


def interruptible() -> None:
    """Tests that were begun in the background have SIGINT ignored, and hand that down."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_keeps_what_is_finished_and_leaves_nothing_running(here):
    arguments = [sys.executable, "-m", "walkin", "featurevis", "net.py:make", "b", "--input-size", "3,32x32",
                 "--weights", "none", "--device", "cpu", "--out", "out", "--batch", "2", "--steps", "60"]  # fmt: skip
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    running = subprocess.Popen(
        [*arguments, "--ray", "local"], start_new_session=True, preexec_fn=interruptible, **pipes
    )
    folders = set(Path("/tmp").glob("walkin-ray-*"))
    try:
        deadline = time.monotonic() + 120
        while not list(Path("out").glob("*.png")):
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        folders = set(Path("/tmp").glob("walkin-ray-*")) - folders
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does
        out, err = running.communicate(timeout=60)
    finally:
        running.kill()
    said = err.strip().splitlines()
    assert running.returncode == 130 and not out, (out, said)
    assert "of 16; the same command goes on, 1 sheet" in said[-1] and "Traceback" not in "".join(said), said
    for folder in folders:
        assert not folder.exists() and not _processes(str(folder))
    assert {path.name for path in Path().iterdir()} <= {"net.py", "beside.py", "out", "cache", "__pycache__"}
    kept = {path: path.stat().st_mtime_ns for path in Path("cache").rglob("*.safetensors")}
    assert len(kept) >= len([*Path("out").glob("b-0*.png")]) > 0
    done = subprocess.run(arguments, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0 and "16 pictures" in done.stderr, done.stderr
    every = [*Path("cache").rglob("*.safetensors")]
    assert len(every) == 16 and set(kept) <= set(every)
    made = [path for path in every if path not in kept]
    assert len(made) == 16 - len(kept)


@pytest.mark.parametrize(
    ("address", "code", "reason"),
    [
        ("nonsense", 2, "auto, local or HOST:PORT is wanted"),
        ("127.0.0.1:1", 1, "no Ray cluster there: Connection refused"),
        ("nowhere.invalid:6379", 1, "no Ray cluster there: "),
        ("127.0.0.1:{port}", 1, "no Ray cluster answers there within 4 s"),
    ],
)
def test_an_address_where_no_cluster_is_is_one_line(here, capfd, monkeypatch, address, code, reason):
    monkeypatch.setattr(clusters, "_ANSWER_S", 4.0)
    with socket.socket() as listening:  # answers, but is no Ray
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        address = address.format(port=listening.getsockname()[1])
        assert featurevis("--ray", address) == code
    said = capfd.readouterr().err.strip().splitlines()
    assert f"--ray {address!r}" in said[-1] or f"--ray {address}" in said[-1]
    assert reason in said[-1] and "Traceback" not in "".join(said) and not Path("out/index.json").exists()


def test_another_ray_than_the_clusters_is_one_line(nodes, here, capfd, monkeypatch):
    import ray

    monkeypatch.setattr(clusters, "_JOIN", f"import ray\nray.__version__ = '1.2.3'\n{clusters._JOIN}")
    assert featurevis("--ray", nodes.address) == 1
    said = capfd.readouterr().err.strip().splitlines()
    assert f"--ray {nodes.address}" in said[-1] and "Traceback" not in "".join(said)
    assert ray.__version__ in said[-1] and "1.2.3" in said[-1]


def test_what_ray_cannot_do_is_one_line(nodes, here, capfd, monkeypatch):
    assert featurevis("--ray", nodes.address, "--device", "cuda") == 1
    assert "no node of the Ray cluster has a GPU" in capfd.readouterr().err.splitlines()[-1]
    (here / "net.py").write_text(NET.replace("return Net()", "net = Net(); net.kept = (n for n in ()); return net"))
    assert featurevis("--ray", nodes.address) == 1
    assert "make cannot be sent to workers: cannot pickle 'generator' object" in capfd.readouterr().err.splitlines()[-1]
    usual = clusters.importlib.util.find_spec
    monkeypatch.setattr(clusters.importlib.util, "find_spec", lambda name: None if name == "ray" else usual(name))
    assert featurevis("--ray", "auto") == 1
    assert capfd.readouterr().err.splitlines()[-1] == "walkin: --ray needs Ray: pip install 'walkin[ray]'"


def featurevis(*arguments: str) -> int:
    usual = ("--input-size", "3,24x24", "--steps", "8", "--out", "out", "--weights", "none")
    return run(["featurevis", "net.py:make", "a/1", *arguments, *usual])


def test_a_head_that_does_not_say_which_nodes_there_are_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    import threading

    import ray

    from walkin.network.featurevis import cluster

    answered = threading.Event()
    monkeypatch.setattr(ray, "nodes", lambda: answered.wait(30) and [])
    monkeypatch.setattr(cluster, "_NODES_S", 0.05)
    with pytest.raises(cluster.Unanswered, match="does not say which nodes"):
        cluster.alive()
    answered.set()
    monkeypatch.setattr(ray, "nodes", lambda: 1 / 0)
    monkeypatch.setattr(cluster, "_NODES_S", 30.0)
    with pytest.raises(ZeroDivisionError):
        cluster.alive()
