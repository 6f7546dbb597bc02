"""Network flags: which network, and how it is opened, for every command that opens one."""

from __future__ import annotations

import argparse

from walkin.flags import values

ABOUT = """NETWORK is one of
  demo                        EfficientNet-Lite0 with its weights and photos, nothing to download
  resnet50, ...               any name of torchvision (walkin networks lists them)
  timm:NAME                   a network of timm (pip install 'walkin[timm]')
  FILE.py:FACTORY             a class or function in a file that gives an nn.Module,
  package.module:FACTORY      or in a module; literal arguments: net.py:Net(num_classes=10)"""


def add_name(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", nargs="?", default="demo", metavar="NETWORK", help="what to open (default: demo)")


def add(parser: argparse.ArgumentParser, seed: str = "--seed", *, changing: bool = False) -> None:
    """seed: the flag for that of untrained weights; changing: whether values can be changed."""
    parser.add_argument(
        "--weights",
        metavar="W",
        help="none, a weight name, or a .pt, .pth or .safetensors file (default: the best known)",
    )
    parser.add_argument("--key", metavar="K", help="where in a checkpoint the state dict is")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--input-size",
        type=values.size,
        metavar="[C,]HxW",
        help="size of the network's input, for example 224x224 or 1,28x28",
    )
    parser.add_argument(
        "--inputs",
        metavar="FILE.py:FUNCTION",
        help="for a network that wants more than a picture: what gives example inputs, as a tuple of arguments, a dict "
        "of them by name, or the one argument; pictures go into the first that is like one",
    )
    parser.add_argument(
        "--mean", type=values.numbers, metavar="M[,M...]", help="subtracted from inputs between 0 and 1"
    )
    parser.add_argument("--std", type=values.numbers, metavar="S[,S...]", help="inputs are divided by it")
    parser.add_argument("--labels", metavar="FILE", help="class names, one a line")
    parser.add_argument(
        "--fold",
        default="layers",
        choices=("ops", "layers", "blocks"),
        help="what becomes a wall: every operation, layers with norm and activation folded in, or blocks",
    )
    parser.add_argument("--image", metavar="FILE", help="picture to feed first")
    if changing:
        parser.add_argument(
            "--intervene",
            action="append",
            default=[],
            metavar="WHAT",
            help="change values where the network goes on with them (may be given again): layer3.2=0 takes a wall out, "
            "layer3.2/17=0 one channel, layer3.2/0,4-9='*0.5' scales some, layer3.2=clamp:-1,1 cuts off, "
            "layer3.2/17=swap:FILE takes the values of another picture",
        )
    parser.add_argument(seed, type=values.count, default=0, metavar="N", help="of untrained weights (default: 0)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def add_hide(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hide",
        action="append",
        metavar="GLOB",
        help="nodes that get no wall, by address: '*.bn*'; edges go through them (several: give it several times)",
    )
