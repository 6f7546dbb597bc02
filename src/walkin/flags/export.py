"""Export flags: what `walkin export` can be told."""

from __future__ import annotations

import argparse

from walkin.flags import network, values

PARTS = ("colour", "grey", "raw", "visualisations", "input", "histograms", "top", "classes")
GLOBS = """GLOBs are addresses (walkin info lists them); `*` is any letters, dots too, `?` is one, [ab] one of them:
  'layer4.*'                  all in layer4        'blocks.1*'   all in blocks.1, blocks.10, blocks.11, ...
  layer4.1                    a module stands for all that lies in it
An underscore that a name begins with may be left out."""


def add(parser: argparse.ArgumentParser) -> None:
    network.add_name(parser)
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="the folder to make; if there is one, DIR-2 and so on (default: NETWORK-export in the current folder)",
    )
    parser.add_argument(
        "--nodes", nargs="+", default=["*"], metavar="GLOB", help="addresses: 'layer4.*' conv1 (default: all)"
    )
    parser.add_argument(
        "--parts",
        type=parts,
        default=PARTS,
        metavar="P[,P...]",
        help=f"what goes in: {', '.join(PARTS)} (default: all)",
    )
    parser.add_argument(
        "--visualise",
        nargs="?",
        const="fourier",
        metavar="RECIPE",
        help="first make the visualisations that are missing (fourier, quick, maco, pixel; default: fourier); what is "
        "done is kept when it is ended, and the same command goes on; else those go in that were made before",
    )
    parser.add_argument(
        "--visualise-seed",
        type=values.count,
        default=0,
        metavar="N",
        help="of visualisations that are made (default: 0)",
    )
    parser.add_argument("--colors", choices=("signed", "unsigned", "grey"), default="signed", help="colour map")
    parser.add_argument(
        "--range", choices=("channel", "wall", "percentile"), default="channel", help="what the colours span"
    )
    parser.add_argument("--channels", action="store_true", help="also a picture for every single channel")
    parser.add_argument(
        "--top", type=values.count, default=9, metavar="K", help="channels that are named as the strongest (default: 9)"
    )
    parser.add_argument("--classes", type=values.count, default=10, metavar="K", help="classes to name (default: 10)")
    network.add(parser, changing=True)


def parts(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(","))
    for part in found:
        if part not in PARTS:
            raise argparse.ArgumentTypeError(f"{part!r} is no part: there are {', '.join(PARTS)}")
    return found
