"""How a process starts and ends without the garbage collector, which would find nothing then.

`python -m emotion_hpo.runtime.start MODULE ARGUMENTS` runs `MODULE.main()`, as workers are started.

PyTorch, pandas and SciPy make a million objects while they are loaded, none of them garbage. The
collector goes through them again and again, and once more when the process ends: measured, half of
what a start costs.
"""

import atexit
import gc
import sys
from importlib import import_module

#: Objects made before a look at the young ones; Python's 700 suit programs of a hundredth the size.
_YOUNG = 100_000


def collect_seldom() -> None:
    """Let the garbage collector look seldom, and not at all when the process ends."""
    gc.set_threshold(_YOUNG)
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)


def main() -> None:
    """Load the module that the command line names, and run its `main` with the other arguments."""
    collect_seldom()
    del sys.argv[0]
    import_module(sys.argv[0]).main()


if __name__ == "__main__":
    main()
