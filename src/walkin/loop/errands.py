"""Errands: which requests are jobs of networks, what each is called, and how it stands to others that wait."""

from __future__ import annotations

from dataclasses import dataclass

from walkin.export_request import Export
from walkin.requests import (
    Compare,
    Detail,
    Exemplify,
    Feed,
    Intervene,
    LookThrough,
    Measure,
    Open,
    Refold,
    Slice,
    TakeBack,
    Visualise,
    Weigh,
)
from walkin.state.findings import EVIDENCE, EXEMPLARS
from walkin.state.growth import GROWING


@dataclass(frozen=True)
class Errand:
    """A kind of job."""

    job: str
    """What it is called in progress and results."""
    function: str
    """Of network.jobs."""
    newest: bool = True
    """Whether it takes the place of one of its kind, for the same network, that is under way or waits."""
    patient: bool = False
    """Whether it lets others through between two steps."""
    rests: bool = False
    """Whether the visitor can have it rest."""


ERRANDS: dict[type, Errand] = {
    Open: Errand("open", "open_network"),
    Feed: Errand("feed", "feed"),
    TakeBack: Errand("put_back", "take_back"),
    Intervene: Errand("reach", "intervene"),
    Compare: Errand("compare", "compare"),
    Refold: Errand("fold", "refold"),
    Detail: Errand("detail", "sharpen"),
    Slice: Errand("slice", "cut"),
    Measure: Errand("measure", "measure"),
    Weigh: Errand("weigh", "weigh"),
    Export: Errand("export", "export"),
    Visualise: Errand(GROWING, "visualise", newest=False, patient=True, rests=True),
    LookThrough: Errand(EVIDENCE, "look_through", patient=True, rests=True),
    Exemplify: Errand(EXEMPLARS, "exemplify", patient=True),
}


def job_name(what: str, network: str) -> str:
    return f"{what} {network}".rstrip()
