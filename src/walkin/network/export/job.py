"""The job of an export: the picture that is in a network goes through it once more, and all it gives goes to files."""

from __future__ import annotations

import platform
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from walkin._version import __version__
from walkin.errors import WalkinError
from walkin.export_request import Export
from walkin.files.staging import Staged, check_room, file_name, staged_folder
from walkin.graph import Network, Node
from walkin.interventions import Intervention
from walkin.mailbox import Emit
from walkin.network.export.gallery import write_gallery
from walkin.network.export.manifest import FILE, Manifest, number
from walkin.network.export.nodes import Writer, needed_bytes
from walkin.network.export.visualisations import gather
from walkin.network.globs import addresses_of
from walkin.network.loading.loaded import Loaded
from walkin.network.running.capture import Capture
from walkin.network.running.intervening import fit
from walkin.network.running.plan import Plan
from walkin.network.running.replay import GraphChanged
from walkin.network.session import Session
from walkin.network.showing import readings
from walkin.network.showing.effects import effects
from walkin.network.showing.labels import probabilities
from walkin.network.weighing import weights_hash
from walkin.readings import Boxes, Scores, Segmentation
from walkin.results import Exported, Progress, Result

JOB = "export"


def export(session: Session, request: Export, emit: Emit) -> Iterator[Result | None]:
    """Everything of the walls that are wanted, in a new folder that is there when all of it is."""
    loaded, plan, fed = session.loaded, session.plan, session.shown.fed
    if loaded is None or plan is None or fed is None:
        raise WalkinError("nothing to export yet: the network has not shown anything")
    # As it is now: where visualisations are made first, other pictures may be fed meanwhile.
    network, inputs = plan.network, session.inputs
    nodes = chosen(network, request.nodes)
    folder = Path(request.to) if request.to else exports_folder() / file_name(f"{loaded.name}-export")
    check_room(folder, needed_bytes(nodes, request.parts))
    yield Progress(JOB, "hashing the weights", network=session.key)
    digest = yield from weights_hash(loaded.model)
    manifest = Manifest(
        network={
            "name": loaded.name,
            "fold": network.fold,
            "collapsed": list(network.collapsed),
            "expanded": list(network.expanded),
            "nodes": len(network),
            "weights": loaded.weights,
            "weights_hash": digest,
            "parameters": loaded.parameters,
            "device": str(loaded.device),
            "branches_known": network.branches_known,
            "notes": list(loaded.notes),
        },
        picture={
            "file": "input.png" if "input" in request.parts else None,
            "caption": list(fed.caption),
            "input_shape": list(network.input_shape),
        },
        colours={"map": request.color_map, "range": request.range_mode},
        versions={
            "walkin": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
        },
        created=time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    )
    with staged_folder(folder) as staged:
        writer = Writer(staged.partial, loaded.model, request)
        if "input" in request.parts:
            Image.fromarray(fed.pixels).save(staged.partial / "input.png")
        if "visualisations" in request.parts:
            names = {node.address: writer.name(node.address) for node in nodes}
            yield from gather(loaded, nodes, names, request, digest, writer.visualisations)
            manifest.recipes = writer.visualisations.recipes
        output = _run(session, loaded, plan, inputs, nodes, writer, manifest, emit)
        manifest.interventions, manifest.effects = changed_words(session, output)
        manifest.difference = difference_words(session)
        if "classes" in request.parts:
            _read(manifest, staged.partial, output, loaded, inputs, request.classes)
        yield Progress(JOB, "writing the gallery", 1.0, network=session.key)
        write_gallery(staged.partial, manifest, writer.previews, fed.pixels if "input" in request.parts else None)
        manifest.write(staged.partial)
        yield None  # the last point at which it can be given up
    yield _told(staged, manifest, session)


def exports_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_documents_dir()) / "walkin"


def chosen(network: Network, patterns: tuple[str, ...]) -> list[Node]:
    """Nodes that are meant by addresses and globs, in the network's order; WalkinError, naming close ones, for what
    means none."""
    wanted: set[str] = set()
    for pattern in patterns:
        found = addresses_of(network, pattern)
        try:
            wanted |= set(found or [network.find(pattern).address])
        except KeyError as problem:
            raise WalkinError(str(problem.args[0]), code=2) from problem
    return [node for node in network if node.address in wanted]


