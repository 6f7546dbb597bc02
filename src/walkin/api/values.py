"""Values: a network's graph and what its nodes give, without a room: trace, activations, difference."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from walkin.api.given import FOLDS, Module, Tensor, class_of, one_of
from walkin.asked import interventions_from
from walkin.errors import WalkinError
from walkin.graph import Network
from walkin.interventions import Intervention
from walkin.marks import globs, marks
from walkin.network.loading import opened
from walkin.network.running import capture, changes, fitting, replay
from walkin.network.running.comparing import compared
from walkin.readings import Changed
from walkin.requests import Open


def trace(
    model: Module | str,
    *example_inputs: Any,
    fold: str = "layers",
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Any] | None = None,
    hide: str | Sequence[str] = (),
) -> Network:
    """The graph of the path that these inputs take; of a network given by name, the path of a bundled photo. `probes`
    and `hide` as in `view`; what is wrong with them is in the graph's `notes`."""
    one_of("fold", fold, FOLDS)
    if isinstance(model, str):
        if example_inputs or kwargs:
            raise WalkinError("trace by name takes no inputs: build the network and give that", code=2)
        return opened.describe(Open(model, fold=fold, probes=marks(probes), hide=globs(hide)), lambda line: None)
    class_of(model)
    _called_with("trace", model, example_inputs, kwargs)
    named = dict(marks(probes))
    return capture.network(model, *example_inputs, fold=fold, kwargs=kwargs, probes=named, hide=globs(hide))


def activations(
    model: Module,
    *inputs: Any,
    nodes: str | Iterable[str] = "*",
    fold: str = "layers",
    kwargs: Mapping[str, Any] | None = None,
    probes: Mapping[str, Any] | None = None,
    interventions: Iterable[Intervention | str] = (),
) -> dict[str, Tensor]:
    """Copies of what each node whose address matches (`layer3.*`; several in a list) gave, exact, by address. A node
    that a probe has named is meant by that name, too.

    `interventions`: what is changed of the network's values, where it goes on with them: `walkin.Intervention`s, or
    texts: `"layer3.2/17=0"` takes a channel out, `"layer3.2/0,4-9=*0.5"` scales some, `"layer3.2=clamp:-1,1"` cuts a
    whole wall off. Of `Intervention(address, act="swap", picture=x)` the values for the input `x` are put in.
    """
    one_of("fold", fold, FOLDS)
    class_of(model)
    _called_with("activations", model, inputs, kwargs)
    wanted = interventions_from(interventions)
    try:
        return capture.activations(
            model,
            *inputs,
            nodes=nodes,
            fold=fold,
            kwargs=kwargs,
            probes=dict(marks(probes)),
            along_of=fitting.exactly(model, wanted),
        )
    except KeyError as problem:
        raise WalkinError(str(problem.args[0]) if problem.args else "no such node") from problem
    except changes.Unfit as problem:
        raise WalkinError(f"{problem.address} does not fit: {problem}", code=2) from problem
    except replay.GraphChanged as problem:
        if wanted:
            raise WalkinError(f"with what is changed the network goes another way ({problem})") from problem
        raise WalkinError(f"the network takes another path at every run ({problem}); seed it") from problem


def difference(
    model: Module,
    a: Any,
    b: Any = None,
    *,
    other: Module | None = None,
    interventions: Iterable[Intervention | str] = (),
    nodes: str | Iterable[str] = "*",
    fold: str = "layers",
) -> dict[str, Changed]:
    """How far two states of a network are from each other at each node, by address, in order of execution.

    A is `model` on the input `a`. B is the same on the input `b`, with other weights (`other`, a network of the same
    architecture), with `interventions`, or any of these together; what is not given is as in A. An input is a tensor,
    or a tuple of all inputs. Of each node: `relative`, the root mean square of A - B over the larger one of A and B,
    from 0 for the same up to 2, and `channels`, the same of each channel, over the wall's. The first one that is not 0
    is where they part; the values are those of `activations`.
    """
    one_of("fold", fold, FOLDS)
    if b is None and other is None and not interventions:
        raise WalkinError("difference: B is A; give b, other or interventions", code=2)
    one = a if isinstance(a, tuple) else (a,)
    two = one if b is None else b if isinstance(b, tuple) else (b,)
    graph = trace(model, *one, fold=fold)
    before = activations(model, *one, nodes=nodes, fold=fold)
    after = activations(other or model, *two, nodes=nodes, fold=fold, interventions=interventions)
    if strange := [each for each in before if each not in after or after[each].shape != before[each].shape]:
        more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
        raise WalkinError(f"A and B differ in the shapes of {', '.join(strange[:3])}{more}: there is no A - B")
    return {address: compared(graph.find(address), value, after[address])[1] for address, value in before.items()}


def _called_with(what: str, model: Module, inputs: tuple[Any, ...], kwargs: Mapping[str, Any] | None) -> None:
    """Refuse a call that has forgotten what the network is called with, unless that is nothing."""
    if inputs or kwargs:
        return
    with contextlib.suppress(ValueError):  # a forward that has no signature
        try:
            inspect.signature(model.forward).bind()
        except TypeError as problem:
            name = type(model).__name__
            raise WalkinError(f"{what}: give what {name} is called with: walkin.{what}(model, x)", code=2) from problem
