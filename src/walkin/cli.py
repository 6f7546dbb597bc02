"""The command line: what each command does, and how what goes wrong is told. Imports nothing heavy before it must."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from walkin.errors import WalkinError
from walkin.flags.parser import NAMES, parser


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
        options = parser().parse_args(_with_command(list(arguments)))
        return _reset() if options.reset else RUNS[options.command](options)
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
    if arguments and (arguments[0] in NAMES or arguments[0] in ("-h", "--help", "--version", "--reset")):
        return arguments
    if arguments and arguments[0].isalpha():
        from difflib import get_close_matches

        for close in get_close_matches(arguments[0], NAMES, 1, 0.7):
            raise WalkinError(f"no command {arguments[0]!r}: did you mean {close}? `walkin --help` lists them", code=2)
    return ["view", *arguments]


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
    from walkin.network.loading import catalogue

    entries = catalogue.names(options.pattern)
    if not entries:
        raise WalkinError(f"no network matches {options.pattern!r}; walkin networks lists all")
    print(catalogue.text(entries, options.pattern))
    return 0


def _featurevis(options: argparse.Namespace) -> int:
    from walkin.commands import featurevis

    return featurevis(options)


def _study(options: argparse.Namespace) -> int:
    if options.part == "view":
        return _study_view(options)
    from walkin.study.command import run_report, run_train

    return run_train(options) if options.part == "train" else run_report(options)


def _study_view(options: argparse.Namespace) -> int:
    from walkin.asked import Visit
    from walkin.opening import stay
    from walkin.study.showing import networks

    trained = networks(
        options.out, options.models, options.variants, options.seed, kind=options.kind, data=options.data,
        image=options.image, device=options.device, fold=options.fold,
    )  # fmt: skip
    # What it cannot be told is as in `walkin view`.
    return stay(Visit.of(options, images=trained[0].images), trained)


def _cache(options: argparse.Namespace) -> int:
    from walkin.commands import cache

    return cache(options.action, options.value)


def _doctor(options: argparse.Namespace) -> int:
    from walkin.doctor import report

    return report()


RUNS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "view": _view,
    "info": _info,
    "export": _export,
    "networks": _networks,
    "featurevis": _featurevis,
    "study": _study,
    "cache": _cache,
    "doctor": _doctor,
}


def _reset() -> int:
    """Forget all settings of this user."""
    import shutil

    import platformdirs

    folder = Path(platformdirs.user_config_dir("walkin", appauthor=False))
    if folder.exists():
        shutil.rmtree(folder)
        print(f"removed {folder}")
    else:
        print(f"nothing to forget: there is no {folder}")
    return 0
