"""Far: a studio whose batches are made by the workers of a Ray cluster."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from walkin.network.featurevis.cache import Cache, Keys, size_text
from walkin.network.featurevis.cluster import Asked, Cluster
from walkin.network.featurevis.growing import Clock, Results
from walkin.network.featurevis.parcel import Parcel, packed
from walkin.network.featurevis.sharing import Share
from walkin.network.featurevis.studio import Request, Studio
from walkin.network.feeding.pictures import read_picture
from walkin.results import Notice, Progress


@dataclass
class Far:
    """A studio whose batches are made elsewhere."""

    cluster: Cluster
    studio: Studio
    kind: str
    half: bool

    @classmethod
    def of(cls, asked: Asked, studio: Studio, half: bool | None) -> Far:
        """half: as in `growing.visualise`, for what the workers compute on."""
        cluster = Cluster.find(asked)
        try:
            kind = cluster.kind()
        except BaseException:
            cluster.leave()
            raise
        gains = kind == "cuda" and studio.loaded.dtype == torch.float32
        return cls(cluster, studio, kind, gains if half is None else half and kind == "cuda")

    def made(
        self,
        missing: list[Request],
        seed: int,
        cache: Cache | None,
        keys: Keys,
        batch: int,
        clock: Clock,
        network: str,
    ) -> Results:
        """All that is missing, as it is finished."""
        if not missing:
            return
        label = f"{self.studio.loaded.name}: sending it to {self.cluster.words()}"
        yield Progress("featurevis", label, None, network=network)
        parcel = self._parcel(missing, seed, keys)
        self.cluster.enter(parcel.bytes)
        share = Share.of(self.cluster, self.kind, self.studio, parcel, missing, cache, batch, clock, network)
        yield Notice(self._introduction(share), network=network)
        yield from share.results()

    def _introduction(self, share: Share) -> str:
        slots, hosts, threads = sum(room.slots for room in share.rooms), len(share.rooms), share.threads
        each = "a GPU's half each" if self.kind == "cuda" else f"{threads} thread{'s' * (threads != 1)} each"
        source = "this walkin is sent along" if self.cluster.sends_source else "walkin as it is installed there"
        return (
            f"Ray: {slots} worker{'s' * (slots != 1)} on {hosts} node{'s' * (hosts != 1)} of {self.cluster.words()}, "
            f"{each}; {source}; network and weights: {size_text(share.parcel.bytes)}"
        )

    def close(self) -> None:
        self.cluster.leave()

    def _parcel(self, missing: list[Request], seed: int, keys: Keys) -> Parcel:
        files = dict.fromkeys(request.objective.photo for request in missing if request.objective.photo)
        photos = {file: read_picture(file).pixels for file in files}
        studio = self.studio
        return Parcel(packed(studio.loaded), studio.recipe, seed, keys, self.half, studio.table, photos)
