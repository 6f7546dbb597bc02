"""The command line: build everything, choose a target, run. Imports nothing heavy until a command needs it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from walkin import export_flags, study_flags
from walkin._version import __version__
from walkin.errors import WalkinError

TIMEOUT_S = 300.0
COMMANDS = ("view", "info", "networks", "featurevis", "export", "study", "cache", "doctor")

NETWORK_HELP = """NETWORK is one of
  demo                        EfficientNet-Lite0 with its weights and photos, nothing to download
  resnet50, ...               any name of torchvision (walkin networks lists them)
  timm:NAME                   a network of timm (pip install 'walkin[timm]')
  FILE.py:FACTORY             a class or function in a file that gives an nn.Module,
  package.module:FACTORY      or in a module; literal arguments: net.py:Net(num_classes=10)"""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run and end the process with the exit code."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a process that ends while a daemon thread is inside torch aborts.
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """The exit code: 0, 1 for a failure, 2 for wrong usage."""
    options = argparse.Namespace(debug="--debug" in arguments)
    try:
        options = _parser().parse_args(_with_command(list(arguments)))
        command: Callable[[argparse.Namespace], int] = options.run
        return command(options)
    except SystemExit as end:  # argparse: --help, --version, usage
        return end.code if isinstance(end.code, int) else 2
    except WalkinError as problem:
        if options.debug:
            import traceback

            traceback.print_exc()
        print(f"walkin: {problem}", file=sys.stderr)
        return problem.code
    except BrokenPipeError:  # walkin networks | head
        sys.stdout = open(os.devnull, "w")
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception as problem:
        if options.debug:
            raise
        text = (str(problem).splitlines() or [""])[0]
        print(f"walkin: {type(problem).__name__}: {text} (--debug shows where)", file=sys.stderr)
        return 1


def _with_command(arguments: list[str]) -> list[str]:
    """Put `view` where no command was given: a first argument that is no command is a network."""
    if arguments and (arguments[0] in COMMANDS or arguments[0] in ("-h", "--help", "--version", "--reset")):
        return arguments
    if arguments and arguments[0].isalpha():
        from difflib import get_close_matches

        for close in get_close_matches(arguments[0], COMMANDS, 1, 0.7):
            raise WalkinError(f"no command {arguments[0]!r}: did you mean {close}? `walkin --help` lists them", code=2)
    return ["view", *arguments]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command in one line, without the usage in front."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"walkin: {message}; `{self.prog} --help` lists what there is\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="walkin",
        description="Walk through a PyTorch network: every layer is a wall, every channel a picture on it.",
        epilog=f"Without a command: walkin view. Without a network: demo.\n\n{NETWORK_HELP}\n\n"
        "walkin COMMAND --help tells more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"walkin {__version__}")
    parser.add_argument("--reset", action=_Reset, nargs=0, help="forget all settings of this user and end")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _view_parser(commands)
    _info_parser(commands)
    _export_parser(commands)
    _networks_parser(commands)
    _featurevis_parser(commands)
    _study_parser(commands)
    _cache_parser(commands)
    doctor = commands.add_parser(
        "doctor", help="what is usable on this machine and why not", description="GL, windows, torch, devices."
    )
    doctor.add_argument("--debug", action="store_true", help="show tracebacks")
    doctor.set_defaults(run=_doctor)
    return parser


def _network_options(parser: argparse.ArgumentParser, seed: str = "--seed", *, changing: bool = False) -> None:
    parser.add_argument(
        "--weights",
        metavar="W",
        help="none, a weight name, or a .pt, .pth or .safetensors file (default: the best known)",
    )
    parser.add_argument("--key", metavar="K", help="where in a checkpoint the state dict is")
    parser.add_argument("--device", default="auto", choices=("auto", "cpu", "cuda", "mps"))
    parser.add_argument(
        "--input-size",
        type=_size,
        metavar="[C,]HxW",
        help="size of the network's input, for example 224x224 or 1,28x28",
    )
    parser.add_argument(
        "--inputs",
        metavar="FILE.py:FUNCTION",
        help="for a network that wants more than a picture: what gives example inputs, as a tuple of arguments, a dict "
        "of them by name, or the one argument; pictures go into the first that is like one",
    )
    parser.add_argument("--mean", type=_numbers, metavar="M[,M...]", help="subtracted from inputs between 0 and 1")
    parser.add_argument("--std", type=_numbers, metavar="S[,S...]", help="inputs are divided by it")
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
    parser.add_argument(seed, type=_count, default=0, metavar="N", help="of untrained weights (default: 0)")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")


def _view_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "view",
        help="open a network and walk through it",
        description="Open a network and walk through it.",
        epilog=NETWORK_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", nargs="*", metavar="NETWORK", help="what to open, side by side (default: demo)")
    _network_options(parser, changing=True)
    parser.add_argument(
        "--images",
        metavar="SPEC",
        help="pictures for the shelf: a folder (flat, or with a folder for each class), NAME:ROOT for a data set of "
        "torchvision that is on the disk (caltech101:data), or package.module:DATASET; the first goes in first",
    )
    parser.add_argument(
        "--camera", metavar="N|FILE", help="feed a camera (0 is the first) or a file of video, as fast as it goes"
    )
    parser.add_argument(
        "--hide",
        action="append",
        metavar="GLOB",
        help="nodes that get no wall, by address: '*.bn*'; edges go through them (several: give it several times)",
    )
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
        type=_memory,
        metavar="SIZE",
        help="most that walls take on the GPU, for example 500MB or 2GB: where not all have room those that are far or "
        "not looked at are coarse (default: half of what is free, or 1GB)",
    )
    parser.add_argument("--eyes", type=int, default=1, choices=(1, 2), help="offscreen: draw one or two eyes")
    headset = parser.add_argument_group("with a headset")
    headset.add_argument(
        "--render-scale", type=_scale, default=1.0, metavar="S", help="pixels of an eye's side over what is recommended"
    )
    usual = "for this visit; the panel's is kept"
    headset.add_argument(
        "--turn", choices=("snap30", "snap45", "smooth"), help=f"what the stick's side does (snap45), {usual}"
    )
    headset.add_argument("--speed", type=_speed, metavar="M/S", help=f"of walking (1.9), {usual}")
    headset.add_argument(
        "--vignette", action=argparse.BooleanOptionalAction, help="narrow the view while the stick moves you"
    )
    headset.add_argument("--left-handed", action=argparse.BooleanOptionalAction, help="swap the controllers")
    headset.add_argument(
        "--mirror",
        choices=("eye", "spectator", "none"),
        default="eye",
        help="what the window shows: the left eye, a steady view for those who look on, nothing",
    )
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
    film = parser.add_argument_group("a walk along the bookmarks of a scene, offscreen")
    film.add_argument(
        "--walk-to",
        type=Path,
        metavar="DIR|F.mp4",
        help="write it as numbered pictures, or as a film (pip install 'walkin[video]'), then end; needs --scene",
    )
    film.add_argument("--walk-s", type=_seconds, metavar="S", help="how long it takes (default: at an easy pace)")
    film.add_argument("--walk-fps", type=_rate, default=30, metavar="N", help="pictures a second (default: 30)")
    parser.add_argument("--from", dest="seen_from", choices=("entrance", "bird"), default="entrance", help="first view")
    parser.add_argument("--window-size", type=_window, default=(1280, 720), metavar="WxH", help="default: 1280x720")
    parser.add_argument("--frames", type=_count, metavar="N", help="end after N frames, counted from when all is there")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT_S,
        metavar="S",
        help=f"longest wait for that (default: {TIMEOUT_S:.0f})",
    )
    parser.set_defaults(run=_view)


def _info_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "info",
        help="nodes, edges, maps and memory of a network",
        description="Nodes, edges, maps and memory of a network.",
        epilog=NETWORK_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", nargs="?", default="demo", metavar="NETWORK", help="what to open (default: demo)")
    _network_options(parser)
    parser.add_argument(
        "--hide",
        action="append",
        metavar="GLOB",
        help="nodes that get no wall, by address: '*.bn*'; edges go through them (several: give it several times)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=_info)


def _export_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "export",
        help="write what a network gives for a picture: arrays, pictures and a gallery",
        description="Write what a network gives for a picture into a new folder: of each node its exact values (npz) "
        "and mosaics of its channels (png, grey and in colours), what they look for, with a manifest and a gallery, "
        "index.html.",
        epilog=f"{export_flags.GLOBS}\n\n{NETWORK_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", nargs="?", default="demo", metavar="NETWORK", help="what to open (default: demo)")
    export_flags.add(parser, _count)
    _network_options(parser, changing=True)
    parser.set_defaults(run=_export)


def _networks_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "networks", help="what can be opened by name", description="What can be opened by name."
    )
    parser.add_argument("pattern", nargs="?", default="", metavar="PATTERN", help="part of a name, or with * and ?")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.set_defaults(run=_networks)


FEATUREVIS_HELP = """ADDRESS is one of
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


