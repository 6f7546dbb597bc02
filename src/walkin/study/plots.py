"""Plots: the study's figures as curves with their spread over seeds, SVG and PNG."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from walkin.errors import WalkinError
from walkin.study.changes import CUTOFFS, FREQUENCIES, TITLES, UNITS
from walkin.study.layouts import KINDS
from walkin.study.spectra import FINE
from walkin.study.tables import Row, Spread, over_seeds, title
from walkin.study.variants import VARIANTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LETTERS_AN_INCH = 11  # of headings, at 11 points

# Okabe and Ito's colours, which people with any colour vision can tell apart; blue and green generalise, red and
# orange memorise.
COLOURS = {
    "clean": "#0072B2", "augmented": "#009E73", "finetuned": "#56B4E9", "noise": "#E69F00", "random": "#D55E00",
}  # fmt: skip
LINES = {"clean": "-", "augmented": "--", "finetuned": "-.", "noise": "-", "random": "-"}
MARKS = {"clean": "o", "augmented": "s", "finetuned": "^", "noise": "D", "random": "v"}
SPECTRA = {
    "filters": "first filters", "visualisations": "visualisations", "gradients, test": "gradients, test pictures",
    "gradients, train": "gradients, training pictures",
}  # fmt: skip


def check() -> None:
    """WalkinError, before minutes of measuring, where there is nothing to plot with."""
    import importlib.util

    if importlib.util.find_spec("matplotlib") is None:
        raise WalkinError("walkin study report needs matplotlib: pip install 'walkin[study]'")


def plots(tables: dict[str, list[Row]], chance: dict[str, float]) -> dict[str, Figure]:
    """Name -> figure, all networks of all data sets. chance: accuracy of guessing, by data set."""
    found = {"accuracy": _accuracy(tables["accuracy"], chance)}
    for data, model in sorted({(row["data"], row["model"]) for row in tables["accuracy"]}):
        mine = {
            name: [row for row in rows if (row["data"], row["model"]) == (data, model)] for name, rows in tables.items()
        }
        name, who = f"{data}-{model}", f"{model}, {KINDS[data].title}"
        found[f"filters-{name}"] = _changed(mine["changes"], FREQUENCIES, "accuracy", chance[data], who)
        found[f"agreement-{name}"] = _changed(mine["changes"], FREQUENCIES, "agreement", None, who)
        families = ("shift", "roll", "patches", "noise")
        found[f"arrangement-{name}"] = _changed(mine["changes"], families, "accuracy", chance[data], who)
        found[f"arrangement-agreement-{name}"] = _changed(mine["changes"], families, "agreement", None, who)
        found[f"spectra-{name}"] = _spectra(mine["spectra"], who)
        found[f"responses-{name}"] = _responses(mine["responses"], who)
    return found


def _short(address: str) -> str:
    """An address that a tick has room for."""
    return address.removeprefix("features.")[:14]


def written(figure: Figure, kind: str) -> bytes:
    """A figure as the bytes of a file, svg or png; the same figures are the same bytes."""
    import matplotlib

    out = io.BytesIO()
    with matplotlib.rc_context({"svg.hashsalt": "walkin", "svg.fonttype": "path"}):
        figure.savefig(out, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return out.getvalue()


def _figure(rows: int, columns: int, heading: str, *, share_y: bool = True) -> tuple[Figure, Any]:
    from matplotlib.figure import Figure

    width = 3.1 * columns + 0.6  # inches
    figure = Figure(figsize=(width, 2.6 * rows + 1.0), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharey="row" if share_y else False)
    lines = textwrap.fill(heading, int(_LETTERS_AN_INCH * width))
    figure.suptitle(lines, fontsize=11, x=0.01, ha="left")
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25, linewidth=0.6)
        axis.tick_params(labelsize=8)
    return figure, axes


def _curve(axis: Axes, variant: str, x: Sequence[float], spreads: Sequence[Spread]) -> None:
    """Mean over seeds, and from the least to the most."""
    axis.plot(
        x, [one.mean for one in spreads], LINES[variant], color=COLOURS[variant], marker=MARKS[variant], markersize=3.5,
        linewidth=1.5, label=title(variant),
    )  # fmt: skip
    axis.fill_between(
        x, [one.low for one in spreads], [one.high for one in spreads], color=COLOURS[variant], alpha=0.15, linewidth=0
    )


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, fontsize=8, frameon=False)


def _accuracy(rows: list[Row], chance: dict[str, float]) -> Figure:
    groups = sorted({(row["data"], row["model"]) for row in rows})
    figure, axes = _figure(1, len(groups), "Accuracy on training and test pictures (bars: mean; points: seeds)")
    for axis, (data, model) in zip(axes[0], groups, strict=True):
        mine = [row for row in rows if (row["data"], row["model"]) == (data, model)]
        variants = [name for name in VARIANTS if any(row["variant"] == name for row in mine)]
        for place, variant in enumerate(variants):
            for side, (shown, alpha) in enumerate((("train", 0.35), ("test", 1.0))):
                values = [row[shown] for row in mine if row["variant"] == variant]
                x = place + (side - 0.5) * 0.38
                axis.bar(x, Spread.of(values).mean, 0.36, color=COLOURS[variant], alpha=alpha, linewidth=0)
                axis.plot([x] * len(values), values, ".", color="black", markersize=4)
        axis.axhline(chance[data], color="grey", linewidth=0.8, linestyle=":")
        beside = axis.get_yaxis_transform()  # x in widths of the axes
        axis.text(1.01, chance[data], "chance", fontsize=7, color="grey", va="center", transform=beside)
        axis.set_xticks(range(len(variants)), [title(name).replace(" ", "\n") for name in variants], fontsize=7)
        axis.set_title(f"{model}, {KINDS[data].title}", fontsize=9)
        axis.set_ylim(0, 1.03)
        axis.grid(axis="x", visible=False)
    axes[0][0].set_ylabel("accuracy: pale training, full test", fontsize=8)
    return figure


def _changed(rows: list[Row], families: Sequence[str], value: str, chance: float | None, name: str) -> Figure:
    what = "Accuracy" if value == "accuracy" else "Answers that stay the same"
    figure, axes = _figure(2, len(families), f"{what} under changes of the pictures: {name}")
    for shown, line in zip(("train", "test"), axes, strict=True):
        for family, axis in zip(families, line, strict=True):
            spreads = over_seeds([r for r in rows if r["set"] == shown and r["family"] == family], ("strength",), value)
            for variant in VARIANTS:
                own = sorted((key[-1], spread) for key, spread in spreads.items() if key[2] == variant)
                if own:
                    _curve(axis, variant, [x for x, _ in own], [spread for _, spread in own])
            if family in FREQUENCIES:
                axis.set_xscale("log")
                axis.set_xticks(CUTOFFS, [f"{cutoff:g}" for cutoff in CUTOFFS], minor=False)
                axis.minorticks_off()
            if chance is not None:
                axis.axhline(chance, color="grey", linewidth=0.8, linestyle=":")
            axis.set_ylim(-0.03, 1.03)
            axis.set_title(f"{TITLES[family]}, {'training' if shown == 'train' else 'test'} pictures", fontsize=9)
            if shown == "test":
                axis.set_xlabel(UNITS[family], fontsize=8)
        line[0].set_ylabel(value, fontsize=8)
    _legend(figure, axes[0][0])
    return figure


def _spectra(rows: list[Row], name: str) -> Figure:
    there = [what for what in SPECTRA if any(row["of"] == what for row in rows)]
    figure, axes = _figure(1, len(there), f"Radial power spectra: {name}", share_y=False)
    for axis, what in zip(axes[0], there, strict=True):
        spreads = over_seeds([row for row in rows if row["of"] == what], ("frequency",), "share")
        for variant in VARIANTS:
            own = sorted((key[-1], spread) for key, spread in spreads.items() if key[2] == variant)
            own = [(x, spread) for x, spread in own if spread.low > 0]
            if own:
                _curve(axis, variant, [x for x, _ in own], [spread for _, spread in own])
        axis.axvline(FINE, color="grey", linewidth=0.8, linestyle=":")
        axis.set_yscale("log")
        axis.set_title(SPECTRA[what], fontsize=9)
        axis.set_xlabel("cycles a pixel", fontsize=8)
    axes[0][0].set_ylabel("share of the power in a ring", fontsize=8)
    _legend(figure, axes[0][0])
    return figure


def _responses(rows: list[Row], name: str) -> Figure:
    families = [family for family in TITLES if any(row["family"] == family for row in rows)]
    columns = math.ceil(len(families) / 2)
    heading = f"How far a change moves the channels' responses, layer by layer: {name}"
    figure, axes = _figure(2, columns, heading, share_y=False)  # one change may move them ten times as far as another
    layers = {row["place"]: row["layer"] for row in rows}
    for number, axis in enumerate(axes.flat):
        if number >= len(families):
            axis.set_visible(False)
            continue
        family = families[number]
        mine = [row for row in rows if row["family"] == family]
        spreads = over_seeds(mine, ("place",), "distance")
        for variant in VARIANTS:
            own = sorted((key[-1], spread) for key, spread in spreads.items() if key[2] == variant)
            if own:
                _curve(axis, variant, [x for x, _ in own], [spread for _, spread in own])
        axis.axhline(1, color="grey", linewidth=0.8, linestyle=":")
        strength = f" {mine[0]['strength']:g}" if family != "pixels" else ""
        axis.set_title(f"{TITLES[family]}{strength}", fontsize=9)
        axis.set_xticks(sorted(layers), [_short(layers[place]) for place in sorted(layers)], fontsize=6)
        axis.tick_params(axis="x", rotation=60)
        axis.set_ylim(bottom=0)
    for line in axes:
        line[0].set_ylabel("distance (1: another picture)", fontsize=8)
    _legend(figure, axes[0][0])
    return figure
