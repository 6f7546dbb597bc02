"""Training: one network by one recipe, as a job that can be given up at every epoch and goes on where it was."""

from __future__ import annotations

import contextlib
import hashlib
import math
import time
from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from walkin import models
from walkin.errors import WalkinError
from walkin.network.loading.sources import seeded
from walkin.numerals import percent
from walkin.results import Progress
from walkin.study import augmentation, keeping
from walkin.study.data import JOB, Data
from walkin.study.processes import Processes
from walkin.study.recipe import Recipe
from walkin.study.variants import VARIANTS, Examples, examples

BETAS = (0.9, 0.99)
WARM_UP = 0.1  # share of the steps
KEEP_S = 30.0  # between two states: writing one takes a tenth of a second
TELL_S = 10.0  # within an epoch, for people: one of 7,000 photos takes many minutes on a CPU
FORWARD = 256  # pictures at a time where nothing is learnt


@dataclass
class Trained:
    """A network that is being trained, or that is."""

    recipe: Recipe
    model: nn.Module = field(repr=False)
    examples: Examples = field(repr=False)
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    seconds: float = 0.0


Steps = Generator[Progress, None, Trained]


def train(
    data: Data,
    recipe: Recipe,
    path: Path,
    processes: Processes,
    pretrained: dict[str, Tensor] | None = None,
    keep_s: float = KEEP_S,
    tell_s: float = math.inf,
) -> Steps:
    """Train and write `path`; a Progress after each epoch, with the share that is done, and within an epoch whenever
    `tell_s` have passed.

    What is there of an earlier try is gone on from, and ends in the same weights, on the same device, as a training
    that nobody has stopped. pretrained: of the model's parent, for fine-tuning.
    """
    device = processes.device or torch.device("cpu")
    variant = VARIANTS[recipe.variant]
    with seeded(recipe.seed):
        model = models.NAMED[recipe.model](len(data.classes))
    if variant.fine_tune:
        if pretrained is None:
            raise WalkinError(f"{recipe.name}: there are no pretrained weights to fine-tune", code=2)
        models.load_pretrained(model, pretrained)
        models.freeze_stem(model)
    model.to(device)
    chosen = examples(
        variant, data.split.train, data.labels, len(data.classes),
        alpha=recipe.alpha, ratio=recipe.ratio, seed=recipe.seed + 1,
    )  # fmt: skip
    if len(chosen) < 2 * processes.count:
        raise WalkinError(f"{len(chosen)} pictures are too few to train on")
    trained = Trained(recipe, model, chosen)
    optimiser = torch.optim.AdamW(_groups(model, recipe.decay), lr=recipe.rate, betas=BETAS)
    mixed = Mixed.on(device)
    state = keeping.state_of(path)
    if state.exists():
        _go_on(trained, optimiser, mixed, state)
    processes.agree(trained.epoch, f"files in {path.parent}")
    joined = processes.joined(model)
    kept_s = time.monotonic()
    with _repeatable():
        while trained.epoch < recipe.epochs:
            began_s = time.monotonic()
            told = yield from _epoch(data, trained, joined, optimiser, mixed, processes, tell_s)
            trained.history.append(told)
            trained.epoch += 1
            trained.seconds += time.monotonic() - began_s
            last = trained.epoch == recipe.epochs
            if processes.first and not last and time.monotonic() - kept_s >= keep_s:
                _keep(trained, optimiser, mixed, state)
                kept_s = time.monotonic()
            now = trained.history[-1]
            right = percent(now["accuracy"])
            words = f"{recipe.name}: epoch {trained.epoch} of {recipe.epochs}, {right} of the pictures right"
            yield Progress(JOB, words, trained.epoch / recipe.epochs)
    if processes.first:
        keeping.write(path, model.state_dict(), recipe, _about(data, trained, mixed, processes))
        with contextlib.suppress(OSError):
            state.unlink(missing_ok=True)
    processes.wait()
    return trained


def predicted(model: nn.Module, inputs: Tensor, device: torch.device) -> Tensor:
    """Logits (N, classes), on the CPU, in full precision."""
    model.eval()
    with torch.inference_mode():
        return torch.cat([model(part.to(device)).float().cpu() for part in inputs.split(FORWARD)])


