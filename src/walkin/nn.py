"""walkin.nn: modules that say what of a network is to be seen. They compute nothing, and a network may keep them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.marks import Mark, Tracked, mark

__all__ = ["Probe", "TrackerModule"]


class Probe(nn.Module):
    """Gives what it is given, and names that value for walkin.

    The value has a wall, also where walkin would show it together with what follows (a convolution before its norm).
    `group`: what lies before it, back to the probes before it or the input, is grouped under this name. `show=False`:
    all that is one wall, this one. `labels`: a name for each channel, or for some of them `{channel: name}`.
    `color_map`: signed, unsigned or grey for this wall, whatever the others have.

    It has no parameters, no buffers and no state: checkpoints of a network with and without it are the same, since its
    attribute in the network is no key of a state dict. In an nn.Sequential it is counted like any module: put it last,
    or name the point from outside, `walkin.view(model, probes={"layer3.2": Probe(...)})`, or its successors get
    other numbers.
    """

    def __init__(
        self,
        name: str,
        group: str | None = None,
        show: bool = True,
        labels: Sequence[str] | Mapping[int, str] | None = None,
        color_map: str | None = None,
    ) -> None:
        super().__init__()
        self.mark: Mark = mark(name, group, show, labels, color_map)

    def forward(self, x: Tensor) -> Tensor:
        return x

    def extra_repr(self) -> str:
        return repr(self.mark.name) + (f", group={self.mark.group!r}" if self.mark.group else "")


class TrackerModule(nn.Identity):
    """A point that is shown, annotated as DeepVisionVR asks for it: models written for that open in walkin.

    As soon as a network has one that is called, only these are shown, as their authors put them: `pos` is (stage,
    lane), `layer_name` stands on the wall, `precursors` are the `pos` that ribbons come from, `tracked_module` is what
    the weights' histogram is of, and with `ignore_activation` the name alone is shown, as text beside the way.
    "(display_classnames)" in a name puts the network's classes on its channels. `walkin view --fold ops` shows all
    operations all the same.

    DeepVisionVR's own class of this name is known too, so a model need not be changed (its public server, revision
    b06751e: an identity whose dictionary `meta` has these names).
    """

    def __init__(
        self,
        pos: Sequence[int],
        layer_name: str,
        tracked_module: nn.Module | None = None,
        precursors: Iterable[Sequence[int]] = (),
        ignore_activation: bool = False,
    ) -> None:
        super().__init__()
        # In a dictionary, so that the module that is tracked is no child of this one: state dicts stay what they are.
        self.meta: dict[str, Any] = {
            "pos": pos,
            "layer_name": layer_name,
            "tracked_module": tracked_module,
            "precursors": list(precursors),
            "ignore_activation": bool(ignore_activation),
        }
        tracked_mark(self)


def tracked_mark(module: nn.Module, paths: Mapping[int, str] | None = None) -> Mark:
    """What a tracker says; `paths`: of all modules, by their ids. WalkinError for what cannot be meant."""
    meta: Mapping[str, Any] = module.meta  # type: ignore[assignment]
    name = str(meta.get("layer_name", "") or "").strip()
    try:
        stage, lane = (int(number) for number in meta["pos"])
        precursors = tuple((int(one), int(two)) for one, two in meta.get("precursors") or ())
    except (KeyError, TypeError, ValueError):
        raise WalkinError(
            f"tracker {name!r}: pos is (stage, lane) and precursors is a list of such pairs, not "
            f"{meta.get('pos')!r:.40} and {meta.get('precursors')!r:.60}",
            code=2,
        ) from None
    of = (paths or {}).get(id(meta.get("tracked_module")), "")
    tracked = Tracked(stage, lane, precursors, bool(meta.get("ignore_activation")), of)
    return Mark(name or f"{stage}, {lane}", tracked=tracked)


def is_tracker(module: nn.Module) -> bool:
    """Whether a module is a TrackerModule, ours or DeepVisionVR's own."""
    meta = getattr(module, "meta", None)
    return type(module).__name__ == "TrackerModule" and isinstance(meta, dict) and "pos" in meta
