"""Command: what `walkin study train` and `walkin study report` do."""

from __future__ import annotations

import argparse
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from walkin import models
from walkin.errors import WalkinError
from walkin.files.staging import check_folder, sweep
from walkin.network import devices
from walkin.network.featurevis.command import Line
from walkin.network.killed import killed_as_interrupted
from walkin.results import Progress
from walkin.study import data as data_of
from walkin.study import keeping
from walkin.study.data import JOB, Data
from walkin.study.layouts import KINDS
from walkin.study.measures import measure
from walkin.study.plan import FILE as STUDY_FILE
from walkin.study.plan import Planned, Study, begun, planned, read_study, trained, write_study
from walkin.study.pretrained import weights_for
from walkin.study.processes import Processes, together
from walkin.study.recipe import Setting, setting_of
from walkin.study.stand_in import write_stand_in
from walkin.study.training import TELL_S, train
from walkin.study.variants import VARIANTS, chosen

STANDIN = "standin"
T = TypeVar("T")


@dataclass
class Clock:
    """How long all of it will take, from what this process has done of it."""

    total: float
    done: float = 0.0
    began_s: float = field(default_factory=time.monotonic)
    _first: float | None = None

    def progress(self, label: str, under_way: float = 0.0) -> Progress:
        done = self.done + under_way
        self._first = done if self._first is None else self._first
        new, spent_s = done - self._first, time.monotonic() - self.began_s
        eta_s = spent_s / new * (self.total - done) if new > 0 else None
        return Progress(JOB, label, min(1.0, done / max(self.total, 1e-9)), eta_s)


class Quiet(Line):
    """Of processes beside the first: all say the same."""

    def say(self, text: str) -> None:
        pass

    def progress(self, progress: Progress) -> None:
        pass


def run_train(options: argparse.Namespace) -> int:
    """walkin study train: the exit code."""
    setting = _setting(options)
    kind, source = _what(options)
    variants = chosen(options.variants) if options.variants else tuple(VARIANTS[name] for name in setting.variants)
    if options.seeds < 1:
        raise WalkinError("--seeds: at least 1 is needed", code=2)
    if setting.epochs < 1:
        raise WalkinError("--epochs: at least 1 is needed", code=2)
    folder = options.out / kind
    check_folder(folder)
    device = devices.choose(options.device)
    with killed_as_interrupted(), together(device) as processes:
        line = Line() if processes.first else Quiet()
        if setting.batch < 2 * processes.count:  # batch norm learns nothing from one picture
            each = " for each process" if processes.count > 1 else ""
            raise WalkinError(f"--batch {setting.batch}: at least 2 are needed{each}", code=2)
        data = _data(kind, source, folder, options.subjects, line, processes)
        study = Study(kind, str(source.resolve()) if source else "", options.subjects, setting, data.digest)
        _check(folder, study)
        numbers = {"alpha": options.alpha, "ratio": options.ratio}
        wanted = planned(data, folder, setting, setting.models, variants, options.seeds, **numbers)
        # All recipes are compared before anything is trained or written: a mistake is told now, and changes nothing.
        finished = [keeping.finished(one.path, one.recipe) for one in wanted]
        processes.agree(data.digest, f"pictures in {data.folder}")
        finished = processes.told(finished)
        if processes.first:
            sweep(folder)
            write_study(folder, study)
        return _train_all(data, wanted, finished, processes, line)


def _train_all(data: Data, wanted: tuple[Planned, ...], finished: list[bool], processes: Processes, line: Line) -> int:
    began_s, cpu_s = time.monotonic(), time.process_time()
    weights: dict[str, Any] = {}
    cost = [one.recipe.epochs * (1 + VARIANTS[one.recipe.variant].noise_copies * one.recipe.ratio) for one in wanted]
    clock = Clock(sum(cost), sum(c for c, there in zip(cost, finished, strict=True) if there))
    made = left_out = 0
    if any(finished):
        line.say(f"{sum(finished)} of {len(wanted)} networks are trained already")
    try:
        for one, there, epochs in zip(wanted, finished, cost, strict=True):
            if processes.told(there or keeping.finished(one.path, one.recipe)):  # by another command, meanwhile
                clock.total -= 0 if there else epochs
                continue
            pretrained = None
            if VARIANTS[one.recipe.variant].fine_tune:
                if one.recipe.model not in weights:
                    weights[one.recipe.model] = weights_for(one.recipe.model, line)
                pretrained = weights[one.recipe.model]
                processes.agree(pretrained is None, f"weights for {one.recipe.model}")
                if pretrained is None:
                    left_out += 1
                    clock.total -= epochs
                    continue
            with closing(train(data, one.recipe, one.path, processes, pretrained, tell_s=TELL_S)) as steps:
                for step in steps:
                    line.progress(clock.progress(step.label, (step.fraction or 0) * epochs))
            clock.done += epochs
            made += 1
    except KeyboardInterrupt:
        networks = "1 network" if made == 1 else f"{made} networks"
        line.say(f"stopped after {networks}; the same command goes on")
        raise
    finally:
        line.end()
    spent = f"{time.monotonic() - began_s:.0f} s, {time.process_time() - cpu_s:.0f} s of CPU"
    missing = f", {left_out} left out" if left_out else ""
    line.say(f"{made} network{'s' * (made != 1)} trained{missing} in {wanted[0].path.parent} ({spent})")
    return 0


