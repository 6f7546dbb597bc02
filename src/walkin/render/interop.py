"""Interop: codes that lie in CUDA's memory go into a GL buffer there, without a way through the processor's memory.

A pixel-unpack buffer is registered with CUDA, mapped, written from device to device and unmapped; texels are then read
from it by GL (CUDA runtime API, "OpenGL Interoperability"). All of it on the thread that owns the GL context, without
torch: the worker hands over an address, a number of bytes, and the event that its last kernel is followed by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import moderngl
import numpy as np

from walkin.tiles import DeviceCodes

TRIAL = np.arange(256, dtype=np.uint8)  # sent through once, and read back: a driver's word alone is not taken
LEAST_BYTES = 1 << 20
ROOMY = 5 / 4  # a buffer that has to grow grows by more than it must, since to register one again takes a while


class Unusable(Exception):
    """Why codes cannot go this way; they go through the processor's memory instead."""


class Interop:
    """The way from one CUDA device's memory into buffers of one GL context."""

    def __init__(self, ctx: moderngl.Context, device: int):
        """Unusable, if this context is not drawn by that device, or anything else is in the way."""
        try:
            from cuda.bindings import runtime  # pyright: ignore[reportAttributeAccessIssue] - a compiled module
        except Exception as problem:  # not installed, or made for another driver
            raise Unusable(f"cuda.bindings: {problem}") from problem
        self._ctx = ctx
        self._cuda: Any = runtime
        self._device = device
        self._stream: Any = None
        self._buffer: moderngl.Buffer | None = None
        self._resource: Any = None
        number, found = self._call(runtime.cudaGLGetDevices, 8, runtime.cudaGLDeviceList.cudaGLDeviceListAll)
        if device not in [int(one) for one in found][: int(number)]:
            raise Unusable(f"the room is drawn by another device than cuda:{device}")
        self._call(runtime.cudaSetDevice, device)  # torch's context too: its addresses hold here
        self._stream = self._call(runtime.cudaStreamCreateWithFlags, runtime.cudaStreamNonBlocking)
        self._try()

    def stage(self, codes: DeviceCodes) -> moderngl.Buffer:
        """The buffer that now holds them, from its first byte on, until this is called again. Unusable, if not."""
        if codes.device != self._device:
            raise Unusable(f"codes of cuda:{codes.device} in a room that is drawn by cuda:{self._device}")
        cuda = self._cuda
        self._call(cuda.cudaStreamWaitEvent, self._stream, codes.ready, 0)
        return self._write(codes.address, codes.nbytes, cuda.cudaMemcpyKind.cudaMemcpyDeviceToDevice)

    def close(self) -> None:
        """Let the buffer go, while the context is there."""
        if self._resource is not None:
            self._cuda.cudaGraphicsUnregisterResource(self._resource)
        if self._stream is not None:
            self._cuda.cudaStreamDestroy(self._stream)
        self._resource = self._stream = self._buffer = None

    def _write(self, source: int, nbytes: int, kind: Any) -> moderngl.Buffer:
        cuda = self._cuda
        buffer = self._roomy_buffer(nbytes)
        self._call(cuda.cudaGraphicsMapResources, 1, self._resource, self._stream)
        try:
            pointer, _ = self._call(cuda.cudaGraphicsResourceGetMappedPointer, self._resource)
            self._call(cuda.cudaMemcpyAsync, int(pointer), source, nbytes, kind, self._stream)
        finally:
            self._call(cuda.cudaGraphicsUnmapResources, 1, self._resource, self._stream)
        # The worker gets its memory back when this returns: by then it must have been read.
        self._call(cuda.cudaStreamSynchronize, self._stream)
        return buffer

    def _roomy_buffer(self, nbytes: int) -> moderngl.Buffer:
        if self._buffer is None or self._buffer.size < nbytes:
            if self._resource is not None:
                self._call(self._cuda.cudaGraphicsUnregisterResource, self._resource)
                self._resource = None
            self._buffer = self._ctx.buffer(reserve=max(LEAST_BYTES, int(nbytes * ROOMY)), dynamic=True)
            flag = self._cuda.cudaGraphicsRegisterFlags.cudaGraphicsRegisterFlagsWriteDiscard
            self._resource = self._call(self._cuda.cudaGraphicsGLRegisterBuffer, self._buffer.glo, int(flag))
        return self._buffer

    def _try(self) -> None:
        """Known bytes, there and back through GL."""
        cuda = self._cuda
        buffer = self._write(TRIAL.ctypes.data, TRIAL.nbytes, cuda.cudaMemcpyKind.cudaMemcpyHostToDevice)
        if buffer.read(TRIAL.nbytes) != TRIAL.tobytes():
            raise Unusable("what CUDA writes into a buffer, OpenGL does not read there")

    def _call(self, function: Callable[..., tuple[Any, ...]], *arguments: Any) -> Any:
        """The function's value, or values; Unusable, if it reports an error."""
        try:
            error, *values = function(*arguments)
        except Exception as problem:  # the driver has not got it
            raise Unusable(f"{function.__name__}: {problem}") from problem
        if int(error) != 0:
            raise Unusable(f"{function.__name__}: {error.name}")
        return values[0] if len(values) == 1 else tuple(values)
