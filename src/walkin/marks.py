"""Mark: what is known of a point of a network that somebody has given a name. Plain data; knows no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from walkin.errors import WalkinError

COLOR_MAPS = ("signed", "unsigned", "grey")
"""As walkin.color_maps has them, which takes numpy."""


@dataclass(frozen=True)
class Tracked:
    """Where the annotations of DeepVisionVR put a point: on a grid, with edges of their own."""

    stage: int
    """How many steps behind the input, which is 0."""
    lane: int
    """Which of the branches that stand side by side."""
    precursors: tuple[tuple[int, int], ...] = ()
    """(stage, lane) of the points that edges come from."""
    text_only: bool = False
    """Only its name is to be read: where a block begins."""
    module: str = ""
    """Path of the module whose weights belong to it; '' if none was named."""


@dataclass(frozen=True)
class Mark:
    """A name for a value of a network, and what belongs to it."""

    name: str
    group: str = ""
    """What lies before it, back to the points before it, is grouped under this name."""
    show: bool = True
    """Whether what lies before it has walls of its own."""
    labels: tuple[str, ...] = ()
    """Of the channels, from 0 on; '' for one without."""
    partial: bool = False
    """Whether only some channels have labels."""
    color_map: str = ""
    """One of COLOR_MAPS for its wall; '': as all walls."""
    tracked: Tracked | None = None

    @property
    def words(self) -> str:
        """What it is called when something is wrong with it."""
        return f"{'tracker' if self.tracked is not None else 'probe'} {self.name!r}"


def mark(
    name: object,
    group: object = None,
    show: object = True,
    labels: Sequence[str] | Mapping[int, str] | None = None,
    color_map: object = None,
) -> Mark:
    """A Mark of what somebody wrote; WalkinError, in one line, for what cannot be meant."""
    if not isinstance(name, str) or not name.strip():
        raise WalkinError(f"a probe's name is a text, not {name!r:.60}", code=2)
    what = f"probe {name!r}"
    if group is not None and not isinstance(group, str):
        raise WalkinError(f"{what}: group is a text, not {group!r:.60}", code=2)
    if not isinstance(show, bool):
        raise WalkinError(f"{what}: show is True or False, not {show!r:.60}", code=2)
    if color_map is not None and color_map not in COLOR_MAPS:
        raise WalkinError(f"{what}: color_map is one of {', '.join(COLOR_MAPS)}, not {color_map!r:.60}", code=2)
    texts = _labels(what, labels)
    return Mark(name.strip(), (group or "").strip(), show, texts, isinstance(labels, Mapping), str(color_map or ""))


def marks(probes: object) -> tuple[tuple[str, Mark], ...]:
    """What a script gives as `probes`: path or address -> a Probe, what makes one as a dict, or a name."""
    if probes is None:
        return ()
    if not isinstance(probes, Mapping):
        raise WalkinError(f"probes is a dict of paths or addresses, not {probes!r:.60}", code=2)
    found: list[tuple[str, Mark]] = []
    for where, probe in probes.items():
        if not isinstance(where, str) or not where:
            raise WalkinError(f"probes: a path or an address is a text, not {where!r:.60}", code=2)
        held = getattr(probe, "mark", probe)
        if isinstance(held, str):
            held = mark(held)
        elif isinstance(held, Mapping):
            unknown = [str(key) for key in held if key not in ("name", "group", "show", "labels", "color_map")]
            if unknown:
                raise WalkinError(f"probes[{where!r}]: a probe has no {', '.join(unknown)}", code=2)
            held = mark(**{"name": where, **held})
        if not isinstance(held, Mark):
            raise WalkinError(f"probes[{where!r}]: a Probe, a dict or a name is wanted, not {probe!r:.60}", code=2)
        found.append((where, held))
    return tuple(found)


def globs(hide: object) -> tuple[str, ...]:
    """What a script gives as `hide`."""
    given = (hide,) if isinstance(hide, str) else hide
    if not isinstance(given, Sequence) or not all(isinstance(each, str) and each for each in given):
        raise WalkinError(f"hide is a list of addresses with * and ?, not {hide!r:.60}", code=2)
    return tuple(given)


def _labels(what: str, labels: object) -> tuple[str, ...]:
    if labels is None:
        return ()
    if isinstance(labels, Mapping):
        if not all(type(channel) is int and channel >= 0 for channel in labels):
            raise WalkinError(f"{what}: labels by channel have numbers from 0 on as their keys", code=2)
        last = max(labels, default=-1)
        return tuple(str(labels.get(channel, "")) for channel in range(last + 1))
    if isinstance(labels, str) or not isinstance(labels, Sequence):
        raise WalkinError(f"{what}: labels is a list of texts, or texts by channel, not {labels!r:.60}", code=2)
    return tuple(map(str, labels))
