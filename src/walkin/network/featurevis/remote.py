"""Remote: what runs in the processes of a Ray cluster, and crosses to them as code."""

from __future__ import annotations

from typing import Any


def task() -> Any:
    """What a worker runs. A function inside a function crosses as code: it can then say what cannot be imported."""

    def featurevis(parcels: list[Any], content: bytes, tally: Any, here: str) -> tuple[str, Any]:
        import pickle
        import sys

        import ray

        node = ray.get_runtime_context().get_node_id()
        try:
            from walkin._version import __version__ as there

            if there != here:
                return node, f"walkin {there} is there, {here} here"
            from walkin.network.featurevis import errand
        except Exception as problem:
            reason = (str(problem).splitlines() or [""])[0]
            return node, f"Python {sys.version.split()[0]} there: {type(problem).__name__}: {reason}"
        number = pickle.loads(content).number

        def report(step: int) -> None:
            tally.report.remote(number, node, step)

        return node, errand.run(content, lambda: ray.get(parcels[0]), report)

    return featurevis


def tally() -> Any:
    """Who keeps the steps that are done; crosses as code, too, and needs nothing but Python."""

    class Tally:
        def __init__(self) -> None:
            self.steps: dict[int, tuple[str, int]] = {}

        def report(self, number: int, node: str, step: int) -> None:
            self.steps[number] = node, step

        def read(self) -> dict[int, tuple[str, int]]:
            return self.steps

    return Tally
