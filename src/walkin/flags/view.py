"""View flags: what `walkin view` can be told."""

from __future__ import annotations

import argparse
from pathlib import Path

from walkin.flags import network, values

TIMEOUT_S = 300.0


def add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", nargs="*", metavar="NETWORK", help="what to open, side by side (default: demo)")
    network.add(parser, changing=True)
    parser.add_argument(
        "--images",
        metavar="SPEC",
        help="pictures for the shelf: a folder (flat, or with a folder for each class), NAME:ROOT for a data set of "
        "torchvision that is on the disk (caltech101:data), or package.module:DATASET; the first goes in first",
    )
    parser.add_argument(
        "--camera", metavar="N|FILE", help="feed a camera (0 is the first) or a file of video, as fast as it goes"
    )
    network.add_hide(parser)
    parser.add_argument(
        "--checkpoints",
        metavar="GLOB",
        help="what a training writes, as a slider over time: a folder or 'runs/*.safetensors'; new ones are added as "
        "they are written, and the newest goes in first",
    )
    parser.add_argument("--watch", metavar="FOLDER", help="feed the newest picture of a folder that is written to")
    parser.add_argument(
        "--target",
        default="auto",
        choices=("auto", "openxr", "desktop", "offscreen"),
        help="auto: a headset if there is one, else a window, without a display one picture",
    )
    parser.add_argument("--msaa", type=int, choices=(0, 2, 4), help="samples per pixel (default: 4 on a GPU, else 0)")
    parser.add_argument(
        "--memory",
        type=values.memory,
        metavar="SIZE",
        help="most that walls take on the GPU, for example 500MB or 2GB: where not all have room those that are far or "
        "not looked at are coarse (default: half of what is free, or 1GB)",
    )
    parser.add_argument("--eyes", type=int, default=1, choices=(1, 2), help="offscreen: draw one or two eyes")
    _headset(parser.add_argument_group("with a headset"))
    parser.add_argument(
        "--layout",
        choices=("line", "spiral"),
        help="walls along an aisle, or wound around the entrance (default: line)",
    )
    parser.add_argument("--light", action=argparse.BooleanOptionalAction, help="a light room instead of a dark one")
    parser.add_argument(
        "--scene",
        type=Path,
        metavar="F.json",
        help="take up a room that was saved (Ctrl+S); a file that is not there yet is where it will be saved",
    )
    parser.add_argument(
        "--goto",
        metavar="ADDRESS",
        help="stand before this layer, for example layer3.2.conv2, or layer3.2.conv2/117 for one channel of it",
    )
    parser.add_argument("--colors", choices=("signed", "unsigned", "grey"), help="colour map (default: signed)")
    parser.add_argument(
        "--range", choices=("channel", "wall", "percentile"), help="what the colours span (default: channel)"
    )
    parser.add_argument(
        "--screenshot-to", type=Path, metavar="F.png", help="write a picture when all is there, then end"
    )
    parser.add_argument(
        "--profile",
        type=Path,
        metavar="F.json",
        help="write where each frame's time went, in Chrome's trace format (ui.perfetto.dev shows it)",
    )
    _film(parser.add_argument_group("a walk along the bookmarks of a scene, offscreen"))
    parser.add_argument("--from", dest="seen_from", choices=("entrance", "bird"), default="entrance", help="first view")
    parser.add_argument(
        "--window-size", type=values.window, default=(1280, 720), metavar="WxH", help="default: 1280x720"
    )
    parser.add_argument(
        "--frames", type=values.count, metavar="N", help="end after N frames, counted from when all is there"
    )
    parser.add_argument(
        "--timeout",
        type=values.seconds,
        default=TIMEOUT_S,
        metavar="S",
        help=f"longest wait for that (default: {TIMEOUT_S:.0f})",
    )


def _headset(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--render-scale",
        type=values.scale,
        default=1.0,
        metavar="S",
        help="pixels of an eye's side over what is recommended",
    )
    usual = "for this visit; the panel's is kept"
    group.add_argument(
        "--turn", choices=("snap30", "snap45", "smooth"), help=f"what the stick's side does (snap45), {usual}"
    )
    group.add_argument("--speed", type=values.speed, metavar="M/S", help=f"of walking (1.9), {usual}")
    group.add_argument(
        "--vignette", action=argparse.BooleanOptionalAction, help="narrow the view while the stick moves you"
    )
    group.add_argument("--left-handed", action=argparse.BooleanOptionalAction, help="swap the controllers")
    group.add_argument(
        "--mirror",
        choices=("eye", "spectator", "none"),
        default="eye",
        help="what the window shows: the left eye, a steady view for those who look on, nothing",
    )


def _film(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--walk-to",
        type=Path,
        metavar="DIR|F.mp4",
        help="write it as numbered pictures, or as a film (pip install 'walkin[video]'), then end; needs --scene",
    )
    group.add_argument(
        "--walk-s", type=values.seconds, metavar="S", help="how long it takes (default: at an easy pace)"
    )
    group.add_argument("--walk-fps", type=values.rate, default=30, metavar="N", help="pictures a second (default: 30)")
