"""trace: runs a network once and says, operation by operation, what came from what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from walkin.errors import WalkinError
from walkin.network.devices import is_out_of_memory
from walkin.network.tracing.addresses import finished
from walkin.network.tracing.module_calls import listening
from walkin.network.tracing.order_only import trace_order
from walkin.network.tracing.recorder import Recorder
from walkin.network.tracing.recording import Call, Op, Place, Trace
from walkin.network.tracing.survey import Survey
from walkin.network.tracing.tensors import find_tensors
from walkin.network.tracing.undisturbed import undisturbed

if TYPE_CHECKING:
    from walkin.network.tracing.catching import Catch

__all__ = ["Call", "Op", "Place", "Trace", "trace"]


def trace(model: nn.Module, *inputs: Any, kwargs: Mapping[str, Any] | None = None, catch: Catch | None = None) -> Trace:
    """The graph of the one path that these inputs take through `model`. `catch` is told of all values on it."""
    survey = Survey.of(model)
    model = survey.model
    named = dict(kwargs or {})
    with undisturbed(survey, inputs, named):
        recorder = Recorder(survey, catch)
        try:
            before = survey.fillings()
            recorded = _record(recorder, inputs, named)
            # torchvision's detectors compute scales in their first forward, others fill caches: not in later ones.
            if survey.fillings() != before:
                recorder = Recorder(survey, catch)
                recorded = _record(recorder, inputs, named)
            return recorded
        except Exception as error:
            fault = error
            if catch is not None:
                catch.begin()
        # Was it the recording, or does the network not take these inputs?
        try:
            recorded = trace_order(survey, inputs, named)
        except Exception as error:
            raise _refusal(model, inputs, named, recorder.failed_at, error) from error
    note = f"branches unknown: only the order of the layers could be seen ({_one_line(fault)})"
    return Trace(**{**vars(recorded), "notes": (*recorded.notes, note)})


def _record(recorder: Recorder, inputs: tuple[Any, ...], named: dict[str, Any]) -> Trace:
    if recorder.catch is not None:
        recorder.catch.begin()
    recorder.add_inputs(inputs, named)
    with listening(recorder), recorder:
        output = recorder.survey.model(*inputs, **named)
    if recorder.catch is not None:
        recorder.catch.ended(output)
    return finished(recorder)


def _refusal(
    model: nn.Module, inputs: tuple[Any, ...], named: dict[str, Any], where: str | None, error: Exception
) -> WalkinError:
    """What the user can do about a network that does not run on these inputs."""
    shapes = ", ".join(_shape(t) for t in [*find_tensors(inputs), *find_tensors(named)]) or "no tensor"
    place = f" in {where}" if where else ""
    if is_out_of_memory(error):
        return WalkinError(
            f"{type(model).__name__}: not enough memory for an input of shape {shapes}; a smaller --input-size helps"
        )
    types = sorted({str(weights.dtype).removeprefix("torch.") for weights in model.parameters()})
    if len(types) > 1 and any(word in str(error) for word in ("type", "Half", "Float", "Double")):
        return WalkinError(
            f"{type(model).__name__} has weights of several types ({', '.join(types)}), which do not go together"
            f"{place}: model.float() makes them one; {_one_line(error)}"
        )
    return WalkinError(
        f"{type(model).__name__} does not run on an input of shape {shapes}: it failed{place} with "
        f"{_one_line(error)}; give --input-size [C,]HxW, "
        "or example inputs: --inputs FILE.py:FUNCTION, walkin.view(model, inputs=...)"
    )


def _shape(tensor: Tensor) -> str:
    return "x".join(str(extent) for extent in tensor.shape) or "scalar"


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
