"""Freed memory is kept for the next step instead of being given back to the system.

A training step allocates and frees the same large activations every time. The C library maps each
of them anew, and the system then clears page after page: measured on the networks here, a fifth to
a third of a step on a CPU. Kept, the memory costs nothing but the difference between a step's peak
and its end. Only the few largest blocks are mapped, for between them the kept ones leave holes that
nothing fits: some 40 MB in an epoch.

oneDNN, too, keeps the kernels that it compiles, one for every length of a batch, a thousand by its
own default: that is 60 to 80 MB after an epoch. The latest two dozen are as fast.
"""

import ctypes
import os
import sys

# Options and values of glibc's mallopt(3)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_NEVER, _LARGEST = 2**31 - 1, 32 * 2**20


def keep_freed_memory() -> bool:
    """Set this process's allocator so; call it once, before training. True where it is known."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "24")  # read at its first use
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    done = [mallopt(_MMAP_THRESHOLD, _LARGEST), mallopt(_TRIM_THRESHOLD, _NEVER)]
    return all(done)
