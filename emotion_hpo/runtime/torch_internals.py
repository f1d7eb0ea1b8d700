"""All that this package takes from PyTorch's private names; tried on torch 2.13.

The compiler: `torch.optim` loads `torch._dynamo` for two functions that do nothing outside of
compilation, symbolic algebra included: more than a second and about 70 MB, once a worker, though
nothing here is compiled. PyTorch has no public switch. A stand-in with these two takes its place;
whoever needs anything else of the compiler gets the real one.

The processor's bfloat16: `torch.cpu.get_capabilities` tells it publicly, but not yet in torch 2.6,
which this package still takes.

`tests/runtime/test_torch_internals.py` fails where PyTorch changes any of it.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

_NAME = "torch._dynamo"


class _StandIn(ModuleType):
    """What optimisers need of the compiler."""

    @staticmethod
    def disable(function: Callable[..., Any], *_options: object, **_more: object) -> Any:  # noqa: ANN401
        """Return the function: nothing would compile it."""
        return function

    @staticmethod
    def graph_break() -> None:
        """Do nothing: there is no graph."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__") and name != "__path__":  # that is read for what lies within
            raise AttributeError(name)
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return getattr(importlib.import_module(_NAME), name)


def stay_eager() -> None:
    """Keep the compiler out of this process until it is needed; call it before any optimiser."""
    if _NAME not in sys.modules:
        stand_in = _StandIn(_NAME)
        sys.modules[_NAME] = stand_in
        torch._dynamo = stand_in


def multiplies_bfloat16() -> bool:
    """Return whether this processor multiplies matrices of bfloat16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
