"""Whether two views of one storage can share an element: what decides whose value an in-place write changes."""

from __future__ import annotations

from torch import Tensor


def storage_key(tensor: Tensor) -> int:
    """Identity of the memory below `tensor` while it lives, 0 if it has none (sparse, nested)."""
    try:
        return tensor.untyped_storage()._cdata
    except (RuntimeError, NotImplementedError):
        return 0


def overlaps(one: Tensor, other: Tensor) -> bool:
    """False only if no element of `one` is one of `other`; both lie in the same storage."""
    first, last = _extent(one)
    other_first, other_last = _extent(other)
    if last < other_first or other_last < first:
        return False
    if one.element_size() != other.element_size() or one.stride() != other.stride():
        return True
    # Element i of one is element j of the other if the strides times (i - j) make up the distance of the starts.
    axes = [
        (stride, 1 - theirs, ours - 1)
        for stride, ours, theirs in zip(one.stride(), one.shape, other.shape, strict=True)
        if stride > 0
    ]
    return _meet(int(other.storage_offset() - one.storage_offset()), sorted(axes, reverse=True))


def covers(one: Tensor, other: Tensor) -> bool:
    """True only if every element of `other` is one of `one`: a dense view whose extent holds the other's."""
    first, last = _extent(one)
    other_first, other_last = _extent(other)
    dense = (last - first + 1) == one.numel() * one.element_size()
    return dense and first <= other_first and other_last <= last


def _extent(tensor: Tensor) -> tuple[int, int]:
    """First and last byte, counted from the start of the storage."""
    size = tensor.element_size()
    first = int(tensor.storage_offset()) * size
    if tensor.numel() == 0:
        return first, first - 1
    reach = sum((extent - 1) * stride for extent, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return first, first + reach * size + size - 1


def _meet(distance: int, axes: list[tuple[int, int, int]]) -> bool:
    """Whether steps, `low` to `high` of each stride, add up to `distance`; strides from the largest down."""
    if not axes:
        return distance == 0
    (stride, low, high), rest = axes[0], axes[1:]
    rest_low = sum(step * least for step, least, _ in rest)
    rest_high = sum(step * most for step, _, most in rest)
    first = max(low, -((rest_high - distance) // stride))
    last = min(high, (distance - rest_low) // stride)
    return any(_meet(distance - stride * steps, rest) for steps in range(first, last + 1))
