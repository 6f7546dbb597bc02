"""The commands that open no room: info, featurevis, cache."""

from __future__ import annotations

import argparse
import sys

from walkin.asked import check_files, request_from
from walkin.errors import WalkinError
from walkin.imports import collector_resting
from walkin.sizes import counted


def info(options: argparse.Namespace) -> int:
    """walkin info: prints what a network is made of."""
    import json

    with collector_resting("torch"):
        from walkin.network import describe
        from walkin.network.loading import opened

    request = request_from(options, options.network)
    check_files(request)
    network = opened.describe(request, lambda line: print(line, file=sys.stderr))
    if options.json:
        print(json.dumps(describe.info_json(network), indent=1))
    else:
        print(describe.info_text(network))
    return 0


def featurevis(options: argparse.Namespace) -> int:
    """walkin featurevis: the exit code."""
    if not options.address and not options.all:
        raise WalkinError("what is to be visualised? name an address (walkin info lists them), or --all", code=2)
    if options.out.exists() and not options.out.is_dir():
        raise WalkinError(f"--out {options.out} is a file; a folder is wanted", code=2)
    with collector_resting("torch"):
        from walkin.network.featurevis import command
        from walkin.network.featurevis.saved_recipes import save_recipe
    options.seed, seed = options.weights_seed, options.seed
    request = request_from(options, options.network)
    check_files(request)
    if options.images:
        from walkin.network.feeding.datasets import check

        check(options.images)
    recipe = command.with_changes(options.recipe, options.steps, options.set)
    if options.save_recipe:
        recipe, path = save_recipe(recipe, options.save_recipe)
        print(f"walkin: --recipe {recipe.name} from now on ({path})", file=sys.stderr)
    wanted = command.Wanted(
        request=request,
        addresses=tuple(options.address),
        out=options.out,
        recipe=recipe,
        channels=options.channels,
        seed=seed,
        everything=options.all,
        kept=not options.no_cache,
        batch=options.batch,
        images=options.images or "",
        ray=options.ray,
    )
    return command.run(wanted)


def cache(action: str, value: str) -> int:
    """walkin cache: the exit code."""
    from walkin.network.featurevis.cache import Cache, size_from, size_text

    held = Cache()
    if action == "clear":
        count, size = held.clear(value)
        print(
            f"{counted(count, 'file')} removed ({size_text(size)})"
            if count
            else f"nothing of {value or 'any network'} was kept"
        )
        return 0
    if action == "limit" and value:
        gone = held.set_limit(size_from(value))
        print(f"limit {size_text(held.limit_bytes)}" + (f", {counted(gone, 'file')} let go" if gone else ""))
        return 0
    if action == "list":
        rows: dict[tuple[str, str], list[int]] = {}
        for entry in held.entries():
            rows.setdefault((entry.network, entry.recipe), []).append(entry.bytes)
        for (network, recipe), sizes in rows.items():
            what = "files" if recipe.startswith("evidence") else "pictures"
            print(f"{network:<24} {recipe:<16} {len(sizes):>7,} {what:<8} {size_text(sum(sizes)):>10}")
    print(f"{size_text(held.held_bytes)} of at most {size_text(held.limit_bytes)} in {held.folder}")
    return 0
