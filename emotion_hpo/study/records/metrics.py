"""Fields of records for every metric of the registry, so that a new one needs none by hand.

They are optional: a file that was written before a metric was added is read, with nothing there.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, create_model

from emotion_hpo.metrics.registry import METRICS
from emotion_hpo.study.records.base import Part


def with_metrics(name: str, base: type[Part], kinds: Mapping[str, Any]) -> type[Part]:
    """Return a part of a record with optional fields for the metrics that its base does not name.

    Args:
        name: Of the part.
        base: Fields that the code reads by name.
        kinds: What is added to a metric's name → type of that field.
    """
    fields: dict[str, Any] = {
        f"{metric.name}{ending}": (kind | None, Field(None, description=f"of the {metric.label}"))
        for metric in METRICS.values()
        for ending, kind in kinds.items()
        if f"{metric.name}{ending}" not in base.model_fields
    }
    return create_model(name, __base__=base, **fields)
