"""Video memory: how much of the GPU's is free, as far as its driver says."""

from __future__ import annotations

import ctypes

import moderngl

from walkin.gl import library
from walkin.render.surface import is_software

USUAL_BYTES = 10**9
LEAST_BYTES = 10**8
# Registry: GL_NVX_gpu_memory_info, GL_ATI_meminfo; both in kilobytes, the second as four numbers, the first of which is
# what is free in all.
CURRENT_AVAILABLE_VIDMEM_NVX, TEXTURE_FREE_MEMORY_ATI = 0x9049, 0x87FC


def free_bytes(ctx: moderngl.Context) -> int | None:
    """None where the driver does not say."""
    gl, numbers = library(), (ctypes.c_int * 4)()
    if gl is None:
        return None
    if "GL_NVX_gpu_memory_info" in ctx.extensions:
        gl.glGetIntegerv(CURRENT_AVAILABLE_VIDMEM_NVX, numbers)
    elif "GL_ATI_meminfo" in ctx.extensions:
        gl.glGetIntegerv(TEXTURE_FREE_MEMORY_ATI, numbers)
    else:
        return None
    return max(0, numbers[0]) * 1024 or None


def usual_limit(ctx: moderngl.Context) -> int:
    """Bytes that walls may take if nobody says how many: half of what is free, the rest is the network's; 1 GB where
    that is not known, and where it is the processor's memory."""
    free = None if is_software(ctx) else free_bytes(ctx)
    return USUAL_BYTES if free is None else max(LEAST_BYTES, free // 2)