def _featurevis_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "featurevis",
        help="write pictures of what channels answer to most",
        description="Write pictures of what channels answer to most: PNGs, a sheet for each wall, and index.json.",
        epilog=f"{FEATUREVIS_HELP}\n\n{NETWORK_HELP}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("network", metavar="NETWORK")
    parser.add_argument("address", nargs="*", metavar="ADDRESS", help="what the pictures are for")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--all", action="store_true", help="every channel of every node")
    parser.add_argument("--channels", type=_ranges, metavar="0,5,10-20", help="of whole nodes, these only")
    parser.add_argument(
        "--recipe",
        default="fourier",
        metavar="R",
        help="fourier (default), quick: small and soon there, maco: natural spectra, slow, pixel: DeepVisionVR's; or "
        "one that was saved",
    )
    parser.add_argument("--save-recipe", metavar="NAME", help="keep the recipe with these numbers for --recipe NAME")
    parser.add_argument("--steps", type=_count, metavar="N", help="default: what the recipe says")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another number of the recipe, for example rate=0.1",
    )
    parser.add_argument("--seed", type=_count, default=0, metavar="N", help="of the pictures (default: 0)")
    parser.add_argument("--batch", type=_count, default=0, metavar="N", help="pictures at a time (default: by memory)")
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
    _network_options(parser, seed="--weights-seed")
    parser.set_defaults(run=_featurevis)


