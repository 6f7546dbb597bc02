"""Known: what real pictures reach on channels, to stand beside what the pictures that are made reach."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from walkin.evidence import Evidence
from walkin.network.evidence.collection import collect
from walkin.network.evidence.looking import Looked, look
from walkin.network.featurevis.aim import aim, has_peak
from walkin.network.featurevis.cache import Cache
from walkin.network.featurevis.objective import Objective
from walkin.network.feeding.datasets import open_pictures
from walkin.network.feeding.gallery import Gallery
from walkin.network.loading.loaded import Loaded
from walkin.picture_source import source_to_json
from walkin.state.findings import Figures, figures
from walkin.visualised import Beside, Visualised


@dataclass(frozen=True)
class Known:
    """Of one network and one collection of pictures."""

    evidence: Evidence
    channels: dict[str, tuple[str, int]]
    """By objective: the node and channel that it is about, of those that are about one."""

    @classmethod
    def of(
        cls, loaded: Loaded, images: Any, objectives: Sequence[Objective], cache: Cache | None
    ) -> Generator[Any, None, Known]:
        """Looks through them, or knows from the cache. `images`: a folder, the name of a data set, or one in Python."""
        gallery, spec = Gallery(), images
        if not isinstance(images, str):
            spec = type(images).__name__
            gallery.add(spec, open_pictures(spec, images))
        pictures = yield from collect(spec, gallery)
        looked = yield from look(loaded, pictures, cache)
        return cls(looked.evidence, _channels(objectives, looked))

    def figures(self, one: Visualised) -> Figures | None:
        """None where nothing is known, or a picture is of no single channel."""
        if one.peak is None or one.objective not in self.channels:
            return None
        return figures(self.evidence, *self.channels[one.objective], one.peak)

    def beside(self, one: Visualised) -> Beside | None:
        """The same for files and scripts."""
        found = self.figures(one)
        if found is None:
            return None
        address, channel = self.channels[one.objective]
        reached = self.evidence.nodes[address]
        best = zip(reached.pictures[channel].tolist(), reached.values[channel].tolist(), strict=True)
        return Beside(
            images=found.count,
            of=self.evidence.title,
            largest=_finite(found.largest),
            median=_finite(found.median),
            peak_over_largest=_finite(found.over_largest),
            peak_over_median=_finite(found.over_median),
            fired=round(found.share, 6),
            fires=found.rule,
            before_relu6=found.capped,
            top=tuple((self.evidence.sources[number], value) for number, value in best if number >= 0),
        )


def as_json(beside: Beside) -> dict[str, Any]:
    told = {name: getattr(beside, name) for name in beside.__dataclass_fields__ if name != "top"}
    top = [{"image": source_to_json(source), "value": value} for source, value in beside.top]  # type: ignore[arg-type]
    return {**told, "top": top}


def _channels(objectives: Sequence[Objective], looked: Looked) -> dict[str, tuple[str, int]]:
    by_place = {shown.place: address for address, (_, shown) in looked.reach.addresses.items()}
    found = {}
    for objective in objectives:
        part = (one := aim(objective, looked.reach)).parts[0]
        if has_peak(one) and part.place in by_place:
            found[str(objective)] = by_place[part.place], part.term.channel
    return found


def _finite(value: float | None) -> float | None:
    """JSON has neither NaN nor infinity."""
    return value if value is not None and math.isfinite(value) else None
