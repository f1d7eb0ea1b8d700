"""Torch without its compiler, which every optimiser imports though nothing here is compiled.

`torch.optim` asks `torch._dynamo` for two functions that do nothing outside of compilation, and so
loads it, symbolic algebra included: more than a second and about 70 MB, once a worker. A stand-in
with these two takes its place. Whoever asks the stand-in for anything else gets the real one.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch

_NAME = "torch._dynamo"


class _StandIn(ModuleType):
    """What optimisers ask of the compiler."""

    @staticmethod
    def disable(function: Callable[..., Any], *_options: object, **_more: object) -> Any:  # noqa: ANN401
        """Return the function: nothing would compile it."""
        return function

    @staticmethod
    def graph_break() -> None:
        """Do nothing: there is no graph."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name.startswith("__") and name != "__path__":  # that is wanted for what lies within
            raise AttributeError(name)
        if sys.modules.get(_NAME) is self:
            del sys.modules[_NAME]
        return getattr(importlib.import_module(_NAME), name)


def stay_eager() -> None:
    """Keep the compiler out of this process until somebody needs it; call it before training."""
    if _NAME not in sys.modules:
        stand_in = _StandIn(_NAME)
        sys.modules[_NAME] = stand_in
        torch._dynamo = stand_in
