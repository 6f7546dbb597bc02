"""Study flags: what `walkin study train`, `report` and `view` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from walkin.flags import values

KINDS = ("caltech101", "sars-cov-2", "standin")
ABOUT = """train    trains networks that generalise and networks that memorise, from the same pictures
report   measures what tells them apart: tables, plots and one page
view     opens them side by side in the room

Without --data a stand-in of drawn shapes and textures is used. The data sets of the paper are got by yourself:
  --kind caltech101 --data DIR   torchvision.datasets.Caltech101(DIR, download=True), or from data.caltech.edu;
                                 DIR/caltech101/101_ObjectCategories/CLASS/*.jpg is wanted
  --kind sars-cov-2 --data DIR   from kaggle.com/datasets/plameneduardo/sarscov2-ctscan-dataset; DIR/CLASS/*.png is
                                 wanted, DIR/CLASS/PATIENT/*.png for splits by subject
Several GPUs train each network together: torchrun --nproc-per-node 4 -m walkin study train ..."""


def add(parser: argparse.ArgumentParser) -> None:
    """The three parts, one of which is `part` then."""
    parts = parser.add_subparsers(title="parts", metavar="train|report|view", dest="part", required=True)
    shown = {"epilog": ABOUT, "formatter_class": argparse.RawDescriptionHelpFormatter}
    _train(parts.add_parser("train", help="train them", description="Train them.", **shown))
    _report(parts.add_parser("report", help="measure them", description="Measure them: tables, plots and one page."))
    side = "open them side by side"
    _view(parts.add_parser("view", help=side, description=f"{side.capitalize()} in the room."))
    for part in parts.choices.values():
        part.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the study")
        part.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
        part.add_argument("--debug", action="store_true", help="show tracebacks")


def _train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", metavar="DIR|standin", help="folder of the data set (default: standin, which is drawn)"
    )
    parser.add_argument("--kind", choices=KINDS, help="what is in --data")
    parser.add_argument(
        "--subjects", action="store_true", help="split by subject, where names of folders or files say whom it is of"
    )
    parser.add_argument(
        "--setting",
        default="small",
        choices=("small", "full"),
        help="small: small networks and few epochs; full: the published networks, ten times as long",
    )
    parser.add_argument("--models", metavar="NAME[,NAME...]", help="networks of the study (default: the setting's)")
    parser.add_argument(
        "--variants",
        metavar="NAME[,NAME...]",
        help="clean, augmented, finetuned, noise: besides the true pictures noisy copies with fixed random labels, "
        "random: all labels random (default: the setting's)",
    )
    parser.add_argument("--seeds", type=values.count, default=3, metavar="N", help="networks of each kind (default: 3)")
    parser.add_argument("--epochs", type=values.count, metavar="N", help="of clean variants; the others take more")
    parser.add_argument("--batch", type=values.count, metavar="N", help="pictures in a step")
    parser.add_argument("--rate", type=values.positive, metavar="R", help="largest step of AdamW")
    parser.add_argument(
        "--alpha",
        type=values.positive,
        default=1.0,
        metavar="A",
        help="noise: its standard deviation, in units of the normalised input (default: 1)",
    )
    parser.add_argument(
        "--ratio",
        type=values.positive,
        default=0.5,
        metavar="R",
        help="noise: noisy copies for each picture (default: 0.5)",
    )


def _report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the pictures are now, if they were moved")
    parser.add_argument("--kind", choices=KINDS, help="what is in --data, where the study has several")


def _view(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the pictures are now, if they were moved")
    parser.add_argument("--kind", choices=KINDS, help="which data set, if the study has several (default: the first)")
    parser.add_argument("--models", metavar="NAME[,NAME...]", help="networks of the study (default: its first)")
    parser.add_argument("--variants", metavar="NAME[,NAME...]", help="default: clean,noise,random")
    parser.add_argument(
        "--seed", type=values.count, default=0, metavar="N", help="which of the trained ones (default: 0)"
    )
    parser.add_argument("--image", metavar="FILE", help="picture to feed first (default: one that is tested with)")
    parser.add_argument(
        "--target",
        default="auto",
        choices=("auto", "openxr", "desktop", "offscreen"),
        help="auto: a headset if there is one, else a window, without a display one picture",
    )
    parser.add_argument(
        "--fold", default="layers", choices=("ops", "layers", "blocks"), help="what becomes a wall, as in walkin view"
    )
    parser.add_argument("--goto", metavar="ADDRESS", help="stand before this layer")
    parser.add_argument("--from", dest="seen_from", choices=("entrance", "bird"), default="entrance", help="first view")
    parser.add_argument(
        "--screenshot-to", type=Path, metavar="F.png", help="write a picture when all is there, then end"
    )
