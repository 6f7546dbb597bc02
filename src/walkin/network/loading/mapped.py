"""Mapped: the tensors of a .safetensors file as they lie in it, without a copy, and without a pause for each.

Most of torch's calls let other threads have the interpreter, and get it back when those are done with it. The library's
own reader makes several for each tensor, and beside frames most of its time goes by waiting. Here there is none.

The format (https://github.com/huggingface/safetensors, README): the length of the header, 8 bytes with the smallest
first; the header, JSON, of each tensor its type, shape, and where it begins and ends in what follows.
"""

from __future__ import annotations

import json
import mmap
from pathlib import Path

import numpy as np
import torch

_LENGTH_BYTES = 8
_TYPES = {
    "F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16,
    "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def mapped(path: Path) -> dict[str, torch.Tensor] | None:
    """By name, for a file that was found to be a valid one; None if it holds what numpy has no type for. What is
    written to them does not reach the file."""
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    data = _LENGTH_BYTES + int.from_bytes(memory[:_LENGTH_BYTES], "little")
    header = json.loads(memory[_LENGTH_BYTES:data])
    found: dict[str, torch.Tensor] = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, (begin, end) = _TYPES.get(entry["dtype"]), entry["data_offsets"]
        if kind is None or (data + begin) % np.dtype(kind).itemsize:
            return None
        count = (end - begin) // np.dtype(kind).itemsize
        values = np.frombuffer(memory, kind, count, data + begin) if count else np.empty(0, kind)
        found[name] = torch.from_numpy(values.reshape(entry["shape"]))
    return found
