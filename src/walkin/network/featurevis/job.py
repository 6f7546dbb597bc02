"""The job of visualisations in the room: pictures for what is wanted of a network, which grow while others are done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from walkin.errors import WalkinError
from walkin.mailbox import Emit
from walkin.network.feeding.live import LOOK_S
from walkin.network.sessions import Sessions, session_of
from walkin.requests import Visualise
from walkin.results import Result
from walkin.visualised import Grown


def visualise(
    sessions: Sessions, request: Visualise, emit: Emit, resting: Callable[[], bool] = lambda: False
) -> Iterator[Result | None]:
    """Pictures for what is wanted of a network; those that were made before come at once. While `resting()`, nothing is
    done, and nothing of what was done is lost."""
    from walkin.network.featurevis import growing
    from walkin.network.featurevis.cache import Cache
    from walkin.network.featurevis.recipe import named
    from walkin.network.featurevis.studio import Studios
    from walkin.network.showing.grown_tiles import grown_tiles

    session = session_of(sessions, request.network)
    if session is None or session.loaded is None:
        raise WalkinError("no network to visualise yet: open one first")
    recipe = named(request.recipe).with_(**dict(request.changes))
    studios = session.studios = session.studios or Studios()
    for result in growing.visualise(
        session.loaded,
        request.objectives,
        recipe,
        request.seed,
        cache=Cache(),
        network=request.network,
        studios=studios,
    ):
        yield grown_tiles(result) if isinstance(result, Grown) else result
        while resting():
            time.sleep(LOOK_S)
            yield None
