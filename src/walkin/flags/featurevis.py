"""Featurevis flags: what `walkin featurevis` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from walkin.flags import network, values

ADDRESSES = """ADDRESS is one of
  layer4.1, 'layer4.*'        every channel of a node, or of all nodes whose address matches; a module stands for all
                              that lies in it, and * takes dots too: 'blocks.1*' is also blocks.10
  layer4.1/7                  one channel; @12,5 one place of it, @centre the middle; %10 its largest tenth
  layer4.1/7:1,9:-0.5         a direction: 1 x channel 7 - 0.5 x channel 9
  class:tabby, class:281      a class, before the softmax
  dream:layer4.1              the whole node
  '2*a/1 - b/3'               sums and differences, with spaces around the sign
  'layer4.1/7 ~4'             four pictures that are unlike each other
  'layer4.1/7 from F.jpg'     what is in a photo of it, exaggerated
  'dream:layer4.1 from F.jpg' the whole photo, exaggerated
walkin info NETWORK lists addresses. What was made before comes from the cache: a command that was ended goes on where
it was."""


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("address", nargs="*", metavar="ADDRESS", help="what the pictures are for")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--all", action="store_true", help="every channel of every node")
    parser.add_argument("--channels", type=values.channels, metavar="0,5,10-20", help="of whole nodes, these only")
    parser.add_argument(
        "--recipe",
        default="fourier",
        metavar="R",
        help="fourier (default), quick: small and soon there, maco: natural spectra, slow, pixel: DeepVisionVR's; or "
        "one that was saved",
    )
    parser.add_argument("--save-recipe", metavar="NAME", help="keep the recipe with these numbers for --recipe NAME")
    parser.add_argument("--steps", type=values.count, metavar="N", help="default: what the recipe says")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another number of the recipe, for example rate=0.1",
    )
    parser.add_argument("--seed", type=values.count, default=0, metavar="N", help="of the pictures (default: 0)")
    parser.add_argument(
        "--batch", type=values.count, default=0, metavar="N", help="pictures at a time (default: by memory)"
    )
    parser.add_argument("--no-cache", action="store_true", help="make all anew, and keep nothing")
    parser.add_argument(
        "--images",
        metavar="FOLDER",
        help="real pictures, a folder or a data set: what they reach goes beside what each picture reaches",
    )
    parser.add_argument(
        "--ray",
        metavar="auto|ADDRESS",
        help="share the work with a Ray cluster (pip install 'walkin[ray]'): HOST:PORT; auto: the one that runs here, "
        "else one is started for the time being; local: start one",
    )
    network.add(parser, seed="--weights-seed")