def run_report(options: argparse.Namespace) -> int:
    """walkin study report: the exit code."""
    from walkin.study import plots
    from walkin.study.report import check_place, write_report

    plots.check()
    device = devices.choose(options.device)
    line = Line()
    with killed_as_interrupted():
        began_s, cpu_s = time.monotonic(), time.process_time()
        studies = begun(options.out)
        moved = _moved(options.data, options.kind, studies)
        check_place(options.out)
        found: list[tuple[Data, list[dict[str, Any]]]] = []
        for folder, study in studies:
            there = trained(folder, study)
            if not there:
                line.say(f"no network is trained in {folder} yet: walkin study train --out {options.out}")
                continue
            data = _data(study.kind, moved.get(study.kind, study.root), folder, study.by_subject, line, Processes())
            if data.digest != study.digest:
                raise WalkinError(f"the pictures in {data.folder} are not those that {folder} was trained with")
            found.append((data, _measure_all(data, there, study.setting, device, line)))
        if not found:
            raise WalkinError(f"no network is trained in {options.out}, so that nothing can be measured")
        page = write_report(options.out, found, line.say)
        spent = f"{time.monotonic() - began_s:.0f} s, {time.process_time() - cpu_s:.0f} s of CPU"
        line.say(f"measured and written ({spent})")
        print(page)
    return 0


def _measure_all(
    data: Data, there: tuple[Planned, ...], setting: Setting, device: Any, line: Line
) -> list[dict[str, Any]]:
    clock, measured = Clock(len(there)), []
    try:
        for one in there:
            steps = measure(data, one.recipe, one.path, setting, device)
            measured.append(_finished(steps, line, clock))
            clock.done += 1
    except KeyboardInterrupt:
        line.say(f"stopped after {len(measured)} of {len(there)} networks; the same command goes on")
        raise
    finally:
        line.end()
    return measured


def _finished(steps: Generator[Progress | None, None, T], line: Line, clock: Clock) -> T:
    with closing(steps):
        while True:
            try:
                step = next(steps)
            except StopIteration as end:
                return end.value
            if step is not None:
                line.progress(clock.progress(step.label))


def _setting(options: argparse.Namespace) -> Setting:
    names = tuple(name.strip() for name in options.models.split(",")) if options.models else None
    for name in names or ():
        if name not in models.NAMED:
            raise WalkinError(f"no network {name!r} in the study: there are {', '.join(models.NAMED)}", code=2)
    changes = {"models": names, "epochs": options.epochs, "batch": options.batch, "rate": options.rate}
    return setting_of(options.setting).with_(**changes)


def _what(options: argparse.Namespace) -> tuple[str, Path | None]:
    """Which data set, and the folder that it lies in; None: the stand-in is drawn."""
    given = None if options.data in (None, STANDIN) else Path(options.data).expanduser()
    if given is None:
        if options.kind not in (None, STANDIN):
            raise WalkinError(f"--kind {options.kind}: which folder is it in? say so with --data", code=2)
        return STANDIN, None
    if not given.is_dir():
        where = f"; {KINDS[options.kind].where}" if options.kind else ""
        raise WalkinError(f"--data: there is no folder {given}{where}", code=2)
    if options.kind is None:
        raise WalkinError("--data: what is it? add --kind caltech101 or --kind sars-cov-2", code=2)
    return options.kind, given


def _moved(data: Path | None, kind: str | None, studies: tuple[tuple[Path, Study], ...]) -> dict[str, Path]:
    """Kind -> where its pictures are now, if that is said."""
    if data is None:
        if kind is not None:
            raise WalkinError(f"--kind {kind}: say with --data where its pictures are", code=2)
        return {}
    there = [study.kind for _, study in studies]
    if kind is None and len(there) > 1:
        raise WalkinError(f"--data: the pictures of which? add --kind {' or --kind '.join(there)}", code=2)
    if kind is not None and kind not in there:
        raise WalkinError(f"--kind {kind} is not in this study: there is {', '.join(there)}", code=2)
    return {kind or there[0]: data}


def _data(kind: str, source: Path | None, folder: Path, by_subject: bool, line: Line, processes: Processes) -> Data:
    if source is None and processes.first:
        write_stand_in(folder / "pictures")
    processes.wait()
    for step in data_of.read(kind, source or folder / "pictures", by_subject=by_subject):
        if isinstance(step, Data):
            line.end()
            for note in step.notes:
                line.say(note)
            return step
        line.progress(step)
    raise AssertionError("unreachable")


def _check(folder: Path, study: Study) -> None:
    """WalkinError if a folder holds a study of other pictures."""
    if (folder / STUDY_FILE).is_file():
        there = read_study(folder)
        if (there.digest, there.by_subject) != (study.digest, study.by_subject):
            what = "another split" if there.digest == study.digest else f"other pictures ({there.data or 'a stand-in'})"
            raise WalkinError(f"{folder} is a study of {what}: name another --out")