def _study_parser(commands: argparse._SubParsersAction) -> None:
    study_flags.add(commands, _Parser, _count, {"train": _study_train, "report": _study_report, "view": _study_view})


def _cache_parser(commands: argparse._SubParsersAction) -> None:
    parser = commands.add_parser(
        "cache",
        help="what is kept of visualisations and evidence",
        description="List or clear the visualisations that are kept, and what pictures reached on channels, or set how "
        "much room both may take.",
    )
    parser.add_argument("action", choices=("list", "clear", "limit"))
    parser.add_argument("value", nargs="?", default="", metavar="NETWORK|SIZE", help="clear: of one; limit: 500MB")
    parser.add_argument("--debug", action="store_true", help="show tracebacks")
    parser.set_defaults(run=_cache)


def _view(options: argparse.Namespace) -> int:
    from walkin.opening import view

    return view(options)


def _info(options: argparse.Namespace) -> int:
    from walkin.commands import info

    return info(options)


def _export(options: argparse.Namespace) -> int:
    from walkin.exports import command

    return command(options)


def _networks(options: argparse.Namespace) -> int:
    from walkin.network import catalogue

    entries = catalogue.names(options.pattern)
    if not entries:
        raise WalkinError(f"no network matches {options.pattern!r}; walkin networks lists all")
    print(catalogue.text(entries, options.pattern))
    return 0


def _featurevis(options: argparse.Namespace) -> int:
    from walkin.commands import featurevis

    return featurevis(options)


def _study_train(options: argparse.Namespace) -> int:
    from walkin.study.command import run_train

    return run_train(options)


def _study_report(options: argparse.Namespace) -> int:
    from walkin.study.command import run_report

    return run_report(options)


def _study_view(options: argparse.Namespace) -> int:
    from walkin.opening import view
    from walkin.study.showing import networks

    requests = networks(options.out, options.models, options.variants, options.seed)
    # What is not asked for is as in `walkin view`.
    usual = _parser().parse_args(["view"])
    return view(argparse.Namespace(**{**vars(usual), **vars(options), "images": requests[0].images}), requests)


def _cache(options: argparse.Namespace) -> int:
    from walkin.commands import cache

    return cache(options.action, options.value)


def _doctor(options: argparse.Namespace) -> int:
    from walkin.doctor import report

    return report()


class _Reset(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> NoReturn:
        import shutil

        import platformdirs

        folder = Path(platformdirs.user_config_dir("walkin", appauthor=False))
        if folder.exists():
            shutil.rmtree(folder)
            print(f"removed {folder}")
        else:
            print(f"nothing to forget: there is no {folder}")
        parser.exit(0)


def _size(text: str) -> tuple[int, ...]:
    channels, comma, rest = text.rpartition(",")
    try:
        height, width = (int(part) for part in rest.lower().split("x"))
        size = (int(channels), height, width) if comma else (height, width)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not [C,]HxW, for example 224x224 or 1,28x28") from None
    if min(size) < 1 or max(size) > 16384:
        raise argparse.ArgumentTypeError(f"{text!r}: sizes are between 1 and 16384")
    return size


def _memory(text: str) -> int:
    from walkin.sizes import LEAST_MEMORY, size_from, size_text

    try:
        size = size_from(text)
    except WalkinError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None
    if size < LEAST_MEMORY:
        raise argparse.ArgumentTypeError(f"{text!r} is too little: walls need {size_text(LEAST_MEMORY)} at least")
    return size


def _window(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not WxH, for example 1280x720") from None
    if not (16 <= width <= 8192 and 16 <= height <= 8192):
        raise argparse.ArgumentTypeError(f"{text!r}: sides are between 16 and 8192 pixels")
    return width, height


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) < 2**63):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 up")
    return int(text)


def _ranges(text: str) -> tuple[int, ...]:
    found: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            low, high = _count(first), _count(last) if dash else _count(first)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(f"{text!r} is not channels, for example 0,5,10-20") from None
        if high < low or high - low > 100_000:
            raise argparse.ArgumentTypeError(f"{text!r}: {part.strip()} is no range")
        found += range(low, high + 1)
    return tuple(dict.fromkeys(found))


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def _rate(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 240):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 to 240")
    return int(text)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.1 <= speed <= 50:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of metres a second between 0.1 and 50")
    return speed


def _scale(text: str) -> float:
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not 0.1 <= scale <= 4:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0.1 and 4")
    return scale


def _numbers(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.replace(",", " ").split())
        if not numbers or not all(abs(number) < 1e9 for number in numbers):
            raise ValueError(text)
        return numbers
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers, for example 0.485,0.456,0.406") from None
