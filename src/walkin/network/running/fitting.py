"""Fitting: where interventions go in a network as it is cut now, and why some have no place there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from torch import Tensor, nn

from walkin.closest import closest
from walkin.errors import WalkinError
from walkin.interventions import Intervention
from walkin.network.running.capture import Capture
from walkin.network.running.changes import Change, Changes, Unfit
from walkin.network.running.changing import along
from walkin.network.running.plan import Plan
from walkin.network.running.replay import Along, GraphChanged

Other = Callable[[Intervention], Tensor]
"""What the node of a swap gives for the other picture."""


def fitted(plan: Plan, wanted: Iterable[Intervention], other: Other) -> tuple[Changes, list[str]]:
    """Where interventions go, and of each why it has no place here: '' where it has one. `other` may raise Unfit."""
    shown = {each.address: each for each in plan.shown}
    found: dict[str, list[tuple[Intervention, Tensor | None]]] = {}
    problems: list[str] = []
    for each in wanted:
        node, problem, value = plan.network.giving(each.address), "", None
        if node is not None:
            each = replace(each, address=node.address)  # of a block, the wall that gives what it gives
        if node is None or each.address not in shown:
            close = closest(each.address, [one.address for one in plan.network if one.kind != "input"])
            hint = f"; did you mean {', '.join(close)}?" if close else ""
            problem = f"no wall {each.address} as the network is cut now{hint}"
        elif node.kind == "input":
            problem = "the input is no wall: feed another picture"
        elif each.channels and max(each.channels) >= node.maps:
            problem = f"it has {node.maps} channels, from 0 on"
        elif each.act == "swap":
            try:
                value = other(each)
                if tuple(value.shape) != node.shape:
                    problem = f"{each.picture_name} gives other shapes there"
            except Unfit as reason:
                problem = str(reason)
        if not problem:
            found.setdefault(each.address, []).append((each, value))
        problems.append(problem)
    changes = {
        address: Change(
            plan.network.by_address[address], shown[address], tuple(i for i, _ in each), tuple(v for _, v in each)
        )
        for address, each in found.items()
    }
    return Changes(changes), problems


def fails_with(picture: str, problem: Exception) -> Unfit:
    """Why the network gives nothing for the picture of a swap."""
    if isinstance(problem, GraphChanged):
        return Unfit(f"with {picture} the network goes another way: {problem}")
    reason = " ".join(f"{type(problem).__name__}: {problem}".split())[:160]
    return Unfit(f"the network fails on {picture}: {reason}")


def exactly(model: nn.Module, wanted: Sequence[Intervention]) -> Callable[[Plan], Along | None]:
    """What follows a forward of `model` with all these interventions; WalkinError for one that does not fit. The
    picture of a swap is the input itself: a tensor, or a tuple of all inputs."""

    def along_of(plan: Plan) -> Along | None:
        def other(each: Intervention) -> Tensor:
            given = each.picture if isinstance(each.picture, tuple) else (each.picture,)
            if not all(isinstance(part, Tensor) for part in given):
                raise Unfit("swap needs the other input as a tensor")
            found: dict[str, Tensor] = {}
            some = replace(plan, shown=tuple(shown for shown in plan.shown if shown.address == each.address))
            try:
                Capture(model, some).run(*given, on_output=lambda a, v: found.update({a: v.detach().clone()}))
            except Exception as problem:
                raise fails_with("the other input", problem) from problem
            return found[each.address]

        for each in wanted:
            if plan.network.giving(each.address) is None:
                plan.network.find(each.address)  # says which there are
        changes, problems = fitted(plan, wanted, other)
        for each, problem in zip(wanted, problems, strict=True):
            if problem:
                raise WalkinError(f"{each.where} does not fit: {problem}", code=2)
        return along(changes)

    return along_of
