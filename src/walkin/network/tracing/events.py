"""What counts as an event of a forward pass: recording and re-running must count alike, operation by operation."""

from __future__ import annotations

from typing import Any

# Questions about a tensor: asked in great number, by models that look at shapes, and not always in the same number.
_QUERIES = frozenset(
    """size dim ndimension numel nelement stride storage_offset is_floating_point is_complex is_contiguous is_signed
    element_size get_device data_ptr __len__ __hash__ __repr__ __str__ __format__ __bool__ __index__ untyped_storage
    storage _typed_storage is_nonzero is_pinned is_shared has_names register_hook retain_grad __contains__ __dir__
    is_same_size is_inference is_set_to sparse_dim dense_dim result_type can_cast promote_types _is_view is_tensor
    is_storage is_conj is_neg is_distributed _assert _set_grad_enabled set_grad_enabled is_grad_enabled
    get_default_dtype get_default_device has_names backward _nested_tensor_size manual_seed seed initial_seed
    _is_functorch_wrapped_tensor _is_zerotensor finfo iinfo""".split()
)
_TENSOR_PROPERTIES = frozenset({"T", "mT", "H", "mH", "real", "imag", "data"})

_WHERE_TRAINING = frozenset(
    """dropout dropout_ dropout1d dropout2d dropout3d feature_dropout feature_dropout_ alpha_dropout alpha_dropout_
    feature_alpha_dropout feature_alpha_dropout_ rrelu rrelu_ multi_head_attention_forward""".split()
)
DRAWING = _WHERE_TRAINING | frozenset(
    """rand rand_like randn randn_like randint randint_like randperm normal normal_ uniform_ bernoulli bernoulli_
    random_ multinomial poisson binomial exponential_ geometric_ cauchy_ log_normal_ _standard_gamma _sample_dirichlet
    gumbel_softmax native_dropout scaled_dot_product_attention""".split()
)
"""Names of the events that may draw random numbers."""


def event_name(func: Any) -> str | None:
    """Name of the operation, None for a mere question about a tensor."""
    name = getattr(func, "__name__", None)
    if name is None:
        return type(func).__name__
    if name in _QUERIES:
        return None
    if name == "__get__":
        name = getattr(getattr(func, "__self__", None), "__name__", "")
        return name if name in _TENSOR_PROPERTIES else None
    if name == "__set__":
        return name if getattr(getattr(func, "__self__", None), "__name__", "") == "data" else None
    return name


def draws(name: str, args: Any, kwargs: Any) -> bool:
    """Whether an operation, by its event's name, draws random numbers when it is called so."""
    if name not in DRAWING:
        return False
    kwargs = kwargs or {}
    if name == "scaled_dot_product_attention":
        return bool(kwargs.get("dropout_p", args[4] if len(args) > 4 else 0.0))
    return name not in _WHERE_TRAINING or bool(kwargs.get("training", True))
