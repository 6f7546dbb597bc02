"""Page: the report as one HTML file that needs nothing else: two claims, what answers them, and all plots."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from walkin.study.claims import Answer, summary
from walkin.study.tables import Row, Spread, over_seeds, title
from walkin.study.variants import VARIANTS

TITLE = "How networks memorise pictures"
STYLE = """
:root { color-scheme: light dark; --ink: #1d1f24; --soft: #63666e; --line: #d9dbe0; --back: #fff; --card: #f5f6f8 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e7ea; --soft: #9a9da6; --line: #34363d; --back: #16171b;
  --card: #1f2026 } }
body { font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--back); max-width: 68rem;
  margin: 0 auto; padding: 2rem 1.2rem 5rem }
h1 { font-size: 1.7rem; line-height: 1.2 } h2 { margin-top: 3rem; font-size: 1.3rem } h3 { font-size: 1.05rem }
p.lead { font-size: 1.1rem } .soft { color: var(--soft); font-size: .9rem }
table { border-collapse: collapse; width: 100%; font-size: .88rem; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
td.n, th.n { text-align: right; white-space: nowrap }
.yes { color: #0b7a53; font-weight: 600 } .no { color: #b3441c; font-weight: 600 } .open { color: var(--soft) }
figure { margin: 1.6rem 0; background: #fff; border-radius: 6px; padding: .6rem; overflow-x: auto }
figure svg, figure img { max-width: 100%; height: auto; display: block; margin: auto }
.strips { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem }
.strips figure { background: var(--card); margin: 0 } .strips img { width: 100%; image-rendering: pixelated }
figcaption { font-size: .82rem; color: var(--soft); margin-top: .4rem }
"""


@dataclass(frozen=True)
class Section:
    """One of the two claims."""

    heading: str
    claim: str
    answers: tuple[Answer, ...]
    note: str


def page(
    sections: Sequence[Section],
    tables: dict[str, list[Row]],
    plots: dict[str, bytes],
    strips: Sequence[tuple[str, np.ndarray]],
    about: Sequence[str],
    chance: dict[str, float],
) -> str:
    """plots: name -> SVG. strips: caption and pictures, uint8 (H, W, 3). about: what was trained, and where."""
    parts = [
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
        "<meta name='viewport' content='width=device-width, initial-scale=1'>",
        "<meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; img-src data:; style-src "
        "'unsafe-inline'\">",
        f"<title>{TITLE}</title><style>{STYLE}</style></head><body>",
        f"<h1>{TITLE}</h1>",
        *[
            f"<p class='lead'>{html.escape(section.claim)} {html.escape(summary(section.answers))}</p>"
            for section in sections
        ],
        "<h2>What was trained</h2>",
        *[f"<p>{html.escape(line)}</p>" for line in about],
        "<h2>The generalisation gap</h2>",
        _accuracy(tables["accuracy"], chance),
        _plot(plots, "accuracy"),
    ]
    for section, names in zip(sections, (("filters-", "agreement-", "spectra-"), ("arrangement-",)), strict=True):
        parts += [f"<h2>{html.escape(section.heading)}</h2>", f"<p>{html.escape(section.note)}</p>"]
        parts += [f"<p><b>{html.escape(summary(section.answers))}</b></p>", _answers(section.answers)]
        parts += [_plot(plots, name) for name in plots if name.startswith(names)]
        if section is sections[0] and strips:
            parts.append("<h3>What late channels look for</h3><div class='strips'>")
            parts += [
                f"<figure><img alt='' src='{_png(picture)}'><figcaption>{html.escape(caption)}</figcaption></figure>"
                for caption, picture in strips
            ]
            parts.append("</div>")
    parts += [
        "<h2>Where in the network changes arrive</h2>",
        "<p>A channel's response to a picture is its mean over space, in units of its standard deviation over the test "
        "pictures. The distance is the root mean square over pictures and channels between responses before and after "
        "a change; 1 is how far one picture is from another.</p>",
        *[_plot(plots, name) for name in plots if name.startswith("responses-")],
        "<p class='soft'>All figures are in the CSV files beside this page; bands and ± are over seeds.</p>",
        "</body></html>",
    ]
    return "\n".join(parts)


def _accuracy(rows: list[Row], chance: dict[str, float]) -> str:
    found = ["<table><tr><th>data</th><th>network</th><th>trained on</th>"]
    found += [f"<th class='n'>{name}</th>" for name in ("training", "test", "gap", "chance", "seeds")]
    found.append("</tr>")
    values = {value: over_seeds(rows, (), value) for value in ("train", "test", "gap")}
    order = list(VARIANTS)
    for key in sorted(values["train"], key=lambda key: (key[0], key[1], order.index(key[2]))):
        cells = [values[value][key].text("%") for value in ("train", "test", "gap")]
        cells += [f"{chance[key[0]] * 100:.1f} %", str(values["train"][key].count)]
        who = "".join(f"<td>{html.escape(text)}</td>" for text in (key[0], key[1], title(key[2])))
        found.append(f"<tr>{who}{''.join(f'<td class=n>{cell}</td>' for cell in cells)}</tr>")
    return "".join([*found, "</table>"])


def _answers(answers: Sequence[Answer]) -> str:
    found = ["<table><tr><th>question</th><th>network</th><th>memorising</th><th class='n'>its figure</th>"]
    found.append("<th class='n'>clean</th><th class='n'>difference</th><th>answer</th></tr>")
    before = ""
    for one in answers:
        words = one.question if one.question != before else ""
        before = one.question
        kind = {"yes": "yes", "no": "no"}.get(one.verdict, "open")
        found.append(
            f"<tr><td>{html.escape(words)}</td><td>{one.model}<br><span class='soft'>{one.data}</span></td>"
            f"<td>{html.escape(title(one.variant))}</td>{_cell(one.memorising, one.unit)}{_cell(one.clean, one.unit)}"
            f"{_cell(one.difference, one.unit)}<td class='{kind}'>{one.verdict}</td></tr>"
        )
    return "".join([*found, "</table>"])


def _cell(spread: Spread, unit: str) -> str:
    return f"<td class='n'>{spread.text(unit)}</td>"


def _plot(plots: dict[str, bytes], name: str) -> str:
    if name not in plots:
        return ""
    svg = plots[name].decode()
    return f"<figure>{_apart(svg[svg.index('<svg') :], name)}</figure>"


def _apart(svg: str, name: str) -> str:
    """With names of its own: several plots in one page share the space of ids."""
    for mark in ('id="', 'href="#', "url(#"):
        svg = svg.replace(mark, f"{mark}{name}-")
    return svg


def _png(picture: np.ndarray) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"


def strip(pictures: Sequence[np.ndarray], columns: int = 8, gap: int = 2) -> np.ndarray:
    """Pictures of one size beside each other: uint8 (H, W, 3)."""
    height, width = pictures[0].shape[:2]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 128, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def filter_picture(weight: Any) -> np.ndarray:
    """A filter (3, h, w) as a picture: 0 is grey, its largest value in size white or black."""
    values = np.asarray(weight, np.float64)
    largest = np.abs(values).max() or 1.0
    return np.rint((values.transpose(1, 2, 0) / largest * 0.5 + 0.5) * 255).astype(np.uint8)