def changed_words(session: Session, output: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was changed of the network's values, and what that did to its classes."""
    if not session.interventions or session.loaded is None:
        return [], []
    _, problems = fit(session, session.interventions)
    rows = [
        {
            "text": str(each),
            "words": f"{each.where} {each.plain_words}",
            "address": each.address,
            "channels": list(each.channels),
            "act": each.act,
            "factor": each.factor if each.act == "scale" else None,
            "low": each.low,
            "high": each.high,
            "picture": each.picture_name if each.act == "swap" else None,
            "problem": problem or None,
        }
        for each, problem in zip(session.interventions, problems, strict=True)
    ]
    found = effects(session.plain, probabilities(output), session.loaded.labels)
    return rows, [
        {"class": e.name, "per_cent_before": round(100 * e.before, 4), "per_cent_after": round(100 * e.after, 4)}
        for e in found
    ]


def difference_words(session: Session) -> dict[str, Any] | None:
    """What A is where values are A - B, and how far each node is from it."""
    held, fed, loaded = session.held, session.shown.fed, session.loaded
    if held is None or fed is None or loaded is None:
        return None
    walls = [node.address for node in session.graph.nodes if node.kind != "input"]
    picture = fed.caption[0] if fed.caption else ""
    every = [each for change in session.changes.by_address.values() for each in change.interventions]
    counted = ("unchanged", f"{len(held.state.interventions)} changed")
    theirs = [each for each in held.title.split(", ") if each not in counted]
    theirs = [picture if held.follows else "", *theirs, *_in_words(held.state.interventions)]  # given the same picture
    mine = [picture, loaded.name if held.state.network is not None else "", *_in_words(every)]
    return {
        "values": "A - B",
        "a": ", ".join(word for word in theirs if word),
        "b": ", ".join(word for word in mine if word),
        "first": held.told(walls, 0, "").first or None,
        "relative": "root mean square of A - B over the larger one of A and B",
        "nodes": [{"address": each.address, "relative": number(each.relative)} for each in held.found.values()],
    }


def _in_words(interventions: Iterable[Intervention]) -> list[str]:
    """What is changed; `unchanged` where nothing is."""
    return [f"{each.where} {each.plain_words}" for each in interventions] or ["unchanged"]


def _run(
    session: Session, loaded: Loaded, plan: Plan, inputs: tuple[Any, ...], nodes: list[Node], writer: Writer,
    manifest: Manifest, emit: Emit,
) -> Any:  # fmt: skip
    """One forward; files are written while it runs, since values are the network's own and change."""
    key = session.key
    wanted = {node.address: node for node in nodes}
    some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address in wanted))
    outputs = set(plan.network.outputs)
    whole = max(1, sum(node.elements for node in nodes))
    done, began_s = 0, time.monotonic()

    def on_output(address: str, value: torch.Tensor) -> None:
        nonlocal done
        node = wanted[address]
        left_s = (time.monotonic() - began_s) * (whole - done) / done if done else None
        emit(Progress(JOB, f"exporting {loaded.name}", done / whole, left_s, network=key))
        shown = session.as_shown(node, value)
        manifest.records.append(writer.write(node, shown, address in outputs))
        done += node.elements

    try:
        output = Capture(loaded.model, some).run(*inputs, on_output=on_output, along=session.along())
    except GraphChanged as problem:
        raise WalkinError(
            f"{loaded.name} takes another path at every run: seed what it draws at random, then export it"
        ) from problem
    order = {address: place for place, address in enumerate(wanted)}
    manifest.records.sort(key=lambda record: order[record.node.address])
    return output


def _read(manifest: Manifest, folder: Path, output: Any, loaded: Loaded, inputs: tuple[Any, ...], classes: int) -> None:
    """What the network says about the picture."""
    for found in readings.of(output, loaded.labels, inputs, classes=classes):
        if isinstance(found, Scores):
            manifest.classes = [
                {"class": name, "per_cent": round(100 * share, 4)}
                for name, share in zip(found.names, found.probabilities, strict=True)
            ]
        elif isinstance(found, Segmentation):
            Image.fromarray(found.pixels).save(folder / "segmentation.png")
            rows = zip(found.names, found.shares, found.colors, strict=True)
            manifest.segmentation = {
                "file": "segmentation.png",
                "classes": [{"class": n, "per_cent": round(100 * s, 4), "colour": list(c)} for n, s, c in rows],
            }
        elif isinstance(found, Boxes):
            rows = zip(found.names, found.scores, found.boxes.tolist(), strict=True)
            manifest.boxes = [
                {"class": name, "per_cent": round(100 * score, 4), "left_top_right_bottom": box}
                for name, score, box in rows
            ]


def _told(staged: Staged, manifest: Manifest, session: Session) -> Exported:
    assert (staged.path / FILE).exists()
    return Exported(str(staged.path), len(manifest.records), session.key)