def weights_digest(model: nn.Module) -> str:
    """16 hexadecimal digits that tell these weights from all others."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode() + value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


@dataclass
class Mixed:
    """Half precision where it gains: on GPUs, as bfloat16 where they have it, else float16 with a scaled loss."""

    device: str
    dtype: torch.dtype | None
    scaler: torch.amp.GradScaler

    @classmethod
    def on(cls, device: torch.device) -> Mixed:
        if device.type != "cuda":
            return cls(device.type, None, torch.amp.GradScaler(device.type, enabled=False))
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
        return cls("cuda", dtype, torch.amp.GradScaler("cuda", enabled=dtype == torch.float16))

    @property
    def name(self) -> str:
        return str(self.dtype or torch.float32).removeprefix("torch.")

    def forward(self) -> contextlib.AbstractContextManager[Any]:
        return contextlib.nullcontext() if self.dtype is None else torch.autocast(self.device, self.dtype)


def _epoch(
    data: Data,
    trained: Trained,
    joined: nn.Module,
    optimiser: Any,
    mixed: Mixed,
    processes: Processes,
    tell_s: float,
) -> Generator[Progress, None, dict[str, float]]:
    """One look at every example, in an order that seed and epoch alone decide. Loss and accuracy of the pictures as
    they were shown."""
    told_s = time.monotonic()
    recipe, chosen, device = trained.recipe, trained.examples, processes.device or torch.device("cpu")
    rng = torch.Generator().manual_seed(recipe.seed * 1_000_033 + trained.epoch)
    order = torch.randperm(len(chosen), generator=rng)
    augment = VARIANTS[recipe.variant].augment
    how = augmentation.drawn(len(chosen), recipe.seed, trained.epoch) if augment else None
    batches = [part for part in order.split(recipe.batch) if len(part) >= 2 * processes.count]
    total = torch.zeros(2, dtype=torch.float64)
    _to_train(trained.model, frozen=VARIANTS[recipe.variant].fine_tune)
    for number, batch in enumerate(batches):
        mine = processes.share(batch)
        some = chosen.part(mine)
        inputs = some.noisy(data.inputs(some.pictures, device))
        if how is not None:
            inputs = augmentation.changed(inputs, how[mine])
        labels = some.labels.to(device)
        share = (trained.epoch * len(batches) + number) / (recipe.epochs * len(batches))
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate * rate_at(share)
        optimiser.zero_grad(set_to_none=True)
        with mixed.forward():
            logits = joined(inputs)
            loss = functional.cross_entropy(logits, labels)
        mixed.scaler.scale(loss).backward()
        mixed.scaler.step(optimiser)
        mixed.scaler.update()
        right = (logits.detach().argmax(1) == labels).sum()
        figures = torch.stack([loss.detach(), right.to(loss.dtype)]).cpu().double()  # there: MPS has no such numbers
        figures[0] *= len(mine)
        total += figures / len(mine) * len(batch)
        if number + 1 < len(batches) and time.monotonic() - told_s >= tell_s:
            told_s = time.monotonic()
            words = f"{recipe.name}: epoch {trained.epoch + 1} of {recipe.epochs}, step {number + 1} of {len(batches)}"
            yield Progress(JOB, words, (trained.epoch * len(batches) + number + 1) / (recipe.epochs * len(batches)))
    mean = processes.mean(total) / sum(map(len, batches))
    if not math.isfinite(mean[0]):
        raise WalkinError(f"{recipe.name}: the loss is not finite any more; try a smaller --rate")
    return {"loss": round(float(mean[0]), 5), "accuracy": round(float(mean[1]), 5)}


def rate_at(share: float) -> float:
    """Part of the largest rate after a share of the steps."""
    if share < WARM_UP:
        return (share + 0.01) / (WARM_UP + 0.01)
    return 0.5 + 0.5 * math.cos(math.pi * (share - WARM_UP) / (1 - WARM_UP))


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Norms and biases do not decay."""
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in wanted if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in wanted if p.ndim <= 1], "weight_decay": 0.0},
    ]


def _to_train(model: nn.Module, *, frozen: bool) -> None:
    model.train()
    if frozen:
        assert isinstance(model, models.CovidResNet | models.CovidDenseNet)
        for name in model.stem:  # its statistics stay, too
            model.get_submodule(name).eval()


@contextlib.contextmanager
def _repeatable():
    """cuDNN takes the ways that give the same sums each time."""
    cudnn = torch.backends.cudnn
    before = cudnn.deterministic, cudnn.benchmark
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark = before


def _keep(trained: Trained, optimiser: Any, mixed: Mixed, path: Path) -> None:
    """Weights, and for each of them what AdamW remembers."""
    tensors = {f"model/{name}": value for name, value in trained.model.state_dict().items()}
    for number, entries in optimiser.state_dict()["state"].items():
        tensors.update({f"optimiser/{number}/{name}": torch.as_tensor(value) for name, value in entries.items()})
    about = {
        "epoch": trained.epoch,
        "history": trained.history,
        "seconds": trained.seconds,
        "scaler": mixed.scaler.state_dict(),
    }
    keeping.write(path, tensors, trained.recipe, about)


def _go_on(trained: Trained, optimiser: Any, mixed: Mixed, path: Path) -> None:
    kept = keeping.read(path)
    keeping.check(kept, trained.recipe)
    parts = {name: {} for name in ("model", "optimiser")}
    for name, value in kept.tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = value
    trained.model.load_state_dict(parts["model"])
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in parts["optimiser"].items():
        number, _, entry = name.partition("/")
        state.setdefault(int(number), {})[entry] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": state})
    if kept.about["scaler"]:
        mixed.scaler.load_state_dict(kept.about["scaler"])
    trained.epoch, trained.history = kept.about["epoch"], kept.about["history"]
    trained.seconds = kept.about["seconds"]


def _about(data: Data, trained: Trained, mixed: Mixed, processes: Processes) -> dict[str, Any]:
    import walkin

    return {
        "classes": list(data.classes),
        "preprocess": asdict(data.preprocess),
        "history": trained.history,
        "digest": weights_digest(trained.model),
        "made": {
            "walkin": walkin.__version__,
            "torch": torch.__version__,
            "device": str(processes.device),
            "precision": mixed.name,
            "processes": processes.count,
            "seconds": round(trained.seconds, 1),
        },
    }
