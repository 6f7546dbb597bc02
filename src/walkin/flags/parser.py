"""Parser: the commands that there are, and what reads them. Loads nothing heavy."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from walkin._version import __version__
from walkin.flags import export, featurevis, network, study, view


@dataclass(frozen=True)
class Command:
    name: str
    help: str
    """In the list of commands."""
    description: str
    """At the top of its own help."""
    add: Callable[[argparse.ArgumentParser], None]
    """Gives it its flags."""
    about: str = ""
    """Below them, line by line as it is."""


def _info(parser: argparse.ArgumentParser) -> None:
    network.add_name(parser)
    network.add(parser)
    network.add_hide(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object")


def _networks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", nargs="?", default="", metavar="PATTERN", help="part of a name, or with * and ?")
    _debug(parser)


def _cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("list", "clear", "limit"))
    parser.add_argument("value", nargs="?", default="", metavar="NETWORK|SIZE", help="clear: of one; limit: 500MB")
    _debug(parser)


def _debug(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


COMMANDS = (
    Command(
        "view", "open a network and walk through it", "Open a network and walk through it.", view.add, network.ABOUT
    ),
    Command(
        "info",
        "nodes, edges, maps and memory of a network",
        "Nodes, edges, maps and memory of a network.",
        _info,
        network.ABOUT,
    ),
    Command(
        "export",
        "write what a network gives for a picture: arrays, pictures and a gallery",
        "Write what a network gives for a picture into a new folder: of each node its exact values (npz) and mosaics "
        "of its channels (png, grey and in colours), what they look for, with a manifest and a gallery, index.html.",
        export.add,
        f"{export.GLOBS}\n\n{network.ABOUT}",
    ),
    Command("networks", "what can be opened by name", "What can be opened by name.", _networks),
    Command(
        "featurevis",
        "write pictures of what channels answer to most",
        "Write pictures of what channels answer to most: PNGs, a sheet for each wall, and index.json.",
        featurevis.add,
        f"{featurevis.ADDRESSES}\n\n{network.ABOUT}",
    ),
    Command(
        "study",
        "train networks that generalise and that memorise, and measure what tells them apart",
        "How networks memorise pictures, after the study of the paper.",
        study.add,
        study.ABOUT,
    ),
    Command(
        "cache",
        "what is kept of visualisations and evidence",
        "List or clear the visualisations that are kept, and what pictures reached on channels, or set how much room "
        "both may take.",
        _cache,
    ),
    Command("doctor", "what is usable on this machine and why not", "GL, windows, torch, devices.", _debug),
)
NAMES = tuple(command.name for command in COMMANDS)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"walkin: {message}; `{self.prog} --help` lists what there is\n")


def parser() -> Parser:
    """What it reads has `command`, one of NAMES or None, of which only the latter goes with `reset`."""
    whole = Parser(
        prog="walkin",
        description="Walk through a PyTorch network: every layer is a wall, every channel a picture on it.",
        epilog=f"Without a command: walkin view. Without a network: demo.\n\n{network.ABOUT}\n\n"
        "walkin COMMAND --help tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    whole.add_argument("--version", action="version", version=f"walkin {__version__}")
    whole.add_argument("--reset", action="store_true", help="forget all settings of this user and end")
    commands = whole.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for command in COMMANDS:
        shown = {"epilog": command.about, "formatter_class": argparse.RawDescriptionHelpFormatter}
        parser = commands.add_parser(
            command.name, help=command.help, description=command.description, **(shown if command.about else {})
        )
        command.add(parser)
    return whole
