"""Measures: all that the report asks of one trained network, as plain data."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from walkin import models
from walkin.errors import WalkinError
from walkin.results import Progress
from walkin.study import keeping, portraits, responses, spectra
from walkin.study.changes import Change, changes, representative
from walkin.study.data import JOB, Data
from walkin.study.gradients import input_gradients
from walkin.study.recipe import Recipe, Setting
from walkin.study.training import predicted
from walkin.study.variants import VARIANTS, Examples, examples

VERSION = 1  # of what is measured: another one, and measures that are kept are taken again
ENDING = ".measures.json"
AT_ONCE = 256

Steps = Generator[Progress | None, None, dict[str, Any]]


@dataclass(frozen=True)
class Shown:
    """Pictures that a network is measured with, in the order of `Data`."""

    name: str
    """train: what it was trained on, with those labels and that noise; test: what it has not seen, with true labels."""
    examples: Examples

    def inputs(self, data: Data, numbers: Tensor) -> Tensor:
        some = self.examples.part(numbers)
        return some.noisy(data.inputs(some.pictures))


def measure(data: Data, recipe: Recipe, path: Path, setting: Setting, device: torch.device) -> Steps:
    """Everything about the network in `path`, measured now, or taken from beside it if it has been before."""
    kept = keeping.read(path)
    keeping.check(kept, recipe)
    asked = {"version": VERSION, "digest": kept.about["digest"], "torch": torch.__version__, **_numbers(setting)}
    beside = path.with_name(path.name.removesuffix(keeping.ENDING) + ENDING)
    if (held := _read(beside)) is not None and held.get("asked") == asked:
        return held
    model = models.NAMED[recipe.model](len(data.classes))
    model.load_state_dict(kept.tensors)
    model.to(device).eval()
    found: dict[str, Any] = {"asked": asked, "recipe": asdict(recipe), "made": kept.about["made"]}
    trained = examples(
        VARIANTS[recipe.variant], data.split.train, data.labels, len(data.classes),
        alpha=recipe.alpha, ratio=recipe.ratio, seed=recipe.seed + 1,
    )  # fmt: skip
    numbers = torch.tensor(data.split.test)
    test = Examples(numbers, data.labels[numbers], torch.full_like(numbers, -1), 0.0)
    train, tested = Shown("train", trained), Shown("test", test)
    found["accuracy"] = yield from _accuracy(data, model, train, tested, device)
    found["confusion"] = _confusion(data, model, tested, device)
    rows = []
    for shown in (train, tested):
        rows += yield from _changed(data, model, shown, setting.pictures, device, recipe.name)
    found["changes"] = rows
    some = tested.inputs(data, _spread(len(test), setting.pictures))
    yield Progress(JOB, f"{recipe.name}: responses of each layer")
    height = data.preprocess.size[1]
    found["responses"] = [asdict(one) for one in responses.moved(model, some.to(device), representative(height))]
    yield Progress(JOB, f"{recipe.name}: spectra")
    found["spectra"] = yield from _spectra(data, model, recipe, setting, train, tested)
    keeping.write_bytes(beside, json.dumps(found).encode())
    return found


def _accuracy(
    data: Data, model: nn.Module, train: Shown, test: Shown, device: torch.device
) -> Generator[Progress, None, dict[str, float]]:
    """Of all pictures, none left out."""
    right: dict[str, Tensor] = {}
    for shown in (train, test):
        found = []
        for numbers in torch.arange(len(shown.examples)).split(AT_ONCE):
            found.append(predicted(model, shown.inputs(data, numbers), device).argmax(1))
            yield Progress(JOB, f"{shown.name} accuracy")
        right[shown.name] = (torch.cat(found) == shown.examples.labels).double()
    accuracy = {name: float(values.mean()) for name, values in right.items()}
    noisy = train.examples.noise >= 0
    if bool(noisy.any()):
        accuracy["train, true part"] = float(right["train"][~noisy].mean())
        accuracy["train, noise part"] = float(right["train"][noisy].mean())
    return accuracy


def _confusion(data: Data, model: nn.Module, test: Shown, device: torch.device) -> list[list[int]]:
    """[true][predicted] of the test set."""
    table = torch.zeros(len(data.classes), len(data.classes), dtype=torch.long)
    for numbers in torch.arange(len(test.examples)).split(AT_ONCE):
        answers = predicted(model, test.inputs(data, numbers), device).argmax(1)
        for true, answer in zip(test.examples.labels[numbers].tolist(), answers.tolist(), strict=True):
            table[true, answer] += 1
    return table.tolist()


def _changed(
    data: Data, model: nn.Module, shown: Shown, most: int, device: torch.device, name: str
) -> Generator[Progress, None, list[dict[str, Any]]]:
    """Accuracy and agreement with what was said before the change, for every change and strength."""
    wanted = _spread(len(shown.examples), most)
    labels = shown.examples.labels[wanted]
    parts = [(number * AT_ONCE, shown.inputs(data, part)) for number, part in enumerate(wanted.split(AT_ONCE))]
    before = torch.cat([predicted(model, part, device).argmax(1) for _, part in parts])
    rows = [_row(shown.name, Change("none", 0, lambda x, _: x), before, before, labels)]
    for change in changes(data.preprocess.size[1]):
        answers = [predicted(model, change.apply(part, first), device).argmax(1) for first, part in parts]
        rows.append(_row(shown.name, change, torch.cat(answers), before, labels))
        yield Progress(JOB, f"{name}: {change.family} {change.strength:g}")
    return rows


def _row(shown: str, change: Change, answers: Tensor, before: Tensor, labels: Tensor) -> dict[str, Any]:
    return {
        "set": shown,
        "family": change.family,
        "strength": change.strength,
        "accuracy": float((answers == labels).double().mean()),
        "agreement": agreement(answers, before),
        "pictures": len(labels),
    }


def agreement(answers: Tensor, before: Tensor) -> float:
    """Share of the pictures (N,) whose answer is the one from before."""
    return float((answers == before).double().mean())


def _spectra(
    data: Data, model: nn.Module, recipe: Recipe, setting: Setting, train: Shown, test: Shown
) -> Generator[Progress | None, None, dict[str, Any]]:
    """What: shares of the power by ring, and above a quarter of a cycle a pixel."""
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    found = {"filters": _spectrum(spectra.padded(first.weight), mean=True)}
    device = first.weight.device
    for shown in (train, test):
        some = shown.inputs(data, _spread(len(shown.examples), setting.pictures))
        found[f"gradients, {shown.name}"] = _spectrum(input_gradients(model, some.to(device)))
        if shown.name == "test":
            found["pictures"] = _spectrum(some)
    address, channels = late_node(model, data.inputs(torch.tensor(data.split.test[:2])).to(device))
    pictures = yield from portraits.portraits(
        model, data.preprocess, address, channels, setting.visualised, setting.steps, recipe.seed
    )
    if len(pictures):
        found["visualisations"] = _spectrum(portraits.as_inputs(pictures, data.preprocess))
        found["visualisations"]["of"] = address
        found["visualisations"]["pictures"] = [picture.tolist() for picture in pictures[:8]]
    found["filters"]["pictures"] = first.weight.detach().cpu()[:16].tolist() if first.in_channels == 3 else []
    return found


def late_node(model: nn.Module, example: Tensor) -> tuple[str, int]:
    """The last layer whose channels have a place, and how many it has."""
    layers = responses.Layers(model, example)
    shapes = layers.shapes
    address = next(name for name in reversed(layers.addresses) if len(shapes[name]) == 4 and shapes[name][-1] > 1)
    return address, shapes[address][1]


def _spectrum(pictures: Tensor, *, mean: bool = False) -> dict[str, Any]:
    return {
        "shares": spectra.radial(pictures, mean=mean).tolist(),
        "high": spectra.high_share(pictures, mean=mean),
    }


def _spread(count: int, most: int) -> Tensor:
    """Numbers of at most `most` of `count`, evenly spread; all where `most` is 0."""
    if not most or count <= most:
        return torch.arange(count)
    return torch.arange(most) * count // most


def _numbers(setting: Setting) -> dict[str, int]:
    return {"pictures": setting.pictures, "visualised": setting.visualised, "steps": setting.steps}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        return json.loads(path.read_bytes())
    except OSError:
        return None
    except ValueError as problem:
        raise WalkinError(f"{path} is damaged; remove it, and it is measured again") from problem
