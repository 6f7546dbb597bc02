"""Globs: which nodes a name with wildcards means: for export, featurevis and walkin.activations alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from walkin.graph import Network


def matching(addresses: Iterable[str], pattern: str) -> list[str]:
    """The address of that name; else those that match the glob, or lie beneath a module whose path matches it.

    As in fnmatch `*` is any letters, dots among them, `?` one, `[ab]` one of these: `blocks.1*` is `blocks.1.0.conv`
    and also `blocks.10.conv`, `blocks.1` is `blocks.1.0.conv` and all else in that block. Where nothing matches, the
    underscores that names begin with (`_blocks.1`) are overlooked. In the order given; [] if there are none.
    """
    known = list(addresses)
    if pattern in known:
        return [pattern]
    found = [address for address in known if any(fnmatchcase(path, pattern) for path in _paths(address))]
    if found:
        return found
    plain = _bare(pattern)
    return [address for address in known if any(fnmatchcase(path, plain) for path in _paths(_bare(address)))]


def addresses_of(network: Network, pattern: str) -> list[str]:
    """Of the nodes that a pattern means, by their addresses or by the names that probes gave them."""
    named = network.by_title
    if pattern in named and pattern not in network.by_address:
        return [named[pattern].address]
    found = matching(network.by_address, pattern)
    return found or [named[title].address for title in matching(named, pattern)]


def _paths(address: str) -> Iterator[str]:
    """The address and the modules that it lies in: `a.b/add`, `a`, `a.b`; a second call, `a.b:1`, lies in `a`."""
    yield address
    for at, letter in enumerate(address):
        if letter in "./":
            yield address[:at]


def _bare(address: str) -> str:
    return re.sub(r"(^|(?<=[./]))_+", "", address)
